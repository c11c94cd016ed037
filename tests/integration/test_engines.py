# SPDX-License-Identifier: Apache-2.0
"""EEVEE and Workbench, on software GL, in the sandbox and without: the pictures of Blender by hand."""
import os

import pytest
from pictures import by_hand, pictures
from test_jobs import render

# name: what the Blenders call it, and what is set by hand. One sample: software GL takes its time for each.
ENGINES = {"EEVEE": (("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"), "s.eevee.taa_render_samples = 1"),
           "WORKBENCH": (("BLENDER_WORKBENCH",), "")}


@pytest.fixture(scope="module")
def display(blender):
    """Arguments of kilnd, and the environment in which these engines can draw."""
    with blender.display() as (arguments, environment):
        yield arguments, environment


@pytest.mark.feature("engine, on software GL")
@pytest.mark.parametrize("sandbox", ["landlock", "bwrap"])
@pytest.mark.parametrize("engine", ENGINES)
def test_frames_are_those_of_blender_by_hand(start, blender, scenes, tmp_path, display, monkeypatch, engine, sandbox):
    arguments, environment = display
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    d = start("tiny", "--sandbox", sandbox, *arguments)
    names, setting = ENGINES[engine]
    here = blender.engine_name(names)
    expected = by_hand(blender, scenes / "tiny.blend", tmp_path / "by hand", 1, 1,
                       f"s = bpy.context.scene; s.render.engine = '{here}'; {setting}", env={**os.environ, **environment})
    own, cold, warm = "own", "session", "session"
    # Each Blender understands each name of EEVEE.
    for process, name in ((own, names[0]), (own, names[-1]), (cold, names[0]), (warm, names[-1])):
        done = render(d, "tiny", "1", engine=name, process=process, samples=1)
        assert done["state"] == "succeeded", (process, name, done["failure"])
        assert done["file"]["engine"] == here
        assert pictures(d, done) == expected, (process, name)
