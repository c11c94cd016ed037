# SPDX-License-Identifier: Apache-2.0
"""A frame in about a tenth of a second: 32x32, one sample. Animated over frames 1 to 100."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 100)
    stage.add_ball_room(scene)


stage.make(build)
