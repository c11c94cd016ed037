# SPDX-License-Identifier: Apache-2.0
"""A cube and a cloth that fall, not baked: each frame follows from the one before it."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402

import bpy  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 20)
    stage.set_size(scene, 64, 48, samples=2)
    stage.add_ball_room(scene)
    bpy.ops.mesh.primitive_cube_add(size=1, location=(0, 0, 3))
    bpy.ops.rigidbody.object_add()
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=10, y_subdivisions=10, size=2, location=(0.5, 0.5, 2.5))
    bpy.ops.object.modifier_add(type="CLOTH")


stage.make(build)
