# SPDX-License-Identifier: Apache-2.0
"""kiln --local: a kilnd of one's own, started for a job and found warm by the next."""
import contextlib
import json
import os
import shutil
import signal
import stat

import pytest
from daemon import program, wait_for
from test_command import Kiln, names_in
from test_jobs import submit

pytestmark = pytest.mark.local


def is_alive(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    return False


class Local(Kiln):
    def __init__(self, directory):
        home = directory / "home"
        home.mkdir()
        super().__init__(home)
        self.runtime = directory / "runtime"
        self.runtime.mkdir(0o700)
        self.environment.update(XDG_RUNTIME_DIR=str(self.runtime), KILN_BLENDER=program("FAKE_BLENDER"))
        self.words = ["--local", "--kilnd", program("KILND")]

    def start(self, *words, **more):
        self.url = ""
        return super().start(*words, *self.words, **more)

    def pids(self):
        """Of each kilnd that was started last for its directory."""
        locks = self.home.glob(".local/state/kiln/local-*/state/kilnd.lock")
        return [int(lock.read_text().split()[0]) for lock in locks]

    def end(self):
        for pid in self.pids():
            if is_alive(pid):
                os.kill(pid, signal.SIGTERM)
                wait_for(lambda pid=pid: not is_alive(pid), "the kilnd of --local ends")


@pytest.fixture
def local(tmp_path):
    made = Local(tmp_path)
    yield made
    made.end()


def test_the_second_job_finds_it_warm(local, blend, tmp_path):
    scene = blend()
    local.run("render", scene, "-f", "1-2", "--download", tmp_path / "a")
    pid, = local.pids()
    local.run("render", scene, "-f", "3", "--download", tmp_path / "b")
    assert local.pids() == [pid] and is_alive(pid)
    assert len(names_in(tmp_path / "a")) == 2 and len(names_in(tmp_path / "b")) == 1
    listed = local.run("ls", "--root", scene.parent).out.splitlines()
    assert len(listed) == 2 and all("succeeded" in line for line in listed)
    for place in local.runtime.rglob("*"):
        if place.is_dir():
            assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_two_at_once_share_one(local, blend, tmp_path):
    scene = blend()
    both = [local.start("render", scene, "-f", str(frame), "--download", tmp_path / str(frame)) for frame in (1, 2)]
    for process in both:
        said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert len(local.pids()) == 1
    assert len(local.run("ls", "--root", scene.parent).out.splitlines()) == 2


@pytest.mark.parametrize("victim", ["kiln", "kilnd"])
def test_a_kill_loses_nothing(local, blend, tmp_path, victim):
    scene = blend("frame_seconds 0.2")
    words = ["render", scene, "-f", "1-8", "--download", tmp_path / "home_of_frames"]
    process = local.start(*words)
    wait_for(lambda: list((tmp_path / "home_of_frames").glob("*.png")), "a frame is at home")
    if victim == "kilnd":
        os.kill(local.pids()[0], signal.SIGKILL)
        said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    else:
        process.kill()
        process.communicate()
        local.run(*words)
    assert len(names_in(tmp_path / "home_of_frames")) == 8
    assert len(local.run("ls", "--root", scene.parent).out.splitlines()) == 1


def test_no_kilnd_and_no_blender(local, blend):
    scene = blend()
    local.words = ["--local", "--kilnd", "/nowhere/kilnd"]
    assert "/nowhere/kilnd cannot be started" in local.run("render", scene, "-f", "1", status=6).said
    local.words = ["--local", "--kilnd", program("KILND")]
    local.environment["KILN_BLENDER"] = "/nowhere/blender"
    assert "/nowhere/blender" in local.run("render", scene, "-f", "1", status=6).said


def test_no_runtime_directory(local, blend, tmp_path):
    del local.environment["XDG_RUNTIME_DIR"]
    local.run("render", blend(), "-f", "1", "--download", tmp_path / "a")
    assert len(names_in(tmp_path / "a")) == 1


def test_no_place_for_its_state(local, blend):
    local.environment["XDG_STATE_HOME"] = "/proc/nowhere"  # as read-only for root as for anybody
    assert "XDG_STATE_HOME" in local.run("render", blend(), "-f", "1", status=2).said
    del local.environment["XDG_STATE_HOME"], local.environment["HOME"]
    assert "set HOME" in local.run("render", blend(), "-f", "1", status=2).said


def test_a_directory_that_others_can_enter(local, blend):
    (local.runtime / "kiln").mkdir(0o755)
    os.chmod(local.runtime / "kiln", 0o755)
    assert "chmod 700" in local.run("render", blend(), "-f", "1", status=2).said


def test_usage(local):
    local.words = []
    assert "--local" in local.run("ls", "--root", "/", status=2).said
    assert "--url" in local.run("ls", "--local", "--url", "http://127.0.0.1:9", status=2).said


@pytest.fixture
def own_blender(local, tmp_path):
    """A Blender that can be replaced: a copy of the fake one."""
    real = tmp_path / "blender-5"
    shutil.copy(program("FAKE_BLENDER"), real)
    local.environment["KILN_BLENDER"] = str(real)
    return real


def memory_of(local):
    """What Blenders have answered."""
    memory, = local.home.glob(".local/state/kiln/local-*/state/probes.json")
    return memory


def again(local, scene, home):
    local.end()
    local.run("render", scene, "-f", "1", "--download", home)


def test_a_cold_start_asks_a_known_blender_nothing(local, own_blender, blend, tmp_path):
    scene = blend()
    local.run("render", scene, "-f", "1", "--download", tmp_path / "a")
    memory = memory_of(local)
    assert stat.S_IMODE(memory.stat().st_mode) == 0o600
    assert len(json.loads(memory.read_text())) >= 2
    written = memory.stat().st_mtime_ns
    again(local, scene, tmp_path / "b")
    assert memory.stat().st_mtime_ns == written, "nothing was asked"
    assert len(names_in(tmp_path / "b")) == 1


@pytest.mark.parametrize("what", ["replaced", "touched", "cut", "nonsense", "gone"])
def test_what_is_remembered_is_not_believed_of_another_program(local, own_blender, blend, tmp_path, what):
    scene = blend()
    local.run("render", scene, "-f", "1", "--download", tmp_path / "a")
    memory = memory_of(local)
    before = memory.read_text()
    written = memory.stat().st_mtime_ns
    local.end()
    if what == "replaced":
        shutil.copy(own_blender, tmp_path / "other")
        (tmp_path / "other").rename(own_blender)
    elif what == "touched":
        os.utime(own_blender, ns=(1, 1))
    elif what == "gone":
        memory.unlink()
    else:
        memory.write_text(before[:len(before) // 2] if what == "cut" else '[{"pid":"x"}]')
    local.run("render", scene, "-f", "1", "--download", tmp_path / "b")
    assert memory.stat().st_mtime_ns != written and len(names_in(tmp_path / "b")) == 1
    after = json.loads(memory.read_text())
    assert (set(after) > set(json.loads(before))) if what in ("replaced", "touched") else set(after) == set(json.loads(before))


def test_a_program_that_stopped_working_is_asked(local, own_blender, blend, tmp_path):
    scene = blend()
    local.run("render", scene, "-f", "1", "--download", tmp_path / "a")
    local.end()
    own_blender.write_text("#!/bin/sh\nexit 1\n")
    assert "--version" in local.run("render", scene, "-f", "2", status=6).said


def test_an_idle_kilnd_ends(start):
    d = start("frame_seconds 0.5", arguments=["--exit-idle", "1"])
    ident = submit(d, frames="1-4")
    assert d.process.wait(60) == 0
    assert len(d.frames(ident)) == 4  # it did not end while it rendered
