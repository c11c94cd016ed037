# SPDX-License-Identifier: Apache-2.0
"""Scenes with code that changes their files: each published file is the verified one, and is an image."""
import json
import pathlib
import shutil
import types

import pytest
from daemon import wait_for
from real_blender import hooked
from test_jobs import submit, until_final
from test_render import decode_png
from test_sandbox import available

SCRIPT = pathlib.Path(__file__).parent / "hostile_frames.py"
DEEDS = ["exchange", "hard_link", "keep_open", "keep_mapped", "open_again", "symbolic_link"]
# With Landlock a file that was moved away cannot be opened again, and links cannot be made.
REFUSED = {("landlock", "open_again"), ("landlock", "symbolic_link")}
# Blender has to be long enough at writing a frame for another process to see it.
SIZE = [768, 768]


@pytest.fixture(scope="module", params=["landlock", "bwrap", "off"])
def attacked(request, blender, scenes, lasting, tmp_path_factory):
    """A kilnd whose Blenders run SCRIPT; the files that choose its deed, and the scene."""
    directory = tmp_path_factory.mktemp(request.param)
    why = None if request.param == "off" else available(request.param, blender, directory / "check")
    if why:
        pytest.skip(f"this machine has no {request.param}: {why}")
    project = directory / "project"
    project.mkdir()
    shutil.copy(scenes / "tiny.blend", project)
    wrapper = hooked(directory / "bin", blender, SCRIPT, {})
    d = lasting(project / "tiny.blend", "--sandbox", request.param, "--blender", wrapper, "--sandbox-read", directory / "bin")
    return types.SimpleNamespace(d=d, sandbox=request.param, project=project,
                                 settings=directory / "bin" / SCRIPT.with_suffix(".json").name)


@pytest.mark.once
@pytest.mark.parametrize("process", ["own", "session"])
@pytest.mark.parametrize("deed", DEEDS)
def test_a_published_frame_stays_what_was_verified(attacked, deed, process):
    d, sandbox = attacked.d, attacked.sandbox
    if (sandbox, deed) == ("off", "open_again"):
        pytest.skip("who is not confined can as well write to the published file by its name")
    attacked.settings.write_text(json.dumps({"deed": deed}))
    shutil.copy(attacked.project / "tiny.blend", attacked.project / f"{deed}.blend")  # a session of its own
    ident = submit(d, deed, "1-4", process=process, retries=1, resolution=SIZE, resolution_percentage=100)
    ended = until_final(d, ident)

    def contents():
        directory = d.output / ident
        return {path.name: path.read_bytes() for path in directory.iterdir()} if directory.exists() else {}

    published = contents()
    assert len(published) == ended["frames"]["done"]
    if deed not in ("exchange", "symbolic_link"):  # which may cost the job its frames
        assert ended["state"] == "succeeded", ended
    if process == "session" and ended["state"] == "succeeded":  # its process lives on, and does the rest
        said = wait_for(lambda: [p.read_text() for p in d.output.glob(f".kiln/session-*/hostile_{deed}")], "it has tried")
        assert (said[0][0] == "0") == ((sandbox, deed) in REFUSED), said
    for name in published:
        width, height, _ = decode_png(d.output / ident / name)
        assert [width, height] == SIZE and not (d.output / ident / name).is_symlink()
    assert contents() == published, "nothing has changed since"
