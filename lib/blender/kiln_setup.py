# SPDX-License-Identifier: Apache-2.0
"""Run by Blender (2.8 to 5.x) before it renders: applies a job's settings and reports facts about the .blend.

    blender -b FILE -P kiln_setup.py [-S SCENE] ... -a -- JSON

JSON is an object with the settings of the job, its "frames" ([[first,last,step],…]) and "strict". One line goes to
standard output: "kiln: " and an object. If the .blend cannot be rendered as requested, the object has a "failure",
and Blender exits here with status 1: Blender itself would render something else, or nothing, and exit with 0. If frames
depend on each other, they are rendered here, in order, and Blender exits here too.
"""
import json
import os
import sys
import traceback

import bpy

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kiln_checks  # noqa: E402
import kiln_files  # noqa: E402
import kiln_frames  # noqa: E402
import kiln_outputs  # noqa: E402
import kiln_report  # noqa: E402
import kiln_sequence  # noqa: E402
import kiln_settings  # noqa: E402
import kiln_simulations  # noqa: E402
import kiln_views  # noqa: E402
import kiln_walk  # noqa: E402
from kiln_properties import Failure  # noqa: E402


def read_settings():
    arguments = sys.argv[sys.argv.index("--") + 1:] if "--" in sys.argv else []
    return json.loads(arguments[0]) if arguments else {}


class Setup:
    """An open file, set up for a job. `scene` is rendered; `report` may hold a "failure", and its "warnings" say what
    was not applied, not checked, or differs from a render by hand. `walk`, `files` and `views` are None if unavailable.
    So is `outputs`, the File Output nodes."""

    def __init__(self, settings, progressions=None):
        self.report = {"version": bpy.app.version_string, "scenes": [s.name for s in bpy.data.scenes][:20],
                       "warnings": []}
        self.scene, self.frames, self.walk, self.files = None, None, None, None
        self.views, self.outputs = None, None
        try:
            self.scene = kiln_settings.find_scene(settings.get("scene"))
            self.frames = kiln_frames.Frames(progressions, self.scene)
            kiln_settings.apply(settings, self.scene, self.warn)
            self.inspect("what the .blend is", kiln_report.describe, self.scene, self.report)
            self.inspect("the version of the .blend", kiln_checks.check_version, self.warn)
            self.inspect("the format", kiln_checks.check_format, self.scene)
            self.views = self.inspect("the views", kiln_views.Views, self.scene)
            self.inspect("what the frames reach", self.look_around)
            self.check()
        except Failure as failure:
            self.fail(failure.kind, str(failure))
        except Exception:  # any error: a frame that is not as requested must not be rendered
            self.fail("internal", "the .blend could not be set up: " + traceback.format_exc()[-600:])

    def check(self):
        if self.walk is None:
            return
        for scene, camera in self.walk.renders:
            self.inspect("the camera", kiln_checks.check_camera, self.walk, scene, camera)
            self.inspect("the engine", kiln_checks.check_engine, scene)
            self.inspect("the denoiser", kiln_checks.check_denoiser, scene)
        if self.files is not None:
            self.inspect("files of the .blend", kiln_checks.check_files, self.walk, self.files, self.report, self.warn)
        self.inspect("nodes of add-ons", kiln_checks.check_addons, self.walk, self.warn)
        self.inspect("view layers", kiln_checks.check_layers, self.walk, self.warn)
        self.outputs = self.inspect("File Output nodes", kiln_outputs.Outputs, self.walk, self.warn)
        self.inspect("scripts of the .blend", kiln_checks.check_trust, self.warn)
        self.inspect("handlers of the .blend", kiln_checks.check_handlers, self.warn)

    def place(self, workspace):
        """Frames go there; so do files of File Output nodes."""
        for files in (self.outputs, self.views):
            if files is not None:
                files.place(workspace)

    def look_around(self):
        self.walk = kiln_walk.Walk(self.scene, self.frames)
        self.files = kiln_files.files_of(self.walk)

    def inspect(self, what, look, *arguments):
        try:
            return look(*arguments)
        except Failure:
            raise
        except Exception as wrong:  # in a future Blender: a frame matters more than the check
            traceback.print_exc()
            self.warn(f"{what}: not checked ({type(wrong).__name__}: {wrong})", "not_checked")
            return None

    def find_sequence(self):
        """Whether frames depend on each other. True, to be safe, if the check fails in a future Blender."""
        simulated = self.inspect("simulations", kiln_simulations.unbaked, self.walk) if self.walk else None
        self.report["sequential"] = simulated is None or bool(simulated)
        if simulated:
            self.inspect("caches of simulations", kiln_simulations.keep_in_memory, self.walk)
            begin = kiln_sequence.first_frame(self.frames)
            self.warn("frames follow from each other, and what they follow from is not baked: "
                      f"{kiln_checks.listed(simulated)}. One Blender renders them in order", "simulation_not_baked")
            if len(self.frames.progressions) > 1 or self.frames.progressions[0][2] > 1 or self.frames.first > begin:
                self.warn(f"every frame from {begin} on is computed, those that the job does not ask for as well",
                          "simulation_prerolled")
        return self.report["sequential"]

    def fail(self, kind, message):
        self.report["failure"] = {"kind": kind, "message": message[:900]}

    def warn(self, message, kind="setting_not_applied"):
        kiln_report.add_warning(self.report, message, kind)

    @property
    def has_failed(self):
        return "failure" in self.report

    def refuse_warnings(self):
        """For a strict job."""
        if self.report["warnings"] and not self.has_failed:
            texts = (f"{one['message']} ({one['kind']})" for one in self.report["warnings"])
            self.fail("strict_warning", "the job is strict, and there are warnings: " + "; ".join(texts))


def tell_loaded():
    """Informs an executor that cannot observe this by a file: how long Blender takes to start and to load."""
    path = os.environ.get("KILN_LOADED")
    if path:
        try:
            open(path, "w").close()
        except OSError:
            pass


def asked_of(arguments):
    """The rest of Blender's command line: the output, the frames of each -a, the threads."""
    output, frames, threads, now = None, [], 0, {"-j": 1}
    for option, value in zip(arguments, arguments[1:] + [""]):
        if option == "--":
            break
        if option == "-o":
            output = value
        elif option == "-t":
            threads = int(value)
        elif option in {"-j", "-s", "-e"}:
            now[option] = int(value)
        elif option == "-a":
            frames += range(now["-s"], now["-e"] + 1, now["-j"])
    return output, frames, threads


def render_in_sequence(setup, shown):
    output, frames, threads = asked_of(sys.argv)
    if threads > 0:
        setup.scene.render.threads_mode, setup.scene.render.threads = "FIXED", threads
    kiln_sequence.Sequence(shown, setup.frames).render(frames, output, saved=lambda _: kiln_report.flush())
    kiln_report.flush()


def main():
    kiln_report.take_any_bytes()
    tell_loaded()
    settings = read_settings()
    frames, is_strict = settings.pop("frames", None), settings.pop("strict", False)
    setup = Setup(settings, frames)
    is_sequence = not setup.has_failed and setup.find_sequence()
    if is_strict:
        setup.refuse_warnings()
    kiln_report.say(setup.report)
    if setup.has_failed:
        os._exit(1)
    shown = kiln_frames.Range(setup.scene, setup.frames)
    output, frames, _ = asked_of(sys.argv)
    if output:
        setup.place(os.path.dirname(output))
    if is_sequence and frames:
        render_in_sequence(setup, shown)
        os._exit(0)  # nothing to save


if __name__ == "__main__":
    main()
