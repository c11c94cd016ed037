# SPDX-License-Identifier: Apache-2.0
"""A ball with the picture "paint.png" beside the .blend, which others may change."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402

import bpy  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 10)
    stage.add_ball_room(scene)
    image = bpy.data.images.new("Paint", 8, 8)
    image.source = "FILE"
    image.filepath = "//paint.png"
    surface = stage.material("Painted", (1, 1, 1))
    node = surface.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    shader = next(n for n in surface.node_tree.nodes if n.type == "BSDF_PRINCIPLED")
    surface.node_tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    stage.add_ball(scene, "Textured", 0.8, surface, (0, -2, 1))


stage.make(build)
