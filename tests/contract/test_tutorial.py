# SPDX-License-Identifier: Apache-2.0
"""/job: the tutorial's two endpoints."""
import json
import os
import re
import signal
import threading
import time

import pytest
from daemon import processes_of_group, wait_for

JOB_ID = r"j[0-9a-z]{18}"


@pytest.mark.local
def test_post_answers_as_the_tutorial_does(start):
    d = start("wait_file go")
    answer = d.ask("POST", "/job", '{"from":1,"to":3}', {"Content-Type": "application/json"})
    assert answer.status == 202
    body = answer.json()
    assert set(body) == {"pid", "id", "state"}
    assert body["state"] == "running"
    assert re.fullmatch(JOB_ID, body["id"])
    assert os.path.exists(f"/proc/{body['pid']}")
    assert answer.headers["location"] == f"/job/{body['pid']}"
    assert 1 <= int(answer.headers["retry-after"]) <= 300
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["link"] == f'</v1/jobs/{body["id"]}>; rel="alternate"'


@pytest.mark.local
def test_get_answers_as_the_tutorial_does(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}")
    posted = d.post_job(1, 3)
    pid, job = posted.json()["pid"], posted.json()["id"]
    for target in (f"/job/{pid}", f"/job/{job}"):
        running = d.get(target)
        assert (running.status, running.text) == (202, "Job still running")
        assert running.headers["location"] == f"/job/{pid}"
        assert 1 <= int(running.headers["retry-after"]) <= 300
        assert running.headers["link"] == f'</v1/jobs/{job}>; rel="alternate"'
    go.touch()
    for target in (f"/job/{pid}", f"/job/{job}"):
        done = d.until_final(target)
        assert (done.status, done.text) == (200, "Job completed")
        assert "retry-after" not in done.headers
    assert d.frames(job) == [f"blender-render_{n:04}.png" for n in (1, 2, 3)]


@pytest.mark.local
def test_blender_is_called_as_the_tutorial_calls_it(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}")
    pid = d.post_job(4, 6).json()["pid"]
    said = wait_for(lambda: open(f"/proc/{pid}/cmdline").read(), "its arguments are there, which is a moment after it runs")
    argv = said.split("\0")[1:-1]
    output = argv[argv.index("-o") + 1]
    assert re.fullmatch(rf"{re.escape(str(d.output))}/\.kiln/{JOB_ID}-1/blender-render_####", output)
    words = " ".join(a for a in argv if a != output)
    assert re.search(r"^-b .*scene\.blend .*-o -x 1 -t 0 -j 1 -s 4 -e 6 -a -- {\"engine\":\"CYCLES\",\"frames\":\[\[4,6,1\]\]}$", words), words
    assert "-noaudio" in argv and argv[argv.index("-x") + 1] == "1"
    go.touch()


def test_the_orchestrator_of_the_tutorial(start):
    """POST, then GET Location after Retry-After seconds, until the status is not 202."""
    d = start("frame_seconds 0.2")
    posted = d.post_job(1, 5)
    location, pause, polls = posted.headers["location"], int(posted.headers["retry-after"]), 0
    while True:
        time.sleep(pause)
        answer = d.get(location)
        polls += 1
        if answer.status != 202:
            break
        pause = int(answer.headers["retry-after"])
    assert (answer.status, answer.text) == (200, "Job completed")
    assert polls <= 5


@pytest.mark.parametrize("body, why", [
    ("", "JSON"),
    ("{", "JSON"),
    ("[]", "object"),
    ("null", "object"),
    ('"text"', "object"),
    ("{}", "from"),
    ('{"from":1}', "to"),
    ('{"to":1}', "from"),
    ('{"from":null,"to":1}', "from"),
    ('{"from":"1","to":2}', "from"),
    ('{"from":1.5,"to":2}', "from"),
    ('{"from":true,"to":2}', "from"),
    ('{"from":[1],"to":2}', "from"),
    ('{"from":-1,"to":2}', "from"),
    ('{"from":1,"to":1048575}', "to"),
    ('{"from":1,"to":9223372036854775808}', "to"),
    ('{"from":-9223372036854775809,"to":1}', "from"),
    ('{"from":1e400,"to":1}', ""),
    ('{"from":3,"to":2}', "from"),
    ('{"from":0,"to":1048574}', "frames"),
    ('{"from":1,"to":2,"from":3}', "from"),
    ('{"from":1,"to":2}x', "JSON"),
    ('{"from":1,"to":2}\0', ""),
    ('{"fr\\u0000om":1,"to":2}', "from"),
    (b'{"from":1,"to":2,"x":"\xff"}', ""),
    ("[" * 100000, ""),
    ('{"a":' * 40 + "1" + "}" * 40, ""),
    ('{"from":"1; rm -rf /","to":"2"}', "from"),
    ('{"from":NaN,"to":1}', "JSON"),
])
def test_bad_input_is_explained_and_starts_nothing(start, body, why):
    d = start()
    answer = d.ask("POST", "/job", body, {"Content-Type": "application/json"})
    assert answer.status == 400, answer
    assert answer.text.startswith("Invalid input: "), answer
    assert why in answer.text
    assert len(answer.text) < 500
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert not os.path.exists(d.output / ".kiln") or not os.listdir(d.output / ".kiln")
    assert d.post_job(1, 1).status == 202


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                                          "application/jsonx", "application/json; charset=latin1"])
def test_only_json_is_taken(start, content_type):
    d = start()
    answer = d.ask("POST", "/job", '{"from":1,"to":2}', {"Content-Type": content_type} if content_type else {})
    assert answer.status == 400
    assert answer.text.startswith("Invalid input: ")
    assert "application/json" in answer.text


def test_json_with_parameters_is_json(start):
    d = start()
    for content_type in ("application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""):
        answer = d.ask("POST", "/job", '{"from":1,"to":2}', {"Content-Type": content_type})
        assert answer.status == 202, answer


@pytest.mark.parametrize("name", ["0", "1", "999999999", "99999999999999999999", "-1", "+1", "1x", "%31", "j", "j000000000000000000",
                                  "J000000000000000000", "..", "%2e%2e", "a%00b", "é".encode().hex(), "x" * 1000])
def test_what_is_unknown_is_not_found(start, name):
    d = start()
    answer = d.get(f"/job/{name}")
    assert (answer.status, answer.text) == (400, "Job not found")


@pytest.mark.local
def test_jobs_queue_for_a_slot_and_a_full_queue_refuses(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}", arguments=["--slots", "1", "--max-queued", "1"])
    first = d.post_job(1, 1).json()
    queued = d.post_job(2, 2)
    body = queued.json()
    assert body["pid"] is None and body["state"] == "queued"
    assert queued.headers["location"] == f"/job/{body['id']}"
    assert 2 <= int(queued.headers["retry-after"]) <= 300
    waiting = d.get(queued.headers["location"])
    assert (waiting.status, waiting.text) == (202, "Job still running")
    assert waiting.headers["location"] == f"/job/{body['id']}"
    refused = d.ask("POST", "/job", '{"from":3,"to":3}', {"Content-Type": "application/json"})
    assert refused.status == 503
    assert 1 <= int(refused.headers["retry-after"]) <= 300
    go.touch()
    assert d.until_final(f"/job/{first['pid']}").text == "Job completed"
    assert d.until_final(f"/job/{body['id']}").text == "Job completed"
    assert d.frames(first["id"]) == ["blender-render_0001.png"]
    assert d.frames(body["id"]) == ["blender-render_0002.png"]


@pytest.mark.local
def test_two_slots_render_at_once(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}", arguments=["--slots", "2"])
    jobs = [d.post_job(n, n).json() for n in (1, 2)]
    assert all(j["state"] == "running" for j in jobs)
    assert jobs[0]["pid"] != jobs[1]["pid"]
    go.touch()
    for j in jobs:
        assert d.until_final(f"/job/{j['id']}").text == "Job completed"


@pytest.mark.parametrize("sent, text", [
    (signal.SIGTERM, r"Job canceled"),
    (signal.SIGKILL, r"Job failed: .*SIGKILL.*"),
    (signal.SIGSEGV, r"Job failed: .*crashed.*SIGSEGV.*"),
    (signal.SIGABRT, r"Job failed: .*crashed.*SIGABRT.*"),
    (signal.SIGHUP, r"Job failed: .*SIGHUP.*"),
])
@pytest.mark.local
def test_signals_from_outside_have_true_outcomes(start, tmp_path, sent, text):
    d = start(f"wait_file {tmp_path / 'never'}")
    pid = d.post_job(1, 3).json()["pid"]
    os.kill(pid, sent)
    answer = d.until_final(f"/job/{pid}")
    assert answer.status == 200
    assert re.fullmatch(text, answer.text), answer.text
    assert not processes_of_group(pid)


@pytest.mark.parametrize("commands, text", [
    (["exit 1"], r"Job failed: .*status 1.*"),
    (["skip_frame 2"], r"Job failed: .*1 of [13] frames is missing \(2\).*"),
    (["half_frame 2"], r"Job failed: frame 2 is not a whole image.*"),
    (["print Error: Cannot render, no camera", "skip_frame 1", "skip_frame 2", "skip_frame 3", "exit 1"], r"Job failed: .*camera.*"),
    (["raise 11 at 2"], r"Job failed: .*crashed \(SIGSEGV\).*"),
])
def test_what_went_wrong_is_said(start, commands, text):
    d = start(*commands)
    answer = d.until_final(d.post_job(1, 3).headers["location"])
    assert answer.status == 200
    assert re.fullmatch(text, answer.text), answer.text


@pytest.mark.parametrize("commands", [["placeholders"], ["flood 20"], ["fork"], ["print \x1b[31m\xff odd text"]])
def test_what_does_not_harm_a_render(start, commands):
    d = start(*commands)
    posted = d.post_job(1, 3)
    assert d.until_final(posted.headers["location"]).text == "Job completed"
    assert len(d.frames(posted.json()["id"])) == 3


def test_nothing_of_an_attempt_is_left_in_the_output(start):
    d = start("half_frame 2")
    job = d.post_job(1, 3).json()
    d.until_final(f"/job/{job['id']}")
    assert d.frames(job["id"]) == ["blender-render_0001.png", "blender-render_0003.png"]
    wait_for(lambda: not os.listdir(d.output / ".kiln"), "the workspace is gone")


@pytest.mark.local
def test_blender_inherits_nothing(start):
    d = start("list_fds", "print_env", environment={"KILN_LOG_LEVEL": "info", "NOTIFY_SOCKET": "", "LISTEN_FDS": "0"})
    job = d.post_job(1, 1).json()
    d.until_final(f"/job/{job['id']}")
    log = (d.state / "logs" / f"{job['id']}-1.log").read_text()
    assert re.search(r"^fds: 0 1 2$", log, re.M), log
    assert set(re.findall(r"^KILN_\w+", log, re.M)) <= {"KILN_SANDBOX"}  # for kiln_setup.py
    assert "NOTIFY_SOCKET" not in log and "LISTEN_" not in log
    assert f"TMPDIR={d.output}/.kiln/{job['id']}-1/tmp" in log


@pytest.mark.local
def test_a_blender_that_is_gone_is_a_failed_job(start, tmp_path):
    import shutil
    from daemon import program
    blender = tmp_path / "blender"
    shutil.copy(program("FAKE_BLENDER"), blender)
    d = start(blender=blender)
    blender.unlink()
    answer = d.post_job(1, 1)
    body = answer.json()
    assert body["pid"] is None and body["state"] == "failed"
    final = d.get(answer.headers["location"])
    assert final.status == 200 and final.text.startswith("Job failed: ") and str(blender) in final.text


@pytest.mark.parametrize("content", [None, b"", b"BLEND", b"not a blend file, whatever its name says", b"\x89PNG\r\n\x1a\n" * 20])
def test_a_blend_that_went_bad_is_a_failed_job(start, blend, content):
    d = start()
    path = blend()
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    answer = d.until_final(d.post_job(1, 1).headers["location"])
    assert answer.status == 200 and answer.text.startswith("Job failed: the .blend cannot be read"), answer


def test_many_clients_at_once(start):
    d = start("frame_seconds 0.05", arguments=["--slots", "4"])
    outcomes = []

    def client():
        posted = d.post_job(1, 2)
        outcomes.append(d.until_final(posted.headers["location"]).text)

    threads = [threading.Thread(target=client) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert outcomes == ["Job completed"] * 20


def test_head_of_a_status(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'never'}")
    location = d.post_job(1, 1).headers["location"]
    get, head = d.get(location), d.ask("HEAD", location)
    assert (head.status, head.body) == (202, b"")
    assert head.headers["content-length"] == get.headers["content-length"] == "17"
    assert int(head.headers["retry-after"]) >= 1
