# SPDX-License-Identifier: Apache-2.0
"""Geometry that grows: each frame shows six glossy balls more than the one before it, so frames get slower."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "scenes"))
import stage  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 60)
    stage.set_size(scene, 160, 120, samples=12)
    stage.set_sky(scene, (0.5, 0.6, 0.8))
    stage.add_plane(scene, "Floor", 12, stage.material("Floor", (0.5, 0.5, 0.5)))
    shiny = stage.material("Shiny", (0.8, 0.7, 0.6), roughness=0.1, metallic=1.0)
    for number in range(360):
        row, column = divmod(number, 20)
        ball = stage.add_ball(scene, f"Ball{number}", 0.25, shiny, (0.5 * column - 4.75, 0.5 * row - 3, 0.25))
        shown_from = 1 + number // 6
        for frame, hidden in ((0, True), (shown_from, False)):
            ball.hide_render = hidden
            ball.keyframe_insert("hide_render", frame=frame)
    stage.add_camera(scene, (0, -9, 6), (0, 0.5, 0))


stage.make(build)
