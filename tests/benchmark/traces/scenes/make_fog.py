# SPDX-License-Identifier: Apache-2.0
"""Cheap frames with a bank of fog in the middle: frames 21 to 26 of 40 take many times longer than the rest."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "scenes"))
import stage  # noqa: E402

import bpy  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 40)
    stage.set_size(scene, 160, 120, samples=16)
    scene.cycles.volume_bounces = 4
    scene.cycles.volume_step_rate = 0.2
    stage.add_ball_room(scene)
    stage.add_area_light(scene, (3, -3, 5), (0, 0, 1), size=1.0, watts=400)
    box = [(x, y, z) for x in (-4, 4) for y in (-4, 4) for z in (0, 3)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    bank = stage.add_mesh(scene, "Fog", box, faces, fog(), smooth=False)
    for frame, hidden in ((0, True), (21, False), (27, True)):
        bank.hide_render = hidden
        bank.keyframe_insert("hide_render", frame=frame)


def fog():
    """A volume whose density is noise, so that Cycles has to march through it step by step."""
    made = bpy.data.materials.new("Fog")
    made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    nodes.clear()
    noise = nodes.new("ShaderNodeTexNoise")
    scatter = nodes.new("ShaderNodeVolumeScatter")
    output = nodes.new("ShaderNodeOutputMaterial")
    links.new(noise.outputs["Fac"], scatter.inputs["Density"])
    links.new(scatter.outputs["Volume"], output.inputs["Volume"])
    return made


stage.make(build)
