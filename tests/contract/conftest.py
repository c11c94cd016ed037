# SPDX-License-Identifier: Apache-2.0
"""The HTTP contract is held against a real kilnd, whose Blender is tests/support/fake_blender, played by a script."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import daemon as support


@pytest.fixture
def blend(tmp_path):
    """Writes the .blend that is a script for fake_blender."""
    def write(*commands):
        path = tmp_path / "scene.blend"
        path.write_text("\n".join(["BLENDER-v304", *commands]) + "\n")
        return path
    return write


@pytest.fixture
def start(tmp_path, blend):
    """Starts kilnd. At the end it must stop in order: exit status 0, nothing left of its children."""
    started = []

    def run(*commands, arguments=(), environment=None, blender=None, file=None):
        d = support.Daemon(tmp_path, blender or support.program("FAKE_BLENDER"), file or blend(*commands),
                           ["--stop-grace", "1", "--sandbox-write", tmp_path, *arguments], environment)  # for "once"
        started.append(d)
        return d.start()

    yield run
    for d in started:
        status = d.stop()
        assert status == 0, f"exit status {status}: {d.log()}"
        assert not [p for p in support.processes_of_group(d.process.pid) if p != d.process.pid]
        assert "a defect" not in d.log() and "threw" not in d.log(), d.log()
