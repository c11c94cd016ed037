# SPDX-License-Identifier: Apache-2.0
"""Immediate notification: event streams, and answers that are held until a job changes."""
import concurrent.futures
import contextlib
import http.client
import json
import time

import pytest
from daemon import DEADLINE, stays_asleep, wait_for
from test_jobs import FINAL, job, submit, until


class Stream:
    """Reads an event stream as the HTML standard says."""

    def __init__(self, d, target, last=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", d.port, timeout=DEADLINE)
        self.connection.request("GET", target, headers={"Last-Event-ID": str(last)} if last is not None else {})
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def events(self):
        """(type, id, data) of each, until the stream ends. The id is that of the last event that had one."""
        ident, kind, data = "", "", []
        for line in self.answer:
            line = line.decode().rstrip("\n")
            if line.startswith("id: "):
                ident = line[4:]
            elif line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])
            elif not line and data:
                yield kind, ident, json.loads("\n".join(data))
                kind, data = "", []

    def close(self):
        self.connection.close()


def stream(d, target, last=None):
    return contextlib.closing(Stream(d, target, last))


@pytest.mark.local
def test_a_stream_tells_a_job_from_its_beginning_to_its_end(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}", "frame_seconds 0.05")
    ident = submit(d, "1-5")
    with stream(d, f"/v1/jobs/{ident}/events") as s:
        assert s.status == 200 and s.answer.getheader("Content-Type") == "text/event-stream; charset=utf-8"
        events = s.events()
        kind, _, now = next(events)
        assert kind == "job" and now["id"] == ident and now["state"] == "running"
        go.touch()
        rest = list(events)
    frames = [e for e in rest if e[0] == "frame"]
    assert [f["frame"] for _, _, f in frames] == [1, 2, 3, 4, 5]
    assert all(f["state"] == "done" and f["job"] == ident for _, _, f in frames)
    kind, last, end = rest[-1]
    assert kind == "job" and end["state"] == "succeeded" and int(last) == end["revision"] == job(d, ident)["revision"]
    assert any(kind == "log" and "Saved" in e["text"] for kind, _, e in rest)
    # A client that reconnects at any point gets exactly the rest; after the end it gets 204.
    kept = [e for e in rest if e[0] in ("job", "frame")]
    for at, (_, seen, _) in enumerate(kept[:-1]):
        with stream(d, f"/v1/jobs/{ident}/events", seen) as s:
            assert [e for e in s.events() if e[0] in ("job", "frame")] == kept[at + 1:]
    with stream(d, f"/v1/jobs/{ident}/events", last) as s:
        assert s.status == 204


def test_ids_that_nobody_was_told_get_the_job_as_it_is(start):
    d = start()
    ident = submit(d)
    until(d, ident, "succeeded")
    for last in ("0", "99999999", "-1", "x", "18446744073709551616", ""):
        with stream(d, f"/v1/jobs/{ident}/events", last) as s:
            (kind, seen, data), = [e for e in s.events() if e[0] == "job"][-1:]
            assert kind == "job" and data["state"] == "succeeded" and int(seen) == data["revision"], last
    assert d.get("/v1/jobs/j0123456789abcdefgh/events").status == 404
    assert d.get("/v1/jobs/nonsense/events").status == 404


def test_the_events_survive_in_the_store_only_as_what_is(start):
    """After a restart no events are left: a client that reconnects gets the job once, as it is."""
    d = start()
    ident = submit(d)
    until(d, ident, "succeeded")
    d.stop()
    d.start()
    with stream(d, f"/v1/jobs/{ident}/events", 1) as s:
        events = list(s.events())
    assert [(kind, data["state"]) for kind, _, data in events] == [("job", "succeeded")]


def test_a_frame_event_has_the_frames_further_files(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}", "further Out--depth")
    ident = submit(d, "1-2")
    with stream(d, f"/v1/jobs/{ident}/events") as s:
        go.touch()
        told = {data["frame"]: data["outputs"] for kind, _, data in s.events() if kind == "frame"}
    listed = d.get(f"/v1/jobs/{ident}/frames").json()["frames"]
    assert told == {frame["frame"]: frame["outputs"] for frame in listed}
    assert [one["name"] for one in told[2]] == ["Out--depth_0002.png"]


def test_all_jobs_in_one_stream(start, tmp_path):
    d = start("frame_seconds 0.01")
    with stream(d, "/v1/events") as s:
        events = s.events()
        idents = [submit(d, "1-2") for _ in range(3)]
        ended, seen = set(), []
        while len(ended) < 3:
            kind, last, data = next(events)
            seen.append((kind, last))
            if kind == "job" and data["state"] in FINAL:
                ended.add(data["id"])
        assert ended == set(idents)
    middle = len(seen) // 2
    with stream(d, "/v1/events", seen[middle][1]) as s:
        again = s.events()
        assert [next(again)[:2] for _ in seen[middle + 1:]] == seen[middle + 1:]
    with stream(d, "/v1/events", "00000000.1") as s:
        assert next(s.events())[0] == "missed"


def test_a_removed_job_is_told(start):
    d = start("frame_seconds 0.01")
    one, other = submit(d, "1"), submit(d, "1")
    with stream(d, "/v1/events") as s:
        events = s.events()
        ended = set()
        while len(ended) < 2:
            kind, last, data = next(events)
            if kind == "job" and data["state"] in FINAL:
                ended.add(data["id"])
        assert d.ask("DELETE", f"/v1/jobs/{one}").status == 204
        assert next(events)[::2] == ("deleted", {"job": one})
        assert d.ask("DELETE", f"/v1/jobs/{one}").status == 404
        assert d.ask("DELETE", f"/v1/jobs/{other}").status == 204
        assert next(events)[::2] == ("deleted", {"job": other}), "once each"
    with stream(d, "/v1/events", last) as s:
        again = s.events()
        assert [next(again)[2]["job"] for _ in range(2)] == [one, other], "who was away learns of it"


def test_what_blender_prints_is_shown_whatever_it_is(start, tmp_path):
    go = tmp_path / "go"
    file = tmp_path / "scene.blend"
    file.write_bytes(b"BLENDER-v304\nprint \xff\xfe \xc3( \x00 \xe2\x82 \xf0\x9f\x8e\xa8\nwait_file " + str(go).encode() + b"\n")
    d = start(file=file)
    submit(d, "1")
    ident = submit(d, "1")  # it begins when it is watched already
    with stream(d, f"/v1/jobs/{ident}/events") as s:
        go.touch()
        text = "".join(e["text"] for kind, _, e in s.events() if kind == "log")
    assert "??" in text and "?(" in text and "\U0001f3a8" in text


def test_a_character_that_comes_in_two_pieces_is_one(start, tmp_path):
    """The log is read in pieces, which end where they end."""
    go = tmp_path / "go"
    file = tmp_path / "scene.blend"
    lines = ["\u00e9" * 40_000, "x" + "\u00e9" * 40_000]  # a piece of an even length cuts a character of one of them
    file.write_text("BLENDER-v304\n" + "".join(f"print {line}\n" for line in lines) + f"wait_file {go}\n")
    d = start(file=file)
    submit(d, "1")
    ident = submit(d, "1")  # it begins when it is watched already
    with stream(d, f"/v1/jobs/{ident}/events") as s:
        go.touch()
        text = "".join(e["text"] for kind, _, e in s.events() if kind == "log")
    assert all(line in text for line in lines), text.replace("\u00e9", "")


def test_an_answer_is_held_until_the_job_changes(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}", "frame_seconds 0.05")
    ident = submit(d, "1-3")
    first = wait_for(lambda: (lambda a: a if a.json()["state"] == "running" else None)(d.get(f"/v1/jobs/{ident}")), "it runs")
    assert first.headers["etag"] == f'W/"{first.json()["revision"]}"'
    with concurrent.futures.ThreadPoolExecutor() as pool:
        held = pool.submit(d.get, f"/v1/jobs/{ident}", **{"Prefer": "wait=60", "If-None-Match": first.headers["etag"]})
        wait_for(lambda: held.done() or d.waiting() == 1, "the answer is held")
        assert not held.done()
        go.touch()
        changed = held.result(DEADLINE)
    assert changed.status == 200 and changed.json()["revision"] > first.json()["revision"]
    assert changed.headers["preference-applied"] == "wait=60" and "retry-after" in changed.headers
    # A client that knows an older one is answered at once, and a job that is final is never held.
    assert d.get(f"/v1/jobs/{ident}", **{"Prefer": "wait=60", "If-None-Match": first.headers["etag"]}).status == 200
    until(d, ident, "succeeded")
    end = d.get(f"/v1/jobs/{ident}", Prefer="wait=60")
    assert "retry-after" not in end.headers and "preference-applied" not in end.headers
    assert d.get(f"/v1/jobs/{ident}", **{"If-None-Match": end.headers["etag"]}).status == 304


def test_nothing_new_in_time_is_304(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}")
    ident = submit(d, "1")
    until(d, ident, "running")
    now = d.get(f"/v1/jobs/{ident}")
    began = time.monotonic()
    held = d.get(f"/v1/jobs/{ident}", **{"Prefer": "wait=1", "If-None-Match": now.headers["etag"]})
    assert held.status == 304 and held.body == b"" and time.monotonic() - began > 0.9
    assert held.headers["etag"] == now.headers["etag"] and "retry-after" in held.headers
    assert held.headers["preference-applied"] == "wait=1"


def test_who_waits_has_places_of_its_own(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}", arguments=["--max-waiting", "2", "--max-connections", "3"])
    ident = submit(d, "1")
    until(d, ident, "running")
    with stream(d, f"/v1/jobs/{ident}/events") as one, stream(d, "/v1/events") as two:
        assert one.status == two.status == 200
        refused = d.get(f"/v1/jobs/{ident}/events")
        assert refused.status == 503 and 1 <= int(refused.headers["retry-after"]) <= 300
        at_once = d.get(f"/v1/jobs/{ident}", Prefer="wait=60")
        assert at_once.status == 200 and "preference-applied" not in at_once.headers
        with contextlib.ExitStack() as served:
            for _ in range(3):  # those that wait take no place of those that are served
                s = served.enter_context(d.connect())
                s.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert s.recv(65536).startswith(b"HTTP/1.1 200")
    # A client that disconnects makes room, also if the job has not changed.
    wait_for(lambda: "preference-applied" in d.get(f"/v1/jobs/{ident}", Prefer="wait=1").headers, "there is room again")


def test_who_waits_is_let_go_when_kilnd_stops(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}")
    ident = submit(d, "1")
    until(d, ident, "running")
    with concurrent.futures.ThreadPoolExecutor() as pool, stream(d, f"/v1/jobs/{ident}/events") as s:
        events = s.events()
        next(events)
        held = pool.submit(d.get, f"/v1/jobs/{ident}", Prefer="wait=60")
        wait_for(lambda: held.done() or d.waiting() == 2, "the answer is held, beside the stream")
        assert not held.done()
        assert d.stop() == 0
        assert held.result(DEADLINE).status == 200
        assert all(kind in ("job", "log", "progress") for kind, _, _ in events), "it ends in order"


@pytest.mark.local
def test_clients_that_wait_do_not_wake_the_daemon(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}", arguments=["--stall-timeout", "0", "--header-seconds", "2"])
    ident = submit(d, "1")
    until(d, ident, "running")
    etag = d.get(f"/v1/jobs/{ident}").headers["etag"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        held = [pool.submit(d.get, f"/v1/jobs/{ident}", Prefer="wait=60", **{"If-None-Match": etag}) for _ in range(8)]
        wait_for(lambda: stays_asleep(d.process.pid, 2.5), "it rests while they wait")  # a tick a second would be seen
        assert not any(h.done() for h in held)
        (tmp_path / "go").touch()
        assert all(h.result(DEADLINE).status == 200 for h in held)
    with d.connect() as idle:  # deadlines are kept again afterwards
        idle.sendall(b"GET /livez HTTP/1.1\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 408 ")
