# SPDX-License-Identifier: Apache-2.0
"""Uses a texture, a linked library and a font of its project (assets/ beside it), as most scenes do."""
import os
import pathlib
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402

import bpy  # noqa: E402


def save_picture(path):
    picture = bpy.data.images.new("Picture", 8, 8)
    picture.pixels = [0.9, 0.1, 0.1, 1.0] * 64
    picture.filepath_raw, picture.file_format = path, "PNG"
    picture.save()
    bpy.data.images.remove(picture)


def save_library(path):
    thing = bpy.data.objects.new("Prop", bpy.data.meshes.new("Prop"))
    bpy.data.libraries.write(path, {thing})
    bpy.data.objects.remove(thing)


def a_font():
    fonts = pathlib.Path(bpy.utils.system_resource("DATAFILES")) / "fonts"
    return next(font for font in sorted(fonts.iterdir()) if font.suffix in {".woff2", ".ttf"})


def build(scene):
    stage.set_frames(scene, 1, 10)
    stage.add_ball_room(scene)
    assets = os.path.join(os.path.dirname(stage.output_path(sys.argv)), "assets")
    os.makedirs(assets, exist_ok=True)
    texture, library, font = (os.path.join(assets, name) for name in ("wood.png", "props.blend", "letters.ttf"))
    save_picture(texture)
    save_library(library)
    shutil.copyfile(a_font(), font)

    surface = stage.material("Wooden", (1, 1, 1))
    node = surface.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.load(texture)
    base = next(n for n in surface.node_tree.nodes if n.type == "BSDF_PRINCIPLED").inputs["Base Color"]
    surface.node_tree.links.new(node.outputs["Color"], base)
    stage.add_ball(scene, "Textured", 0.7, surface, (0, -2, 1))
    with bpy.data.libraries.load(library, link=True) as (there, linked):
        linked.objects = there.objects
    scene.collection.objects.link(linked.objects[0])
    words = bpy.data.curves.new("Words", "FONT")
    words.body, words.font = "Kiln", bpy.data.fonts.load(font)
    scene.collection.objects.link(bpy.data.objects.new("Words", words))
    bpy.context.preferences.filepaths.use_relative_paths = True
    bpy.ops.wm.save_as_mainfile(filepath=stage.output_path(sys.argv), check_existing=False)
    bpy.ops.file.make_paths_relative()


stage.make(build)
