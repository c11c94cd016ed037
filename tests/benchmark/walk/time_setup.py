# SPDX-License-Identifier: Apache-2.0
"""Prints how long Blender loads a .blend, and how long Kiln then looks at it:
blender -b --factory-startup -P time_setup.py -- FILE DIRECTORY-OF-THE-SCRIPTS."""
import json
import sys
import time

import bpy

path, scripts = sys.argv[-2:]
sys.path.insert(0, scripts)
sys.dont_write_bytecode = True
import kiln_files  # noqa: E402
import kiln_setup  # noqa: E402
import kiln_walk  # noqa: E402

began = time.process_time()
bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=False)
loaded = time.process_time()
setup = kiln_setup.Setup({}, [(1, 9, 1)])
done = time.process_time()
assert "failure" not in setup.report, setup.report
blocks = sum(len(getattr(bpy.data, name)) for name in dir(bpy.data)
             if isinstance(getattr(bpy.data, name), type(bpy.data.objects)))
walk = kiln_walk.Walk(setup.scene, setup.frames)
kiln_files.files_of(walk)
walked = time.process_time()
print("timed", json.dumps({"load": loaded - began, "walk": walked - done, "setup": done - loaded, "blocks": blocks, "reached": len(setup.walk.data)}))
