# SPDX-License-Identifier: Apache-2.0
"""Each scene in each mode: the pictures of Blender by hand, or a failure or a warning that names the cause."""
import os
import re

import modes
import outcomes
import pytest
from cases import CASES, EQUAL

EVERY_MODE = os.environ.get("PICTURES_MODES") == "all"
MODES = {"own": {"process": "own"}, "session": {}}
FURTHER = {"warm": {}, "own, spread": {"process": "own", "order": "spread"}, "session, spread": {"order": "spread"},
           "two processes": {"processes": 2}}
ALL = {**MODES, **FURTHER} if EVERY_MODE else MODES
STOPPED = [(case, way, process) for case in CASES if case.stops for way in modes.STOPS for process in ("own", "session")
           if process == "own" or not case.runs_scripts]


@pytest.fixture(scope="session")
def jobs(request, kilnd, projects, version, by_hand):
    """(case, mode) → the id of its job: those of all selected tests, submitted at once, and every picture by hand is begun."""
    begun = {}
    for item in request.session.items:
        wanted = getattr(item, "callspec", None) and item.callspec.params
        if not wanted or "mode" not in wanted or not possible(wanted["case"], version, projects):
            continue
        case, mode = wanted["case"], wanted["mode"]
        if refused(case, mode, kilnd):
            continue
        begun[case.id, mode] = modes.submit(kilnd, projects, case, frames_of(case, kilnd, projects), **ALL[mode])
        by_hand.begin(case)
    return begun


def possible(case, version, projects):
    return case.is_of(version) and (projects / case.scene / f"{case.scene}.blend").exists()


def refused(case, mode, d):
    """Why kilnd does not take such a job: scripts run in a sandbox only, and in one Blender."""
    if case.runs_scripts and not d.runs_scripts:
        return "this machine has no sandbox"
    if case.runs_scripts and "processes" in ALL[mode]:
        return "one Blender renders it"
    return ""


def frames_of(case, d, projects):
    """A job says its frames; those of the file are in its first blocks."""
    if case.frames or case.frames is None:
        return case.frames
    return (projects / case.scene / "frames").read_text()


def told(job):
    """How the job says that something is not as by hand: a failure before the first frame, or warnings."""
    if job["state"] == "failed":
        return [f"failure {job['failure']['kind']}"]
    return [f"warning {one['kind']}" for one in job.get("warnings") or []]


def outcome_of(job, pictures, expected):
    if job["state"] != "succeeded":
        return "; ".join(told(job)) + ("" if job["frames"]["done"] == 0 else f" after {job['frames']['done']} frames")
    rendered = {number_in(key) for key in pictures} | {None}
    of_these = {key: value for key, value in expected.items() if number_in(key) in rendered}
    same = EQUAL if pictures == of_these and len(pictures) >= job["frames"]["total"] else "ANOTHER PICTURE"
    return "; ".join([same, *told(job)])


def number_in(key):
    """The frame of a picture; None for one of a strip, whose number is of another scene."""
    match = re.match(r"\d+", key)
    return match and match[0]


def check(case, mode, job, pictures, expected):
    outcome = outcome_of(job, pictures, expected)
    outcomes.note(case.id, mode, outcome)
    parts = outcome.split("; ")
    if " or equal" in case.answer:
        wanted = {case.answer.replace(" or equal", "")}, {EQUAL}
        assert set(parts) in wanted, describe(outcome, job)
    elif case.answer == EQUAL:
        assert parts == [EQUAL], describe(outcome, job)
    elif case.answer.startswith("failure"):
        most = 2 if mode == "two processes" else 1  # the second may begin before the first has said why not
        assert parts == [case.answer] and job["attempts"] <= most, describe(outcome, job)
    else:
        assert case.answer in parts and (case.differs or EQUAL in parts), describe(outcome, job)


def describe(outcome, job):
    return f"{outcome}: {job['failure']}, {job.get('warnings')}, attempts {job['attempts']}"


@pytest.mark.parametrize("mode", ALL)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_pictures_are_those_by_hand_or_the_job_says_why_not(case, mode, jobs, kilnd, by_hand, version, projects):
    if not case.is_of(version):
        pytest.skip("this Blender cannot have the scene")
    if case.optional and (case.id, mode) not in jobs:
        pytest.skip("the build of this Blender cannot make the scene")
    if refused(case, mode, kilnd):
        pytest.skip(refused(case, mode, kilnd))
    assert (case.id, mode) in jobs, (projects / "made.log").read_text()[-2000:]
    job = modes.until_final(kilnd, jobs[case.id, mode])
    check(case, mode, job, published(kilnd, job, case), by_hand.begin(case).result())


def test_scripts_make_another_picture(by_hand, projects):
    """Otherwise the cases of scripts that run would compare nothing."""
    by_name = {case.id: case for case in CASES}
    for name in ("python_driver", "registered_text"):
        without, with_scripts = (by_hand.begin(by_name[one]).result() for one in (name, f"{name}_that_runs"))
        assert without and with_scripts and without.keys() == with_scripts.keys() and without != with_scripts, name


def published(d, job, case):
    """The frames and their further files: no others, and all of them listed."""
    directory = d.output / job["id"]
    if not directory.is_dir():
        return {}
    frames = modes.pictures_in(directory, "blender-render_")
    further = modes.further_in(directory, {name: f"{name}_" for name in case.further})
    listed = d.get(f"/v1/jobs/{job['id']}/frames?limit=1000").json()["frames"]
    names = {one["name"] for frame in listed for one in frame.get("outputs", [])}
    assert {path.name for path in directory.iterdir() if "--" in path.name} == names, names
    assert len(frames) == job["frames"]["done"] and len(further) == len(names), (sorted(frames), sorted(further), names)
    return {**frames, **(modes.by_scene(further) if case.in_strips else further)}


@pytest.mark.skipif(not EVERY_MODE, reason="PICTURES_MODES=all tries these modes as well")
@pytest.mark.parametrize("case, way, process", STOPPED, ids=lambda value: getattr(value, "id", value))
def test_a_job_that_is_stopped_on_its_way(case, way, process, another_kilnd, by_hand, version, projects):
    if not possible(case, version, projects):
        pytest.skip("this Blender cannot have the scene")
    if case.runs_scripts and not another_kilnd.runs_scripts:
        pytest.skip("this machine has no sandbox")
    d = another_kilnd.start()
    expected = by_hand.begin(case).result()
    for tries in range(5):  # a fast machine may be through before it is stopped
        ident = modes.submit(d, projects, case, frames_of(case, d, projects), process=process)
        modes.STOPS[way](d, ident, early=tries > 0)
        job = modes.until_final(d, ident)
        if job["attempts"] > 1:
            break
    assert job["attempts"] > 1, "it was stopped on its way"
    check(case, f"{way}, {process}", job, published(d, job, case), expected)
