# SPDX-License-Identifier: Apache-2.0
"""kilnd with real Blender, and scenes made by it. KILN_BLENDER=4.3: kilnd and Blender in the root of that version
(tests/support/blenders); without it, the Blender on the PATH. RUN_AS=UID:GID, for root: Blender is that user."""
import atexit
import os
import pathlib
import shutil
import stat
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import daemon as support
import features
import real_blender

VERSION = os.environ.get("KILN_BLENDER")
RUN_AS = os.environ.get("RUN_AS")
if RUN_AS:  # each pytest that starts closes the usual directory to other users
    os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.mkdtemp(prefix="kiln-run-as-")
    atexit.register(shutil.rmtree, os.environ["PYTEST_DEBUG_TEMPROOT"], ignore_errors=True)  # after pytest's own removals

SCENES = ("tiny", "slow", "exr", "jpeg", "no_camera", "denoiser", "two_scenes", "movie", "missing_image", "missing_library",
          "hostile", "assets", "living", "falling", "textured", "clip")



def pytest_configure(config):
    config.addinivalue_line("markers", "feature(name, mode=None): a row of the table in docs/blenders.md")
    config.addinivalue_line("markers", "once: says nothing of a version of Blender; runs with the one on the PATH")


def pytest_collection_modifyitems(items):
    """Each test runs once a version, or once. Where no root can be made, all of them run with the Blender on the PATH."""
    with_roots = set(real_blender.status().values()) == {"ready"}
    for item in items:
        once = item.get_closest_marker("once")
        if VERSION and once:
            item.add_marker(pytest.mark.skip(reason="runs once, with the Blender on the PATH"))
        elif not VERSION and not once and with_roots:
            item.add_marker(pytest.mark.skip(reason="runs with each Blender in its root"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    result = yield
    features.note(item, result.get_result())


def pytest_sessionfinish():
    if VERSION:
        features.write(VERSION)


@pytest.fixture(scope="session")
def blender(tmp_path_factory):
    return real_blender.RootBlender(VERSION, tmp_path_factory.mktemp("blender")) if VERSION else real_blender.PathBlender()


@pytest.fixture(scope="session")
def scenes(blender, tmp_path_factory):
    return real_blender.scenes(blender, tmp_path_factory.mktemp("scenes"), SCENES)


def let_pass(*paths):
    """Other users may pass through the temporary directories above, which pytest closes."""
    for path in paths:
        for each in (path, *path.parents):
            if each.is_dir() and each.is_relative_to(tempfile.gettempdir()) and each != pathlib.Path(tempfile.gettempdir()):
                each.chmod(stat.S_IMODE(each.stat().st_mode) | 0o011)


def daemon_of(blender, scenes, directory, scene, arguments):
    if RUN_AS:
        if os.geteuid() != 0:
            pytest.skip("only root can start processes of another user")
        named = [pathlib.Path(a) for a in arguments if str(a).startswith("/")]
        let_pass(scenes, directory, *named, *([scene] if isinstance(scene, pathlib.Path) else []))
        arguments = [*arguments, "--run-as", RUN_AS]
    d = support.Daemon(directory, blender.path, scene if isinstance(scene, pathlib.Path) else scenes / f"{scene}.blend", arguments)
    d.command[0] = blender.kilnd()
    return d


@pytest.fixture(scope="module")
def lasting(blender, scenes, tmp_path_factory):
    """As start, for tests that leave kilnd as it was: those of a module that ask for the same get the same one. Each start
    runs Blender twice, to see what it can do."""
    running = {}

    def run(scene, *arguments):
        if (scene, arguments) not in running:
            running[scene, arguments] = daemon_of(blender, scenes, tmp_path_factory.mktemp("lasting"), scene, arguments).start()
        return running[scene, arguments]

    yield run
    support.stop_all(list(running.values()), stop_in_order)


@pytest.fixture
def start(blender, scenes, tmp_path):
    started = []

    def run(scene, *arguments, output=None):
        d = daemon_of(blender, scenes, tmp_path, scene, arguments)
        if output:
            d.command[d.command.index("--output") + 1] = str(output)
            d.output = pathlib.Path(output)
        started.append(d)
        return d.start()

    yield run
    support.stop_all(started, stop_in_order)


def stop_in_order(d):
    assert d.stop() == 0, d.log()
