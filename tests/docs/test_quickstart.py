# SPDX-License-Identifier: Apache-2.0
"""packaging/quickstart with a kilnd that is built already: it renders, and begins again after it was killed."""
import os
import pathlib
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from daemon import wait_for


def quickstart(directory, frames, **more):
    command = [ROOT / "packaging/quickstart", "--no-install", "--kilnd", os.environ["KILND"], "--dir", directory, "--frames", frames]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def text_of(file):
    return file.read_text() if file.exists() else ""


@pytest.mark.parametrize("killed_at", ["before_it_listens", "when_it_listens", "while_it_renders"])
def test_it_begins_again_after_it_was_killed(tmp_path, killed_at):
    """SIGKILL, so that its kilnd stays: the next run finds and stops that one, whose address it must not take for its own."""
    pid, log, frames = tmp_path / "kilnd.pid", tmp_path / "kilnd.log", tmp_path / "frames"
    reached = {"before_it_listens": lambda: text_of(pid).strip(), "when_it_listens": lambda: "listening on" in text_of(log),
               "while_it_renders": lambda: list(frames.glob("*/*.png"))}[killed_at]
    first = quickstart(tmp_path, "1-3")  # which the next run renders to their end, before its own
    wait_for(lambda: reached() or first.poll() is not None, killed_at, 120)
    first.send_signal(signal.SIGKILL)
    first.wait()
    old = int(pid.read_text())
    os.kill(old, 0)  # it is there
    again = quickstart(tmp_path, "1-1")
    said, _ = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert f"stopping the kilnd of an earlier run (pid {old})" in said and "Done: 1 frames" in said, said
    assert not pid.exists() and "kilnd     stopped (exit status 0)" in said
    with pytest.raises(ProcessLookupError):
        os.kill(old, 0)
