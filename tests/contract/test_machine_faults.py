# SPDX-License-Identifier: Apache-2.0
"""Faults of the machine that only an operator can mend: disks without inodes or read-only, no memory and no processes for
Blender, a killed decoder, a clock that jumps. The jobs concerned say so, the others go on."""
import contextlib
import errno
import os
import pathlib
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time

import pytest
from daemon import program, wait_for
from test_faults import renders
from test_jobs import FINAL, act, job, submit, until
from test_restart import again, crash, mounted

pytestmark = pytest.mark.local
LOOK_AGAIN = ["--look-again", "0.1"]


@pytest.fixture
def output_disk(tmp_path):
    """OUTPUT is a small file system of its own, apart from that of STATE; kilnd is stopped by the test."""
    with contextlib.ExitStack() as to_unmount:
        def mount(*options):
            mounted(tmp_path / "frames", *options)
            to_unmount.callback(subprocess.run, ["umount", "--lazy", tmp_path / "frames"], check=True)
        yield mount


def until_waits(d, ident):
    return wait_for(lambda: (lambda j: j if j["waits_for"] or j["state"] in FINAL else None)(job(d, ident)), "it waits, and says why")


def test_an_output_without_inodes(start, output_disk):
    output_disk("size=64m", "nr_inodes=200")
    d = start(arguments=[*LOOK_AGAIN, "--disk-reserve", "0"])
    renders(d)
    ballast = d.output / "ballast"
    ballast.mkdir()
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        for number in range(300):
            (ballast / str(number)).touch()
    ident = submit(d, "1-2", retries=0)
    waiting = until_waits(d, ident)
    assert waiting["state"] == "queued" and os.strerror(errno.ENOSPC) in waiting["waits_for"], waiting
    assert d.get("/readyz").status == 503 and d.get("/livez").status == 200
    shutil.rmtree(ballast)
    done = until(d, ident, *FINAL)
    assert done["state"] == "succeeded" and len(d.frames(ident)) == 2, done
    assert d.stop() == 0


@pytest.fixture
def failing_disk(tmp_path):
    """OUTPUT is an ext4 that becomes read-only at the first error, as it does when its medium fails; returns how to cause one."""
    image, output = tmp_path / "disk", tmp_path / "frames"
    output.mkdir()
    with open(image, "wb") as file:
        file.truncate(32 << 20)
    if not shutil.which("mkfs.ext4", path="/usr/sbin:/sbin:/usr/bin:/bin"):
        pytest.skip("there is no mkfs.ext4")
    subprocess.run(["mkfs.ext4", "-q", image], check=True, env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"})
    done = subprocess.run(["mount", "-o", "loop,errors=remount-ro", image, output], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no loop device can be mounted: {done.stderr}")
    device = pathlib.Path(subprocess.run(["findmnt", "-no", "SOURCE", output], check=True, capture_output=True, text=True).stdout.strip())
    yield lambda: pathlib.Path("/sys/fs/ext4", device.name, "trigger_fs_error").write_text("a test\n")
    subprocess.run(["umount", "--lazy", output], check=True)


@pytest.mark.parametrize("process", ["own", "session"])
def test_an_output_that_becomes_read_only_while_a_job_renders(start, tmp_path, failing_disk, process):
    go = tmp_path / "go"
    d = start(f"wait_file {go}", arguments=[*LOOK_AGAIN, "--disk-reserve", "0"])
    (d.output / "lost+found").rmdir()
    go.touch()
    done = submit(d, "1-2")
    until(d, done, "succeeded")
    go.unlink()
    ident = submit(d, "1-3", retries=1, process=process)
    until(d, ident, "running")
    failing_disk()
    go.touch()
    ended = until(d, ident, *FINAL)
    assert ended["state"] == "failed" and ended["failure"]["kind"] in ("output_unwritable", "frames_missing"), ended
    assert ended["failure"]["message"] and ended["frames"]["done"] == 0
    assert job(d, done)["state"] == "succeeded" and len(d.frames(done)) == 2
    assert d.get(f"/v1/jobs/{done}/frames/1").status == 200 and d.get("/livez").status == 200
    waiting = submit(d, "1", retries=0)
    assert act(d, waiting, "cancel").status == 202
    assert until(d, waiting, *FINAL)["state"] in ("canceled", "failed")
    assert d.stop() == 0


def children(pid, name):
    found = []
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text().split():
            with contextlib.suppress(OSError):
                if pathlib.Path(f"/proc/{child}/comm").read_text().strip() == name:
                    found.append(int(child))
    return found


def test_a_decoder_that_the_kernel_kills(start):
    """As the OOM killer does, which does not ask whose fault it was: the frame is rendered again."""
    d = start("noise 1500", arguments=["--slots", "2"])
    ident = submit(d, "1-4", retries=5)
    killed = 0
    while job(d, ident)["state"] not in FINAL:
        for pid in children(d.process.pid, "kiln-image") if killed < 3 else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        time.sleep(0.02)
    ended = job(d, ident)
    assert killed > 0 and ended["state"] == "succeeded" and len(d.frames(ident)) == 4, ended
    renders(d)


@pytest.fixture
def group():
    """A control group with a limit, for a process and its children; of both versions of control groups. The test stops kilnd."""
    made = []

    def make(controller, limits):
        root = pathlib.Path("/sys/fs/cgroup") / controller
        if not (root / "tasks").exists():
            root = root.parent
            if controller not in (root / "cgroup.subtree_control").read_text().split():
                pytest.skip(f"no control groups of {controller} here")
        path = root / f"kiln-test-{os.getpid()}-{len(made)}"
        try:
            path.mkdir()
        except OSError as e:
            pytest.skip(f"no control group can be made here: {e}")
        made.append(path)
        for names, value in limits.items():
            for name in names:
                if (path / name).exists():
                    (path / name).write_text(str(value))
        return path

    yield make
    for path in made:
        for pid in (path / "cgroup.procs").read_text().split():  # of a test that has failed
            os.kill(int(pid), signal.SIGKILL)
        wait_for(lambda: not (path / "cgroup.procs").read_text().split(), "its processes have ended")
        path.rmdir()


def test_memory_that_blender_uses_up(start, tmp_path, group):
    """The kernel kills Blender and not kilnd; other jobs render."""
    limited = group("memory", {("memory.limit_in_bytes", "memory.max"): 300 << 20, ("memory.swap.max",): 0})
    wrapper = tmp_path / "blender"
    wrapper.write_text(f"""#!/bin/sh
case "$*" in *hungry.blend*) exec tail /dev/zero ;; esac
exec {program("FAKE_BLENDER")} "$@"
""")
    wrapper.chmod(0o755)
    (tmp_path / "hungry.blend").write_text("BLENDER-v304\n")
    d = start(blender=wrapper, arguments=["--slots", "2", "--sandbox", "off"])
    (limited / "cgroup.procs").write_text(str(d.process.pid))
    ident = submit(d, "1-2", blend="hungry.blend", retries=1, process="own")
    renders(d)
    ended = until(d, ident, *FINAL)
    assert ended["state"] == "failed" and ended["failure"]["kind"] in ("out_of_memory", "killed"), ended
    assert ended["failure"]["message"]
    renders(d)
    assert d.stop() == 0


def test_processes_that_blender_uses_up(start, tmp_path, group):
    """A fork bomb up to TasksMax=: other jobs wait for processes, and render when it has gone."""
    limited = group("pids", {("pids.max",): 60})
    wrapper, bomb = tmp_path / "blender", tmp_path / "bomb.py"
    bomb.write_text("""import os, time
while True:
    try:
        if os.fork() == 0:
            time.sleep(100000)
    except OSError:
        time.sleep(0.01)
""")
    wrapper.write_text(f"""#!/bin/sh
case "$*" in *bomb.blend*) exec {sys.executable} {bomb} ;; esac
exec {program("FAKE_BLENDER")} "$@"
""")
    wrapper.chmod(0o755)
    (tmp_path / "bomb.blend").write_text("BLENDER-v304\n")
    d = start(blender=wrapper, arguments=["--slots", "2", "--sandbox", "off", *LOOK_AGAIN])
    renders(d)
    (limited / "cgroup.procs").write_text(str(d.process.pid))
    ident = submit(d, "1", blend="bomb.blend", process="own", retries=0)

    def is_full():
        return int((limited / "pids.current").read_text()) >= 58
    wait_for(is_full, "no process can be started")
    other = submit(d, "1-2", retries=0, process="own")
    assert d.get("/livez").status == 200
    assert act(d, ident, "cancel").status == 202
    assert until(d, ident, *FINAL)["state"] == "canceled"
    done = until(d, other, *FINAL)
    assert done["state"] == "succeeded", done
    renders(d)
    assert d.stop() == 0


@pytest.mark.skipif(bool(os.environ.get("SANITIZERS")), reason="their runtime has to be loaded first")
@pytest.mark.parametrize("days", [400, -400])
def test_a_clock_that_jumps_while_a_job_renders(start, tmp_path, days):
    shift, go = tmp_path / "shift", tmp_path / "go"
    shift.write_bytes(bytes(8))
    d = start(f"wait_file {go}", environment={"LD_PRELOAD": program("CLOCK_SHIFT_LIBRARY"), "CLOCK_SHIFT": str(shift)})
    ident = submit(d, "1-3", retries=0, timeout_seconds=600, stall_timeout_seconds=600)
    until(d, ident, "running")
    before = d.get("/livez").headers["date"]
    with open(shift, "r+b") as file:
        file.write(struct.pack("q", days * 86400))
    assert before[-17:-13] != d.get("/livez").headers["date"][-17:-13], "the year is another"
    later = submit(d, "1")
    assert later > ident and 1 <= int(d.get(f"/v1/jobs/{later}").headers["retry-after"]) <= 300
    go.touch()
    done = until(d, ident, *FINAL)
    assert done["state"] == "succeeded" and done["attempts"] == 1, done
    assert all(0 <= frame["seconds"] < 600 for frame in d.get(f"/v1/jobs/{ident}/frames").json()["frames"])
    assert until(d, later, *FINAL)["state"] == "succeeded"
    crash(d)
    again(d)
    assert [j["id"] for j in d.get("/v1/jobs").json()["jobs"]] == [later, ident]
    renders(d)


@pytest.mark.skipif(bool(os.environ.get("SANITIZERS")), reason="a minute without them, and the same code as with one job")
def test_a_hundred_thousand_jobs_in_the_queue(start, tmp_path):
    go, count = tmp_path / "go", 100_000
    d = start(f"wait_file {go}", arguments=["--max-queued", str(count + 10)])
    running, waiting = submit(d, "1-2"), submit(d, "1-2")
    until(d, running, "running")
    assert d.stop() == 0
    with contextlib.closing(sqlite3.connect(d.state / "kiln.db")) as store, store:
        columns = [row[1] for row in store.execute("PRAGMA table_info(job)")]
        row = store.execute(f"SELECT {','.join(columns)} FROM job WHERE id = ?", (waiting,)).fetchone()
        at = columns.index("id")
        digits = "0123456789abcdefghjkmnpqrstvwxyz"
        ids = [waiting[:-5] + "".join(digits[number >> shift & 31] for shift in (20, 15, 10, 5, 0)) for number in range(count)]
        store.executemany(f"INSERT OR IGNORE INTO job ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})",
                          ([*row[:at], ident, *row[at + 1:]] for ident in ids))
    again(d)
    assert len(d.get("/v1/jobs?limit=100").json()["jobs"]) == 100
    first = submit(d, "1-2", priority=100)
    for ident in ids[:100]:
        assert act(d, ident, "cancel").status == 202
    go.touch()
    assert until(d, first, *FINAL)["state"] == "succeeded"
    for ident in ids[:100]:
        assert job(d, ident)["state"] == "canceled"
    print(f"memory of kilnd: {d.resident() // 1024} MB")
    assert d.stop() == 0
    with contextlib.closing(sqlite3.connect(d.state / "kiln.db")) as store:
        assert store.execute("SELECT count(*) FROM job").fetchone()[0] >= count
