# SPDX-License-Identifier: Apache-2.0
"""What the scenes of this folder share: an empty scene with Kiln's settings, shapes, light, camera, saving.

Runs inside Blender (2.83 to 5.x: only calls that all of them have, or that are tested for here). A scene script defines build(scene) and ends with
stage.make(build). Shapes are made from vertices here, so that no add-on and no file is needed.
"""
import math
import os
import sys
import traceback

import bpy
from mathutils import Vector


def make(build):
    """Builds one scene and saves it at the path behind `--`. Exit status 1, with the reason, when that fails.

    Blender itself exits 0 when a script raises, hence the explicit status.
    """
    try:
        path = output_path(sys.argv)
        build(empty_scene())
        bpy.context.preferences.filepaths.save_version = 0  # no .blend1 beside it on a second run
        bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False, compress=False)
        if not os.path.isfile(path):
            raise RuntimeError(f"Blender did not write {path}")
    except Exception:  # the border to Blender: anything at all is a failure of this script
        traceback.print_exc()
        sys.stdout.flush()
        sys.exit(1)


def output_path(argv):
    """The one argument behind `--`, absolute."""
    arguments = argv[argv.index("--") + 1:] if "--" in argv else []
    if len(arguments) != 1:
        raise SystemExit("use: blender -b --factory-startup --python SCRIPT -- OUT.blend")
    return os.path.abspath(arguments[0])


def empty_scene():
    """A scene with nothing in it: Cycles on the CPU, no denoiser, PNG, one tiny frame."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.seed = 1
    set_denoising(scene, False)
    set_output(scene, "PNG")
    set_size(scene, 32, 32, samples=1)
    set_frames(scene, 1, 1)
    return scene


def set_denoising(scene, wanted):
    """The default scene of Blender 3.x asks for a denoiser, which Debian's build lacks: then nothing renders."""
    for owner in (scene, *scene.view_layers):
        if hasattr(owner.cycles, "use_denoising"):  # of a scene from 2.90
            owner.cycles.use_denoising = wanted


def set_output(scene, file_format):
    """PNG, OPEN_EXR or JPEG. The path is left to Blender's -o."""
    scene.render.image_settings.file_format = file_format
    scene.render.image_settings.color_mode = "RGB"
    scene.render.use_file_extension = True


def set_movie_output(scene):
    if hasattr(scene.render.image_settings, "media_type"):  # from 5.0
        scene.render.image_settings.media_type = "VIDEO"
    scene.render.image_settings.file_format = "FFMPEG"


def add_file_output(scene, directory, name):
    """A File Output node that writes what is rendered a second time. `name` is the beginning of the file's name."""
    if hasattr(scene, "compositing_node_group"):  # from 5.0
        tree = scene.compositing_node_group = bpy.data.node_groups.new("Compositor", "CompositorNodeTree")
    else:
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
    layers, output = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeOutputFile")
    if hasattr(output, "file_output_items"):  # from 5.0
        output.directory, output.file_name = directory, ""
        output.format.media_type = "IMAGE"
        output.file_output_items.clear()
        output.file_output_items.new("RGBA", name)
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        result = tree.nodes.new("NodeGroupOutput")
    else:
        output.base_path = directory
        output.file_slots[0].path = name
        result = tree.nodes.new("CompositorNodeComposite")
    for sink in (output, result):
        tree.links.new(layers.outputs["Image"], sink.inputs[0])


def set_size(scene, width, height, samples):
    scene.render.resolution_x = width
    scene.render.resolution_y = height
    scene.render.resolution_percentage = 100
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = False


def set_frames(scene, first, last):
    scene.frame_start = first
    scene.frame_end = last


def material(name, color, roughness=0.5, metallic=0.0):
    """A surface; `color` is linear RGB."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    surface = next(node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    surface.inputs["Base Color"].default_value = (*color, 1.0)
    surface.inputs["Roughness"].default_value = roughness
    surface.inputs["Metallic"].default_value = metallic
    return made


def glowing(name, color, strength):
    """A surface that gives light."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    nodes = made.node_tree.nodes
    nodes.clear()
    emission = nodes.new("ShaderNodeEmission")
    emission.inputs["Color"].default_value = (*color, 1.0)
    emission.inputs["Strength"].default_value = strength
    output = nodes.new("ShaderNodeOutputMaterial")
    made.node_tree.links.new(emission.outputs["Emission"], output.inputs["Surface"])
    return made


def add_mesh(scene, name, vertices, faces, surface, location=(0, 0, 0), smooth=True):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [], faces)
    mesh.polygons.foreach_set("use_smooth", [smooth] * len(mesh.polygons))
    mesh.materials.append(surface)
    mesh.update()
    thing = bpy.data.objects.new(name, mesh)
    thing.location = location
    scene.collection.objects.link(thing)
    return thing


def add_turned(scene, name, profile, surface, location=(0, 0, 0), segments=64):
    """A body turned on a wheel: `profile` is a list of (radius, height), from the outside's foot to the inside's floor."""
    vertices = []
    for radius, height in profile:
        for step in range(segments):
            angle = 2 * math.pi * step / segments
            vertices.append((radius * math.cos(angle), radius * math.sin(angle), height))
    faces = []
    for row in range(len(profile) - 1):
        for step in range(segments):
            right = (step + 1) % segments
            faces.append((row * segments + step, row * segments + right,
                          (row + 1) * segments + right, (row + 1) * segments + step))
    return add_mesh(scene, name, vertices, faces, surface, location)


def add_ball(scene, name, radius, surface, location=(0, 0, 0)):
    steps = 24
    arc = [(radius * math.sin(math.pi * i / steps), -radius * math.cos(math.pi * i / steps)) for i in range(steps + 1)]
    return add_turned(scene, name, arc, surface, location, segments=48)


def add_plane(scene, name, half_width, surface, location=(0, 0, 0)):
    w = half_width
    return add_mesh(scene, name, [(-w, -w, 0), (w, -w, 0), (w, w, 0), (-w, w, 0)], [(0, 1, 2, 3)], surface, location,
                    smooth=False)


def add_camera(scene, location, target, lens=50.0):
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.lens = lens
    camera.location = location
    aim(camera, target)
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera


def add_area_light(scene, location, target, size, watts, color=(1, 1, 1)):
    light = bpy.data.objects.new("Area", bpy.data.lights.new("Area", "AREA"))
    light.data.size = size
    light.data.energy = watts
    light.data.color = color
    light.location = location
    aim(light, target)
    scene.collection.objects.link(light)
    return light


def set_sky(scene, color, strength=1.0):
    """An even light from everywhere."""
    scene.world = bpy.data.worlds.new("World")
    scene.world.use_nodes = True
    background = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (*color, 1.0)
    background.inputs["Strength"].default_value = strength


def aim(thing, target):
    """Cameras and lights look along their own -Z."""
    direction = Vector(target) - Vector(thing.location)
    thing.rotation_euler = direction.to_track_quat("-Z", "Y").to_euler()


def linear_keys():
    """Keys set from here on are joined by straight lines."""
    bpy.context.preferences.edit.keyframe_new_interpolation_type = "LINEAR"


def add_ball_room(scene):
    """The smallest picture that is not one colour: a ball on a floor under the sky. For tests, not for the eye."""
    set_sky(scene, (0.5, 0.6, 0.8))
    add_plane(scene, "Floor", 6, material("Floor", (0.5, 0.5, 0.5)))
    ball = add_ball(scene, "Ball", 1, material("Ball", (0.8, 0.2, 0.1)), (0, 0, 1))
    add_camera(scene, (0, -6, 2.5), (0, 0, 1))
    linear_keys()
    for frame, x in ((1, -1.0), (100, 1.0)):
        ball.location.x = x
        ball.keyframe_insert("location", frame=frame)
