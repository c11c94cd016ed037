# SPDX-License-Identifier: Apache-2.0
"""Nothing but the camera moves: geometry and its tree could be kept from frame to frame."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scenes"))
import stage  # noqa: E402

import bpy  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 100)
    stage.set_size(scene, 160, 120, samples=6)
    stage.add_ball_room(scene)
    scene.objects["Ball"].animation_data_clear()
    for x in range(-1, 2):
        for y in range(0, 2):
            bpy.ops.mesh.primitive_monkey_add(size=0.7, location=(x * 1.2, y * 1.2, 0.6))
            bpy.context.object.modifiers.new("Subdivision", "SUBSURF").render_levels = 2
    camera = scene.camera
    for frame, x in ((1, -1.0), (100, 1.0)):
        camera.location.x = x
        camera.keyframe_insert("location", frame=frame)


stage.make(build)
