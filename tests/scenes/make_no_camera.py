# SPDX-License-Identifier: Apache-2.0
"""No camera: Blender refuses with "Cannot render, no camera" and exit status 1."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402


def build(scene):
    stage.add_ball_room(scene)
    scene.camera = None


stage.make(build)
