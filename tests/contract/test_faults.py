# SPDX-License-Identifier: Apache-2.0
"""Faults of the machine and floods of requests: each has an answer, and kilnd goes on."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest
from daemon import processes_of_group, program, wait_for
from test_jobs import FINAL, act, job, post, submit, until
from test_restart import mounted


def renders(d):
    """A job, to its end."""
    done = until(d, submit(d, "1-2"), *FINAL)
    assert done["state"] == "succeeded" and len(d.frames(done["id"])) == 2, done


def test_a_thousand_cancels_at_once(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}", arguments=["--max-connections-per-address", "256"])
    with concurrent.futures.ThreadPoolExecutor(32) as clients:
        idents = list(clients.map(lambda number: submit(d, "1-2", retries=0), range(1000)))
        statuses = list(clients.map(lambda ident: act(d, ident, "cancel").status, idents))
        assert statuses == [202] * len(idents)
        for ident in idents:
            assert until(d, ident, *FINAL)["state"] == "canceled"
    assert d.get("/v1/jobs?state=queued").json() == {"jobs": []}
    go.touch()
    renders(d)


@pytest.mark.local
@pytest.mark.parametrize("process", ["own", "session"])
def test_a_job_of_a_million_frames_begins_and_is_cancelled(start, process):
    d = start("frame_seconds 0.002", arguments=["--max-frames", "1000000"])
    ident = submit(d, "1-1000000", process=process)
    wait_for(lambda: job(d, ident)["frames"]["done"] >= 20, "it has begun")
    shown = d.get(f"/v1/jobs/{ident}")
    assert len(shown.body) < 8192 and shown.json()["frames"]["total"] == 1_000_000
    assert act(d, ident, "cancel").status == 202
    ended = until(d, ident, *FINAL)
    assert ended["state"] == "canceled" and ended["frames"]["done"] == len(d.frames(ident))
    renders(d)


@pytest.mark.local
def test_an_output_that_is_removed_while_a_job_renders(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}")
    ident = submit(d, "1-3", retries=1)
    wait_for(lambda: job(d, ident)["state"] == "running" and (d.output / ".kiln").exists(), "it renders")
    shutil.rmtree(d.output)
    go.touch()
    ended = until(d, ident, *FINAL)
    if ended["state"] == "succeeded":
        assert len(d.frames(ident)) == 3
    else:
        assert ended["failure"]["message"], ended
    assert d.get("/livez").status == 200
    d.output.mkdir(exist_ok=True)
    renders(d)


def test_a_temporary_directory_without_room(start, tmp_path):
    full = tmp_path / "full"
    mounted(full, "size=64k")
    try:
        with pytest.raises(OSError, match="No space left"), open(full / "all", "wb", buffering=0) as file:
            for _ in range(100):
                file.write(b"x" * 4096)
        d = start(environment={"TMPDIR": str(full)})
        renders(d)
        made = d.ask("POST", "/v1/blends", b"BLENDER-v304\nsamples 1\n", {"Content-Type": "application/octet-stream"})
        assert made.status == 201
        done = until(d, post(d, {"blend": made.json()["id"], "frames": "1"}).json()["id"], *FINAL)
        assert done["state"] == "succeeded", done
    finally:
        subprocess.run(["umount", "--lazy", full], check=True)


@pytest.mark.local
def test_a_kilnd_that_stands_still_for_a_while(start, tmp_path):
    """As in a virtual machine that is paused, or under a debugger: what happened meanwhile counts."""
    go = tmp_path / "go"
    d = start(f"wait_file {go}", arguments=["--max-connections", "64"])
    ident = submit(d, "1-3", timeout_seconds=600, process="own")
    pid = wait_for(lambda: (job(d, ident)["current"] or {}).get("pid"), "its Blender runs")
    d.process.send_signal(signal.SIGSTOP)
    try:
        go.touch()
        ended = re.compile(r"^State:\s*Z", re.M)
        wait_for(lambda: ended.search(pathlib.Path(f"/proc/{pid}/status").read_text()), "Blender has ended, and nobody knows")
    finally:
        d.process.send_signal(signal.SIGCONT)
    done = until(d, ident, *FINAL)
    assert done["state"] == "succeeded" and done["attempts"] == 1, done
    renders(d)


@pytest.mark.local
@pytest.mark.parametrize("end", ["succeeded", "canceled", "SIGTERM"])
def test_a_blender_that_starts_processes_without_end(start, tmp_path, end):
    """They end with the attempt: all are of its group."""
    go, children = tmp_path / "go", 300
    wrapper = tmp_path / "blender"
    wrapper.write_text(f"""#!/bin/sh
case "$*" in *{tmp_path.name}*.blend*)
  i=0; while [ $i -lt {children} ]; do sleep 100000 & i=$((i+1)); done ;;
esac
exec {program("FAKE_BLENDER")} "$@"
""")
    wrapper.chmod(0o755)
    d = start(f"wait_file {go}", blender=wrapper, arguments=["--sandbox", "off"])
    ident = submit(d, "1-2", process="own")
    pid = wait_for(lambda: (job(d, ident)["current"] or {}).get("pid"), "its Blender runs")
    group = os.getpgid(pid)
    wait_for(lambda: len(processes_of_group(group)) > children, "they are there")
    if end == "SIGTERM":
        assert d.stop() == 0
    elif end == "canceled":
        assert act(d, ident, "cancel").status == 202
    go.touch()
    if end != "SIGTERM":
        assert until(d, ident, *FINAL)["state"] == end
    wait_for(lambda: processes_of_group(group) == [], "none is left")
