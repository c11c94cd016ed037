# SPDX-License-Identifier: Apache-2.0
"""GET /v1/blenders."""
import concurrent.futures
import json
import os
import time

import pytest
from daemon import program, wait_for


def test_version_devices_and_engines(start):
    d = start()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: d.get("/v1/blenders"), range(5)))
    for answer in answers:
        assert answer.status == 200
        assert answer.json() == {"blenders": [{"name": "default", "version": "3.4.1", "devices": [{"type": "CPU", "name": "a CPU"}],
                                               "engines": ["CYCLES"], "error": None}]}
    assert not (d.state / "blender-devices.log").exists()


@pytest.mark.parametrize("printed", ["nothing of use", "kiln: {", "kiln: []", 'kiln: {"error": "KeyError: cycles"}', 'kiln: {"devices": 7}'])
def test_a_blender_that_does_not_tell(start, printed):
    d = start(environment={"FAKE_BLENDER_DEVICES": printed})
    one = d.get("/v1/blenders").json()["blenders"][0]
    assert one["devices"] is None and one["engines"] is None and one["version"] == "3.4.1"
    if "error" in printed:
        assert one["error"] == "KeyError: cycles"
    elif "devices" not in printed:
        assert "did not say" in one["error"]


def test_who_did_not_tell_is_asked_again(start, tmp_path):
    blender, told = tmp_path / "blender", tmp_path / "told"
    blender.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] || [ -e {told} ] || exit 1\nexec {program('FAKE_BLENDER')} \"$@\"\n")
    blender.chmod(0o755)
    d = start(blender=blender)
    for _ in range(2):
        one = d.get("/v1/blenders").json()["blenders"][0]
        assert one["devices"] is None and "did not say" in one["error"]
    told.touch()
    one = d.get("/v1/blenders").json()["blenders"][0]
    assert one["devices"] and one["error"] is None


def test_a_job_chooses_among_several_by_name(start, tmp_path, blend):
    blender = tmp_path / "blender-4.2"
    fake = program("FAKE_BLENDER")
    blender.write_text(f"""#!/bin/sh
[ "$1" = --version ] && {{ echo "Blender 4.2.1 LTS"; exit; }}
echo "this is the new one"
exec {fake} "$@"
""")
    blender.chmod(0o755)
    d = start(arguments=["--blender", f"4.2={blender}"])
    found = d.get("/v1/blenders").json()["blenders"]
    assert [(one["name"], one["version"]) for one in found] == [("default", "3.4.1"), ("4.2", "4.2.1 LTS")]

    def render(**fields):
        made = d.ask("POST", "/v1/jobs", json.dumps({"blend": blend().name, "frames": "1", **fields}), {"Content-Type": "application/json"})
        assert made.status == 202, made
        end = wait_for(lambda: (lambda j: j if j["state"] not in ("queued", "running") else None)(d.get(made.headers["location"]).json()), "it ends")
        return end, d.get(end["links"]["log"]).text

    for process in ("own", "session"):
        job, log = render(blender="4.2", process=process)
        assert (job["state"], job["blender"]) == ("succeeded", "4.2"), job
        assert "this is the new one" in log
        for usual in ({}, {"blender": "default"}):
            job, log = render(process=process, **usual)
            assert (job["state"], job.get("blender")) == ("succeeded", usual.get("blender"))
            assert "this is the new one" not in log

    for name, why in (("5.0", "there is default, 4.2"), ("Default", "there is default, 4.2"), (f"{blender}", "no Blender of this name"), (7, "must be a string")):
        refused = d.ask("POST", "/v1/jobs", json.dumps({"blend": blend().name, "frames": "1", "blender": name}), {"Content-Type": "application/json"})
        assert refused.status == 422
        assert [(e["pointer"], why in e["detail"]) for e in refused.json()["errors"]] == [("/blender", True)], refused


def test_a_queued_job_whose_blender_is_no_longer_named_fails_and_says_so(start, tmp_path, blend):
    go = tmp_path / "go"
    d = start(f"wait_file {go}", arguments=["--blender", f"old={program('FAKE_BLENDER')}"])
    body = {"blend": blend(f"wait_file {go}").name, "frames": "1", "process": "own"}
    first = d.ask("POST", "/v1/jobs", json.dumps(body), {"Content-Type": "application/json"}).json()
    second = d.ask("POST", "/v1/jobs", json.dumps({**body, "blender": "old"}), {"Content-Type": "application/json"}).json()
    assert (first["state"], second["state"]) == ("running", "queued")
    d.stop()
    at = d.command.index(f"old={program('FAKE_BLENDER')}")
    del d.command[at - 1:at + 1]
    d.start()
    go.touch()
    for job, state in ((first, "succeeded"), (second, "failed")):
        end = wait_for(lambda: (lambda j: j if j["state"] not in ("queued", "running") else None)(d.get(job["links"]["self"]).json()), "it ends")
        assert end["state"] == state, end
    assert end["failure"]["kind"] == "blender_missing" and "named old" in end["failure"]["message"], end


def test_a_stop_does_not_wait_for_it(start, tmp_path):
    blender = tmp_path / "blender"
    blender.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] && exec {program('FAKE_BLENDER')} --version\n: > {tmp_path}/asked\nexec sleep 1000\n")
    blender.chmod(0o755)
    d = start(blender=blender)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(d.get, "/v1/blenders")
        wait_for(lambda: os.path.exists(tmp_path / "asked"), "Blender is asked")
        began = time.monotonic()
        assert d.stop() == 0
        assert time.monotonic() - began < 15  # it would be 30 s
        answer = asked.result()
        assert "did not say" in answer.json()["blenders"][0]["error"]
