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
