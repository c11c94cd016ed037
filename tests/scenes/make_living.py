# SPDX-License-Identifier: Apache-2.0
"""What a Blender that stays could get wrong: geometry, visibility, materials, light, world, camera and volume change."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402

import bpy  # noqa: E402


def keys(owner, path, values):
    for frame, value in values:
        setattr(owner, path, value)
        owner.keyframe_insert(path, frame=frame)


def smoke(scene):
    bpy.ops.mesh.primitive_cube_add(size=1, location=(1, 1, 1))
    cloud = bpy.data.materials.new("Smoke")
    cloud.use_nodes = True
    nodes = cloud.node_tree.nodes
    nodes.clear()
    volume = nodes.new("ShaderNodeVolumePrincipled")
    output = nodes.new("ShaderNodeOutputMaterial")
    cloud.node_tree.links.new(volume.outputs[0], output.inputs["Volume"])
    keys(volume.inputs["Density"], "default_value", ((1, 0.1), (6, 2.0)))
    bpy.context.object.data.materials.append(cloud)


def build(scene):
    stage.set_frames(scene, 1, 20)
    stage.set_size(scene, 96, 72, samples=4)
    stage.add_ball_room(scene)
    scene.render.use_motion_blur = True
    bpy.ops.mesh.primitive_monkey_add(size=1, location=(0, 0, 1.2))
    monkey = bpy.context.object
    wave = monkey.modifiers.new("Wave", "WAVE")
    wave.height, wave.time_offset = 0.3, -5
    monkey.modifiers.new("Subdivision", "SUBSURF").render_levels = 2
    painted = stage.material("Painted", (1, 0, 0))
    surface = next(node for node in painted.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    keys(surface.inputs["Base Color"], "default_value", ((1, (1, 0, 0, 1)), (10, (0, 0, 1, 1))))
    monkey.data.materials.append(painted)
    bpy.ops.mesh.primitive_cube_add(size=0.5, location=(1, 0, 1))
    blinking = bpy.context.object
    blinking.data.materials.append(painted)
    keys(blinking, "hide_render", ((1, False), (3, True), (5, False)))
    bpy.ops.mesh.primitive_cube_add(size=0.2, location=(0, -1, 0.3))
    row = bpy.context.object.modifiers.new("Array", "ARRAY")
    keys(row, "count", ((1, 1), (6, 6)))
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.4, location=(-1, 0, 1))
    hairy = bpy.context.object
    hairy.modifiers.new("Hair", "PARTICLE_SYSTEM")
    hair = hairy.particle_systems[0].settings
    hair.type, hair.count, hair.hair_length = "HAIR", 100, 0.5
    lamp = stage.add_area_light(scene, (2, 2, 3), (0, 0, 1), 1, 100)
    keys(lamp.data, "energy", ((1, 100), (8, 800)))
    background = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    keys(background.inputs["Strength"], "default_value", ((1, 0.1), (10, 2.0)))
    keys(scene.camera, "location", ((1, (0, -6, 2.5)), (10, (1, -6, 2.5))))
    smoke(scene)


stage.make(build)
