# SPDX-License-Identifier: Apache-2.0
"""Bounds of a Blender that the kernel enforces: control groups of version 2, in a group that is delegated to kilnd."""
import os
import pathlib
import re
import signal
import subprocess

import pytest
from conftest import ON_SLURM
from daemon import Daemon, wait_for
from test_jobs import FINAL, job, submit, until

pytestmark = pytest.mark.skipif(ON_SLURM, reason="Slurm bounds what runs on a cluster")
CONTROLLERS = "+memory +pids +cpu"


def root_of_groups():
    """Of version 2 with all controllers that are needed; skips the test where there is none that can be written to."""
    mounts = re.findall(r"^\S+ (\S+) cgroup2 (\S+)", pathlib.Path("/proc/self/mounts").read_text(), re.M)
    for place, options in mounts:
        root = pathlib.Path(place)
        offered = (root / "cgroup.controllers").read_text().split()
        if "rw" in options.split(",") and {"memory", "pids", "cpu"} <= set(offered) and os.access(root / "cgroup.procs", os.W_OK):
            return root
    pytest.skip(f"no control groups of version 2 with memory, pids and cpu can be written here: {mounts}")


@pytest.fixture
def delegated():
    """A group as a service manager delegates it."""
    root = root_of_groups()
    group = root / f"kiln-test-{os.getpid()}"
    before = (root / "cgroup.subtree_control").read_text().split()
    (root / "cgroup.subtree_control").write_text(CONTROLLERS)
    group.mkdir()
    yield group
    for path in [*group.glob("*/"), group]:
        for pid in (path / "cgroup.procs").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        wait_for(lambda: not (path / "cgroup.procs").read_text().split(), "its processes have ended")
        path.rmdir()
    for name in {"memory", "pids", "cpu"} - set(before):
        (root / "cgroup.subtree_control").write_text("-" + name)


@pytest.fixture
def inside(start, delegated, tmp_path, monkeypatch):
    """Starts kilnd in the group, as a service manager does; each start goes there."""
    began = Daemon.start

    def enter(d):
        command, d.command = d.command, ["/bin/sh", "-c", f'echo $$ >{delegated}/cgroup.procs; exec "$@"', "sh", *d.command]
        try:
            return began(d)
        finally:
            d.command = command
    monkeypatch.setattr(Daemon, "start", enter)
    return start


def groups(delegated):
    return sorted(path.name for path in delegated.glob("blender-*"))


def group_of(pid):
    return re.search(r"^0::(.*)$", pathlib.Path(f"/proc/{pid}/cgroup").read_text(), re.M).group(1)


@pytest.mark.parametrize("process", ["own", "session"])
def test_memory_is_bounded_by_the_kernel(inside, delegated, process):
    d = inside("grow", "frame_seconds 600", arguments=["--blender-memory", "200MiB"])
    assert "enforced by control groups" in d.log(), d.log()
    assert group_of(d.process.pid).endswith("/main")
    done = until(d, submit(d, "1", retries=0, process=process), *FINAL)
    assert done["failure"]["kind"] == "out_of_memory" and "blender_memory allows 200 MiB" in done["failure"]["message"], done
    assert done["failure"]["signal"] == 9
    again = submit(d, "1", retries=0, process=process)
    assert until(d, again, *FINAL)["failure"]["kind"] == "out_of_memory"
    wait_for(lambda: len(groups(delegated)) <= 1, "groups without processes are removed")
    assert d.stop() == 0


@pytest.mark.parametrize("process", ["own", "session"])
def test_a_fork_bomb_meets_the_kernel(inside, delegated, process):
    d = inside("bomb", "frame_seconds 600", arguments=["--blender-processes", "20"])
    most = 0
    ident = submit(d, "1", retries=0, process=process)

    def is_over():
        nonlocal most
        for one in delegated.glob("blender-*/pids.peak"):
            most = max(most, int(one.read_text()))
        return job(d, ident)["state"] in FINAL
    wait_for(is_over, "it is ended")
    done = job(d, ident)
    assert done["failure"]["kind"] == "killed" and "blender_processes allows 20" in done["failure"]["message"], done
    assert most <= 20 + 256 + 16 * os.cpu_count()
    wait_for(lambda: not any((one / "cgroup.procs").read_text() for one in delegated.glob("blender-*")), "none is left")
    assert d.get("/livez").status == 200 and d.stop() == 0


def test_one_job_in_its_bounds_is_not_hurt_by_another(inside, delegated, tmp_path):
    (tmp_path / "greedy.blend").write_text("BLENDER-v304\ngrow\nframe_seconds 600\n")
    d = inside("hold 50", "fork 2", "frame_seconds 0.2", arguments=["--blender-memory", "300MiB", "--blender-processes", "20",
                                                                  "--slots", "2"])
    good, greedy = submit(d, "1-10"), submit(d, "1", blend="greedy.blend", retries=0)
    assert until(d, greedy, *FINAL)["failure"]["kind"] == "out_of_memory"
    done = until(d, good, *FINAL)
    assert done["state"] == "succeeded" and done["attempts"] == 1, done
    assert d.stop() == 0
    assert groups(delegated) == []


@pytest.mark.parametrize("process", ["own", "session"])
def test_the_next_kilnd_takes_the_group_over(inside, delegated, tmp_path, process):
    go = tmp_path / "go"
    d = inside(f"wait_file {go}", arguments=["--blender-memory", "300MiB", "--blender-processes", "20"])
    ident = submit(d, "1-2", process=process)
    pid = wait_for(lambda: (job(d, ident).get("current") or {}).get("pid"), "it runs")
    (delegated / "blender-77").mkdir()  # of an attempt that has ended with an earlier kilnd
    d.process.kill()
    d.process.wait()
    where = group_of(pid)
    # As ExecStopPost= of the unit: otherwise no process can be started in this group.
    (delegated / "cgroup.subtree_control").write_text(CONTROLLERS.replace("+", "-"))
    d.start()
    assert group_of(pid) == where and not (delegated / "blender-77").exists()
    bound = delegated / pathlib.Path(where).name / "memory.max"
    wait_for(lambda: bound.read_text().strip() == str(300 << 20), "its bounds are set again")
    go.touch()
    assert until(d, ident, *FINAL)["state"] == "succeeded"
    wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists() or process == "session", "it has ended")
    assert d.stop() == 0


def test_where_other_programs_are_in_the_group_looks_do(inside, delegated):
    with subprocess.Popen(["/bin/sh", "-c", f"echo $$ >{delegated}/cgroup.procs; exec sleep 1000"]) as other:
        try:
            wait_for(lambda: str(other.pid) in (delegated / "cgroup.procs").read_text().split(), "it is there")
            d = inside("hold 300", "frame_seconds 600", arguments=["--blender-memory", "200MiB"])
            assert "without control groups" in d.log() and "other programs are in it" in d.log(), d.log()
            assert group_of(d.process.pid) == group_of(other.pid) and [p.name for p in delegated.iterdir() if p.is_dir()] == []
            done = until(d, submit(d, "1", retries=0), *FINAL)
            assert done["failure"]["kind"] == "out_of_memory", done
            assert d.stop() == 0
        finally:
            other.kill()


@pytest.mark.parametrize("bound", [[], ["--blender-memory", "1GiB"]])
def test_read_only_groups_do_no_harm(start, tmp_path, bound):
    """As in a container."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    began = Daemon.start

    def enter(d):
        hide = "for m in $(awk '$3 == \"cgroup2\" {print $2}' /proc/mounts); do mount -o remount,bind,ro \"$m\"; done"
        command, d.command = d.command, ["unshare", "--mount", "/bin/sh", "-c", hide + '; exec "$@"', "sh", *d.command]
        try:
            return began(d)
        finally:
            d.command = command
    Daemon.start, kept = enter, Daemon.start
    try:
        d = start(arguments=bound)
    finally:
        Daemon.start = kept
    assert ("without control groups" in d.log()) == bool(bound)
    assert until(d, submit(d, "1-2"), *FINAL)["state"] == "succeeded"
