# SPDX-License-Identifier: Apache-2.0
"""Bounds of a Blender: its memory, its processes and its files."""
import subprocess

import pytest
from conftest import ON_SLURM
from daemon import processes_of_group, program, wait_for
from test_jobs import job, submit, until

pytestmark = pytest.mark.skipif(ON_SLURM, reason="Slurm bounds what runs on a cluster")

OWN = ["--sessions", "0"]


@pytest.mark.parametrize("sessions", [[], OWN])
def test_memory(start, sessions):
    d = start("hold 300", "frame_seconds 60", arguments=["--blender-memory", "200MiB", *sessions])
    done = until(d, submit(d, "1-2", retries=1), "failed")
    assert done["failure"]["kind"] == "out_of_memory" and "blender_memory allows 200 MiB" in done["failure"]["message"], done
    # Which frame a try is charged to depends on whether Blender had said that it begins one: further tries may be needed.
    assert done["failure"]["signal"] == 9 and done["attempts"] >= 2, done


@pytest.mark.parametrize("sessions", [[], OWN])
def test_processes(start, sessions):
    d = start("fork 30", "frame_seconds 60", arguments=["--blender-processes", "20", *sessions])
    ident = submit(d, "1-2", retries=0)
    pid = wait_for(lambda: (job(d, ident).get("current") or {}).get("pid"), "it runs")
    done = until(d, ident, "failed")
    assert done["failure"]["kind"] == "killed" and "blender_processes allows 20" in done["failure"]["message"], done
    wait_for(lambda: not processes_of_group(pid), "none of them is left")


@pytest.mark.parametrize("sessions", [[], OWN])
@pytest.mark.parametrize("deed, bound, says", [
    ("litter 3000", ["--blender-files", "1000"], "blender_files allows 1000"),
    ("litter 1 60", ["--blender-disk", "40MiB"], "blender_disk allows 40 MiB")])
def test_files(start, sessions, deed, bound, says):
    d = start(deed, "frame_seconds 600", arguments=[*bound, *sessions])
    done = until(d, submit(d, "1-2", retries=0), "failed", "succeeded")
    assert done["failure"]["kind"] == "killed" and says in done["failure"]["message"], done
    wait_for(lambda: not sessions_of(d) and not list((d.output / ".kiln").glob("j*")), "they are removed with its directory")


def test_a_session_that_has_left_too_many_files_is_ended(start, tmp_path):
    """It has made them at its end, between two looks."""
    d = start("litter 3000", arguments=["--blender-files", "1000", "--sessions", "1"])
    until(d, submit(d, "1", retries=2), "failed", "succeeded")
    wait_for(lambda: not sessions_of(d), "it is ended")


@pytest.mark.parametrize("sessions", [[], OWN])
def test_within_the_bounds(start, sessions):
    d = start("hold 100", "fork 3", "litter 300 30", "samples 4", "frame_seconds 0.6",
              arguments=["--blender-memory", "900MiB", "--blender-processes", "20", "--blender-disk", "60MiB",
                         "--blender-files", "600", "--sandbox", "off", *sessions])
    done = until(d, submit(d, "1-2"), "succeeded", "failed")
    assert done["state"] == "succeeded", done


def test_one_that_takes_too_much_harms_no_other(start, tmp_path):
    """A job that ends a warm Blender does not end that of another job."""
    (tmp_path / "greedy.blend").write_text("BLENDER-v304\nhold 400\nframe_seconds 60\n")
    d = start("samples 4", "frame_seconds 0.3", arguments=["--blender-memory", "200MiB", "--slots", "2"])
    good, greedy = submit(d, "1-6"), submit(d, "1", blend="greedy.blend", retries=0)
    assert until(d, greedy, "failed", "succeeded")["failure"]["kind"] == "out_of_memory"
    assert until(d, good, "failed", "succeeded")["attempts"] == 1


@pytest.mark.parametrize("option", [["--blender-memory", "1GiB"], ["--blender-processes", "9"], ["--blender-disk", "1GiB"], ["--blender-files", "9"]])
def test_slurm_has_its_own(tmp_path, option):
    told = subprocess.run([program("KILND"), "--check", "--project-root", tmp_path, "--executor", "slurm", *option],
                          capture_output=True, text=True, timeout=60)
    assert told.returncode == 2 and "on a cluster Slurm does" in told.stderr, told


@pytest.mark.parametrize("deed, bound", [("spin", []), ("grow", []), ("grow", ["--blender-memory", "300MiB"])])
def test_an_idle_session_that_does_not_rest_is_ended(start, tmp_path, deed, bound):
    """A scene has left something running in a Blender that waits for further jobs."""
    quiet = tmp_path / "quiet.blend"
    quiet.write_text("BLENDER-v304\n")
    d = start(deed, arguments=[*bound, "--sessions", "2"])
    resting = until(d, submit(d, "1", blend="quiet.blend"), "succeeded")
    restless = until(d, submit(d, "1", retries=3), "succeeded")
    pids = [d.get(f"/v1/jobs/{one['id']}").json() for one in (resting, restless)]
    wait_for(lambda: len(sessions_of(d)) == 1, "it is ended")
    again = until(d, submit(d, "2", blend="quiet.blend"), "succeeded")
    assert again["attempts"] == 1 and len(sessions_of(d)) == 1, (pids, "the other one is still there, and renders")


def sessions_of(d):
    return list((d.output / ".kiln").glob("session-*"))
