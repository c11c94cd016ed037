# SPDX-License-Identifier: Apache-2.0
"""Files beside the frame, eyes, formats."""
import flat


def file_output(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    tree, output = flat.compositor(scene)
    layers = flat.layers_node(tree, scene)
    output(layers.outputs[0])
    tree.links.new(layers.outputs[0], flat.file_output(tree, "//passes/", "beauty_"))


def file_output_muted(scene, directory):
    file_output(scene, directory)
    tree = getattr(scene, "compositing_node_group", None) or scene.node_tree
    next(node for node in tree.nodes if node.bl_idname == "CompositorNodeOutputFile").mute = True


def stereo_eyes(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    scene.render.use_multiview = True
    scene.render.image_settings.views_format = "INDIVIDUAL"


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
