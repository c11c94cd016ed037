# SPDX-License-Identifier: Apache-2.0
"""A texture that is not there: Blender renders it pink and exits with 0."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402

import bpy  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 10)
    stage.add_ball_room(scene)
    image = bpy.data.images.new("Wood", 8, 8)
    image.source = "FILE"
    image.filepath = "//textures/wood of oak.png"
    surface = stage.material("Wooden", (1, 1, 1))
    node = surface.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    shader = next(one for one in surface.node_tree.nodes if one.type == "BSDF_PRINCIPLED")
    surface.node_tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    stage.add_ball(scene, "Textured", 0.3, surface)


stage.make(build)
