# SPDX-License-Identifier: Apache-2.0
"""/metrics, checked by promtool and against the requests made; the alerts; trace ids in the log."""
import json
import os
import pathlib
import subprocess
import time

import pytest
from daemon import unpacked, wait_for
from prometheus_client.parser import text_string_to_metric_families
from test_jobs import JSON, act, post, submit, until
from webhook_receiver import Receiver

ROOT = pathlib.Path(__file__).parents[2]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def promtool(tmp_path_factory):
    program = unpacked("prometheus", "usr/bin/promtool", tmp_path_factory.mktemp("promtool"))

    def run(*arguments, **more):
        return subprocess.run([*program, *map(str, arguments)], capture_output=True, text=True, timeout=300, **more)
    return run


def scrape(d):
    """The values by name and labels, and the text."""
    answer = d.get("/metrics")
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    values = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation and family.type in ("counter", "gauge", "histogram"), family
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in values, key
            values[key] = sample.value
    return values, answer.text


def value(values, name, **labels):
    return values.get((name, *sorted(labels.items())))


def check_histograms(values):
    """Buckets rise to +Inf, which is the count."""
    buckets = {}
    for (name, *labels), count in values.items():
        if name.endswith("_bucket"):
            labels = dict(labels)
            bound = float(labels.pop("le"))
            buckets.setdefault((name[:-len("_bucket")], *sorted(labels.items())), []).append((bound, count))
    assert buckets
    for (name, *labels), found in buckets.items():
        counts = [count for _, count in sorted(found)]
        assert counts == sorted(counts), (name, labels)
        assert max(found)[0] == float("inf")
        assert counts[-1] == values[(name + "_count", *labels)]


def test_the_format_is_that_of_prometheus(start, promtool):
    d = start("exit 1")
    for text in (scrape(d)[1],  # when nothing has happened yet, and when much has
                 [d.until_final(d.post_job(1, 3).headers["location"]), d.raw(b"GET / HTTP/1.1\r\n\r\n"), d.get("/none"),
                  scrape(d)[1]][-1]):
        checked = promtool("check", "metrics", input=text)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    assert promtool("check", "metrics", input=text.replace("kiln_jobs{", "kiln_jobs{=")).returncode != 0


def test_what_was_done_is_counted(start, tmp_path):
    go = tmp_path / "go"
    d = start("frame_seconds 0.02", f"wait_file {go}", arguments=["--max-queued", "2"])
    first = submit(d, "1-3")
    second, third = submit(d, "1", process="own"), submit(d, "1")
    full = post(d, {"blend": "scene.blend", "frames": "1"})
    assert full.status == 503
    patched = d.ask("PATCH", f"/v1/jobs/{third}", '{"paused":true}', JSON)
    assert patched.status == 200
    values, _ = scrape(d)
    for state, count in {"running": 1, "queued": 1, "paused": 1}.items():
        assert value(values, "kiln_jobs", state=state) == count
    assert value(values, "kiln_slots") == 1 and value(values, "kiln_blocked") == 0

    go.touch()
    until(d, second, "succeeded")
    time.sleep(0.2)  # a client that comes late
    until(d, first, "succeeded")
    assert act(d, third, "cancel").status == 202
    values, _ = scrape(d)
    check_histograms(values)
    for state, count in {"running": 0, "queued": 0, "paused": 0}.items():
        assert value(values, "kiln_jobs", state=state) == count
    for state, count in {"succeeded": 2, "failed": 0, "canceled": 1}.items():
        assert value(values, "kiln_jobs_ended_total", state=state) == count
    assert value(values, "kiln_frames_published_total") == 4
    frames = sum(p.stat().st_size for j in (first, second) for p in (d.output / j).iterdir())
    assert value(values, "kiln_frames_published_bytes_total") == frames
    assert value(values, "kiln_frame_seconds_count") == 4
    assert value(values, "kiln_frame_seconds_sum") >= 4 * 0.02
    assert value(values, "kiln_spawn_seconds_count") == value(values, "kiln_exit_seconds_count") == 2
    assert value(values, "kiln_store_commit_seconds_count") >= 8
    # Two jobs were polled after their end; the third was cancelled by its client.
    assert value(values, "kiln_poll_staleness_seconds_count") == 2
    assert value(values, "kiln_poll_staleness_seconds_sum") >= 0.2
    d.get(f"/v1/jobs/{first}")
    assert value(scrape(d)[0], "kiln_poll_staleness_seconds_count") == 2, "the first poll counts"
    until(d, submit(d, "1"), "succeeded")  # in the session of the first job
    again, _ = scrape(d)
    assert value(again, "kiln_spawn_seconds_count") == 2 and value(again, "kiln_exit_seconds_count") == 3
    refused = value(values, "kiln_retry_after_seconds_sum", status="5xx")
    assert refused == int(full.headers["retry-after"])
    assert value(values, "kiln_retry_after_seconds_count", status="2xx") >= 3


def test_failures_are_counted_by_kind(start):
    d = start("skip_frame 2")
    ident = submit(d, "1-3", retries=1)
    until(d, ident, "failed")
    values, _ = scrape(d)
    assert value(values, "kiln_job_failures_total", kind="frames_missing") == 1
    assert value(values, "kiln_jobs_ended_total", state="failed") == 1
    assert value(values, "kiln_frames_published_total") == 2
    assert value(values, "kiln_frame_tries_failed_total") == 2


def test_requests_are_counted_by_route_and_never_by_path(start):
    d = start()
    for path in ("/livez", "/livez", "/v1/jobs/j000000000000000000", "/v1/jobs/x", "/nowhere", "/nowhere/else"):
        d.get(path)
    d.ask("HEAD", "/livez")
    d.ask("DELETE", "/livez")
    d.raw(b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    values, text = scrape(d)
    name = "kiln_http_request_duration_seconds_count"
    assert value(values, name, method="GET", route="/livez", status="2xx") == 3
    assert value(values, name, method="GET", route="/v1/jobs/{id}", status="4xx") == 2
    assert value(values, name, method="", route="", status="4xx") == 3
    assert value(values, "kiln_http_refused_total", status="400") == 1
    assert "nowhere" not in text and "j00000" not in text
    assert value(values, "kiln_http_connections", state="served") == 1


def test_who_waits_for_a_change_does_not_make_kilnd_look_slow(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'never'}")
    ident = submit(d, "1")
    assert d.get(f"/v1/jobs/{ident}", Prefer="wait=1").headers["preference-applied"] == "wait=1"
    name, of = "kiln_http_request_duration_seconds", {"method": "GET", "route": "/v1/jobs/{id}", "status": "2xx"}
    assert value(scrape(d)[0], name + "_count", **of) is None
    d.get(f"/v1/jobs/{ident}")
    values, _ = scrape(d)
    assert value(values, name + "_count", **of) == 1
    assert value(values, name + "_bucket", le="0.5", **of) == 1
    with d.connect() as s:
        s.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert s.recv(100)
        assert value(scrape(d)[0], "kiln_http_connections", state="waiting") == 1


def test_the_process_and_its_disks(start):
    before = time.time()
    d = start()
    values, _ = scrape(d)
    assert before - 2 < value(values, "process_start_time_seconds") < time.time() + 2
    status = pathlib.Path(f"/proc/{d.process.pid}/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0]) * 1024
    assert 0.5 < value(values, "process_resident_memory_bytes") / resident < 2
    assert value(values, "process_virtual_memory_bytes") > resident
    assert 0 < value(values, "process_cpu_seconds_total") < 60
    open_fds = len(list(pathlib.Path(f"/proc/{d.process.pid}/fd").iterdir()))
    assert abs(value(values, "process_open_fds") - open_fds) <= 2
    assert value(values, "process_max_fds") >= 20
    for directory in ("output", "state"):
        free = os.statvfs(d.state)
        seen = value(values, "kiln_disk_free_bytes", directory=directory)
        assert abs(seen - free.f_bavail * free.f_frsize) < 4 << 30
    assert value(values, "kiln_disk_reserve_bytes") == 512 << 20
    assert value(values, "kiln_build_info", version="0.1.0", blender="Blender 3.4.1") == 1


def test_the_alerts_are_raised_when_they_should_be(promtool, tmp_path):
    rules = ROOT / "packaging/prometheus/kiln.rules.yml"
    checked = promtool("check", "rules", rules)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    cases = (pathlib.Path(__file__).parent / "metrics/alerts_test.yml").read_text()
    (tmp_path / "cases.yml").write_text(cases.replace("RULES", json.dumps(str(rules))))
    tested = promtool("test", "rules", tmp_path / "cases.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert cases.count("exp_alerts:") == rules.read_text().count("- alert:")


def test_the_alerts_speak_of_metrics_that_are_there(start):
    import re
    d = start()
    d.until_final(d.post_job(1, 1).headers["location"])
    there = {name for name, *_ in scrape(d)[0]}
    asked = set(re.findall(r"\bkiln_[a-z_]+", re.sub(r"annotations:.*?(?=- alert|\Z)", "", (
        ROOT / "packaging/prometheus/kiln.rules.yml").read_text(), flags=re.S)))
    assert asked and asked <= there, asked - there


def log_lines(d):
    return [json.loads(line) for line in d.log().splitlines()]


def test_a_trace_is_followed_through_the_log(start):
    d = start(arguments=["--log-format", "json", "--log-level", "debug"])
    ident = post(d, {"blend": "scene.blend", "frames": "1-2"}, traceparent=TRACEPARENT).json()["id"]
    ended = until(d, ident, "succeeded")
    assert ended["trace_id"] == TRACE
    of_job = [line for line in log_lines(d) if line.get("job") == ident]
    assert {line["trace_id"] for line in of_job} == {TRACE}
    assert {"job taken", "attempt runs", "frame done", "job ended"} <= {line["message"] for line in of_job}
    requests = [line for line in log_lines(d) if line["message"] == "request" and line["path"] == "/v1/jobs"]
    assert [line["trace_id"] for line in requests] == [TRACE]
    # and so of the tutorial's jobs, and over a restart
    posted = d.ask("POST", "/job", '{"from":1,"to":1}', {**JSON, "traceparent": TRACEPARENT.replace("4b", "5c")})
    other = posted.json()["id"]
    d.until_final(f"/job/{other}")
    d.stop()
    d.start()
    assert d.get(f"/v1/jobs/{other}").json()["trace_id"] == TRACE.replace("4b", "5c")


@pytest.mark.parametrize("field", [
    "", "x", TRACEPARENT.upper(), TRACEPARENT + "-00", TRACEPARENT.replace(TRACE, "0" * 32), TRACEPARENT[:-1],
    TRACEPARENT.replace("00-", "ff-", 1), f"{TRACEPARENT}, {TRACEPARENT}"])
def test_what_is_no_trace_is_ignored(start, field):
    d = start()
    answer = post(d, {"blend": "scene.blend", "frames": "1"}, traceparent=field)
    assert answer.status == 202 and "trace_id" not in answer.json()


def test_a_trace_comes_by_its_field_alone(start):
    answer = post(start(), {"blend": "scene.blend", "frames": "1", "trace_id": TRACE})
    assert answer.status == 422 and answer.json()["errors"][0]["pointer"] == "/trace_id"


def test_a_webhook_hears_of_the_trace(start):
    receiver = Receiver()
    try:
        d = start(arguments=["--webhook-target", f"127.0.0.1:{receiver.port}"])
        hook = {"url": receiver.url(), "events": ["job.succeeded"]}
        assert d.ask("POST", "/v1/webhooks", json.dumps(hook), JSON).status == 201
        post(d, {"blend": "scene.blend", "frames": "1"}, traceparent=TRACEPARENT)
        letters = wait_for(lambda: receiver.letters, "the webhook is told")
        assert json.loads(letters[0]["body"])["data"]["job"]["trace_id"] == TRACE
    finally:
        receiver.close()
