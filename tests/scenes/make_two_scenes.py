# SPDX-License-Identifier: Apache-2.0
"""Two scenes: "Scene" with the cameras "Camera" and "Side", and "Zweite \"Szene\" é" with two view layers."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402

import bpy  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 20)
    stage.add_ball_room(scene)
    main = scene.camera
    stage.add_camera(scene, (4.0, 0.0, 1.0), (0.0, 0.0, 0.5)).name = "Side"
    scene.camera = main
    main.name = "Camera"
    second = bpy.data.scenes.new('Zweite "Szene" é')
    stage.set_frames(second, 1, 20)
    stage.set_size(second, 24, 16, samples=1)
    second.render.engine = "CYCLES"
    stage.set_denoising(second, False)
    for thing in scene.objects:
        second.collection.objects.link(thing)
    second.camera = main
    second.view_layers.new("Extra")


stage.make(build)
