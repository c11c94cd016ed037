# SPDX-License-Identifier: Apache-2.0
"""kilnd on a disk that loses power (tests/support/power_cut): acknowledged data survives."""
import ctypes
import json
import os
import signal
import subprocess
import threading
import time

import daemon as support
import power_cut
import pytest

FINAL = ("succeeded", "failed", "canceled")
JSON = {"Content-Type": "application/json"}

pytestmark = pytest.mark.once


PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def kill_all(d):
    """Everything stops at once, also a process that kilnd was starting at that moment and that shows no sign of it yet.

    What kilnd leaves becomes a child of the test, which asked to be the reaper of its descendants.
    """
    os.kill(d.process.pid, signal.SIGKILL)
    d.process.wait()

    def all_gone():
        with open(f"/proc/self/task/{threading.main_thread().native_id}/children", encoding="ascii") as children:
            left = [int(pid) for pid in children.read().split()]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return not left
    support.wait_for(all_gone, "all is stopped")


@pytest.fixture(autouse=True)
def reaper():
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())
    yield
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


class Machine:
    def __init__(self, directory, blender, blend, strict):
        self.d = support.Daemon(directory, blender, blend, ["--slots", "2", "--disk-reserve", "0"])
        self.d.output.mkdir()
        self.d.state.mkdir()
        mirror = directory / "mirror"
        self.disk = power_cut.Disk(support.program("POWER_CUT"), [self.d.state, self.d.output], mirror, strict=strict)
        self.d.environment.update(self.disk.environment())
        self.acknowledged = {}  # id -> the last acknowledgement: its state if final, else "taken" or "canceling"

    def round(self, chance):
        d = self.d
        d.log_path.unlink(missing_ok=True)
        d.start()
        self.check()
        end = time.monotonic() + chance.random() * 0.6
        while time.monotonic() < end:
            if chance.random() < 0.5 and len(self.acknowledged) < 120:
                answer = d.ask("POST", "/v1/jobs", json.dumps({"blend": d.command[d.command.index("--blend") + 1],
                                                               "frames": f"1-{chance.randint(1, 4)}", "retries": 0}), JSON)
                assert answer.status == 202, answer
                self.acknowledged[answer.json()["id"]] = "taken"
            elif self.acknowledged:
                ident = chance.choice(list(self.acknowledged))
                if chance.random() < 0.2 and self.acknowledged[ident] == "taken":
                    if d.ask("POST", f"/v1/jobs/{ident}/cancel").json()["state"] not in ("succeeded", "failed"):
                        self.acknowledged[ident] = "canceling"
                state = d.get(f"/v1/jobs/{ident}").json()["state"]
                if state in FINAL:
                    self.acknowledged[ident] = state
        kill_all(d)
        self.disk.cut(chance)

    def check(self):
        for ident, said in self.acknowledged.items():
            answer = self.d.get(f"/v1/jobs/{ident}")
            assert answer.status == 200, f"{ident} was acknowledged and is lost: {answer}"
            now = answer.json()
            if said in FINAL:
                assert now["state"] == said, (said, now)
            if said == "canceling":
                assert now["state"] in ("canceled", "running", "succeeded") and now["wanted"] == "cancel", now
            if now["state"] == "succeeded":
                frames = [self.d.output / ident / name for name in self.d.frames(ident)]
                assert len(frames) == now["frames"]["total"], (now, frames)

    def finish(self):
        """All that was taken ends, and each frame is whole."""
        d = self.d
        d.log_path.unlink(missing_ok=True)
        d.start()
        self.check()
        for ident, said in self.acknowledged.items():
            end = support.wait_for(lambda: (lambda j: j if j["state"] in FINAL else None)(d.get(f"/v1/jobs/{ident}").json()),
                                   f"{ident} ends")
            assert end["state"] == "succeeded" or said in ("canceling", "canceled"), json.dumps(end)
        frames = [str(path) for path in d.output.glob("j*/blender-render_*")]
        assert frames
        decoder = os.path.join(os.path.dirname(d.command[0]), "kiln-image")
        for at in range(0, len(frames), 500):
            subprocess.run([decoder, *frames[at:at + 500]], check=True, stdout=subprocess.DEVNULL)
        assert d.stop() == 0  # which ends the Blenders that wait
        assert not os.listdir(d.output / ".kiln")


@pytest.mark.parametrize("strict", [False, True])
def test_power_is_lost_at_random_moments(tmp_path, strict):
    blend = tmp_path / "scene.blend"
    blend.write_text("BLENDER-v304\nframe_seconds 0.02\nsamples 1\n")
    machine = Machine(tmp_path, support.program("FAKE_BLENDER"), blend, strict)
    chance = support.chances(7 + strict)
    try:
        for _ in range(15):
            machine.round(chance)
        machine.finish()
    finally:
        if machine.d.process.poll() is None:
            machine.d.process.kill()
    assert len(machine.acknowledged) > 50


def test_power_is_lost_during_real_renders(tmp_path, blender, scenes):
    machine = Machine(tmp_path, blender.path, scenes / "tiny.blend", False)
    chance = support.chances(3)
    try:
        for _ in range(5):
            machine.round(chance)
        machine.finish()
    finally:
        if machine.d.process.poll() is None:
            machine.d.process.kill()
