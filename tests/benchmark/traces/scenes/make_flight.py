# SPDX-License-Identifier: Apache-2.0
"""A camera that flies up to a wall of glass balls and away again: frames get slower, then faster."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "scenes"))
import stage  # noqa: E402

import math  # noqa: E402

LAST = 60


def build(scene):
    stage.set_frames(scene, 1, LAST)
    stage.set_size(scene, 200, 120, samples=16)
    scene.cycles.max_bounces = 16
    scene.cycles.transmission_bounces = 16
    stage.set_sky(scene, (0.6, 0.7, 0.9))
    stage.add_plane(scene, "Floor", 30, stage.material("Floor", (0.4, 0.4, 0.4)))
    glass = stage.material("Glass", (1.0, 1.0, 1.0), roughness=0.0)
    surface = next(node for node in glass.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    name = "Transmission" if "Transmission" in surface.inputs else "Transmission Weight"  # 4.0 renamed it
    surface.inputs[name].default_value = 1.0
    for number in range(35):
        row, column = divmod(number, 7)
        stage.add_ball(scene, f"Ball{number}", 0.5, glass, (column - 3.0, 0, row + 0.5))
    camera = stage.add_camera(scene, (0, -30, 2.5), (0, 0, 2.5))
    for frame in range(1, LAST + 1):
        camera.location.y = -30 + 26 * math.sin(math.pi * (frame - 1) / (LAST - 1))
        camera.keyframe_insert("location", frame=frame)


stage.make(build)
