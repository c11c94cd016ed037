# SPDX-License-Identifier: Apache-2.0
"""Run by Blender: builds scenes of this folder.

    blender -b --factory-startup -noaudio --python-exit-code 1 -P make.py -- DIRECTORY FILE.NAME ...

Each becomes DIRECTORY/NAME/NAME.blend, with its files beside it. A builder is a function of a file of this folder, with
the scene to fill and its directory as arguments; it may answer a function that is called once the .blend is saved.
"""
import importlib
import os
import sys
import traceback

import bpy

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

root, *wanted = sys.argv[sys.argv.index("--") + 1:]
for one in wanted:
    module, name = one.split(".")
    directory = os.path.join(root, name)
    os.makedirs(directory, exist_ok=True)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.filepaths.save_version = 0
    bpy.context.preferences.edit.keyframe_new_interpolation_type = "LINEAR"
    path = os.path.join(directory, name + ".blend")
    build = getattr(importlib.import_module(module), name)
    scene = bpy.context.scene
    try:
        afterwards = build(scene, directory)
    except Exception:  # the tests of this scene will say so
        traceback.print_exc()
        continue
    with open(os.path.join(directory, "frames"), "w") as file:
        file.write(f"{scene.frame_start}-{scene.frame_end}")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False, relative_remap=False)
    assert os.path.isfile(path), path
    if afterwards:
        afterwards()
print("made", len(wanted))
