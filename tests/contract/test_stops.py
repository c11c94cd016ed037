# SPDX-License-Identifier: Apache-2.0
"""A stop reaches an attempt in every phase; while its session still loads the .blend above all."""
import concurrent.futures
import os
import time

import pytest
from daemon import wait_for
from test_jobs import act, patch, post, submit, until

pytestmark = pytest.mark.local
HELD = {"threads": 2}  # what distinguishes the session that hangs from the session that renders


def start_with_a_session_that_hangs(start, tmp_path, *arguments):
    """kilnd with one slot, which is taken; a session whose load hangs; and a job in the queue that will take that session."""
    gate = tmp_path / "gate"
    d = start(f"wait_file {gate}", "samples 2", "hang", "hang_load", arguments=["--slots", "1", *arguments])
    first = submit(d, frames="1")
    until(d, first, "running")
    return d, first, gate


def preload(d, gate, tmp_path):
    gate.touch()
    wait_for((tmp_path / "scene.blend.loading").exists, "a session loads for the next job")


def is_taken_up(d, ident):
    return wait_for(lambda: (d.output / ".kiln" / f"printed-{ident}-1").exists(), "the attempt waits for its session")


@pytest.mark.parametrize("how", ["cancel", "pause", "timeout", "stall"])
def test_a_session_whose_load_hangs_is_ended_by_every_stop(start, tmp_path, how):
    d, first, gate = start_with_a_session_that_hangs(start, tmp_path)
    limits = {"timeout": {"timeout_seconds": 1}, "stall": {"stall_timeout_seconds": 1}}.get(how, {})
    ident = submit(d, frames="1", retries=0, **HELD, **limits)
    preload(d, gate, tmp_path)
    act(d, first, "cancel")
    is_taken_up(d, ident)
    if how == "cancel":
        assert act(d, ident, "cancel").status == 202
    if how == "pause":
        assert patch(d, ident, {"paused": True}).status == 200
    ended = until(d, ident, {"cancel": "canceled", "pause": "paused"}.get(how, "failed"))
    if how in ("timeout", "stall"):
        assert ended["failure"]["kind"] == {"timeout": "timed_out", "stall": "stalled"}[how]
    until(d, submit(d, frames="1"), "running")  # the slot is free


def test_a_client_that_waits_for_an_attempt_does_not_hold_up_the_stop(start, tmp_path):
    d, first, gate = start_with_a_session_that_hangs(start, tmp_path)
    ident = submit(d, frames="1", **HELD)
    preload(d, gate, tmp_path)
    act(d, ident, "cancel")
    act(d, first, "cancel")
    until(d, first, "canceled")
    with concurrent.futures.ThreadPoolExecutor() as client:
        answer = client.submit(post, d, {"blend": "scene.blend", "frames": "1", **HELD})
        wait_for(lambda: list((d.output / ".kiln").glob("printed-*")), "the attempt waits for its session")
        began = time.monotonic()
        d.process.terminate()
        assert answer.result().status == 202
        assert d.process.wait(60) == 0
    assert time.monotonic() - began < 20


def test_a_second_sigterm_kills_a_session_that_loads(start, tmp_path):
    d, first, gate = start_with_a_session_that_hangs(start, tmp_path, "--stop-grace", "600")
    ident = submit(d, frames="1", **HELD)
    (tmp_path / "scene.blend").write_text("BLENDER-v304\nignore TERM\nhang_load\n")
    preload(d, gate, tmp_path)
    act(d, first, "cancel")
    is_taken_up(d, ident)
    d.process.terminate()
    wait_for(lambda: "stopping" in d.log(), "the stop is under way")
    d.process.terminate()
    assert d.process.wait(60) == 0


def test_every_stop_is_heard_while_a_blend_is_hashed(start, tmp_path, blend):
    d = start("samples 1")
    os.truncate(tmp_path / "scene.blend", 1 << 42)  # sparse: hours
    with concurrent.futures.ThreadPoolExecutor() as client:
        client.submit(post, d, {"blend": "scene.blend", "frames": "1", "timeout_seconds": 1, "retries": 0})
        jobs = wait_for(lambda: d.get("/v1/jobs").json()["jobs"], "the job is taken")
        assert until(d, jobs[0]["id"], "failed")["failure"]["kind"] == "timed_out"
    with concurrent.futures.ThreadPoolExecutor() as client:
        client.submit(post, d, {"blend": "scene.blend", "frames": "1"})
        wait_for(lambda: len(d.get("/v1/jobs").json()["jobs"]) == 2, "the job is taken")
        d.process.terminate()
        assert d.process.wait(60) == 0


def test_a_second_cancel_changes_nothing(start, tmp_path):
    """Blender may finish its work within the grace period, however often the client repeats the request."""
    d = start("ignore TERM", "hang", arguments=["--stop-grace", "3"])
    ident = submit(d, frames="1", process="own")
    until(d, ident, "running")
    wait_for(lambda: d.frames(ident), "the frame is done")
    began = time.monotonic()
    for _ in range(5):
        assert act(d, ident, "cancel").status == 202
    until(d, ident, "canceled")
    assert time.monotonic() - began >= 3
