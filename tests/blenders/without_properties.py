# SPDX-License-Identifier: Apache-2.0
"""Run by Blender: what the scripts of lib/blender do when this Blender lacks properties of PROPERTIES, first each
one alone, then all of them. Prints a line "tried: " and an object for each.

    blender -b -P without_properties.py -- DIRECTORY_OF_THE_SCRIPTS BLEND OUTPUT SETTINGS
"""
import json
import os
import sys

import bpy

scripts, blend, output, settings = sys.argv[sys.argv.index("--") + 1:]
settings = json.loads(settings)
sys.dont_write_bytecode = True
sys.path.insert(0, scripts)
import kiln_frames  # noqa: E402
import kiln_properties  # noqa: E402
import kiln_session  # noqa: E402
import kiln_setup  # noqa: E402

find = kiln_properties.find
wanted = set()  # what the scripts have looked for


def hide(names):
    def find_others(thing, name):
        wanted.add(name)
        return None if name in names else find(thing, name)
    kiln_properties.find = find_others


class SilentChannel:
    def say(self, what, **more):
        pass


class SilentOutput:
    def flush(self):
        pass


def own_process(picture):
    """What `blender -b FILE -P kiln_setup.py … -a` does."""
    bpy.ops.wm.open_mainfile(filepath=blend, use_scripts=False)
    setup = kiln_setup.Setup(settings, [[1, 1, 1]])
    if not setup.has_failed:
        setup.find_sequence()
        kiln_frames.Range(setup.scene, setup.frames).render(1, 1, picture)
    return setup.report


def session(picture):
    made = kiln_session.Session.__new__(kiln_session.Session)
    made.channel, made.output = SilentChannel(), SilentOutput()
    made.loaded = kiln_session.Loaded(blend)
    made.loaded.set_up(settings, [[1, 1, 1]])
    if "failure" not in made.loaded.report:
        made.render_frame(1, picture)
    return made.loaded.report


everything = sorted(kiln_properties.PROPERTIES)
for number, hidden in enumerate([[], *([name] for name in everything), everything]):
    hide(hidden)
    for mode in (own_process, session):
        begin = os.path.join(output, f"{mode.__name__}-{number}-")
        try:
            report = mode(begin + "####")
        except BaseException as wrong:
            report = {"raised": f"{type(wrong).__name__}: {wrong}"}
        print("\ntried: " + json.dumps({"hidden": hidden, "mode": mode.__name__, "report": report,
                                        "picture": begin + "0001.png"}), flush=True)
print("\nlooked for: " + json.dumps(sorted(wanted)), flush=True)
