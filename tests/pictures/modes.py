# SPDX-License-Identifier: Apache-2.0
"""How a scene is rendered: by hand, and by kilnd in each of its modes."""
import contextlib
import json
import os
import re
import shutil
import signal
import time

from daemon import wait_for
from decoded import decode

FINAL = ("succeeded", "failed", "canceled")


class Render:
    """Renders by hand, each scene once, as `blender -b FILE -o … -s FIRST -e LAST -a` does."""

    def __init__(self, blender, projects, pool):
        self.blender, self.projects, self.pool, self.known = blender, projects, pool, {}

    def begin(self, case):
        if case.id not in self.known:
            self.known[case.id] = self.pool.submit(self.render, case)
        return self.known[case.id]

    def render(self, case):
        output = self.projects / "by-hand" / case.id
        output.mkdir(parents=True)
        shutil.copytree(self.projects / case.scene, output / "scene")  # Blender may write caches beside it
        setting = ["--python-exit-code", "1", "--python-expr", f"import bpy; {case.by_hand}"] if case.by_hand else []
        blend = output / "scene" / f"{case.scene}.blend"
        trust = "-y" if case.runs_scripts else "-Y"
        done = self.blender.run("-b", "-noaudio", trust, blend, *setting, "-o", output / "by-hand_####", "-x", "1",
                                *range_by_hand(case), "-a", capture_output=True, text=True, errors="replace")
        (output / "log").write_text(done.stdout + done.stderr)
        frames, further = pictures_in(output, "by-hand_"), further_in(output / "scene", case.outputs)
        assert {key.partition(" ")[2] for key in further} == set(case.outputs), "a node wrote nothing, or elsewhere"
        if case.in_strips:
            further = {f"at {key}": picture for key, picture in further.items()}
        return {**(by_view(frames, case.first_view) if case.first_view else frames), **further}


def range_by_hand(case):
    if case.hand_range:
        first, last, step = case.hand_range
    elif case.frames:
        first, last, step = map(int, re.fullmatch(r"(\d+)(?:-(\d+))?(?:x(\d+))?", case.frames).groups(default="1"))
    else:
        return []
    return ["-j", step, "-s", first, "-e", last]


def pictures_in(directory, prefix):
    """frame → decoded picture. The name of an eye is part of the key: "3_L"."""
    found = {}
    for path in sorted(directory.iterdir()):
        match = re.fullmatch(re.escape(prefix) + r"(\d*)(_\w*)?\.\w+", path.name)
        if match:
            found[match[1].lstrip("0") + (match[2] or "")] = decode(path)
    return found


def by_view(frames, first):
    """The first view of a frame is the frame, the others are further files of it."""
    return {key[:-len(first)] if key.endswith(first) else f"{key} Render--view": picture for key, picture in frames.items()}


def further_in(directory, begins):
    """The same for further files, each name with how its files begin: "3_L File-Output--beauty"."""
    found = {}
    for name, begin in begins.items():
        place = directory / begin
        if place.parent.is_dir():
            found.update((f"{key} {name}", picture) for key, picture in pictures_in(place.parent, place.name).items())
    return found


def by_scene(further):
    """Further files of scenes of strips by the frame of their scene, which is behind that of the job: "3_0071 NAME" is
    "at 71 NAME". Where several frames of the job show one of the scene, their files are the same. Blender 5 leaves that
    number out ("3_ NAME"), so by hand only the file of the last frame is left."""
    found = {}
    for key, picture in further.items():
        number, _, name = key.partition(" ")
        scene_frame = number.partition("_")[2].lstrip("0")
        at = f"at {scene_frame} {name}"
        if scene_frame:
            assert found.setdefault(at, picture) == picture, key
        else:
            found[at] = picture  # in the order of the job's frames
    return found


def submit(d, projects, case, frames, **fields):
    body = {"blend": f"{case.scene}/{case.scene}.blend", **({"frames": frames} if frames else {}), **case.fields, **fields}
    answer = d.ask("POST", "/v1/jobs", json.dumps(body), {"Content-Type": "application/json"})
    assert answer.status == 202, answer
    return answer.json()["id"]


def look(d, ident):
    return d.get(f"/v1/jobs/{ident}").json()


def until(d, ident, *states, deadline=180):
    return wait_for(lambda: (lambda job: job if job["state"] in states else None)(look(d, ident)), f"{states}", deadline=deadline)


def until_final(d, ident):
    return until(d, ident, *FINAL)


def tell(pid, sent):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sent)


def run_for_a_moment(pid):
    tell(pid, signal.SIGCONT)
    time.sleep(0.02)
    tell(pid, signal.SIGSTOP)
    time.sleep(0.05)


@contextlib.contextmanager
def held_after_its_first_frame(d, ident, early):
    """Blender's pid while it is stopped, with a frame published and another missing; None when the job was too fast.

    Frames may take milliseconds: from the first on, or `early`, while it loads, Blender runs for 20 ms at a time, and kilnd
    publishes meanwhile."""
    def begun(job):
        return job["current"] and job["current"]["pid"] and (early or job["frames"]["done"] or job["current"]["frame"] is not None)

    job = wait_for(lambda: (lambda j: j if j["state"] in FINAL or begun(j) else None)(look(d, ident)), "a frame is begun", deadline=180)
    if job["state"] in FINAL:
        yield None
        return
    pid = job["current"]["pid"]
    try:
        tell(pid, signal.SIGSTOP)
        while True:
            job = look(d, ident)
            if job["state"] in FINAL or job["frames"]["done"] or not job["current"]:
                break
            run_for_a_moment(pid)
        yield pid if job["state"] not in FINAL and job["current"] else None
    finally:
        tell(pid, signal.SIGCONT)


def patch(d, ident, **fields):
    answer = d.ask("PATCH", f"/v1/jobs/{ident}", json.dumps(fields), {"Content-Type": "application/json"})
    assert answer.status == 200, answer


def pause(d, ident, early=False):
    with held_after_its_first_frame(d, ident, early) as pid:
        if pid:
            patch(d, ident, paused=True)
            done = look(d, ident)["frames"]["done"]

            def pauses():
                job = look(d, ident)
                if job["state"] == "running" and job["frames"]["done"] == done:  # its frame is finished first
                    run_for_a_moment(pid)
                return job["state"] != "running"
            wait_for(pauses, "it pauses", deadline=60)
    if until(d, ident, "paused", *FINAL)["state"] == "paused":
        patch(d, ident, paused=False)


def crash(d, ident, early=False):
    with held_after_its_first_frame(d, ident, early) as pid:
        if pid:
            tell(pid, signal.SIGKILL)


def cancel_and_retry(d, ident, early=False):
    with held_after_its_first_frame(d, ident, early) as pid:
        if pid:
            d.ask("POST", f"/v1/jobs/{ident}/cancel")
            until_final(d, ident)
    if until_final(d, ident)["state"] == "canceled":
        assert d.ask("POST", f"/v1/jobs/{ident}/retry").status in (200, 202)


def restart(d, ident, early=False):
    with held_after_its_first_frame(d, ident, early):
        pass
    assert d.stop() == 0
    d.start()


STOPS = {"pause": pause, "crash": crash, "cancel and retry": cancel_and_retry, "restart": restart}
