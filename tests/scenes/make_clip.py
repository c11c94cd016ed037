# SPDX-License-Identifier: Apache-2.0
"""For videos: twelve frames of a ball before nothing, with alpha, at the 30000/1001 frames per second of NTSC. The view is that
of linear colours by the transfer function of sRGB, so that the same frames in PNG and OpenEXR look alike."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 12)
    stage.set_size(scene, 96, 64, samples=16)
    stage.add_ball_room(scene)
    scene.objects["Floor"].hide_render = True
    ball = scene.objects["Ball"]
    for frame, x in ((1, -1.5), (12, 1.5)):  # fast, so that no two frames look alike
        ball.location.x = x
        ball.keyframe_insert("location", frame=frame)
    scene.render.film_transparent = True
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.fps, scene.render.fps_base = 30, 1.001
    scene.view_settings.view_transform = "Standard"


stage.make(build)
