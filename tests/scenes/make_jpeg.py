# SPDX-License-Identifier: Apache-2.0
"""The tiny scene as JPEG."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 100)
    stage.set_output(scene, "JPEG")
    stage.add_ball_room(scene)


stage.make(build)
