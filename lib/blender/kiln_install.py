# SPDX-License-Identifier: Apache-2.0
"""Run by Blender (2.8 to 5.x) without a .blend: prints its version and the files it needs as one line: "kiln: " and an
object (install_report.hpp)."""
import json
import os
import sys

import bpy


def resources():
    return [path for path in map(bpy.utils.resource_path, ("LOCAL", "SYSTEM")) if path and os.path.isdir(path)]


def loaded_libraries():
    try:
        with open("/proc/self/maps") as maps:
            lines = maps.read().splitlines()
    except OSError:  # as in a sandbox, for a process that was started within it
        return
    for line in lines:
        fields = line.split(None, 5)
        if len(fields) == 6 and "x" in fields[1] and os.path.isfile(fields[5]):
            yield fields[5]


def places():
    found = {sys.prefix, sys.exec_prefix}
    found.update(map(os.path.dirname, loaded_libraries()))
    for directory in resources():
        found.add(os.path.abspath(directory))
        found.update(entry.path for entry in os.scandir(directory) if entry.is_symlink())
    found.update([os.path.realpath(path) for path in found])
    return sorted(path for path in found if os.path.exists(path))


binary = os.path.realpath(bpy.app.binary_path)
file = os.stat(binary)
print("\nkiln: " + json.dumps({
    "version": bpy.app.version_string, "binary": binary, "device": file.st_dev, "inode": file.st_ino, "pid": os.getpid(),
    "group": os.getpgrp(), "directory": os.getcwd(), "temp": os.environ.get("TMPDIR", ""), "places": places()}), flush=True)
