# SPDX-License-Identifier: Apache-2.0
"""Sessions: what the next job may and must not get from them, and how they end."""
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import zlib

import pytest
from daemon import wait_for
from pictures import pictures
from test_jobs import frame, render, submit, until_final
from test_render import decode_png


def sessions(d):
    """Pids of the Blenders that stay."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "cwd").startswith(f"{d.output}/.kiln/session-") and \
                        (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                    found.append(int(entry.name))
            except OSError:
                continue
    return sorted(found)


def log_of(d, ident, attempt=1):
    return (d.state / "logs" / f"{ident}-{attempt}.log").read_text(errors="replace")


def write_png(path, red, green, blue):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\0" + bytes((red, green, blue)) * 8) * 8
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def is_rendering(d, ident):
    return wait_for(lambda: (lambda j: j["current"]["pid"] if j["state"] == "running" and j["current"]["frame"] else None)(
        d.get(f"/v1/jobs/{ident}").json()), "it renders")


@pytest.mark.feature("a warm session keeps nothing of the job before")
def test_the_next_job_finds_a_warm_blender_and_nothing_of_the_last_one(start, tmp_path):
    d = start("two_scenes")
    plain = render(d, "two_scenes", "1-2")
    changed = render(d, "two_scenes", "1-2", camera="Side", resolution=[48, 24], samples=3, seed=9, format="JPEG",
                     view_layer=plain["file"]["view_layers"][0])
    again = render(d, "two_scenes", "1-2")
    other = render(d, "two_scenes", "1", scene='Zweite "Szene" é')
    last = render(d, "two_scenes", "1-2")
    assert [j["state"] for j in (plain, changed, again, other, last)] == ["succeeded"] * 5
    assert len(sessions(d)) == 1, "one Blender has rendered all of them"
    assert pictures(d, again) == pictures(d, plain) == pictures(d, last)
    assert changed["file"]["resolution"] == [48, 24] and again["file"] == plain["file"] == last["file"]
    assert frame(d, changed, 1, "jpg").exists() and decode_png(frame(d, other, 1))[:2] == (24, 16)


@pytest.mark.feature("files that change are read again")
def test_files_that_change_between_jobs_are_read_again(start, scenes, tmp_path):
    directory = tmp_path / "project"
    directory.mkdir()
    shutil.copy(scenes / "textured.blend", directory)
    write_png(directory / "paint.png", 255, 0, 0)
    d = start(directory / "textured.blend")
    red = render(d, "textured")
    write_png(directory / "paint.png", 0, 0, 255)
    blue = render(d, "textured")
    assert red["state"] == blue["state"] == "succeeded" and pictures(d, red) != pictures(d, blue)
    write_png(directory / "paint.png", 255, 0, 0)
    assert pictures(d, render(d, "textured")) == pictures(d, red)
    (directory / "paint.png").unlink()
    assert render(d, "textured")["failure"]["kind"] == "missing_files"


def test_a_log_holds_the_lines_of_its_job_only(start):
    d = start("tiny")
    idents = [render(d, "tiny", f"{n}-{n + 1}")["id"] for n in (1, 5, 9)]
    assert len(sessions(d)) == 1
    for number, ident in zip((1, 5, 9), idents):
        log = log_of(d, ident)
        assert set(map(int, re.findall(r"Fra: ?(\d+)", log))) == {number, number + 1}
        assert len(re.findall("Saved: ", log)) == 2 and log.count("kiln: {") == 1
        assert not any(other in log for other in idents if other != ident)


@pytest.mark.feature("kill, crash and stop", mode="session")
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_crash_costs_one_frame(start, number):
    d = start("slow")
    render(d, "slow", "1", samples=1)  # the session is warm
    ident = submit(d, "slow", "1-4", samples=30)
    wait_for(lambda: d.get(f"/v1/jobs/{ident}").json()["frames"]["done"] == 2, "two frames are done")
    os.kill(is_rendering(d, ident), number)
    done = until_final(d, ident)
    assert done["state"] == "succeeded" and done["attempts"] == 2, done
    rendered = [int(n) for log in (log_of(d, ident, 1), log_of(d, ident, 2)) for n in re.findall(r"Saved: '.*_(\d+)\.png'", log)]
    assert sorted(rendered) == [1, 2, 3, 4]
    tries = {f["frame"]: f["tries"] for f in d.get(f"/v1/jobs/{ident}/frames").json()["frames"]}
    assert sum(tries.values()) == 1


@pytest.mark.once
def test_a_blender_that_is_killed_while_it_waits_is_no_fault_of_the_next_job(start):
    d = start("tiny")
    render(d, "tiny")
    os.kill(sessions(d)[0], signal.SIGKILL)
    done = render(d, "tiny", retries=0)
    assert done["state"] == "succeeded" and done["attempts"] == 1, done


@pytest.mark.feature("kill, crash and stop", mode="session")
def test_cancel_at_the_end_of_a_frame_keeps_the_session(start):
    d = start("slow")
    ident = submit(d, "slow", "1-100", samples=4)
    pid = is_rendering(d, ident)
    wait_for(lambda: d.get(f"/v1/jobs/{ident}").json()["frames"]["done"] >= 1, "a frame is done")
    d.ask("POST", f"/v1/jobs/{ident}/cancel")
    assert until_final(d, ident)["state"] == "canceled"
    assert sessions(d) == [pid]
    assert render(d, "slow", "1", samples=4)["state"] == "succeeded" and sessions(d) == [pid]


@pytest.mark.feature("kill, crash and stop", mode="session")
def test_cancel_of_a_long_frame_ends_its_blender(start):
    d = start("slow", "--stop-grace", "0.3")
    ident = submit(d, "slow", "1", samples=100000)
    pid = is_rendering(d, ident)
    d.ask("POST", f"/v1/jobs/{ident}/cancel")
    assert until_final(d, ident)["state"] == "canceled"
    assert pid not in sessions(d)


@pytest.mark.feature("kill, crash and stop", mode="session")
def test_kill_of_its_pid_cancels(start):
    d = start("slow")
    ident = submit(d, "slow", "1-3")
    os.kill(is_rendering(d, ident), signal.SIGTERM)
    assert until_final(d, ident)["state"] == "canceled"


@pytest.mark.feature("kill -9 of kilnd: adopted, nothing twice", mode="session")
@pytest.mark.parametrize("power_loss", [False, True])
def test_kill_9_of_kilnd(start, power_loss):
    d = start("slow")
    render(d, "slow", "1", samples=1)
    ident = submit(d, "slow", "1-4", samples=100)
    wait_for(lambda: d.get(f"/v1/jobs/{ident}").json()["frames"]["done"] == 1, "a frame is done")
    pid = is_rendering(d, ident)
    os.kill(d.process.pid, signal.SIGKILL)
    d.process.wait()
    if power_loss:
        os.kill(pid, signal.SIGKILL)
    before = {p.name: p.stat().st_mtime_ns for p in (d.output / ident).iterdir()}
    d.start()
    done = until_final(d, ident)
    assert done["state"] == "succeeded" and done["attempts"] == (2 if power_loss else 1), done
    assert {name: (d.output / ident / name).stat().st_mtime_ns for name in before} == before
    wait_for(lambda: pid not in sessions(d), "the old session ends")
    assert render(d, "slow", "1", samples=1)["state"] == "succeeded"


def test_kill_9_of_kilnd_while_blender_starts(start):
    """It carries out an order that was sent before kilnd ended."""
    d = start("slow")
    ident = submit(d, "slow", "1-12", samples=16)  # longer than kilnd takes to start, on a busy machine as well
    pid = wait_for(lambda: (d.get(f"/v1/jobs/{ident}").json()["current"] or {}).get("pid"), "Blender is started")
    os.kill(d.process.pid, signal.SIGKILL)
    d.process.wait()
    log = d.state / "logs" / f"{ident}-1.log"
    assert not log.exists() or not log.read_text(), "it has not begun"
    d.start()
    assert d.get(f"/v1/jobs/{ident}").json()["current"]["pid"] == pid
    done = until_final(d, ident)
    assert done["state"] == "succeeded" and done["attempts"] == 1, done
    wait_for(lambda: pid not in sessions(d), "the old session ends")


@pytest.mark.once
def test_an_idle_session_goes_with_kilnd(start):
    d = start("tiny")
    render(d, "tiny")
    os.kill(d.process.pid, signal.SIGKILL)
    d.process.wait()
    wait_for(lambda: not sessions(d), "it sees that nobody is there any more")
    d.start()
    wait_for(lambda: not os.listdir(d.output / ".kiln"), "its directory is swept")


@pytest.mark.once
def test_least_recently_used_sessions_go_first(start, scenes):
    d = start("tiny", "--sessions", "2")
    for scene in ("tiny", "exr", "tiny", "jpeg"):
        assert render(d, scene)["state"] == "succeeded"
    wait_for(lambda: len(sessions(d)) == 2, "one goes")
    before = sessions(d)
    render(d, "tiny")
    assert sessions(d) == before, "the one of exr went"


@pytest.mark.once
def test_an_idle_session_ends_after_a_while(start):
    d = start("tiny", "--session-idle", "0.2")
    render(d, "tiny")
    wait_for(lambda: not sessions(d) and not os.listdir(d.output / ".kiln"), "it has waited long enough")


@pytest.mark.once
@pytest.mark.parametrize("limit", [("--session-frames", "3"), ("--session-memory", "1MiB"), ("--sessions", "0")])
def test_what_may_not_stay_goes_after_its_job(start, limit):
    d = start("tiny", *limit)
    assert render(d, "tiny", "1-4")["state"] == "succeeded"
    wait_for(lambda: not sessions(d) and not os.listdir(d.output / ".kiln"), "it goes")


@pytest.mark.once
def test_a_process_of_its_own(start):
    d = start("tiny")
    assert render(d, "tiny", process="own")["state"] == "succeeded"
    assert d.until_final(d.post_job(1, 1).headers["location"]).text == "Job completed"
    assert not sessions(d)


@pytest.mark.parametrize("process", ["own", "session"])
def test_spread_shows_first_last_and_middle_early(start, process):
    d = start("tiny")
    done = render(d, "tiny", "1-9", order="spread", process=process)
    assert [int(n) for n in re.findall(r"Saved: '.*_(\d+)\.png'", log_of(d, done["id"]))] == [1, 9, 5, 3, 7, 2, 4, 6, 8]


@pytest.mark.feature("kill, crash and stop", mode="two processes")
def test_a_crash_among_several_costs_one_frame(start):
    d = start("slow", "--slots", "2")
    ident = submit(d, "slow", "1-8", samples=24, processes=2)
    wait_for(lambda: d.get(f"/v1/jobs/{ident}").json()["frames"]["rendering"] == 2 and len(sessions(d)) == 2, "two render")
    wait_for(lambda: d.get(f"/v1/jobs/{ident}").json()["frames"]["done"] >= 2, "two frames are done")
    os.kill(sessions(d)[0], signal.SIGSEGV)
    done = until_final(d, ident)
    assert done["state"] == "succeeded", done.get("failure")
    logs = "".join(log_of(d, ident, n) for n in range(1, done["attempts"] + 1))
    assert sorted(int(n) for n in re.findall(r"Saved: '.*_(\d+)\.png'", logs)) == list(range(1, 9))


@pytest.mark.once
def test_the_next_jobs_blender_starts_while_the_last_frame_renders(start):
    d = start("slow")
    ident = submit(d, "slow", "1", samples=2000)
    waiting = submit(d, "tiny", "1")
    wait_for(lambda: len(sessions(d)) == 2, "two Blenders, though there is one slot")
    assert d.get(f"/v1/jobs/{waiting}").json()["state"] == "queued"
    d.ask("POST", f"/v1/jobs/{ident}/cancel")
    done = until_final(d, waiting)
    assert done["state"] == "succeeded" and log_of(d, waiting).count("kiln: {") == 1
