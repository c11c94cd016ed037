# SPDX-License-Identifier: Apache-2.0
"""/v1/jobs: jobs with all their fields, over HTTP."""
import http.client
import concurrent.futures
import json
import os
import re
import signal
import struct
import urllib.parse

import pytest
from conftest import ON_SLURM
from daemon import wait_for

JSON = {"Content-Type": "application/json"}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
FINAL = ("succeeded", "failed", "canceled")


def post(d, body, **more):
    return d.ask("POST", "/v1/jobs", json.dumps(body) if not isinstance(body, (str, bytes)) else body, {**JSON, **more})


def submit(d, frames="1-3", **fields):
    answer = post(d, {"blend": "scene.blend", "frames": frames, **fields})
    assert answer.status == 202, answer
    return answer.json()["id"]


def job(d, ident):
    answer = d.get(f"/v1/jobs/{ident}")
    assert answer.status == 200, answer
    return answer.json()


def until(d, ident, *states):
    return wait_for(lambda: (lambda j: j if j["state"] in states else None)(job(d, ident)), f"{ident} is {states}")


def act(d, ident, verb):
    return d.ask("POST", f"/v1/jobs/{ident}/{verb}")


def patch(d, ident, body):
    return d.ask("PATCH", f"/v1/jobs/{ident}", json.dumps(body), {"Content-Type": "application/merge-patch+json"})


WARNED = 'print kiln: {"version":"3.4.1","warnings":[{"kind":"newer_file","message":"Blender 9 wrote it"},{"kind":"X","message":"no"}]}'


@pytest.mark.local
def test_warnings_of_a_job(start):
    d = start(WARNED)
    ident = submit(d, "1-2", process="own")
    done = until(d, ident, *FINAL)
    expected = [{"kind": "newer_file", "message": "Blender 9 wrote it", "frames": None}]
    assert done["state"] == "succeeded" and done["warnings"] == expected and done["file"] == {"version": "3.4.1"}
    assert "kind=newer_file" in d.log()
    assert d.stop() == 0
    d.start()
    assert d.get(f"/v1/jobs/{ident}").json()["warnings"] == expected
    assert "strict" not in done and until(d, submit(d, "1", strict=True), *FINAL)["strict"] is True


@pytest.mark.local
def test_a_job_from_its_submission_to_its_end(start, tmp_path):
    go = tmp_path / "go"
    d = start("samples 4", f"wait_file {go}", 'print kiln: {"version":"3.4.1","scenes":["Scene"]}')
    fields = {"name": "shot 1", "tags": ["nightly", "é"], "priority": 3, "engine": "CYCLES", "scene": "Scene",
              "camera": "Side", "format": "PNG", "resolution": [64, 32], "resolution_percentage": 50, "samples": 4,
              "seed": 7, "device": "CPU", "threads": 1, "retries": 1, "timeout_seconds": 600, "stall_timeout_seconds": 60,
              "process": "own"}
    answer = post(d, {"blend": "scene.blend", "frames": {"from": 1, "to": 5, "step": 2}, **fields})
    assert answer.status == 202
    made = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{made['id']}"
    assert 1 <= int(answer.headers["retry-after"]) <= 300
    assert made["blend"] == "scene.blend"
    assert {k: made[k] for k in fields} == fields
    assert made["frames"] == {"set": "1-5x2", "total": 3, "done": 0, "failed": 0, "rendering": 1}
    assert made["state"] == "running" and made["current"]["pid"] > 0
    assert re.fullmatch(TIME, made["created_at"]) and made["finished_at"] is None
    said = wait_for(lambda: open(f"/proc/{made['current']['pid']}/cmdline").read(), "its arguments are there, which is a moment after it runs")
    argv = said.split("\0")
    assert json.loads(argv[argv.index("--") + 1]) == {"frames": [[1, 5, 2]], **{k: fields[k] for k in (
        "engine", "scene", "camera", "format", "resolution", "resolution_percentage", "samples", "seed", "device")}}
    assert argv[argv.index("-t") + 1] == "1" and argv[argv.index("-S") + 1] == "Scene"
    running = d.get(answer.headers["location"])
    assert "retry-after" in running.headers
    go.touch()
    done = until(d, made["id"], *FINAL)
    assert done["state"] == "succeeded" and done["progress"] == 1 and done["failure"] is None
    assert done["file"] == {"version": "3.4.1", "scenes": ["Scene"]}
    assert done["revision"] > made["revision"]
    assert re.fullmatch(TIME, done["started_at"]) and re.fullmatch(TIME, done["finished_at"])
    assert "retry-after" not in d.get(answer.headers["location"]).headers
    assert d.frames(made["id"]) == [f"blender-render_{n:04}.png" for n in (1, 3, 5)]
    frames = d.get(done["links"]["frames"]).json()["frames"]
    assert [(f["frame"], f["state"], f["tries"]) for f in frames] == [(1, "done", 0), (3, "done", 0), (5, "done", 0)]
    assert all(f["bytes"] == os.path.getsize(d.output / made["id"] / f"blender-render_{f['frame']:04}.png") for f in frames)


@pytest.mark.local
def test_without_frames_it_has_those_of_the_file(start):
    d = start()
    (d.directory / "with_frames.blend").write_bytes(
        b"BLENDER-v304REND" + struct.pack("<i8siiii64s", 72, b"abcdefgh", 0, 1, 3, 5, b"Scene") +
        b"GLOB" + struct.pack("<i8sii", 8, b"abcdefgh", 0, 1) + b"   6\0\0\0\0")
    made = post(d, {"blend": "with_frames.blend"}).json()
    assert made["frames"]["set"] == "3-5" and made["frames_of_file"] is True, made
    assert until(d, made["id"], *FINAL)["state"] == "succeeded" and len(d.frames(made["id"])) == 3
    named = post(d, {"blend": "with_frames.blend", "scene": "Scene", "frames": "4"}).json()
    assert named["frames"]["set"] == "4" and "frames_of_file" not in named
    refused = post(d, {"blend": "with_frames.blend", "scene": "Other"})
    assert refused.status == 422 and refused.json()["errors"][0]["pointer"] == "/frames", refused
    copied = d.ask("POST", f"/v1/jobs/{made['id']}/copies", '{"samples":3}', {"Content-Type": "application/merge-patch+json"}).json()
    assert copied["frames"]["set"] == "3-5" and "frames_of_file" not in copied


GOOD = {"blend": "scene.blend", "frames": "1"}


@pytest.mark.parametrize("body, pointers", [
    ({}, ["/blend"]), ({"blend": "scene.blend"}, ["/frames"]), ({"blend": "scene.blend", "samples": 0}, ["/frames", "/samples"]),
    ({"blend": "nowhere.blend", "samples": 0}, ["/blend", "/samples"]), ({**GOOD, "frames_of_file": True}, ["/frames_of_file"]),
    ({**GOOD, "frames": "5-1"}, ["/frames"]),
    ({**GOOD, "frames": "1-1048575"}, ["/frames"]),
    ({**GOOD, "frames": 7}, ["/frames"]),
    ({**GOOD, "frames": {"from": 1}}, ["/frames"]),
    ({**GOOD, "frames": {"from": 1, "to": 2, "by": 1}}, ["/frames/by"]),
    ({**GOOD, "frames": {"from": 1, "to": "2"}}, ["/frames/to"]),
    ({**GOOD, "frames": "0-200000"}, ["/frames"]),
    ({**GOOD, "blend": 7}, ["/blend"]),
    ({**GOOD, "blend": ""}, ["/blend"]),
    ({**GOOD, "blend": "nowhere.blend"}, ["/blend"]),
    ({**GOOD, "blend": "../scene.blend"}, ["/blend"]),
    ({**GOOD, "blend": "/etc/passwd"}, ["/blend"]),
    ({**GOOD, "blend": "scene.blend\0.png"}, ["/blend"]),
    ({**GOOD, "blend": "x" * 5000}, ["/blend"]),
    ({**GOOD, "priority": 101}, ["/priority"]),
    ({**GOOD, "priority": "high"}, ["/priority"]),
    ({**GOOD, "priority": 1.5}, ["/priority"]),
    ({**GOOD, "threads": 99999999999999999999}, ["/threads"]),
    ({**GOOD, "tags": "x"}, ["/tags"]),
    ({**GOOD, "tags": ["a", 1]}, ["/tags/1"]),
    ({**GOOD, "tags": ["", "b"]}, ["/tags/0"]),
    ({**GOOD, "engine": "--python"}, ["/engine"]),
    ({**GOOD, "scene": "a\nb"}, ["/scene"]),
    ({**GOOD, "resolution": [1920]}, ["/resolution"]),
    ({**GOOD, "resolution": [1, 1e9]}, ["/resolution/1"]),
    ({**GOOD, "resolution": [1, 99999]}, ["/resolution/0", "/resolution/1"]),
    ({**GOOD, "format": "FFMPEG", "device": "GPU", "samples": 0}, ["/format", "/device", "/samples"]),
    ({**GOOD, "processes": "many", "fail_fast": 1}, ["/fail_fast", "/processes"]),
    ({**GOOD, "frames": "x", "samples": 0, "colour": "red", "trace_id": "1"}, ["/frames", "/colour", "/trace_id", "/samples"]),
    ({**GOOD, "strict": "yes"}, ["/strict"]),
    ({**GOOD, "autorun": True}, ["/autorun"]), ({**GOOD, "autorun": "yes"}, ["/autorun"]),
    ({**GOOD, "autorun": True, "process": "session", "samples": 0}, ["/autorun", "/process", "/samples"]),
    ({**GOOD, "autorun": True, "processes": 2}, ["/processes", "/autorun"]),
    ({**GOOD, "colour": "red", "a/b~c": 1}, ["/colour", "/a~1b~0c"]),
    ("[]", [""]), ("nonsense", [""]), ('{"blend":"a","blend":"b"}', [""]), ('{"blend":1e999}', [""]),
])
def test_bad_fields_are_named(start, body, pointers):
    d = start()
    answer = post(d, body)
    assert answer.status == 422 and answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:kiln:problem:invalid-input"
    assert [e["pointer"] for e in problem["errors"]] == pointers
    assert all(e["detail"] for e in problem["errors"])
    assert d.get("/v1/jobs").json() == {"jobs": []}


def test_a_link_out_of_the_project_is_refused(start, tmp_path):
    d = start()
    (tmp_path / "leads_out.blend").symlink_to("/etc/passwd")
    (tmp_path / "leads_in.blend").symlink_to(tmp_path / "scene.blend")
    assert post(d, {"blend": "leads_out.blend", "frames": "1"}).status == 422
    assert post(d, {"blend": "leads_in.blend", "frames": "1"}).status == 202
    assert post(d, {"blend": str(tmp_path / "scene.blend"), "frames": "1"}).status == 202


def test_other_types_of_body_are_refused(start):
    d = start()
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert d.ask("POST", "/v1/jobs", json.dumps(GOOD), {"Content-Type": kind}).status == 415


def test_what_is_not_there(start):
    d = start()
    unknown = "j" + "0" * 18
    for target in (unknown, "x", "1", "j" + "I" * 18):
        assert d.get(f"/v1/jobs/{target}").status == 404
        assert d.get(f"/v1/jobs/{target}/frames").status == 404
        assert act(d, target, "cancel").status == 404
        assert act(d, target, "retry").status == 404
        assert patch(d, target, {"priority": 1}).status == 404
        assert d.ask("DELETE", f"/v1/jobs/{target}").status == 404
    assert d.ask("PUT", f"/v1/jobs/{unknown}").headers["allow"] == "GET, PATCH, DELETE, HEAD, OPTIONS"
    assert act(d, unknown, "explode").status == 404


def test_the_list_has_pages_and_filters(start):
    d = start("frame_seconds 0")
    made = [submit(d, "1", tags=["even"] if n % 2 == 0 else ["odd", "seldom"] if n == 3 else ["odd"]) for n in range(7)]
    for ident in made:
        until(d, ident, "succeeded")

    def walk(target):
        seen, pages = [], 0
        while target:
            answer = d.get(target)
            assert answer.status == 200, answer
            seen += [j["id"] for j in answer.json()["jobs"]]
            link = answer.headers.get("link")
            target = re.fullmatch(r'<([^>]*)>; rel="next"', link).group(1) if link else None
            pages += 1
        return seen, pages

    newest_first = made[::-1]
    assert walk("/v1/jobs") == (newest_first, 1)
    assert walk("/v1/jobs?limit=3") == (newest_first, 3)
    assert walk("/v1/jobs?limit=7") == (newest_first, 1)
    assert walk("/v1/jobs?tag=odd&limit=2") == ([made[5], made[3], made[1]], 2)
    assert walk("/v1/jobs?tag=seldom") == ([made[3]], 1)
    assert walk("/v1/jobs?state=succeeded&limit=4")[0] == newest_first
    assert walk("/v1/jobs?state=queued") == ([], 1)
    assert walk("/v1/jobs?tag=" + urllib.parse.quote("' OR 1=1 --")) == ([], 1)
    for query in ("limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "state=done", "cursor=1", "colour=red", "tag=%zz"):
        answer = d.get("/v1/jobs?" + query)
        assert answer.status == 400 and answer.json()["detail"], query


def test_frames_have_pages(start):
    d = start("skip_frame 4")
    ident = submit(d, "1-10", retries=0)
    until(d, ident, "failed")
    target, seen = f"/v1/jobs/{ident}/frames?limit=4", []
    while target:
        answer = d.get(target)
        seen += [(f["frame"], f["state"]) for f in answer.json()["frames"]]
        link = answer.headers.get("link")
        target = link[1:link.index(">")] if link else None
    assert seen == [(n, "failed" if n == 4 else "done") for n in range(1, 11)]
    for query in ("cursor=-1", "cursor=x", "limit=0"):
        assert d.get(f"/v1/jobs/{ident}/frames?{query}").status == 400


def test_cancel(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}")
    running, waiting = submit(d), submit(d)
    answer = act(d, waiting, "cancel")
    assert answer.status == 202 and answer.json()["state"] == "canceled"
    assert act(d, running, "cancel").status == 202
    assert until(d, running, *FINAL)["state"] == "canceled"
    assert act(d, running, "cancel").json()["state"] == "canceled"


def test_pause_and_resume(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}", "frame_seconds 0.3")
    running, waiting = submit(d, "1-50"), submit(d, "1")
    assert patch(d, waiting, {"paused": True}).json()["state"] == "paused"
    until(d, running, "running")
    assert patch(d, running, {"paused": True}).json()["wanted"] == "pause"
    go.touch()
    paused = until(d, running, "paused")
    assert 1 <= paused["frames"]["done"] < 50
    assert "retry-after" in d.get(f"/v1/jobs/{running}").headers
    assert job(d, waiting)["state"] == "paused"
    assert patch(d, waiting, {"paused": False}).status == 200
    until(d, waiting, "succeeded")
    assert act(d, running, "cancel").json()["state"] == "canceled"
    assert patch(d, running, {"paused": False}).status == 409


@pytest.mark.parametrize("body, pointer", [
    ({}, ""), ([], ""), ({"priority": "x"}, "/priority"), ({"priority": 101}, "/priority"), ({"paused": 1}, "/paused"),
    ({"state": "succeeded"}, "/state"), ({"frames": "1-9"}, "/frames")])
def test_bad_patches_change_nothing(start, tmp_path, body, pointer):
    d = start(f"wait_file {tmp_path / 'go'}")
    ident = submit(d)
    renders = lambda j: j["frames"]["rendering"] and (ON_SLURM or j["current"]["frame"])
    before = wait_for(lambda: (lambda j: j if renders(j) else None)(job(d, ident)), "it renders")
    answer = patch(d, ident, body)
    assert answer.status == 422 and answer.json()["errors"][0]["pointer"] == pointer
    assert {**job(d, ident), "revision": 0, "eta_seconds": 0, "progress": 0} == {**before, "revision": 0, "eta_seconds": 0, "progress": 0}


def test_priority_decides_who_is_next(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}")
    submit(d)
    low, high, raised = submit(d, priority=0), submit(d, priority=5), submit(d, priority=-5)
    assert patch(d, raised, {"priority": 50}).json()["priority"] == 50
    go.touch()
    done = [until(d, i, "succeeded") for i in (raised, high, low)]
    assert sorted(done, key=lambda j: j["started_at"]) == done


def test_delete_removes_record_and_files(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}")
    ident = submit(d)
    assert d.ask("DELETE", f"/v1/jobs/{ident}").status == 409
    (tmp_path / "go").touch()
    until(d, ident, "succeeded")
    assert d.frames(ident)
    answer = d.ask("DELETE", f"/v1/jobs/{ident}")
    assert answer.status == 204 and answer.body == b""
    assert d.get(f"/v1/jobs/{ident}").status == 404 and d.get(f"/job/{ident}").status == 400
    assert not (d.output / ident).exists() and not list((d.state / "logs").glob(f"{ident}*"))


def test_a_crash_is_survived_and_a_bad_frame_is_isolated(start, tmp_path):
    d = start("raise 11 at 3", f"once {tmp_path / 'crashed'}", "samples 2")
    ident = submit(d, "1-5")
    done = until(d, ident, *FINAL)
    assert done["state"] == "succeeded" and done["attempts"] == (1 if ON_SLURM else 2)
    frames = {f["frame"]: f for f in d.get(f"/v1/jobs/{ident}/frames").json()["frames"]}
    assert frames[3]["tries"] == 1 and frames[3]["failure"]["kind"] == "crashed" and frames[3]["failure"]["signal"] == 11
    assert frames[2]["tries"] == 0


def test_a_frame_that_always_crashes_does_not_take_the_others_with_it(start):
    d = start("raise 11 at 3", "samples 2")
    ident = submit(d, "1-5")
    done = until(d, ident, *FINAL)
    assert done["state"] == "failed" and done["frames"]["done"] == 4 and done["frames"]["failed"] == 1
    assert done["failure"]["kind"] == "crashed" and done["failure"]["frame"] == 3 and done["failure"]["signal"] == 11
    assert re.match(r"1 of 5 frames failed \(3\), frame 3 after 3 tries: ", done["failure"]["message"])
    assert d.frames(ident) == [f"blender-render_{n:04}.png" for n in (1, 2, 4, 5)]
    again = act(d, ident, "retry")
    assert again.status == 202 and again.json()["frames"]["failed"] == 0
    assert until(d, ident, *FINAL)["failure"]["frame"] == 3


def test_fail_fast_tries_nothing_again(start):
    d = start("raise 11 at 2", "samples 1")
    done = until(d, submit(d, "1-5", fail_fast=True), *FINAL)
    assert done["state"] == "failed" and done["attempts"] == 1 and (ON_SLURM or done["frames"]["done"] == 1)
    assert done["failure"]["kind"] == "crashed" and done["fail_fast"] is True


def test_retry_takes_what_failed(start, tmp_path):
    d = start("skip_frame 2", f"once {tmp_path / 'skipped'}")
    ident = submit(d, "1-3", retries=0)
    assert until(d, ident, *FINAL)["failure"]["kind"] == "frames_missing"
    assert act(d, ident, "retry").status == 202
    assert until(d, ident, "succeeded")["failure"] is None
    assert act(d, ident, "retry").status == 409


@pytest.mark.parametrize("commands, fields, kind", [
    (["hang", "skip_frame 1"], {"timeout_seconds": 1}, "timed_out"),
    (["hang", "skip_frame 1"], {"stall_timeout_seconds": 1, "retries": 0}, "stalled"),
    (["half_frame 1"], {"retries": 0}, "frames_corrupt"),
    (["skip_frame 1"], {"retries": 0}, "frames_missing"),
    (["skip_frame 1", "raise 9"], {"retries": 0}, "killed"),
    (["skip_frame 1", "raise 6"], {"retries": 0}, "crashed"),
    (["skip_frame 1", "exit 1", "print CUDA error: Out of memory in x"], {"retries": 0}, "out_of_memory"),
    (["skip_frame 1", "exit 1", 'print kiln: {"failure":{"kind":"denoiser_unavailable","message":"no"}}'], {}, "denoiser_unavailable"),
    (["skip_frame 1", "exit 1", 'print kiln: {"failure":{"kind":"invalid_setting","message":"no"}}'], {}, "invalid_setting"),
    (["skip_frame 1", "exit 1", 'print kiln: {"failure":{"kind":"nonsense"}}'], {"retries": 0}, "internal"),
])
def test_each_kind_of_failure_has_its_name(start, commands, fields, kind):
    d = start(*commands)
    done = until(d, submit(d, "1", **fields), *FINAL)
    assert done["state"] == "failed" and done["failure"]["kind"] == kind and done["failure"]["message"]


def test_cpu_time_is_a_sign_of_life(start):
    d = start("flood 30", "hang", "skip_frame 1")
    done = until(d, submit(d, "1", retries=0, stall_timeout_seconds=2), *FINAL)
    assert done["failure"]["kind"] == "stalled"


def test_a_thousand_submissions_at_once_are_each_acknowledged_or_refused(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}", arguments=["--max-queued", "300"])
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: post(d, GOOD), range(400)))
    taken = [a.json()["id"] for a in answers if a.status == 202]
    refused = [a for a in answers if a.status == 503]
    assert len(taken) == len(set(taken)) == 301 and len(refused) == 99
    assert all(int(a.headers["retry-after"]) >= 5 for a in refused)
    assert d.get("/v1/jobs?limit=1000").json()["jobs"][0]["id"] == max(taken)
    for ident in taken:
        assert act(d, ident, "cancel").status == 202
    until(d, taken[0], "canceled")


@pytest.mark.local
def test_tutorial_jobs_are_jobs(start):
    d = start()
    posted = d.post_job(1, 2).json()
    assert until(d, posted["id"], "succeeded")["engine"] == "CYCLES"
    assert d.get(f"/job/{posted['pid']}").text == "Job completed"


@pytest.mark.local
def test_a_tutorial_job_that_is_killed_is_not_started_again(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}")
    pid = d.post_job(1, 2).json()["pid"]
    os.kill(pid, signal.SIGKILL)
    text = d.until_final(f"/job/{pid}").text
    assert text.startswith("Job failed: ") and "SIGKILL" in text
    assert d.get("/v1/jobs").json()["jobs"][0]["attempts"] == 1


def test_a_daemon_without_a_blend_of_its_own(start, tmp_path):
    """A project root is enough; /job has nothing to render then."""
    d = start()
    assert d.stop() == 0
    at = d.command.index("--blend")
    d.command[at:at + 2] = ["--project-root", str(tmp_path)]
    d.log_path.write_text("")
    d.start()
    assert until(d, submit(d, "1"), *FINAL)["state"] == "succeeded"
    refused = d.ask("POST", "/job", '{"from":1,"to":2}', JSON)
    assert refused.status == 400 and refused.text.startswith("Invalid input: ")
    assert d.get("/readyz").status == 200


def test_a_request_with_a_key_is_done_once(start):
    d = start()
    body = {"blend": "scene.blend", "frames": "1-2"}
    first = post(d, body, **{"Idempotency-Key": "shop-4711"})
    assert first.status == 202
    again = post(d, body, **{"Idempotency-Key": "shop-4711"})
    assert (again.status, again.body, again.headers["location"]) == (202, first.body, first.headers["location"])
    other = post(d, {**body, "frames": "1-3"}, **{"Idempotency-Key": "shop-4711"})
    assert other.status == 422 and "Idempotency-Key" in other.json()["detail"]
    assert post(d, body, **{"Idempotency-Key": '"shop-4712"'}).json()["id"] != first.json()["id"]
    assert post(d, body).json()["id"] != first.json()["id"]
    ident = first.json()["id"]
    until(d, ident, "succeeded")
    d.stop()
    d.start()
    again = post(d, body, **{"Idempotency-Key": "shop-4711"})
    assert (again.status, again.body) == (202, first.body) and "retry-after" not in again.headers
    assert d.ask("DELETE", f"/v1/jobs/{ident}").status == 204
    assert post(d, body, **{"Idempotency-Key": "shop-4711"}).body == first.body, "it was done, though it is gone now"
    assert len(d.get("/v1/jobs").json()["jobs"]) == 2


def test_a_request_that_was_refused_may_be_sent_again_with_its_key(start):
    d = start()
    key = {"Idempotency-Key": "k"}
    assert post(d, {"blend": "none.blend", "frames": "1"}, **key).status == 422
    assert post(d, {"blend": "scene.blend", "frames": "1"}, **key).status == 202
    for bad in ("", "x" * 256):
        assert post(d, {"blend": "scene.blend", "frames": "1"}, **{"Idempotency-Key": bad}).status == 400


def test_a_key_that_is_used_by_many_at_once_makes_one_job(start):
    d = start()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        def send(n):
            return post(d, {"blend": "scene.blend", "frames": "1"}, **{"Idempotency-Key": "same"})
        answers = list(pool.map(send, range(64)))
    assert {a.status for a in answers} <= {202, 409}
    assert len({a.json()["id"] for a in answers if a.status == 202}) == 1
    assert all(int(a.headers["retry-after"]) == 1 for a in answers if a.status == 409)
    assert len(d.get("/v1/jobs").json()["jobs"]) == 1


def test_a_revision_is_one_state(start, blend):
    """Who has an ETag, or waits for another, must not miss the end, which takes a moment to be kept."""
    d = start()
    known = {}
    connection = http.client.HTTPConnection("127.0.0.1", d.port, timeout=60)
    for _ in range(40):
        ident = d.ask("POST", "/v1/jobs", json.dumps({"blend": blend().name, "frames": "1"}), {"Content-Type": "application/json"}).json()["id"]
        state = None
        while state != "succeeded":
            connection.request("GET", f"/v1/jobs/{ident}")
            job = json.loads(connection.getresponse().read())
            state = job["state"]
            assert known.setdefault((ident, job["revision"]), state) == state, job
    connection.close()
