# SPDX-License-Identifier: Apache-2.0
"""Settings that a job changes and the file animates, and the frame range as scenes see it."""
import os

import flat

import bpy


def lit(scene, last=2):
    """Noise that depends on samples and seed."""
    flat.prepare(scene, 1, last)
    lamp = bpy.data.lights.new("Lamp", "AREA")
    lamp.energy, lamp.size = 200, 3
    thing = bpy.data.objects.new("Lamp", lamp)
    thing.location, thing.rotation_euler = (0, -3, 3), (0.8, 0, 0)
    scene.collection.objects.link(thing)
    material = bpy.data.materials.new("Plain")
    material.use_nodes = True
    flat.quad(scene, material, size=4)


def seed_driven(scene, directory):
    lit(scene)
    flat.drive(scene, "cycles.seed", scene, "frame_current")


def samples_keyed(scene, directory):
    lit(scene)
    flat.key(scene.cycles, "samples", ((1, 1), (2, 9)))


def seed_keyed_and_used(scene, directory):
    """By the file alone: the job asks for no seed."""
    lit(scene, 3)
    flat.key(scene.cycles, "seed", ((1, 1), (3, 9)))


def camera_markers(scene, directory):
    flat.prepare(scene, 1, 4)
    flat.moving_quad(scene)
    for number, frame in enumerate((2, 3)):
        marker = scene.timeline_markers.new(f"M{number}", frame=frame)
        marker.camera = flat.camera(scene, x=number + 1, scale=3 + number, name=f"C{number}", active=False)


def driven_by_the_range(scene, directory):
    flat.prepare(scene, 1, 6)
    thing = flat.quad(scene, size=1)
    flat.drive(thing, "location", scene, "frame_end", 0)
    thing.location = (0, 0, 0)
    driver = thing.animation_data.drivers[0].driver
    driver.type, driver.expression = "SCRIPTED", "var / 3"
    driver.variables[0].name = "var"


def stamped_range(scene, directory):
    flat.prepare(scene, 1, 4, size=(120, 60))
    flat.quad(scene)
    render = scene.render
    for name in dir(render):
        if name.startswith("use_stamp_"):
            setattr(render, name, False)
    render.use_stamp = render.use_stamp_frame_range = render.use_stamp_frame = render.use_stamp_labels = True


def step_of_the_file(scene, directory):
    flat.prepare(scene, 1, 6)
    scene.frame_step = 2
    flat.moving_quad(scene)


def python_driver(scene, directory):
    """Blender runs it only if it trusts the file."""
    flat.prepare(scene, 1, 8)
    thing = flat.quad(scene, size=1)
    driver = thing.driver_add("location", 0).driver
    driver.type, driver.expression = "SCRIPTED", "bpy.context.scene.frame_current % 3 * 2 - 2"


def registered_text(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    register("import bpy\nbpy.data.objects['Quad'].scale = (2, 1, 3)\n")


def registered_handler(scene, directory):
    """Which is called at each frame, and keeps nothing for the next one."""
    flat.prepare(scene, 1, 4)
    flat.quad(scene, size=1)
    register(MOVING)


def registered_module(scene, directory):
    """The same by a text that imports a file beside the .blend."""
    flat.prepare(scene, 1, 4)
    flat.quad(scene, size=1)
    with open(os.path.join(directory, "mover.py"), "w") as file:
        file.write(MOVING)
    register("import sys\nimport bpy\nsys.path.append(bpy.path.abspath('//'))\nimport mover\n")


MOVING = """import bpy

def move(scene, *_):
    bpy.data.objects['Quad'].location.x = scene.frame_current - 2.5

bpy.app.handlers.frame_change_pre.append(move)
"""


def register(code):
    """A text that Blender runs when it opens the file, if it trusts the file."""
    text = bpy.data.texts.new("register.py")
    text.write(code)
    text.use_module = True


def layers_off(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    for layer in scene.view_layers:
        layer.use = False
