# SPDX-License-Identifier: Apache-2.0
"""Files of each Blender in each Blender: which one renders a job, what fails, and how soon.

Fixtures, of conftest.py:
- `blenders`: by version ("2.83", "3.4", "4.3", "5.2"), an object whose `.wrapper` is the path of a program that is this
  Blender, seen from outside of its root.
- `scene_by(version, name)`: the path of tests/scenes/make_NAME.py's .blend, made by that Blender.
- `start(*arguments)`: a running kilnd (support/daemon.py) with these arguments, which name its Blenders.
"""
import json
import subprocess

import pytest
from daemon import wait_for

ALL = ("2.83", "3.4", "4.3", "5.2")


def among(blenders, *versions):
    """Arguments that name Blenders by their versions, the default first."""
    return [part for version in versions for part in ("--blender", f"{version}={blenders[version].wrapper}")]


def packed(blend, by):
    """The same file as its own Blender compresses it."""
    out = blend.with_name(f"{blend.stem}-packed.blend")
    if not out.exists():
        save = f"import bpy; bpy.ops.wm.save_as_mainfile(filepath={str(out)!r}, compress=True, check_existing=False)"
        subprocess.run([by.wrapper, "-b", "-noaudio", "--factory-startup", str(blend), "--python-exit-code", "1",
                        "--python-expr", save], check=True, capture_output=True)
    return out


def submit(d, blend, **fields):
    body = {"blend": blend.name, "frames": "1-2", "samples": 1, "engine": "CYCLES", **fields}
    made = d.ask("POST", "/v1/jobs", json.dumps(body), {"Content-Type": "application/json"})
    assert made.status == 202, made
    return made.json()


def end_of(d, job):
    return wait_for(lambda: (lambda j: j if j["state"] not in ("queued", "running") else None)(d.get(job["links"]["self"]).json()),
                    f"{job['id']} ends", 180)


def render(d, blend, **fields):
    return end_of(d, submit(d, blend, **fields))


@pytest.mark.parametrize("process", ["own", "session"])
@pytest.mark.parametrize("written_by, taken", [("2.83", "2.83"), ("3.4", "3.4"), ("4.3", "4.3"), ("5.2", "5.2")])
def test_a_file_gets_the_oldest_that_is_new_enough(start, blenders, scene_by, written_by, taken, process):
    blend = scene_by(written_by, "tiny")
    packed(blend, blenders[written_by])
    # The default is the oldest, and the others are in no order.
    d = start("--project-root", blend.parent, *among(blenders, "2.83", "5.2", "3.4", "4.3"))
    for file in (blend, packed(blend, blenders[written_by])):
        made = submit(d, file, process=process)
        assert made["blender"] == taken
        assert f"{file.name} was written by Blender {written_by}; {written_by}." in made["blender_choice"]
        job = end_of(d, made)
        assert (job["state"], job["attempts"], job["blender"]) == ("succeeded", 1, taken), job
        assert job["file"]["version"].startswith(f"{taken}."), job["file"]
        assert "blender_warning" not in job


def test_the_default_renders_what_is_not_newer(start, blenders, scene_by):
    blend = scene_by("2.83", "tiny")
    d = start("--project-root", blend.parent, *among(blenders, "4.3", "2.83", "3.4"))
    job = render(d, blend)
    assert (job["state"], job["blender"]) == ("succeeded", "4.3")
    assert "is the default here" in job["blender_choice"]
    named = render(d, blend, blender="3.4")
    assert (named["state"], named["blender"]) == ("succeeded", "3.4") and "blender_choice" not in named


# (Blender, written by, packed): what Blender itself does with such a file is in docs/decisions/0017.
REFUSED = [("2.83", "3.4", True), ("2.83", "4.3", False), ("2.83", "5.2", False), ("3.4", "4.3", False), ("3.4", "4.3", True),
           ("3.4", "5.2", False), ("4.3", "5.2", False), ("4.3", "5.2", True)]


@pytest.mark.parametrize("process", ["own", "session"])
@pytest.mark.parametrize("blender, written_by, is_packed", REFUSED)
def test_what_no_blender_here_opens_fails_before_the_first_try(start, blenders, scene_by, blender, written_by, is_packed, process):
    blend = scene_by(written_by, "tiny")
    if is_packed:
        blend = packed(blend, blenders[written_by])
    d = start("--project-root", blend.parent, *among(blenders, blender))
    for fields in ({}, {"blender": blender}):
        job = render(d, blend, process=process, **fields)
        assert (job["state"], job["failure"]["kind"]) == ("failed", "blend_unreadable"), job
        assert f"written by Blender {written_by}, and Blender {blender}." in job["failure"]["message"], job["failure"]
        assert job["attempts"] == 1 and job["failure"]["exit_status"] is None and job["failure"]["signal"] is None
        assert d.get(job["links"]["log"]).text.strip() == "", "no Blender has run"


@pytest.mark.parametrize("process", ["own", "session"])
def test_what_opens_with_losses_renders_with_a_warning(start, blenders, scene_by, process):
    blend = scene_by("3.4", "tiny")
    d = start("--project-root", blend.parent, *among(blenders, "2.83"))
    made = submit(d, blend, process=process)
    assert "written by Blender 3.4, which is newer than 2.83.5" in made["blender_warning"]
    job = end_of(d, made)
    assert (job["state"], job["attempts"]) == ("succeeded", 1), job
    assert "File written by newer Blender binary" in d.get(job["links"]["log"]).text


def test_the_tutorials_job_keeps_to_the_same_rules(start, blenders, scene_by):
    d = start("--blend", scene_by("4.3", "tiny"), *among(blenders, "3.4", "4.3"))
    assert "completed" in d.until_final(d.post_job(1, 2).headers["location"]).text
    job = d.get("/v1/jobs").json()["jobs"][0]
    assert job["blender"] == "4.3" and "oldest here that is new enough" in job["blender_choice"]


def test_the_tutorials_job_with_none_that_opens_it(start, blenders, scene_by):
    d = start("--blend", scene_by("4.3", "tiny"), *among(blenders, "3.4"))
    end = d.until_final(d.post_job(1, 10).headers["location"])
    assert end.status == 200 and "written by Blender 4.3, and Blender 3.4.1 cannot open it" in end.text
    assert d.get("/v1/jobs").json()["jobs"][0]["attempts"] == 1


@pytest.mark.parametrize("process", ["own", "session"])
def test_a_crash_before_the_file_is_loaded_is_tried_once_more(start, blenders, scene_by, tmp_path, process):
    """A file of 4.3 whose header says 3.4: no rule can tell, and Blender 3.4 crashes."""
    lying = tmp_path / "projects" / "lying.blend"
    lying.parent.mkdir()
    data = bytearray(scene_by("4.3", "tiny").read_bytes())
    data[9:12] = b"304"
    lying.write_bytes(data)
    d = start("--project-root", lying.parent, *among(blenders, "3.4"))
    job = render(d, lying, frames="1-10", process=process)
    assert (job["state"], job["failure"]["kind"], job["attempts"]) == ("failed", "crashed", 2), job
    assert "before it had loaded the .blend" in job["failure"]["message"]
    assert "tried 2 times" in job["failure"]["message"]


def without_display(program, directory):
    """This Blender as on a machine without an X display, and with no libEGL.so.1 that can be loaded."""
    broken = directory / "libraries"
    broken.mkdir()
    (broken / "libEGL.so.1").touch()
    script = directory / "blender-without-display"
    script.write_text(f"#!/bin/sh\nunset DISPLAY WAYLAND_DISPLAY\nLD_LIBRARY_PATH={broken} exec {program} \"$@\"\n")
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("process", ["own", "session"])
@pytest.mark.parametrize("engine", ["EEVEE", "BLENDER_WORKBENCH"])
@pytest.mark.parametrize("version", ALL)
def test_an_engine_that_needs_a_display_says_so(start, blenders, scene_by, tmp_path, version, engine, process):
    """2.83 draws on an X display only; 3.4 to 5.2 with EGL."""
    if engine == "EEVEE":
        engine = "BLENDER_EEVEE_NEXT" if version == "4.3" else "BLENDER_EEVEE"
    blend = scene_by(version, "tiny")
    program = without_display(blenders[version].wrapper, tmp_path)
    d = start("--project-root", blend.parent, "--blender", f"{version}={program}")
    job = render(d, blend, engine=engine, process=process)
    assert (job["state"], job["failure"]["kind"], job["attempts"]) == ("failed", "display_unavailable", 1), job
    assert ("xvfb-run" if version == "2.83" else "libegl1") in job["failure"]["message"]


@pytest.mark.parametrize("process", ["own", "session"])
@pytest.mark.parametrize("version", ALL)
def test_an_engine_whose_addon_fails_at_the_start_names_the_addon(start, blenders, scene_by, tmp_path, version, process):
    addon = tmp_path / "scripts" / "addons" / "broken_engine"
    addon.mkdir(parents=True)
    (addon / "__init__.py").write_text('bl_info = {"name": "Broken", "blender": (2, 80, 0), "category": "Render"}\nimport nothing_like_this\n')
    script = tmp_path / "blender-with-addon"
    script.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] || set -- --addons broken_engine \"$@\"\n"
                      f"BLENDER_USER_SCRIPTS={tmp_path}/scripts exec {blenders[version].wrapper} \"$@\"\n")
    script.chmod(0o755)
    blend = scene_by(version, "tiny")
    d = start("--project-root", blend.parent, "--blender", f"{version}={script}")
    job = render(d, blend, engine="BROKEN", process=process)
    assert (job["state"], job["failure"]["kind"], job["attempts"]) == ("failed", "engine_unavailable", 1), job
    # Of several, the first is named: 5.2 of Debian has one of its own.
    assert "as Blender started, the add-on " in job["failure"]["message"] and "ModuleNotFoundError" in job["failure"]["message"]
    if version != "5.2":
        assert "the add-on broken_engine failed" in job["failure"]["message"]
    assert render(d, blend, process="own")["state"] == "succeeded", "the other engines are as they were"


def test_a_blender_that_goes_away_leaves_the_others(start, blenders, scene_by, tmp_path):
    going = tmp_path / "going"
    going.symlink_to(blenders["3.4"].wrapper)
    blend = scene_by("3.4", "tiny")
    d = start("--project-root", blend.parent, "--blender", f"3.4={going}", *among(blenders, "5.2"))
    assert render(d, blend)["blender"] == "3.4"
    going.unlink()
    ready = d.get("/readyz")
    assert ready.status == 200 and any("3.4" in line for line in ready.json()["warnings"])
    named = {one["name"]: one for one in d.get("/v1/blenders").json()["blenders"]}
    assert "no program at" in named["3.4"]["error"] and named["5.2"]["error"] is None
    job = render(d, blend, process="own")
    assert (job["state"], job["blender"]) == ("succeeded", "5.2") and "cannot be used" in job["blender_choice"]
    job = render(d, blend, blender="3.4")
    assert (job["state"], job["failure"]["kind"]) == ("failed", "blender_missing") and "Blender 3.4 " in job["failure"]["message"]
