# SPDX-License-Identifier: Apache-2.0
"""Asks for the denoiser. A build without it (as Debian 12 has) fails; any other renders."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402


def build(scene):
    stage.add_ball_room(scene)
    stage.set_denoising(scene, True)


stage.make(build)
