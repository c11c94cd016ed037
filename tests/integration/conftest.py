# SPDX-License-Identifier: Apache-2.0
"""kilnd with real Blender, and scenes made by it."""
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import daemon as support


@pytest.fixture(scope="session")
def blender():
    found = shutil.which("blender")
    assert found, "there is no Blender on the PATH: packaging/install-deps --blender installs Debian's"
    return found


@pytest.fixture(scope="session")
def scenes(blender, tmp_path_factory):
    directory = tmp_path_factory.mktemp("scenes")
    subprocess.run([ROOT / "tests/scenes/make", directory, "tiny", "slow", "exr", "jpeg", "no_camera", "denoiser",
                    "two_scenes", "movie", "missing_image", "missing_library", "hostile", "assets", "living",
                    "falling", "textured"], check=True)
    return directory


@pytest.fixture
def start(blender, scenes, tmp_path):
    started = []

    def run(scene, *arguments, output=None):
        d = support.Daemon(tmp_path, blender, scene if isinstance(scene, pathlib.Path) else scenes / f"{scene}.blend",
                           arguments)
        if output:
            d.command[d.command.index("--output") + 1] = str(output)
            d.output = pathlib.Path(output)
        started.append(d)
        return d.start()

    yield run
    support.stop_all(started, stop_in_order)


def stop_in_order(d):
    assert d.stop() == 0, d.log()
