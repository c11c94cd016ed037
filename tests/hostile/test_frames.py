# SPDX-License-Identifier: Apache-2.0
"""Whatever code in a scene does to its files: what was verified is what stands there, and is an image."""
import pathlib
import shutil

import pytest
from daemon import wait_for
from real_blender import hooked
from test_jobs import submit, until_final
from test_render import decode_png
from test_sandbox import available

HERE = pathlib.Path(__file__).parent
DEEDS = ["exchange", "hard_link", "keep_open", "keep_mapped", "open_again", "symbolic_link"]


@pytest.fixture(params=["landlock", "bwrap", "off"])
def sandbox(request, blender, tmp_path_factory):
    why = None if request.param == "off" else available(request.param, blender, tmp_path_factory.mktemp("check"))
    if why:
        pytest.skip(f"this machine has no {request.param}: {why}")
    return request.param


@pytest.mark.once
@pytest.mark.parametrize("process", ["own", "session"])
@pytest.mark.parametrize("deed", DEEDS)
def test_a_published_frame_stays_what_was_verified(start, scenes, sandbox, blender, tmp_path, deed, process):
    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(scenes / "tiny.blend", project)
    wrapper = hooked(tmp_path / "bin", blender, HERE / "hostile_frames.py", {"deed": deed})
    d = start(project / "tiny.blend", "--sandbox", sandbox, "--blender", wrapper, "--sandbox-read", tmp_path / "bin")
    ident = submit(d, "tiny", "1-40", process=process, retries=1)
    ended = until_final(d, ident)

    def contents():
        directory = d.output / ident
        return {path.name: path.read_bytes() for path in directory.iterdir()} if directory.exists() else {}

    published = contents()
    assert len(published) == ended["frames"]["done"]
    if deed not in ("exchange", "symbolic_link"):  # which may cost the job its frames
        assert ended["state"] == "succeeded", ended
    if process == "session" and ended["state"] == "succeeded":  # its process lives on, and does the rest
        said = wait_for(lambda: [p.read_text() for p in d.output.glob(".kiln/session-*/hostile_said")], "it has tried")
        # With Landlock a file that was moved away cannot be opened again.
        assert said[0][0] == ("0" if (deed, sandbox) == ("open_again", "landlock") else "2"), said
    for name in published:
        width, height, _ = decode_png(d.output / ident / name)
        assert (width, height) == (32, 32) and not (d.output / ident / name).is_symlink()
    assert contents() == published, "nothing has changed since"
