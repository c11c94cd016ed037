# SPDX-License-Identifier: Apache-2.0
"""Many frames with cheap shading and a lot of geometry: most of a frame is spent on one core, before it renders."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scenes"))
import stage  # noqa: E402

import bpy  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 100)
    stage.set_size(scene, 128, 96, samples=1)
    stage.add_ball_room(scene)
    bpy.ops.mesh.primitive_monkey_add(size=1, location=(0, 0, 1.2))
    monkey = bpy.context.object
    monkey.modifiers.new("Subdivision", "SUBSURF").render_levels = 3
    wave = monkey.modifiers.new("Wave", "WAVE")
    wave.height, wave.time_offset = 0.2, -5


stage.make(build)
