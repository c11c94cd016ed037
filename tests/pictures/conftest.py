# SPDX-License-Identifier: Apache-2.0
"""Scenes rendered by Blender by hand and by kilnd. KILN_BLENDER=4.3: with that version in its root (tests/support/blenders);
without it, with the Blender on the PATH. PICTURES_MODES=all adds the modes that stop a job on its way."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "tests/integration")]
import daemon as support
import outcomes
import real_blender
from cases import CASES
from modes import Render

VERSION = os.environ.get("KILN_BLENDER")


@pytest.fixture(scope="session")
def blender(tmp_path_factory):
    return real_blender.RootBlender(VERSION, tmp_path_factory.mktemp("blender")) if VERSION else real_blender.PathBlender()


@pytest.fixture(scope="session")
def version(blender):
    return tuple(map(int, blender.version.split(".")))


@pytest.fixture(scope="session")
def projects(request, blender, version, tmp_path_factory):
    """A directory with a directory for each scene; a scene that cannot be built fails only its own tests."""
    directory = tmp_path_factory.mktemp("projects")
    cases = {case.place for case in CASES if case.is_of(version)}
    selected = [getattr(item, "callspec", None) and item.callspec.params.get("case") for item in request.session.items]
    only = {case.place for case in selected if case}
    wanted = sorted(cases if any(item is None for item in selected) else cases & only)
    made = blender.run("-b", "--factory-startup", "-noaudio", "-P", ROOT / "tests/pictures/scenes/make.py", "--", directory,
                       *wanted, capture_output=True, text=True, errors="replace")
    (directory / "made.log").write_text(made.stdout + made.stderr)
    return directory


@pytest.fixture(scope="session")
def by_hand(blender, projects):
    """case → future of the frames that `blender -a` makes of it. All of them are begun at once, two at a time."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield Render(blender, projects, pool)


def daemon_of(blender, projects, directory):
    """One that lets scripts of scenes run, where this machine has a sandbox for them."""
    d = support.Daemon(directory, blender.path, None, ["--project-root", projects, "--slots", "2", "--stop-grace", "2"])
    d.command[0] = blender.kilnd()
    trusting = [*d.command, "--autorun", "roots"]
    checked = subprocess.run([*trusting, "--check"], capture_output=True, text=True, timeout=support.DEADLINE)
    d.runs_scripts = "scripts of scenes run in a sandbox only" not in checked.stderr
    if d.runs_scripts:
        d.command = trusting
    return d


@pytest.fixture(scope="session")
def kilnd(blender, projects, tmp_path_factory):
    d = daemon_of(blender, projects, tmp_path_factory.mktemp("kilnd"))
    d.start()
    yield d
    assert d.stop() == 0, d.log()


@pytest.fixture
def another_kilnd(blender, projects, tmp_path):
    """One that a test may stop and start."""
    d = daemon_of(blender, projects, tmp_path)
    yield d
    assert d.stop() == 0, d.log()


def pytest_sessionfinish():
    outcomes.write(VERSION or "path")
