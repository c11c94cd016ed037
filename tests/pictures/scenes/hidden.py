# SPDX-License-Identifier: Apache-2.0
"""Files that are gone, of what no view layer renders and of nodes that show nothing; and such that only seem so."""
import flat

import bpy


def gone(scene, name="Gone", **options):
    """A quad whose texture is not there."""
    flat.textured(scene, flat.image(f"//gone/{name}.png"), name=name, at=(0, 1, 0), **options)
    return bpy.data.objects[name]


def hidden_object(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    gone(scene).hide_render = True


def hidden_object_that_appears(scene, directory):
    """Hidden where the file was saved, not at each frame."""
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    flat.key(gone(scene), "hide_render", ((1, False), (2, True)))
    scene.frame_set(2)


def excluded_collection(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    move(scene, gone(scene), collection(scene, "Off"))
    scene.view_layers[0].layer_collection.children["Off"].exclude = True


def excluded_collection_of_an_instance(scene, directory):
    """Excluded itself, it is shown all the same."""
    excluded_collection(scene, directory)
    empty = bpy.data.objects.new("Instance", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", bpy.data.collections["Off"]
    scene.collection.objects.link(empty)


def hidden_collection(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    move(scene, gone(scene), collection(scene, "Off"))
    bpy.data.collections["Off"].hide_render = True


def hidden_material_that_others_show(scene, directory):
    """A hidden object shares its material with one that is shown."""
    hidden_object(scene, directory)
    flat.quad(scene, bpy.data.objects["Gone"].data.materials[0], name="Shown")


def collection(scene, name):
    made = bpy.data.collections.new(name)
    scene.collection.children.link(made)
    return made


def move(scene, thing, into):
    scene.collection.objects.unlink(thing)
    into.objects.link(thing)


def inactive_output(scene, directory):
    """A material with two outputs; its texture leads to the one that does not count."""
    flat.prepare(scene, 1, 2)
    material, emission = flat.glow()
    nodes, links = material.node_tree.nodes, material.node_tree.links
    texture, other, last = (nodes.new(f"Shader{kind}") for kind in ("NodeTexImage", "NodeEmission", "NodeOutputMaterial"))
    texture.image = flat.image("//gone/old.png")
    links.new(texture.outputs[0], other.inputs[0])
    links.new(other.outputs[0], last.inputs[0])
    last.is_active_output = False
    next(node for node in nodes if node.type == "OUTPUT_MATERIAL" and node != last).is_active_output = True
    flat.quad(scene, material)


def unlinked_group(scene, directory):
    """A group that no link leads from, with a texture that is linked within it."""
    flat.prepare(scene, 1, 2)
    inner, output = flat.group("Inner")
    texture = inner.nodes.new("ShaderNodeTexImage")
    texture.image = flat.image("//gone/old.png")
    inner.links.new(texture.outputs[0], output)
    material, emission = flat.glow()
    material.node_tree.nodes.new("ShaderNodeGroup").node_tree = inner
    flat.quad(scene, material)


def nodes_that_are_off(scene, directory):
    """Up to 4.5 a material may leave its nodes out."""
    flat.prepare(scene, 1, 2)
    flat.textured(scene, flat.image("//gone/old.png"))
    material = bpy.data.materials["Textured"]
    material.use_nodes = False
    material.diffuse_color = (0.2, 0.7, 0.4, 1)


def sequence_with_a_keyed_offset(scene, directory):
    """Its files are those of the keys, not those of the frames."""
    flat.prepare(scene, 1, 3)
    flat.write_sequence(directory, "seq_{:03}.png", (11, 12, 13))
    node = flat.textured(scene, flat.image("//seq_011.png", "SEQUENCE"), duration=3)
    flat.key(node.image_user, "frame_offset", ((1, 10), (3, 10)))
    node.image_user.frame_offset = 0
