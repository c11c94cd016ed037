# SPDX-License-Identifier: Apache-2.0
"""kilnd in front of a real Slurm of three virtual nodes on this machine, with real Blender."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import daemon as support


class Cluster:
    """tests/support/slurm_cluster, in a directory of its own."""

    def __init__(self, base):
        self.base = base
        # A port of its own for each run of the tests: several may run on one machine.
        self.settings = {"KILN_SLURM_BASE": str(base), "KILN_SLURM_PORT": str(20000 + os.getpid() * 8 % 12000),
                         "KILN_SLURM_OWNER": str(os.getpid())}
        self.environment = {"SLURM_CONF": str(base / "etc/slurm.conf")}  # all that others need to know

    def do(self, *words, check=True):
        return subprocess.run([ROOT / "tests/support/slurm_cluster", *map(str, words)], env={**os.environ, **self.settings}, check=check,
                              stdout=subprocess.DEVNULL, timeout=120)

    def ask(self, *command):
        return subprocess.run(command, env={**os.environ, **self.environment, "LC_ALL": "C"}, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("slurm"))
    lacks = subprocess.run([ROOT / "tests/support/slurm_cluster", "check"], env={**os.environ, **made.settings}, capture_output=True,
                           text=True, timeout=60)
    if lacks.returncode:
        pytest.skip((lacks.stdout + lacks.stderr).strip())
    try:
        made.do("up")
        yield made
    finally:
        made.do("down")


@pytest.fixture(scope="session")
def blender():
    found = shutil.which("blender")
    assert found, "there is no Blender on the PATH: packaging/install-deps --blender installs Debian's"
    return found


@pytest.fixture(scope="session")
def scenes(blender, tmp_path_factory):
    directory = tmp_path_factory.mktemp("scenes")
    subprocess.run([ROOT / "tests/scenes/make", directory, "tiny", "slow", "no_camera"], check=True)
    return directory


@pytest.fixture
def start(cluster, blender, scenes, tmp_path):
    started = []

    def run(*arguments):
        d = support.Daemon(tmp_path, blender, None, ["--executor", "slurm", "--project-root", scenes, "--slurm-poll", "0.5",
                                                     "--slurm-lag", "5", *arguments], cluster.environment)
        started.append(d)
        return d.start()

    yield run
    support.stop_all(started, stop_in_order)


def stop_in_order(d):
    assert d.stop() == 0, d.log()
    assert "threw" not in d.log(), d.log()
