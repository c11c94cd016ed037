# SPDX-License-Identifier: Apache-2.0
"""A landscape of 360 000 faces: every frame begins with seconds of preparation, the picture itself is cheap."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "scenes"))
import stage  # noqa: E402

import math  # noqa: E402

SIDE = 600


def build(scene):
    stage.set_frames(scene, 1, 40)
    stage.set_size(scene, 96, 64, samples=4)
    stage.set_sky(scene, (0.5, 0.6, 0.8))
    step = 40.0 / SIDE
    vertices = [(step * x - 20, step * y - 20, height(step * x, step * y)) for y in range(SIDE + 1) for x in range(SIDE + 1)]
    row = SIDE + 1
    faces = [(y * row + x, y * row + x + 1, (y + 1) * row + x + 1, (y + 1) * row + x) for y in range(SIDE) for x in range(SIDE)]
    land = stage.add_mesh(scene, "Land", vertices, faces, stage.material("Land", (0.3, 0.4, 0.2)))
    stage.linear_keys()
    for frame, angle in ((1, 0.0), (40, 1.0)):
        land.rotation_euler.z = angle
        land.keyframe_insert("rotation_euler", frame=frame)
    stage.add_camera(scene, (0, -22, 7), (0, 0, 0), lens=35)


def height(x, y):
    return 0.8 * math.sin(0.9 * x) * math.cos(0.7 * y) + 0.15 * math.sin(5 * x + 3 * y)


stage.make(build)
