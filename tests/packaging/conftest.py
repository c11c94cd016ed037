# SPDX-License-Identifier: Apache-2.0
"""Root, debootstrap and a built package are needed: tests/packaging/run."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import system as systems


@pytest.fixture(scope="session")
def deb():
    return pathlib.Path(os.environ["DEB_UNDER_TEST"])


@pytest.fixture(scope="session")
def scenes(tmp_path_factory):
    directory = tmp_path_factory.mktemp("scenes")
    return {name: systems.make_scene(name, directory) for name in ("tiny", "slow")}


@pytest.fixture
def bare():
    """A Debian with Blender, and nothing of Kiln."""
    s = systems.System()
    yield s
    s.close()


@pytest.fixture
def system(bare, deb, scenes):
    """With the package installed and running, and the network up."""
    bare.network_up()
    bare.copy_in(deb, "/root/kilnd.deb")
    bare.install("/root/kilnd.deb")
    for scene in scenes.values():
        bare.copy_in(scene, f"/var/lib/kiln/projects/{scene.name}")
    return bare
