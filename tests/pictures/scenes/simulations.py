# SPDX-License-Identifier: Apache-2.0
"""Frames that follow from those before them."""
import shutil

import flat

import bpy


def cloth_grid(scene, at=(0, 0, 1.5)):
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=6, y_subdivisions=6, size=2, location=at, rotation=(0.6, 0, 0))
    thing = bpy.context.object
    thing.data.materials.append(flat.glow()[0])
    return thing


def cloth(scene, directory):
    flat.prepare(scene, 1, 10, samples=4)
    cloth_grid(scene).modifiers.new("Cloth", "CLOTH")


def cloth_lit(scene, directory):
    """With noise, which shows whether each frame has its samples."""
    flat.prepare(scene, 1, 10, samples=6)
    thing = cloth_grid(scene)
    material = bpy.data.materials.new("Plain")
    material.use_nodes = True
    thing.data.materials[0] = material
    thing.modifiers.new("Cloth", "CLOTH")
    lamp = bpy.data.lights.new("Lamp", "AREA")
    lamp.energy, lamp.size = 300, 3
    light = bpy.data.objects.new("Lamp", lamp)
    light.location, light.rotation_euler = (0, -3, 3), (0.8, 0, 0)
    scene.collection.objects.link(light)


def cloth_late(scene, directory):
    """Whose cache begins later than the scene."""
    flat.prepare(scene, 1, 10, samples=4)
    made = cloth_grid(scene).modifiers.new("Cloth", "CLOTH")
    made.point_cache.frame_start = 3


def cloth_saved_elsewhere(scene, directory):
    """At another frame than where it begins, as artists do."""
    cloth(scene, directory)
    scene.frame_set(7)


def cloth_of_a_late_scene(scene, directory):
    """Whose cache begins before the scene."""
    flat.prepare(scene, 5, 10, samples=4)
    cloth_grid(scene).modifiers.new("Cloth", "CLOTH")
    scene.frame_set(5)


def zone_saved_elsewhere(scene, directory):
    simulation_zone(scene, directory)
    scene.frame_set(7)


def rigid_body_saved_elsewhere(scene, directory):
    rigid_body(scene, directory)
    scene.frame_set(7)


def particles_saved_elsewhere(scene, directory):
    particles(scene, directory)
    scene.frame_set(7)


def rigid_body(scene, directory):
    flat.prepare(scene, 1, 10, samples=4)
    bpy.ops.mesh.primitive_cube_add(size=1, location=(0, 0, 1.5))
    bpy.context.object.data.materials.append(flat.glow()[0])
    bpy.ops.rigidbody.object_add()


def soft_body(scene, directory):
    flat.prepare(scene, 1, 10, samples=4)
    made = cloth_grid(scene).modifiers.new("Soft", "SOFT_BODY")
    made.settings.use_goal = False


def particles(scene, directory):
    flat.prepare(scene, 1, 10, samples=4)
    piece = flat.quad(scene, name="Piece", size=0.3, at=(0, 50, 0))
    source = flat.quad(scene, name="Source", at=(0, 0, 1))
    source.modifiers.new("Particles", "PARTICLE_SYSTEM")
    settings = source.particle_systems[0].settings
    settings.count, settings.frame_start, settings.frame_end, settings.lifetime = 60, 1, 10, 50
    settings.render_type, settings.instance_object, settings.particle_size = "OBJECT", piece, 1


def hair(scene, directory):
    """Particles that do not move."""
    flat.prepare(scene, 1, 3, samples=4)
    flat.moving_quad(scene)
    source = flat.quad(scene, name="Source", at=(0, 0, 1))
    source.modifiers.new("Hair", "PARTICLE_SYSTEM")
    settings = source.particle_systems[0].settings
    settings.type, settings.count, settings.hair_length = "HAIR", 40, 0.5


def dynamic_paint(scene, directory):
    """A brush that leaves a trail of colour."""
    flat.prepare(scene, 1, 6, samples=4)
    canvas = cloth_grid(scene, at=(0, 0, 0))
    bpy.context.view_layer.objects.active = canvas
    made = canvas.modifiers.new("Canvas", "DYNAMIC_PAINT")
    bpy.ops.dpaint.type_toggle(type="CANVAS")
    made.canvas_settings.canvas_surfaces[0].surface_type = "WAVE"
    brush = flat.moving_quad(scene, name="Brush")
    bpy.context.view_layer.objects.active = brush
    brush.modifiers.new("Brush", "DYNAMIC_PAINT")
    bpy.ops.dpaint.type_toggle(type="BRUSH")


def simulation_zone(scene, directory):
    """Geometry nodes that move a quad a little each frame (from 4.0)."""
    flat.prepare(scene, 1, 10, samples=4)
    thing = flat.quad(scene, size=1, at=(-2, 0, 0))
    tree = bpy.data.node_groups.new("Zone", "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    new, link = tree.nodes.new, tree.links.new
    first, last = new("NodeGroupInput"), new("NodeGroupOutput")
    begin, end = new("GeometryNodeSimulationInput"), new("GeometryNodeSimulationOutput")
    begin.pair_with_output(end)
    move = new("GeometryNodeTransform")
    move.inputs["Translation"].default_value = (0.3, 0, 0)
    link(first.outputs[0], begin.inputs["Geometry"])
    link(begin.outputs["Geometry"], move.inputs[0])
    link(move.outputs[0], end.inputs["Geometry"])
    link(end.outputs["Geometry"], last.inputs["Geometry"])
    thing.modifiers.new("Zone", "NODES").node_group = tree


def disk_cache(scene, directory):
    """A cloth with a disk cache beside the .blend, which is still empty."""
    flat.prepare(scene, 1, 8, samples=4)
    made = cloth_grid(scene).modifiers.new("Cloth", "CLOTH")
    bpy.ops.wm.save_as_mainfile(filepath=f"{directory}/disk_cache.blend", check_existing=False)
    made.point_cache.use_disk_cache = True


def baked_in_memory(scene, directory):
    flat.prepare(scene, 1, 8, samples=4)
    cloth_grid(scene).modifiers.new("Cloth", "CLOTH").point_cache.frame_end = 8
    bpy.ops.ptcache.bake_all(bake=True)


def unreached_simulation(scene, directory):
    """In a scene that does not render."""
    flat.prepare(scene, 1, 4)
    flat.moving_quad(scene)
    other = bpy.data.scenes.new("Other")
    mesh = bpy.data.meshes.new("M")
    thing = bpy.data.objects.new("O", mesh)
    other.collection.objects.link(thing)
    thing.modifiers.new("Cloth", "CLOTH")


def disk_cache_baked(scene, directory):
    baked_on_disk(scene, f"{directory}/disk_cache_baked.blend")


def disk_cache_baked_and_gone(scene, directory):
    baked_on_disk(scene, f"{directory}/disk_cache_baked_and_gone.blend")
    return lambda: shutil.rmtree(f"{directory}/blendcache_disk_cache_baked_and_gone")


def baked_on_disk(scene, blend):
    flat.prepare(scene, 1, 8, samples=4)
    cache = cloth_grid(scene).modifiers.new("Cloth", "CLOTH").point_cache
    bpy.ops.wm.save_as_mainfile(filepath=blend, check_existing=False)
    cache.use_disk_cache, cache.frame_end = True, 8
    bpy.ops.ptcache.bake_all(bake=True)
    assert cache.is_baked


def smoke(scene, directory):
    """Without a bake: each frame follows from the one before, and Blender keeps them in files."""
    flat.prepare(scene, 1, 6, samples=4)
    bpy.ops.mesh.primitive_cube_add(size=3)
    domain = bpy.context.object
    made = domain.modifiers.new("Fluid", "FLUID")
    made.fluid_type = "DOMAIN"
    made.domain_settings.domain_type, made.domain_settings.resolution_max = "GAS", 16
    made.domain_settings.cache_directory = "//cache"  # else in the temporary directory of this Blender, which others share
    material = bpy.data.materials.new("Smoke")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    volume, output = nodes.new("ShaderNodeVolumePrincipled"), nodes.new("ShaderNodeOutputMaterial")
    volume.inputs["Emission Strength"].default_value = 0.5
    links.new(volume.outputs[0], output.inputs["Volume"])
    domain.data.materials.append(material)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.5, segments=8, ring_count=6, location=(0, 0, -0.8))
    source = bpy.context.object.modifiers.new("Fluid", "FLUID")
    source.fluid_type = "FLOW"
    source.flow_settings.flow_type, source.flow_settings.flow_behavior = "SMOKE", "INFLOW"


def smoke_baked(scene, directory):
    smoke(scene, directory)
    bpy.ops.wm.save_as_mainfile(filepath=f"{directory}/smoke_baked.blend", check_existing=False)
    domain = bpy.data.objects["Cube"].modifiers[0].domain_settings
    domain.cache_directory, domain.cache_type = f"{directory}/fluid", "ALL"
    domain.cache_frame_end = 6
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    bpy.ops.fluid.bake_all()
    domain.cache_directory = "//fluid"


def dynamic_paint_baked(scene, directory):
    dynamic_paint(scene, directory)
    bpy.ops.wm.save_as_mainfile(filepath=f"{directory}/dynamic_paint_baked.blend", check_existing=False)
    surface = bpy.data.objects["Grid"].modifiers[0].canvas_settings.canvas_surfaces[0]
    surface.point_cache.frame_end = surface.frame_end = 6
    bpy.ops.ptcache.bake_all(bake=True)


def itasc(scene, directory):
    """A chain of bones that follows its target, by a solver that goes on from its last frame."""
    flat.prepare(scene, 1, 6)
    data = bpy.data.armatures.new("Bones")
    thing = bpy.data.objects.new("Bones", data)
    scene.collection.objects.link(thing)
    bpy.context.view_layer.objects.active = thing
    bpy.ops.object.mode_set(mode="EDIT")
    last = None
    for number in range(3):
        bone = data.edit_bones.new(f"B{number}")
        bone.head, bone.tail = (0.1 * ((number + 1) % 2), 0, number), (0.1 * (number % 2), 0, number + 1)
        bone.parent = last
        last = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    target = flat.quad(scene, name="Target", size=0.2)
    flat.key(target, "location", ((1, 3.0), (6, -2.0)), 0)
    reach = thing.pose.bones["B2"].constraints.new("IK")
    reach.target, reach.chain_count = target, 3
    thing.pose.ik_solver = "ITASC"
    thing.pose.ik_param.mode = "SIMULATION"
    flag = flat.quad(scene, name="Flag", size=0.8)
    follow = flag.constraints.new("COPY_LOCATION")
    follow.target, follow.subtarget = thing, "B2"
