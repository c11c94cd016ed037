# SPDX-License-Identifier: Apache-2.0
"""What the scenes of this folder share: glowing quads in front of a camera that looks along +Y, small files, keys.

Runs inside Blender (2.83 to 5.x). The pictures are a few pixels of flat colours, so that a frame takes milliseconds.
"""
import os
import struct
import tempfile
import zlib

import bpy


def prepare(scene, first=1, last=4, size=(32, 18), samples=1, with_camera=True, name=""):
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.seed = "CPU", samples, 1
    for owner in (scene, *scene.view_layers):
        if hasattr(owner.cycles, "use_denoising"):
            owner.cycles.use_denoising = False
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.frame_start, scene.frame_end = first, last
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.view_settings.view_transform = "Standard"
    scene.world = bpy.data.worlds.new("World" + name)
    scene.world.use_nodes = True
    background = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs[0].default_value = (0.05, 0.05, 0.05, 1)
    if with_camera:
        camera(scene, name=name)


def camera(scene, x=0.0, scale=6.0, name="", active=True):
    data = bpy.data.cameras.new("Camera" + name)
    data.type, data.ortho_scale = "ORTHO", scale
    made = bpy.data.objects.new("Camera" + name, data)
    made.location, made.rotation_euler = (x, -5, 0), (1.5707963, 0, 0)
    scene.collection.objects.link(made)
    if active:
        scene.camera = made
    return made


def glow(color=(1, 0.2, 0.1), name="Glow"):
    """A material that shows a colour, and the node whose first input is that colour."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    nodes = made.node_tree.nodes
    nodes.clear()
    emission, output = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    made.node_tree.links.new(emission.outputs[0], output.inputs[0])
    emission.inputs[0].default_value = (*color, 1)
    return made, emission


def quad(scene, material=None, name="Quad", at=(0, 0, 0), size=2.0, u=1.0):
    half = size / 2
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(-half, 0, -half), (half, 0, -half), (half, 0, half), (-half, 0, half)], [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new(name="UVMap")
    for loop, place in zip(layer.data, ((0, 0), (u, 0), (u, 1), (0, 1))):
        loop.uv = place
    mesh.materials.append(material or glow(name=name)[0])
    made = bpy.data.objects.new(name, mesh)
    made.location = at
    scene.collection.objects.link(made)
    return made


def moving_quad(scene, **options):
    """From left to right while the scene lasts: no two frames are the same."""
    made = quad(scene, **{"size": 1.0, **options})
    key(made, "location", ((scene.frame_start, -2.0), (scene.frame_end, 2.0)), 0)
    return made


def key(owner, path, values, index=-1):
    for frame, value in values:
        if index >= 0:
            getattr(owner, path)[index] = value
        else:
            setattr(owner, path, value)
        owner.keyframe_insert(path, index=index, frame=frame)


def drive(owner, path, source, source_path, index=-1):
    """Makes a property follow another one, without Python."""
    driver = owner.driver_add(path, *([index] if index >= 0 else [])).driver
    driver.type = "SUM"
    variable = driver.variables.new()
    variable.targets[0].id_type = "SCENE"
    variable.targets[0].id, variable.targets[0].data_path = source, source_path


def write_png(path, red, green, blue):
    """8 by 8 pixels of one colour."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\0" + bytes((red, green, blue)) * 8) * 8
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write_sequence(directory, name, numbers):
    for number in numbers:
        write_png(os.path.join(directory, name.format(number)), 60 * (number % 5), 255 - 50 * (number % 6), 40)


def image(path, source="FILE"):
    """An image by its path, whether or not its file is there."""
    # One made by images.new() stays a generated one for 2.83, which then shows no sequence or tile. A file is needed to load.
    with tempfile.TemporaryDirectory() as directory:
        write_png(os.path.join(directory, "Picture"), 0, 0, 0)
        made = bpy.data.images.load(os.path.join(directory, "Picture"))
    made.source = source
    made.filepath = path
    return made


def textured(scene, picture, duration=0, start=1, **options):
    """A quad that shows an image; with a duration, of a sequence. Its node."""
    material, emission = glow(name="Textured")
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = picture
    if duration:
        node.image_user.frame_duration, node.image_user.frame_start = duration, start
        node.image_user.use_auto_refresh = True
    material.node_tree.links.new(node.outputs[0], emission.inputs[0])
    quad(scene, material, **{"size": 3.0, **options})
    return node


def group(name):
    """A group of shader nodes, and the socket of its only output, a colour."""
    tree = bpy.data.node_groups.new(name, "ShaderNodeTree")
    if hasattr(tree, "interface"):  # from 4.0
        tree.interface.new_socket("Color", in_out="OUTPUT", socket_type="NodeSocketColor")
    else:
        tree.outputs.new("NodeSocketColor", "Color")
    return tree, tree.nodes.new("NodeGroupOutput").inputs[0]


def strips(scene):
    editor = scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def compositor(scene):
    """The empty tree of its compositor, and a function that makes an output of a socket."""
    if hasattr(scene, "compositing_node_group"):  # from 5.0
        tree = scene.compositing_node_group = bpy.data.node_groups.new("Compositor", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        sink = tree.nodes.new("NodeGroupOutput")
    else:
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
        sink = tree.nodes.new("CompositorNodeComposite")
    return tree, lambda socket: tree.links.new(socket, sink.inputs[0])


def layers_node(tree, scene):
    node = tree.nodes.new("CompositorNodeRLayers")
    node.scene = scene
    return node


def mix(tree, first, second):
    """Half of each."""
    try:
        node = tree.nodes.new("CompositorNodeMixRGB")
        inputs, output = node.inputs[1:3], node.outputs[0]
        node.inputs[0].default_value = 0.5
    except RuntimeError:  # from 5.0
        node = tree.nodes.new("ShaderNodeMix")
        node.data_type = "RGBA"
        node.inputs[0].default_value = 0.5
        inputs, output = [s for s in node.inputs if s.type == "RGBA"], next(s for s in node.outputs if s.type == "RGBA")
    for source, sink in zip((first, second), inputs):
        tree.links.new(source, sink)
    return output


def file_output(tree, directory, slot, name="File Output"):
    """A File Output node; the socket that it writes."""
    output = tree.nodes.new("CompositorNodeOutputFile")
    output.name = name
    if hasattr(output, "file_output_items"):  # from 5.0
        output.directory, output.file_name = directory, ""
        output.format.media_type = "IMAGE"
        output.format.file_format = "PNG"
        output.file_output_items.clear()
        output.file_output_items.new("RGBA", slot)
    else:
        output.format.file_format = "PNG"
        output.base_path, output.file_slots[0].path = directory, slot
    return output.inputs[0]


def further_slot(output, slot, file_format=None):
    """One more of such a node, perhaps with a format of its own; its socket."""
    if hasattr(output, "file_output_items"):  # from 5.0
        made = output.file_output_items.new("RGBA", slot)
        made.override_node_format = file_format is not None
    else:
        output.file_slots.new(slot)
        made = output.file_slots[-1]
        made.use_node_format = file_format is None
    if file_format:
        made.format.file_format = file_format
    return output.inputs[len(getattr(output, "file_output_items", output.inputs)) - 1]


def layers_output(tree, path, layers):
    """A File Output node that writes all layers into one OpenEXR, and its sockets."""
    output = tree.nodes.new("CompositorNodeOutputFile")
    output.name = "Layers"
    if hasattr(output, "file_output_items"):  # from 5.0
        output.directory, output.file_name = path.rpartition("/")[0] + "/", path.rpartition("/")[2]
        output.format.media_type = "MULTI_LAYER_IMAGE"
        output.file_output_items.clear()
        for layer in layers:
            output.file_output_items.new("RGBA", layer)
    else:
        output.format.file_format = "OPEN_EXR_MULTILAYER"
        output.base_path = path
        output.layer_slots.clear()
        for layer in layers:
            output.layer_slots.new(layer)
    return list(output.inputs)[:len(layers)]
