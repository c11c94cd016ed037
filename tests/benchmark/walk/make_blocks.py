# SPDX-License-Identifier: Apache-2.0
"""Saves a .blend of 10,000 data-blocks: blender -b --factory-startup -P make_blocks.py -- FILE VERTICES."""
import os
import sys

import bpy

TEXTURES, GROUPS, MATERIALS, THINGS = 1000, 500, 2000, 3000  # with a mesh for each thing and an action for some: 10,000


def texture(number, directory):
    image = bpy.data.images.new(f"Texture {number}", 4, 4)
    image.filepath_raw, image.file_format = f"{directory}/textures/{number}.png", "PNG"
    image.save()
    image.filepath = f"//textures/{number}.png"
    return image


def group(number):
    made = bpy.data.node_groups.new(f"Group {number}", "ShaderNodeTree")
    first, second = made.nodes.new("ShaderNodeRGB"), made.nodes.new("ShaderNodeInvert")
    made.links.new(first.outputs[0], second.inputs["Color"])
    return made


def material(number, textures, groups):
    made = bpy.data.materials.new(f"Material {number}")
    made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    image = nodes.new("ShaderNodeTexImage")
    image.image = textures[number % TEXTURES]
    nodes.new("ShaderNodeGroup").node_tree = groups[number % GROUPS]
    links.new(image.outputs[0], next(node for node in nodes if node.type == "BSDF_PRINCIPLED").inputs["Base Color"])
    return made


def thing(number, materials, vertices):
    mesh = bpy.data.meshes.new(f"Mesh {number}")
    mesh.from_pydata([(at % 50, at // 50, number) for at in range(vertices)], [],
                     [(at, at + 1, at + 2) for at in range(0, vertices - 2, 3)])
    mesh.materials.append(materials[number % MATERIALS])
    made = bpy.data.objects.new(f"Thing {number}", mesh)
    bpy.context.scene.collection.objects.link(made)
    made.modifiers.new("Bevel", "BEVEL")
    if number < 10000 - TEXTURES - GROUPS - MATERIALS - 2 * THINGS:
        made.keyframe_insert("location", frame=1)
        made.keyframe_insert("location", frame=9)


path, vertices = sys.argv[-2], int(sys.argv[-1])
os.makedirs(f"{os.path.dirname(path)}/textures", exist_ok=True)
textures = [texture(number, os.path.dirname(path)) for number in range(TEXTURES)]
groups = [group(number) for number in range(GROUPS)]
materials = [material(number, textures, groups) for number in range(MATERIALS)]
for number in range(THINGS):
    thing(number, materials, vertices)
bpy.context.scene.camera = bpy.data.objects["Camera"]
bpy.context.scene.render.engine, bpy.context.scene.cycles.use_denoising = "CYCLES", False
bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False, compress=False)
