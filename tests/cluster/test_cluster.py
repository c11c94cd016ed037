# SPDX-License-Identifier: Apache-2.0
"""Real frames over a real Slurm. What takes minutes (a lost node, a slurmctld that is away) is in
tests/reliability/slurm."""
import json
import os
import signal

import pytest
from daemon import wait_for

FINAL = ("succeeded", "failed", "canceled")


def submit(d, blend, frames, **fields):
    answer = d.ask("POST", "/v1/jobs", json.dumps({"blend": f"{blend}.blend", "frames": frames, **fields}),
                   {"Content-Type": "application/json"})
    assert answer.status == 202, answer
    assert int(answer.headers["retry-after"]) >= 1
    return answer.json()["id"]


def job(d, ident):
    return d.get(f"/v1/jobs/{ident}").json()


def until(d, ident, *states, deadline=90):
    return wait_for(lambda: (lambda j: j if j["state"] in states else None)(job(d, ident)), f"{ident} is {states}: {d.log()[-3000:]}",
                    deadline)


def names(first, last):
    return [f"blender-render_{n:04}.png" for n in range(first, last + 1)]


def test_frames_from_three_nodes(start, cluster):
    d = start()
    ident = submit(d, "tiny", "1-9", name="spread", priority=10)
    assert job(d, ident)["state"] in ("queued", "running")
    done = until(d, ident, *FINAL)
    assert done["state"] == "succeeded" and done["frames"]["done"] == 9 and done["attempts"] == 1, done
    assert d.frames(ident) == names(1, 9)
    assert done["file"]["version"].startswith(("2.", "3.", "4.", "5."))
    log = d.get(f"/v1/jobs/{ident}/log").text
    assert log.count("Saved: '") == 9 and "--- frames 1: Slurm task " in log
    used = cluster.ask("squeue", "-h", "-r", "-t", "all", "-n", f"kiln-{ident}-1-1", "-o", "%N").split()
    assert len(used) == 9 and set(used) == {"n1", "n2", "n3"}
    wait_for(lambda: not os.listdir(d.output / ".kiln"), "the workspace is gone")


def test_a_kilnd_that_is_killed_loses_and_doubles_nothing(start, cluster):
    d = start()
    ident = submit(d, "slow", "1-6", samples=20)
    until(d, ident, "running")
    for _ in range(2):
        os.kill(d.process.pid, signal.SIGKILL)
        d.process.wait()
        d.start()
    done = until(d, ident, *FINAL)
    assert done["state"] == "succeeded" and done["attempts"] == 1 and d.frames(ident) == names(1, 6), done
    assert d.get(f"/v1/jobs/{ident}/log").text.count("Saved: '") == 6, "no frame is rendered twice"
    arrays = cluster.ask("squeue", "-h", "-r", "-t", "all", "-o", "%F %j").splitlines()
    assert len({line.split()[0] for line in arrays if ident in line}) == 1, "it is not submitted twice"


def test_an_operator_cancels(start, cluster):
    d = start()
    ident = submit(d, "slow", "1-6", samples=4000)
    until(d, ident, "running")
    cluster.ask("scancel", "--name", f"kiln-{ident}-1-1")
    assert until(d, ident, *FINAL)["state"] == "canceled"


def test_a_user_cancels(start, cluster):
    d = start()
    ident = submit(d, "slow", "1-6", samples=4000)
    until(d, ident, "running")
    assert d.ask("POST", f"/v1/jobs/{ident}/cancel").status == 202
    assert until(d, ident, *FINAL)["state"] == "canceled"
    wait_for(lambda: not cluster.ask("squeue", "-h", "-r", "-n", f"kiln-{ident}-1-1", "-o", "%T").split(), "Slurm has nothing of it")


def test_a_partition_that_is_not_there(start):
    d = start()
    done = until(d, submit(d, "tiny", "1", slurm={"partition": "nope"}), *FINAL)
    assert done["state"] == "failed" and done["failure"]["kind"] == "invalid_setting", done
    assert "invalid partition specified: nope" in done["failure"]["message"]


def test_a_scene_that_cannot_render(start):
    d = start()
    done = until(d, submit(d, "no_camera", "1-3"), *FINAL)
    assert done["state"] == "failed" and done["failure"]["kind"] == "no_camera", done
