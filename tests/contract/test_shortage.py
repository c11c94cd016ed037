# SPDX-License-Identifier: Apache-2.0
"""Temporary lack of resources: a job waits, reports that, and does not fail."""
import fcntl
import os
import pathlib
import resource
import signal
import subprocess

import pytest
from daemon import Daemon, wait_for
from test_jobs import job, submit, until

LOOK_AGAIN = ["--look-again", "0.1"]


def waits(d, ident):
    found = wait_for(lambda: (lambda j: j if j["waits_for"] or j["state"] in ("succeeded", "failed") else None)(job(d, ident)),
                     "it waits")
    assert found["state"] == "queued", found
    return found["waits_for"]


def descriptors(d):
    return len(os.listdir(f"/proc/{d.process.pid}/fd"))


@pytest.mark.local
@pytest.mark.parametrize("process", ["own", "session"])
def test_without_descriptors_a_job_waits(start, process):
    d = start(arguments=LOOK_AGAIN)
    submit(d, "1")  # opens the files that stay open
    before = resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE)
    wait_for(lambda: d.get("/v1/jobs").json()["jobs"][0]["state"] == "succeeded", "the first one is done")
    resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE, (descriptors(d) + 3, before[1]))
    ident = submit(d, "1-2", process=process, retries=0, threads=1)  # another session than the one before
    assert "Too many open files" in waits(d, ident)
    assert d.get("/livez").status == 200
    resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE, before)
    done = until(d, ident, "succeeded", "failed")
    assert done["state"] == "succeeded" and done["frames"]["failed"] == 0, done


@pytest.fixture
def namespaced(start, monkeypatch):
    """Starts kilnd in a user namespace of its own, which has limits of its own."""
    if subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True).returncode != 0:
        pytest.skip("no user namespaces here")
    began = Daemon.start

    def enter(d):
        d.command = ["unshare", "--user", "--map-root-user", *d.command]
        return began(d)
    monkeypatch.setattr(Daemon, "start", enter)
    return start


def limit_watches(d, most):
    subprocess.run(["nsenter", "--user", "--target", str(d.process.pid), "sh", "-c", f"echo {most} >/proc/sys/user/max_inotify_watches"],
                   check=True)


def watches(d):
    return sum(path.read_text().count("inotify wd:") for path in pathlib.Path(f"/proc/{d.process.pid}/fdinfo").iterdir())


@pytest.mark.local
@pytest.mark.parametrize("process", ["own", "session"])
def test_without_watches_a_job_waits(namespaced, process):
    d = namespaced(arguments=[*LOOK_AGAIN, "--sandbox", "off", "--sessions", "1"])
    until(d, submit(d, "1", process="own"), "succeeded")
    limit_watches(d, 0)
    ident = submit(d, "1-2", process=process, retries=0)
    assert "max_user_watches" in waits(d, ident)
    assert d.get("/livez").status == 200
    limit_watches(d, 1000)
    done = until(d, ident, "succeeded", "failed")
    assert done["state"] == "succeeded" and done["frames"]["failed"] == 0, done


@pytest.mark.local
@pytest.mark.parametrize("process", ["own", "session"])
def test_with_a_watch_for_frames_alone_they_are_published_and_the_log_is_kept(namespaced, process):
    d = namespaced("print once", "skip_frame 2", arguments=[*LOOK_AGAIN, "--sandbox", "off", "--sessions", "0"])
    before = watches(d)
    limit_watches(d, before + 1)
    ident = submit(d, "1-2", process=process, retries=0)
    assert "max_user_watches" in waits(d, ident)
    assert "once" in (d.state / "logs" / f"{ident}-1.log").read_text()
    limit_watches(d, 1000)
    done = until(d, ident, "succeeded", "failed")
    assert done["frames"]["done"] == 1 and done["failure"]["kind"] == "frames_missing", done


def test_a_blend_that_another_program_holds_by_a_lease_is_waited_for(start, tmp_path):
    """As file servers do. The kernel takes it away after /proc/sys/fs/lease-break-time."""
    d = start(arguments=LOOK_AGAIN)
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    held = os.open(tmp_path / "scene.blend", os.O_RDONLY)
    try:
        try:
            fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as e:
            pytest.skip(f"no leases here: {e}")
        ident = submit(d, "1", retries=0)
        if "slurm" not in " ".join(d.command):
            assert "cannot be read" in waits(d, ident)
        fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        assert until(d, ident, "succeeded", "failed")["state"] == "succeeded"
    finally:
        os.close(held)
        signal.signal(signal.SIGIO, before)
