# SPDX-License-Identifier: Apache-2.0
"""What a Blender that stays, or one of several, could get wrong though nothing is missing."""
import flat

import bpy


def moving(scene, directory):
    flat.prepare(scene, 1, 6)
    flat.moving_quad(scene)


def border_and_transparency(scene, directory):
    flat.prepare(scene, 1, 4, size=(40, 24))
    flat.moving_quad(scene)
    render = scene.render
    render.use_border = render.use_crop_to_border = True
    render.border_min_x, render.border_max_x, render.border_min_y, render.border_max_y = 0.2, 0.9, 0.1, 0.8
    render.image_settings.color_mode = "RGBA"
    flat.key(render, "film_transparent", ((1, True), (3, False)))


def many_things(scene, directory):
    flat.prepare(scene, 1, 6, samples=2)
    thing = flat.quad(scene, size=1, at=(-1, 0, 0))
    thing.shape_key_add(name="Basis")
    shape = thing.shape_key_add(name="Wide")
    for point in shape.data:
        point.co = (point.co[0] * 2, point.co[1], point.co[2] * 0.3)
    flat.key(shape, "value", ((1, 0.0), (6, 1.0)))
    props = bpy.data.collections.new("Props")
    prop = flat.quad(scene, flat.glow((0, 1, 0), "Green")[0], name="Prop", size=0.6)
    scene.collection.objects.unlink(prop)
    props.objects.link(prop)
    for number in range(2):
        instance = bpy.data.objects.new(f"Instance{number}", None)
        instance.instance_type, instance.instance_collection = "COLLECTION", props
        instance.location = (number, 0, 1)
        scene.collection.objects.link(instance)
        flat.key(instance, "hide_render", ((1, number == 0), (4, number == 1)))
    text = bpy.data.curves.new("Text", "FONT")
    text.body = "abc"
    letters = bpy.data.objects.new("Text", text)
    letters.rotation_euler = (1.5707963, 0, 0)
    letters.data.materials.append(flat.glow((0, 0, 1), "Blue")[0])
    scene.collection.objects.link(letters)
    flat.key(text, "size", ((1, 0.5), (6, 1.0)))
    flat.key(scene.view_settings, "exposure", ((1, 0.0), (6, 1.0)))
    flat.key(scene.camera.data, "ortho_scale", ((1, 6.0), (6, 4.0)))
    scene.render.use_motion_blur = True
    scene.view_layers.new("Second")


def no_composite_node(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    tree, output = flat.compositor(scene)
    viewer = tree.nodes.new("CompositorNodeViewer")
    tree.links.new(flat.layers_node(tree, scene).outputs[0], viewer.inputs[0])
    if tree.bl_idname == "CompositorNodeTree" and hasattr(scene, "node_tree") and not hasattr(scene, "compositing_node_group"):
        tree.nodes.remove(next(node for node in tree.nodes if node.type == "COMPOSITE"))


def subdivided_and_simplified(scene, directory):
    flat.prepare(scene, 1, 4)
    thing = flat.moving_quad(scene)
    thing.modifiers.new("Subdivision", "SUBSURF").render_levels = 2
    scene.render.use_simplify = True
    flat.key(scene.render, "simplify_subdivision_render", ((1, 0), (4, 2)))


def high_frame_numbers(scene, directory):
    flat.prepare(scene, 9999, 10001)
    flat.moving_quad(scene)


def remapped(scene, directory):
    """Its animation runs at half its speed."""
    flat.prepare(scene, 1, 6)
    flat.moving_quad(scene)
    scene.render.frame_map_old, scene.render.frame_map_new = 50, 100
