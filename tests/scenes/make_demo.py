# SPDX-License-Identifier: Apache-2.0
"""The first picture a new user sees: three glazed pots on a turning wheel, and an ember that hops around them.

320x180 and few bounces, so that ten frames take some seconds on two cores. Frames 1 to 48 are one turn; it loops."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402


import math  # noqa: E402

LAST = 48

# (radius, height) from the foot outside, over the rim, to the floor inside.
VASE = [(0.0, 0.0), (0.34, 0.0), (0.37, 0.04), (0.50, 0.28), (0.56, 0.52), (0.54, 0.74), (0.44, 0.96), (0.30, 1.14),
        (0.22, 1.28), (0.21, 1.40), (0.26, 1.52), (0.33, 1.58), (0.34, 1.60), (0.31, 1.60), (0.23, 1.52), (0.18, 1.40),
        (0.19, 1.28), (0.26, 1.14), (0.0, 1.0)]
BOWL = [(0.0, 0.0), (0.22, 0.0), (0.24, 0.05), (0.22, 0.09), (0.40, 0.20), (0.54, 0.36), (0.60, 0.52), (0.60, 0.55),
        (0.57, 0.55), (0.50, 0.37), (0.36, 0.23), (0.18, 0.15), (0.0, 0.14)]
JAR = [(0.0, 0.0), (0.30, 0.0), (0.33, 0.03), (0.36, 0.30), (0.36, 0.62), (0.32, 0.74), (0.26, 0.79), (0.26, 0.86),
       (0.28, 0.88), (0.24, 0.88), (0.22, 0.80), (0.0, 0.70)]
WHEEL = [(1.62, 0.0), (1.62, 0.08), (1.58, 0.12), (1.50, 0.13), (0.0, 0.13)]


def build(scene):
    stage.set_frames(scene, 1, LAST)
    stage.set_size(scene, 320, 180, samples=48)
    scene.cycles.max_bounces = 3
    scene.cycles.caustics_reflective = False
    scene.cycles.caustics_refractive = False
    scene.cycles.sample_clamp_indirect = 2.0
    scene.render.use_persistent_data = True
    scene.view_settings.look = "None"
    stage.linear_keys()

    stage.set_sky(scene, (0.05, 0.07, 0.12), 1.0)
    stage.add_area_light(scene, (-4.5, -3.5, 5.5), (0, 0, 0.5), size=2.0, watts=900, color=(1.0, 0.80, 0.58))
    stage.add_area_light(scene, (5.0, 1.5, 3.5), (0, 0, 0.6), size=2.5, watts=230, color=(0.42, 0.62, 1.0))

    floor(scene)
    wheel = stage.add_turned(scene, "Wheel", WHEEL, stage.material("Wood", (0.16, 0.075, 0.035), 0.45), segments=96)
    turn(wheel)
    pots = [("Vase", VASE, (0.006, 0.120, 0.165), 0.15, 90), ("Bowl", BOWL, (0.70, 0.52, 0.30), 0.30, 215),
            ("Jar", JAR, (0.45, 0.050, 0.016), 0.22, 325)]
    for name, profile, color, roughness, degrees in pots:
        angle = math.radians(degrees)
        pot = stage.add_turned(scene, name, profile, stage.material(name, color, roughness),
                               (0.82 * math.cos(angle), 0.82 * math.sin(angle), 0.13), segments=96)
        pot.parent = wheel
    hop(stage.add_ball(scene, "Ember", 0.13, stage.glowing("Ember", (1.0, 0.20, 0.02), 14.0)))
    stage.add_camera(scene, (0.0, -6.6, 3.1), (0.0, 0.0, 0.62), lens=50)


def floor(scene):
    """A floor that bends up into the back wall, so that there is no horizon."""
    depths = [(-9.0, 0.0), (3.0, 0.0)]
    depths += [(3.0 + 2.5 * math.sin(a * math.pi / 24), 2.5 - 2.5 * math.cos(a * math.pi / 24)) for a in range(1, 13)]
    depths += [(5.5, 9.0)]
    vertices = [(x, y, z) for y, z in depths for x in (-12.0, 12.0)]
    faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(depths) - 1)]
    stage.add_mesh(scene, "Floor", vertices, faces, stage.material("Backdrop", (0.16, 0.135, 0.125), 0.9))


def turn(wheel):
    for frame, angle in ((1, 0.0), (LAST + 1, 2 * math.pi)):
        wheel.rotation_euler.z = angle
        wheel.keyframe_insert("rotation_euler", frame=frame)


def hop(ember):
    """Six hops on a circle outside the wheel, against its turn."""
    for frame in range(1, LAST + 2):
        part = (frame - 1) / LAST
        angle = math.radians(-28) - 2 * math.pi * part
        height = 0.14 + 0.55 * abs(math.sin(6 * math.pi * part))
        ember.location = (1.95 * math.cos(angle), 1.95 * math.sin(angle), height)
        ember.keyframe_insert("location", frame=frame)


stage.make(build)
