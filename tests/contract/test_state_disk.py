# SPDX-License-Identifier: Apache-2.0
"""The disk of the state is small and gets full: by the output of a render, or by another program."""
import contextlib
import json
import subprocess

import pytest
from daemon import wait_for
from test_jobs import act, job, submit, until
from test_restart import again, crash, mounted

MEBIBYTE = 1 << 20
LARGEST_LOG = 16 * MEBIBYTE  # lib/output/log_copy.hpp


@pytest.fixture
def small_state(tmp_path):
    """STATE on a disk of the given size, until the test is over; kilnd is stopped by the test."""
    with contextlib.ExitStack() as to_unmount:
        def mount(size):
            mounted(tmp_path / "state", f"size={size}")
            to_unmount.callback(subprocess.run, ["umount", "-l", tmp_path / "state"], check=True)
        yield mount


def fill(d):
    """All that is free; the store finds no room for a new job afterwards."""
    ballast = d.state / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 4096)

    def is_full():
        return [d.ask("POST", "/v1/jobs", json.dumps({"blend": "scene.blend", "frames": "1"}),
                      {"Content-Type": "application/json"}).status for _ in range(5)] == [503] * 5
    wait_for(is_full, "no job is taken any more")
    return ballast


@pytest.mark.local
@pytest.mark.parametrize("process, megabytes", [("own", 1024), ("session", 150)])
def test_a_render_that_prints_without_end_fills_no_disk(start, tmp_path, small_state, process, megabytes):
    small_state("50m")
    go = tmp_path / "go"
    (tmp_path / "hostile.blend").write_text(f"BLENDER-v304\nprint the first line\nflood {megabytes}\nwait_file {go}\n")
    d = start(arguments=["--slots", "2"])
    hostile = submit(d, "1", blend="hostile.blend", process=process)
    until(d, hostile, "running")
    log = d.state / "logs" / f"{hostile}-1.log"
    for _ in range(3):
        other = submit(d, "1-2")
        assert until(d, other, "succeeded", "failed")["state"] == "succeeded"
        assert d.get("/readyz").status == 200
        assert not log.exists() or log.stat().st_size <= LARGEST_LOG
    go.touch()
    assert until(d, hostile, "succeeded", "failed")["state"] == "succeeded"
    text = log.read_text()
    assert len(text) <= LARGEST_LOG and "a part of it is left out here" in text
    assert text.splitlines()[0] == "the first line" or "the first line\n" in text[:1000]
    assert "Saved: " in text[-1000:]
    assert d.stop() == 0


@pytest.mark.local
def test_a_flood_that_was_not_read_is_bounded_after_a_crash(start, tmp_path, small_state):
    small_state("50m")
    go = tmp_path / "go"
    d = start("print the first line", "flood 100", f"wait_file {go}")
    ident = submit(d, "1")
    until(d, ident, "running")
    crash(d)
    again(d)
    go.touch()
    assert until(d, ident, "succeeded", "failed")["state"] == "succeeded"
    log = d.state / "logs" / f"{ident}-1.log"
    text = log.read_text()
    assert len(text) <= LARGEST_LOG and "Saved: " in text[-1000:] and "\0" not in text
    assert d.stop() == 0


def test_on_a_full_disk_jobs_can_be_cancelled_and_removed(start, tmp_path, small_state):
    small_state("8m")
    go = tmp_path / "go"
    go.touch()
    d = start(f"wait_file {go}", arguments=["--look-again", "0.1"])
    done = [submit(d, "1") for _ in range(3)]
    for ident in done:
        until(d, ident, "succeeded")
    go.unlink()
    running, waiting = submit(d, "1"), submit(d, "1")
    until(d, running, "running")
    ballast = fill(d)
    assert d.get("/readyz").status == 503
    for ident in (waiting, running):
        assert act(d, ident, "cancel").status == 202
        until(d, ident, "canceled")
    for ident in done:
        assert d.ask("DELETE", f"/v1/jobs/{ident}").status == 204
    crash(d)
    ballast.unlink()
    again(d)
    assert d.get("/readyz").status == 200
    for ident in (waiting, running):
        assert job(d, ident)["state"] == "canceled", "what was acknowledged is on disk"
    for ident in done:
        assert d.get(f"/v1/jobs/{ident}").status == 404
    go.touch()
    assert until(d, submit(d, "1"), "succeeded", "failed")["state"] == "succeeded"
    assert d.stop() == 0


def test_on_a_nearly_full_disk_jobs_wait(start, tmp_path, small_state):
    small_state("8m")
    d = start(arguments=["--look-again", "0.1"])
    (d.state / "ballast").write_bytes(b"x" * (7 * MEBIBYTE))
    ident = submit(d, "1")
    waiting = wait_for(lambda: (lambda j: j if j.get("waits_for") else None)(job(d, ident)), "it waits, and says why")
    assert waiting["state"] == "queued" and "nearly full" in waiting["waits_for"], waiting
    (d.state / "ballast").unlink()
    assert until(d, ident, "succeeded", "failed")["state"] == "succeeded"
    assert d.stop() == 0
