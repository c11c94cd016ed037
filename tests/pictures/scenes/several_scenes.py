# SPDX-License-Identifier: Apache-2.0
"""Scenes that others show, by the compositor, a strip or as their set; and engines."""
import flat

import bpy


def second(last, with_camera=True):
    made = bpy.data.scenes.new("Back")
    flat.prepare(made, 1, last, with_camera=with_camera, name="Back")
    flat.moving_quad(made, material=flat.glow((0, 1, 0), "Green")[0], name="BackQuad", size=1.5, at=(0, 0, 1))
    return made


def both(scene, back):
    tree, output = flat.compositor(scene)
    output(flat.mix(tree, flat.layers_node(tree, scene).outputs[0], flat.layers_node(tree, back).outputs[0]))


def two_in_the_compositor(scene, directory):
    flat.prepare(scene, 1, 4)
    flat.moving_quad(scene)
    both(scene, second(4))


def compositor_scene_without_camera(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    both(scene, second(2, with_camera=False))


def strip_of_a_scene(scene, directory):
    flat.prepare(scene, 1, 4, with_camera=False)
    flat.strips(scene).new_scene("Back", second(4), 1, 1)


def strip_of_a_scene_without_camera(scene, directory):
    flat.prepare(scene, 1, 2, with_camera=False)
    flat.strips(scene).new_scene("Back", second(2, with_camera=False), 1, 1)


def background_set(scene, directory):
    flat.prepare(scene, 1, 4)
    flat.moving_quad(scene)
    scene.background_set = second(4, with_camera=False)


def denoised_scene_in_the_compositor(scene, directory):
    """A build without the denoiser renders it black, and says so in the log."""
    flat.prepare(scene, 1, 1)
    flat.moving_quad(scene)
    back = second(1)
    back.cycles.use_denoising = True
    for layer in back.view_layers:
        layer.cycles.use_denoising = True
    both(scene, back)


def engine_of_an_addon(scene, directory):
    class Unknown(bpy.types.RenderEngine):
        bl_idname, bl_label = "KILN_TEST_ENGINE", "An engine that is not here when it renders"

    bpy.utils.register_class(Unknown)
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    scene.render.engine = "KILN_TEST_ENGINE"
    return lambda: bpy.utils.unregister_class(Unknown)


def strip_of_a_scene_with_the_engine_of_an_addon(scene, directory):
    class Unknown(bpy.types.RenderEngine):
        bl_idname, bl_label = "KILN_TEST_ENGINE", "An engine that is not here when it renders"

    bpy.utils.register_class(Unknown)
    flat.prepare(scene, 1, 2, with_camera=False)
    back = second(2)
    back.render.engine = "KILN_TEST_ENGINE"
    flat.strips(scene).new_scene("Back", back, 1, 1)
    return lambda: bpy.utils.unregister_class(Unknown)


def nodes_of_an_addon(scene, directory):
    """A material with a node whose add-on is not here when it renders."""
    class Unknown(bpy.types.ShaderNodeCustomGroup):
        bl_idname, bl_label = "KilnTestNode", "A node that is not here when it renders"

    bpy.utils.register_class(Unknown)
    flat.prepare(scene, 1, 2)
    material, emission = flat.glow()
    material.node_tree.nodes.new("KilnTestNode")
    flat.moving_quad(scene, material=material)  # the class stays: 3.4 crashes where it frees a node without one
