# SPDX-License-Identifier: Apache-2.0
"""Writes a movie: Blender would render it, and no frame would come out."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 10)
    stage.add_ball_room(scene)
    stage.set_movie_output(scene)


stage.make(build)
