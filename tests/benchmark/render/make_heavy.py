# SPDX-License-Identifier: Apache-2.0
"""One frame of many samples: nearly all of it runs on all cores."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scenes"))
import stage  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 10)
    stage.set_size(scene, 480, 320, samples=120)
    stage.add_ball_room(scene)


stage.make(build)
