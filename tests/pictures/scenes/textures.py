# SPDX-License-Identifier: Apache-2.0
"""Images: there, gone, broken, of many files, and such that no frame shows."""
import os

import flat

import bpy


def texture(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.write_png(f"{directory}/paint.png", 30, 200, 90)
    flat.textured(scene, flat.image("//paint.png"))


def texture_gone(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.textured(scene, flat.image("//gone/paint.png"))


def texture_windows_path(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.write_png(f"{directory}/textures/paint.png", 30, 200, 90)
    flat.textured(scene, flat.image("//textures\\paint.png"))


def texture_packed(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.write_png(f"{directory}/paint.png", 30, 200, 90)
    made = bpy.data.images.load(f"{directory}/paint.png")
    made.pack()
    flat.textured(scene, made)
    return lambda: os.unlink(f"{directory}/paint.png")


def texture_that_is_html(scene, directory):
    flat.prepare(scene, 1, 2)
    with open(f"{directory}/paint.png", "w") as file:
        file.write("<!DOCTYPE html><html><body>404 Not Found</body></html>")
    flat.textured(scene, flat.image("//paint.png"))


def texture_cut_off(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.write_png(f"{directory}/paint.png", 30, 200, 90)
    with open(f"{directory}/paint.png", "r+b") as file:
        file.truncate(20)
    flat.textured(scene, flat.image("//paint.png"))


def texture_not_utf8(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.textured(scene, flat.image(b"//caf\xe9.png".decode("utf-8", "surrogateescape")))


def texture_of_a_reference(scene, directory):
    """An empty that shows an image in the viewport only."""
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    empty = bpy.data.objects.new("Reference", None)
    empty.empty_display_type, empty.data = "IMAGE", flat.image("//gone/reference.png")
    scene.collection.objects.link(empty)


def texture_of_a_camera_background(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    background = scene.camera.data.background_images.new()
    background.image = flat.image("//gone/plate.png")
    scene.camera.data.show_background_images = True


def texture_with_a_fake_user(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    flat.image("//gone/old.png").use_fake_user = True


def texture_of_an_unused_material(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    material, emission = flat.glow(name="Unused")
    material.use_fake_user = True
    material.node_tree.nodes.new("ShaderNodeTexImage").image = flat.image("//gone/old.png")


def texture_of_an_unlinked_node(scene, directory):
    flat.prepare(scene, 1, 2)
    material, emission = flat.glow()
    material.node_tree.nodes.new("ShaderNodeTexImage").image = flat.image("//gone/old.png")
    flat.quad(scene, material)


def texture_sequence(scene, directory):
    flat.prepare(scene, 1, 4)
    flat.write_sequence(directory, "seq_{:03}.png", range(1, 5))
    flat.textured(scene, flat.image("//seq_001.png", "SEQUENCE"), duration=4)


def texture_sequence_with_a_gap(scene, directory):
    flat.prepare(scene, 1, 4)
    flat.write_sequence(directory, "seq_{:03}.png", (1, 2, 4))
    flat.textured(scene, flat.image("//seq_001.png", "SEQUENCE"), duration=4)


def texture_sequence_with_a_gap_elsewhere(scene, directory):
    """No frame of the job needs a missing file; the first file of the sequence is missing as well."""
    flat.prepare(scene, 3, 5)
    flat.write_sequence(directory, "seq_{:03}.png", (3, 4, 5))
    flat.textured(scene, flat.image("//seq_001.png", "SEQUENCE"), duration=10)


def texture_tiles(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.write_sequence(directory, "tile.{}.png", (1001, 1002))
    tiles(scene)


def texture_tiles_gone(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.write_sequence(directory, "tile.{}.png", (1001,))
    tiles(scene)


def tiles(scene):
    made = flat.image("//tile.<UDIM>.png" if bpy.app.version >= (3, 1) else "//tile.1001.png", "TILED")
    made.tiles.new(tile_number=1002)
    flat.textured(scene, made, u=2.0)


def texture_of_the_world_gone(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    tree = scene.world.node_tree
    node = tree.nodes.new("ShaderNodeTexEnvironment")
    node.image = flat.image("//gone/sky.hdr")
    background = next(n for n in tree.nodes if n.type == "BACKGROUND")
    tree.links.new(node.outputs[0], background.inputs[0])


def texture_in_a_group_gone(scene, directory):
    """Two groups deep."""
    flat.prepare(scene, 1, 2)
    inner, inner_output = flat.group("Inner")
    node = inner.nodes.new("ShaderNodeTexImage")
    node.image = flat.image("//gone/deep.png")
    inner.links.new(node.outputs[0], inner_output)
    outer, outer_output = flat.group("Outer")
    outer.links.new(inside(outer, inner).outputs[0], outer_output)
    material, emission = flat.glow()
    material.node_tree.links.new(inside(material.node_tree, outer).outputs[0], emission.inputs[0])
    flat.quad(scene, material)


def inside(tree, group):
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = group
    return node


def texture_of_the_compositor_that_is_off(scene, directory):
    texture_of_the_compositor_gone(scene, directory)
    scene.render.use_compositing = False


def texture_of_the_compositor_gone(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    tree, output = flat.compositor(scene)
    node = tree.nodes.new("CompositorNodeImage")
    node.image = flat.image("//gone/plate.png")
    output(flat.mix(tree, flat.layers_node(tree, scene).outputs[0], node.outputs[0]))
