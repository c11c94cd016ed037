# SPDX-License-Identifier: Apache-2.0
"""The scripts' report on a .blend: one line on standard output, "kiln: " and an object."""
import ctypes
import json
import sys

import kiln_colours
import kiln_properties
import kiln_views
from kiln_properties import read
from kiln_settings import SAMPLES

LONGEST_LINE = 7000  # bytes; the daemon cuts lines at 8 KiB
MOST_WARNINGS, LONGEST_WARNING = 20, 300


def describe(scene, report):
    render = scene.render
    report.update({
        "scene": scene.name,
        "cameras": [o.name for o in scene.objects if o.type == "CAMERA"][:20],
        "camera": scene.camera.name if scene.camera else None,
        "view_layers": [layer.name for layer in scene.view_layers if layer.use][:20],
        "views": len(kiln_views.used(scene)) or 1,
        "frame_start": scene.frame_start,
        "frame_end": scene.frame_end,
        "frame_step": scene.frame_step,
        "engine": render.engine,
        "format": render.image_settings.file_format,
        "resolution": [render.resolution_x, render.resolution_y],
        "resolution_percentage": render.resolution_percentage,
    })
    report["colours"] = kiln_colours.settings_of(scene)
    fps, samples = read(scene, "fps"), SAMPLES.get(render.engine)
    base = round(read(scene, "fps_base", 1.0), 6)  # Blender keeps 1.001 as 1.0010000467
    if fps is not None and base > 0:
        report["fps"] = fps / base
    if samples and kiln_properties.find(scene, samples):
        report["samples"] = read(scene, samples)
    if render.engine == "CYCLES" and kiln_properties.find(scene, "cycles_device"):
        report["device"] = read(scene, "cycles_device")
    if render.engine == "CYCLES" and kiln_properties.find(scene, "adaptive_sampling"):
        report["adaptive_sampling"] = read(scene, "adaptive_sampling")


def say(report):
    line = line_of(report)
    for member in ("missing", "scenes", "cameras", "view_layers", "colours"):  # the longest first
        if len(line) > LONGEST_LINE:
            report = {name: value for name, value in report.items() if name != member}
            line = line_of(report)
    while len(line) > LONGEST_LINE and report.get("warnings"):
        report = dict(report, warnings=shortened(report["warnings"]))
        line = line_of(report)
    sys.stdout.write("\nkiln: " + line + "\n")
    sys.stdout.flush()


def shortened(warnings):
    """Drops one warning and adds a last one that says so; finally only that one is left, and then none."""
    left = [one for one in warnings if one["kind"] != "warnings_left_out"]
    return left[:-1] + [{"kind": "warnings_left_out", "message": "there are more warnings; the log of the attempt has "
                                                                 "what Blender said"}] if left else []


def line_of(report):
    """JSON in ASCII. Names in a .blend are bytes: invalid UTF-8 in them becomes U+FFFD."""
    text = json.dumps(report, ensure_ascii=False).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return json.dumps(json.loads(text))


def add_warning(report, message, kind):
    """A warning has a kind, for programs, and a message. Duplicates are dropped."""
    warning = {"kind": kind, "message": message[:LONGEST_WARNING]}
    if warning not in report["warnings"] and len(report["warnings"]) < MOST_WARNINGS:
        report["warnings"].append(warning)


def take_any_bytes():
    """A name that is not UTF-8 must not raise an error in code that prints it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def flush():
    """Also flushes Blender's lines, which are in a buffer of the C library."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        ctypes.CDLL(None).fflush(None)
    except OSError:
        pass
