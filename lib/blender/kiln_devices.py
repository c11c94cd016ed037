# SPDX-License-Identifier: Apache-2.0
"""Run by Blender (2.8 to 5.x) without a .blend: prints what it can render on and with, as one line: "kiln: " and an object."""
import ast
import json

import bpy

TYPES = ("CPU", "CUDA", "OPTIX", "HIP", "ONEAPI", "METAL")


def engines():
    try:
        bpy.context.scene.render.engine = "NONE OF THEM"
    except TypeError as e:  # its text is the only place where all versions list them
        text = str(e)
        return sorted(ast.literal_eval(text[text.rindex("("):text.rindex(")") + 1]))


def devices():
    preferences = bpy.context.preferences.addons["cycles"].preferences
    preferences.get_devices()
    found = {(device.type, device.name) for device in preferences.devices}
    return [{"type": kind, "name": name} for kind, name in sorted(found) if kind in TYPES]


try:
    print("\nkiln: " + json.dumps({"devices": devices(), "engines": engines()}), flush=True)
except Exception as e:
    print("\nkiln: " + json.dumps({"error": f"{type(e).__name__}: {e}"}), flush=True)
