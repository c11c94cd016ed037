# SPDX-License-Identifier: Apache-2.0
"""Small scenes that differ in what a frame's time is made of. The name of the output file chooses one: noise.blend."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "scenes"))
import stage  # noqa: E402

import bpy  # noqa: E402


def heavy(scene):
    """Long frames of equal cost; one frame of it is a still."""
    stage.set_size(scene, 400, 300, samples=128)
    glossy_room(scene)


def noise(scene):
    """Adaptive sampling: a frame ends when its noise is below a threshold, long before its last sample."""
    stage.set_size(scene, 320, 240, samples=1024)
    glossy_room(scene)
    scene.cycles.use_adaptive_sampling = True
    scene.cycles.adaptive_threshold = 0.05


def layers(scene):
    """Three view layers: samples count from 0 to N three times in each frame."""
    stage.set_size(scene, 240, 180, samples=32)
    glossy_room(scene)
    for name in ("Second", "Third"):
        scene.view_layers.new(name)


def eyes(scene):
    """Stereo: each frame is rendered for the left eye, then for the right one, and saved as one image."""
    stage.set_size(scene, 200, 150, samples=32)
    glossy_room(scene)
    scene.render.use_multiview = True
    scene.render.views_format = "STEREO_3D"
    scene.render.image_settings.views_format = "STEREO_3D"


def compositor(scene):
    """Cheap rendering, then a compositor that takes as long."""
    stage.set_size(scene, 480, 360, samples=8)
    glossy_room(scene)
    if hasattr(scene, "compositing_node_group"):  # 5.0 and newer: the tree is a group
        tree = bpy.data.node_groups.new("Compositing", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = tree
        end = tree.nodes.new("NodeGroupOutput")
    else:
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
        end = tree.nodes.new("CompositorNodeComposite")
    last = tree.nodes.new("CompositorNodeRLayers").outputs["Image"]
    for _ in range(3):
        node = tree.nodes.new("CompositorNodeBilateralblur")
        for name, value in (("iterations", 3), ("sigma_color", 0.5), ("sigma_space", 8.0)):
            if hasattr(node, name):
                setattr(node, name, value)
        tree.links.new(last, node.inputs[0])
        last = node.outputs[0]
    tree.links.new(last, end.inputs[0])


def tiles(scene):
    """A picture of many tiles: before 3.0 all pictures are, from then on those above the size of a tile."""
    stage.set_size(scene, 640, 480, samples=12)
    glossy_room(scene)
    if hasattr(scene.cycles, "tile_size"):
        scene.cycles.use_auto_tile = True
        scene.cycles.tile_size = 160
    else:
        scene.render.tile_x = scene.render.tile_y = 160


def blur(scene):
    """Motion blur: objects are read at several moments for each frame."""
    stage.set_size(scene, 240, 180, samples=32)
    glossy_room(scene)
    scene.render.use_motion_blur = True
    scene.render.motion_blur_shutter = 2.0


def limit(scene):
    """A time limit a frame: sampling ends after 1.5 s, whatever is done (3.0 and newer)."""
    stage.set_size(scene, 320, 240, samples=4096)
    glossy_room(scene)
    if hasattr(scene.cycles, "time_limit"):
        scene.cycles.time_limit = 1.5
    else:
        scene.cycles.samples = 16


def many(scene):
    """Frames of some hundredths of a second: overheads are all there is."""
    stage.set_size(scene, 48, 36, samples=4)
    stage.add_ball_room(scene)


def bursts(scene):
    """Every fourth frame is several times as heavy as the others."""
    stage.set_size(scene, 160, 120, samples=24)
    glossy_room(scene)
    shiny = stage.material("Mirror", (0.9, 0.9, 0.9), roughness=0.02, metallic=1.0)
    crowd = [stage.add_ball(scene, f"Crowd{i}", 0.4, shiny, (i % 8 - 3.5, i // 8 - 2.0, 2.2)) for i in range(40)]
    for ball in crowd:
        for frame in range(0, 101):
            ball.hide_render = frame % 4 != 0
            ball.keyframe_insert("hide_render", frame=frame)


def fading(scene):
    """Frames that get cheaper: a crowd leaves."""
    stage.set_size(scene, 200, 150, samples=24)
    glossy_room(scene)
    shiny = stage.material("Mirror", (0.9, 0.9, 0.9), roughness=0.02, metallic=1.0)
    for i in range(60):
        ball = stage.add_ball(scene, f"Crowd{i}", 0.4, shiny, (i % 8 - 3.5, i // 8 - 3.0, 1.8))
        for frame, hidden in ((0, False), (1 + i // 3, True)):
            ball.hide_render = hidden
            ball.keyframe_insert("hide_render", frame=frame)


def drawn(scene):
    """For EEVEE and Workbench, whose frames cost little but their start much."""
    stage.set_size(scene, 320, 240, samples=16)
    glossy_room(scene)


def glossy_room(scene):
    stage.set_frames(scene, 1, 100)
    scene.cycles.max_bounces = 8
    stage.add_ball_room(scene)
    stage.add_area_light(scene, (3, -3, 5), (0, 0, 1), size=1.0, watts=400)
    mirror = stage.material("Polished", (0.8, 0.7, 0.5), roughness=0.15, metallic=1.0)
    for x in (-2.2, 2.2):
        stage.add_ball(scene, f"Side{x}", 0.8, mirror, (x, 0.5, 0.8))


NATURES = (heavy, noise, layers, eyes, compositor, tiles, blur, limit, many, bursts, fading, drawn)


def build(scene):
    name = os.path.splitext(os.path.basename(stage.output_path(sys.argv)))[0]
    next(nature for nature in NATURES if nature.__name__ == name)(scene)


stage.make(build)
