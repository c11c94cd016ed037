# SPDX-License-Identifier: Apache-2.0
"""A frame of some seconds, so that a test can look at a running job and end it."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 100)
    stage.set_size(scene, 160, 160, samples=200)
    stage.add_ball_room(scene)


stage.make(build)
