# SPDX-License-Identifier: Apache-2.0
"""The HTTP contract is held against a real kilnd, whose Blender is tests/support/fake_blender, played by a script."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import daemon as support
from slurm_simulation import Simulation

# TEST_EXECUTOR=slurm: the same tests over a simulated Slurm of one node.
ON_SLURM = os.environ.get("TEST_EXECUTOR") == "slurm"


def pytest_configure(config):
    config.addinivalue_line("markers", "local: of renders on this machine alone: its Blender, a pid to look at, a process to kill, a log that grows")


def pytest_collection_modifyitems(items):
    for item in items if ON_SLURM else []:
        if item.get_closest_marker("local"):
            item.add_marker(pytest.mark.skip(reason="of renders on this machine"))


SLURM_ARGUMENTS = ["--executor", "slurm", "--slots", "1", "--slurm-poll", "0.1", "--slurm-lag", "2", "--on-stop", "stop"]


@pytest.fixture
def slurm(tmp_path):
    made = Simulation(tmp_path)
    yield made
    made.close()


@pytest.fixture
def executor(request):
    """Arguments and environment of a test's kilnd that choose its executor."""
    if ON_SLURM or "slurm" in request.fixturenames:
        return SLURM_ARGUMENTS, request.getfixturevalue("slurm").environment
    return [], {}


@pytest.fixture
def blend(tmp_path):
    """Writes the .blend that is a script for fake_blender."""
    def write(*commands):
        path = tmp_path / "scene.blend"
        path.write_text("\n".join(["BLENDER-v304", *commands]) + "\n")
        return path
    return write


@pytest.fixture
def start(tmp_path, blend, executor):
    """Starts kilnd. At the end it must stop in order: exit status 0, nothing left of its children."""
    started = []
    of_executor, its_environment = executor

    def run(*commands, arguments=(), environment=None, blender=None, file=None, writable=True):
        """writable: Blender may write beside its scene, for "once"."""
        d = support.Daemon(tmp_path, blender or support.program("FAKE_BLENDER"), file or blend(*commands),
                           ["--stop-grace", "1", *(["--sandbox-write", tmp_path] if writable else []),
                            *of_executor, *arguments], {**its_environment, **(environment or {})})
        started.append(d)
        return d.start()

    yield run
    support.stop_all(started, stop_in_order)


def stop_in_order(d):
    status = d.stop()
    assert status == 0, f"exit status {status}: {d.log()}"
    assert not [p for p in support.processes_of_group(d.process.pid) if p != d.process.pid]
    assert "a defect" not in d.log() and "threw" not in d.log(), d.log()
