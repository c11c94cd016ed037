# SPDX-License-Identifier: Apache-2.0
"""The colours that Blender shows for linear ones: view transform, look, exposure, gamma, curves, white balance of a scene.

kiln_report.py reports them (settings_of). As a program of a Blender without a .blend, this writes what that Blender makes
of them: a cube of colours for kiln-image (daemon/decoder/cube.hpp). Its edges are the linear values of `points`.

use: blender -b --factory-startup -P kiln_colours.py -- SETTINGS, in a directory of its own; writes the file "cube" there
"""
import array
import json
import os
import sys

import bpy

MOST_POINTS = 64  # of the curves
# log2 of the values between which a straight line is close to each view of Blender: a sixth of a stop where an eye sees
# most, and the ends of the curves of AgX and Filmic.
STOPS = sorted([-12.473931, 4.026069, 6.5] + [at / 2 for at in range(-24, -16)] + [at / 6 for at in range(-48, 37)]
               + list(range(7, 14)))
CURVES = ("black_level", "white_level", "clip_min_x", "clip_min_y", "clip_max_x", "clip_max_y")
WHITE = ("white_balance_temperature", "white_balance_tint")


def settings_of(scene):
    """As JSON has it. None if the scene has curves with more than MOST_POINTS points."""
    view = scene.view_settings
    found = {"display": scene.display_settings.display_device, "view": view.view_transform, "look": view.look,
             "exposure": view.exposure, "gamma": view.gamma}
    if view.use_curve_mapping:
        mapping = view.curve_mapping
        if sum(len(curve.points) for curve in mapping.curves) > MOST_POINTS:
            return None
        found["curves"] = [[[round(at, 5) for at in point.location] + [point.handle_type] for point in curve.points]
                           for curve in mapping.curves]
        found["mapping"] = {name: value_of(mapping, name) for name in CURVES}
        found["mapping"].update(use_clip=mapping.use_clip, extend=mapping.extend, tone=mapping.tone)
    if getattr(view, "use_white_balance", False):  # from 4.3
        found["white"] = [value_of(view, name) for name in WHITE]
    image = scene.render.image_settings
    if getattr(image, "color_management", "") == "OVERRIDE":  # from 3.3
        found["space"] = image.linear_colorspace_settings.name
    elif hasattr(bpy.data, "colorspace"):  # from 5.0
        found["space"] = bpy.data.colorspace.working_space
    return found


def value_of(owner, name):
    value = getattr(owner, name)
    return round(value, 5) if isinstance(value, float) else [round(part, 5) for part in value]


def use(scene, settings):
    """Raises an error for what this Blender does not have."""
    scene.display_settings.display_device = settings["display"]
    view = scene.view_settings
    view.view_transform = settings["view"]
    view.look = settings["look"]
    view.exposure, view.gamma = settings["exposure"], settings["gamma"]
    if "curves" in settings:
        view.use_curve_mapping = True
        mapping = view.curve_mapping
        for name, value in settings["mapping"].items():
            if name in CURVES or name in {"use_clip", "extend", "tone"}:
                setattr(mapping, name, value)
        for curve, points in zip(mapping.curves, settings["curves"]):
            while len(curve.points) > 2:
                curve.points.remove(curve.points[1])
            while len(curve.points) < len(points):
                curve.points.new(0.5, 0.5)
            for point, (x, y, handle) in zip(curve.points, points):
                point.location, point.handle_type = (x, y), handle
        mapping.update()
    if "white" in settings:
        view.use_white_balance = True
        for name, value in zip(WHITE, settings["white"]):
            setattr(view, name, value)


def points_of(settings):
    """Edges of the cube, ascending. The exposure of the scene moves what its view transform gets."""
    return [0.0] + [2.0 ** (stop - settings["exposure"]) for stop in STOPS]


def shown(scene, red, green, blue, width, space):
    """Values from 0 to 65535 of each colour, as Blender writes them into an image for a display."""
    count = len(red)
    image = bpy.data.images.new("linear", width, count // width, alpha=False, float_buffer=True)
    if space:
        image.colorspace_settings.name = space
    pixels = array.array("f", [1.0]) * (4 * count)
    pixels[0::4], pixels[1::4], pixels[2::4] = red, green, blue
    image.pixels.foreach_set(pixels)
    written = scene.render.image_settings
    written.file_format, written.color_mode, written.color_depth = "PNG", "RGB", "16"
    scene.render.dither_intensity = 0.0
    path = os.path.abspath("shown.png")
    image.save_render(path, scene=scene)
    read = bpy.data.images.load(path)
    read.colorspace_settings.name = "Non-Color"
    read.pixels.foreach_get(pixels)
    return [array.array("H", [int(value * 65535 + 0.5) for value in pixels[colour::4]]) for colour in range(3)]


def write_cube(settings, path):
    """The number of points in 4 bytes; the points as floats; red, green and blue of each triple of them in 2 bytes, first
    all red, red growing fastest. The lowest byte comes first."""
    scene = bpy.context.scene
    use(scene, settings)
    points = points_of(settings)
    count = len(points)
    red = array.array("f", points) * (count * count)
    green = array.array("f", [point for point in points for _ in range(count)]) * count
    blue = array.array("f", [point for point in points for _ in range(count * count)])
    planes = shown(scene, red, green, blue, count * count, settings.get("space"))
    parts = [array.array("I", [count]), array.array("f", points), *planes]
    with open(path, "wb") as file:
        for part in parts:
            if sys.byteorder == "big":
                part.byteswap()
            part.tofile(file)


if __name__ == "__main__":
    try:
        write_cube(json.loads(sys.argv[sys.argv.index("--") + 1]), "cube")
    except Exception as wrong:  # Blender ends with 0 otherwise
        print(f"kiln_colours: {type(wrong).__name__}: {wrong}")
        sys.stdout.flush()
        os._exit(1)
