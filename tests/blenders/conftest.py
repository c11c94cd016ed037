# SPDX-License-Identifier: Apache-2.0
"""Several real Blenders at once, each in its root (tests/support/blenders) and started from outside of it: kilnd's sandbox does
not reach into such a root, so it is off unless a test says otherwise."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import daemon as support
import real_blender

VERSIONS = tuple(real_blender.status())


@pytest.fixture(scope="session")
def blenders(tmp_path_factory):
    """version → RootBlender."""
    real_blender.require(*VERSIONS)
    directory = tmp_path_factory.mktemp("blenders")
    return {version: real_blender.RootBlender(version, directory) for version in VERSIONS}


@pytest.fixture(params=VERSIONS)
def blender(request, blenders):
    return blenders[request.param]


@pytest.fixture(scope="session")
def scenes_of(blenders, tmp_path_factory):
    """The directory of the scenes "tiny" and "slow", made by the Blender of a version."""
    made = {}

    def of(version):
        if version not in made:
            made[version] = real_blender.scenes(blenders[version], tmp_path_factory.mktemp(f"scenes-{version}"), ["tiny", "slow"])
        return made[version]

    return of


@pytest.fixture
def scene_by(scenes_of):
    return lambda version, name: scenes_of(version) / f"{name}.blend"


@pytest.fixture
def start(tmp_path):
    """Starts kilnd, with one Blender or with those that the arguments name; it has to stop in order at the end."""
    started = []

    def run(*arguments, blender=None):
        d = support.Daemon(tmp_path, blender, None, arguments if "--sandbox" in arguments else ["--sandbox", "off", *arguments])
        started.append(d)
        return d.start()

    yield run
    support.stop_all(started, stop_in_order)


def stop_in_order(d):
    assert d.stop() == 0, d.log()
