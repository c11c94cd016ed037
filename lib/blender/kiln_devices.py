# SPDX-License-Identifier: Apache-2.0
"""Run by Blender (2.8 to 5.x) without a .blend: prints its render devices and engines as one line: "kiln: " and an object."""
import json
import re

import bpy

TYPES = ("CPU", "CUDA", "OPTIX", "HIP", "ONEAPI", "METAL")


def engines():
    try:
        bpy.context.scene.render.engine = "NONE OF THEM"
    except TypeError as e:  # its text is the only place where all versions list them
        text = str(e)
        return sorted(re.findall(r"'([^']+)'", text[text.rindex("("):]))
    raise RuntimeError("this Blender does not list its engines")


def devices():
    addon = bpy.context.preferences.addons.get("cycles")
    if addon is None:
        return [{"type": "CPU", "name": "CPU"}]  # without Cycles there is no choice
    preferences = addon.preferences
    getattr(preferences, "refresh_devices", preferences.get_devices)()
    found = {(device.type, device.name) for device in preferences.devices}
    return [{"type": kind, "name": name} for kind, name in sorted(found) if kind in TYPES]


found = {}
for name, look in (("devices", devices), ("engines", engines)):
    try:
        found[name] = look()
    except Exception as e:  # the other report is printed all the same
        found["error"] = f"{type(e).__name__}: {e}"
print("\nkiln: " + json.dumps(found), flush=True)
