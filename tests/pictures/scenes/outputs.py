# SPDX-License-Identifier: Apache-2.0
"""Files beside the frame, eyes, formats."""
import flat
import simulations

import bpy


def composited(scene):
    """Its compositor, which changes nothing, and the socket of the picture."""
    tree, output = flat.compositor(scene)
    layers = flat.layers_node(tree, scene)
    output(layers.outputs[0])
    return tree, layers.outputs[0]


def file_output(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    tree, picture = composited(scene)
    tree.links.new(picture, flat.file_output(tree, "//passes/", "beauty_"))


def node_of(scene):
    tree = getattr(scene, "compositing_node_group", None) or scene.node_tree
    return next(node for node in tree.nodes if node.bl_idname == "CompositorNodeOutputFile")


def file_output_muted(scene, directory):
    file_output(scene, directory)
    node_of(scene).mute = True


def file_output_exr_layers(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    scene.view_layers[0].use_pass_z = True
    tree, picture = composited(scene)
    depth = next(socket for socket in picture.node.outputs if socket.name in {"Depth", "Z"})
    for source, socket in zip((picture, depth), flat.layers_output(tree, "//layers/all_", ("beauty", "the depth"))):
        tree.links.new(source, socket)


def file_output_many(scene, directory):
    """Names that are no file names, or the same once they are; a node in a group."""
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    tree, picture = composited(scene)
    tree.links.new(picture, flat.file_output(tree, "//deep/er/", "x x_", name="a/b"))
    for path in ("x.x_", "\u00e4"):
        tree.links.new(picture, flat.further_slot(tree.nodes["a/b"], path))
    tree.links.new(picture, flat.file_output(tree, "//other/", "x-x", name="a b"))
    inner = bpy.data.node_groups.new("Inner", "CompositorNodeTree")
    if hasattr(inner, "interface"):  # from 4.0
        inner.interface.new_socket("Color", in_out="INPUT", socket_type="NodeSocketColor")
    else:
        inner.inputs.new("NodeSocketColor", "Color")
    entrance = inner.nodes.new("NodeGroupInput")
    inner.links.new(entrance.outputs[0], flat.file_output(inner, "//inner/", "Image", name="In a group"))
    group = tree.nodes.new("CompositorNodeGroup")
    group.node_tree = inner
    tree.links.new(picture, group.inputs[0])


def file_output_eyes(scene, directory):
    """The frame holds both eyes; the nodes write a file for each."""
    stereo_side_by_side(scene, directory)
    tree, picture = composited(scene)
    tree.links.new(picture, flat.file_output(tree, "//passes/", "beauty_"))
    tree.links.new(picture, flat.layers_output(tree, "//layers/all_", ("beauty",))[0])
    for node in tree.nodes:
        if node.bl_idname == "CompositorNodeOutputFile":
            node.format.views_format = "INDIVIDUAL"


def file_output_of_a_simulation(scene, directory):
    simulations.cloth(scene, directory)
    tree, picture = composited(scene)
    tree.links.new(picture, flat.file_output(tree, "//passes/", "beauty_"))


def file_output_of_a_strip(scene, directory):
    """The node is of a scene that a strip shows, at a frame of its own."""
    flat.prepare(scene, 1, 2)
    other = bpy.data.scenes.new("Other")
    flat.prepare(other, 1, 9, name="Other")
    flat.moving_quad(other)
    tree, picture = composited(other)
    tree.links.new(picture, flat.file_output(tree, "//passes/", "beauty_"))
    flat.strips(scene).new_scene("Strip", other, 1, 1)


def file_output_targa(scene, directory):
    """One slot has a format that Kiln does not verify."""
    file_output(scene, directory)
    node = node_of(scene)
    tree = node.id_data
    tree.links.new(node.inputs[0].links[0].from_socket, flat.further_slot(node, "targa_", "TARGA"))


def stereo_eyes(scene, directory):
    flat.prepare(scene, 1, 6)
    flat.moving_quad(scene)
    file_for_each_eye(scene)


def file_for_each_eye(scene):
    scene.render.use_multiview = True
    scene.render.image_settings.views_format = "INDIVIDUAL"
    camera = scene.camera.data
    camera.type = "PERSP"
    camera.angle = 1.0
    camera.stereo.interocular_distance = 0.5


def views_of_three(scene, directory):
    """Each view has a camera of its own; one view is off."""
    stereo_eyes(scene, directory)
    scene.render.views_format = "MULTIVIEW"
    scene.render.views["right"].use = False
    scene.camera.name = "Camera_L"  # Blender finds those of the other views by its suffix
    for name, at in (("top", 0.3), ("aside", -0.2)):
        view = scene.render.views.new(name)
        view.file_suffix = view.camera_suffix = f"_{name}"
        camera = scene.camera.copy()
        camera.name = f"Camera_{name}"
        camera.location.x += at
        scene.collection.objects.link(camera)


def views_of_a_simulation(scene, directory):
    """They are rendered in order, by the setup script; a File Output node writes its own for each view."""
    file_output_of_a_simulation(scene, directory)
    file_for_each_eye(scene)
    node_of(scene).format.views_format = "INDIVIDUAL"


def views_without_suffix(scene, directory):
    stereo_eyes(scene, directory)
    scene.render.views["left"].file_suffix = ""


def stereo_side_by_side(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    scene.render.use_multiview = True
    scene.render.image_settings.views_format = "STEREO_3D"
    scene.render.image_settings.stereo_3d_format.display_mode = "SIDEBYSIDE"


def webp_too_large(scene, directory):
    """From 3.2."""
    flat.prepare(scene, 1, 1, size=(16400, 4))
    flat.quad(scene)
    scene.render.image_settings.file_format = "WEBP"


def jpeg_too_large(scene, directory):
    flat.prepare(scene, 1, 1, size=(65520, 4))
    flat.quad(scene)
    scene.render.image_settings.file_format = "JPEG"


def exr_htj2k(scene, directory):
    """From 5.0."""
    flat.prepare(scene, 1, 1)
    flat.quad(scene)
    scene.render.image_settings.file_format = "OPEN_EXR"
    names = scene.render.image_settings.bl_rna.properties["exr_codec"].enum_items.keys()
    scene.render.image_settings.exr_codec = next(name for name in names if name.startswith("HTJ2K"))


def grey(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    scene.render.image_settings.color_mode = "BW"


def movie(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "VIDEO"
    scene.render.image_settings.file_format = "FFMPEG"


def deep_png(scene, directory):
    flat.prepare(scene, 1, 1)
    flat.quad(scene)
    scene.render.image_settings.color_depth = "16"


def wide_png(scene, directory):
    flat.prepare(scene, 1, 1, size=(65536, 4))
    flat.quad(scene)


def tiff_packbits(scene, directory):
    flat.prepare(scene, 1, 1)
    flat.quad(scene)
    scene.render.image_settings.file_format, scene.render.image_settings.tiff_codec = "TIFF", "PACKBITS"


def exr_dwab(scene, directory):
    flat.prepare(scene, 1, 1)
    flat.quad(scene)
    scene.render.image_settings.file_format, scene.render.image_settings.exr_codec = "OPEN_EXR", "DWAB"


def webp(scene, directory):
    """From 3.2."""
    flat.prepare(scene, 1, 1)
    flat.quad(scene)
    scene.render.image_settings.file_format = "WEBP"
