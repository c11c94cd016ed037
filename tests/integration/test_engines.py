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


@pytest.fixture(scope="module", params=ENGINES)
def engine(request, blender, scenes, display, tmp_path_factory):
    """What the Blenders call it, what this one does, and its picture of frame 1 of the scene "tiny" by hand. Each start of
    EEVEE Next compiles shaders, which takes a minute on software GL."""
    names, setting = ENGINES[request.param]
    here = blender.engine_name(names)
    drawn = by_hand(blender, scenes / "tiny.blend", tmp_path_factory.mktemp("hand") / "out", 1, 1,
                    f"s = bpy.context.scene; s.render.engine = '{here}'; {setting}", env={**os.environ, **display[1]})
    return names, here, drawn


@pytest.mark.feature("engine, on software GL")
@pytest.mark.parametrize("sandbox", ["landlock", "bwrap"])
def test_frames_are_those_of_blender_by_hand(start, display, monkeypatch, engine, sandbox):
    arguments, environment = display
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    d = start("tiny", "--sandbox", sandbox, *arguments)
    names, here, expected = engine
    # Each Blender understands each name of EEVEE; the last of a sandbox renders warm. Each start costs EEVEE Next a minute.
    modes = {"landlock": (("own", names[0]),), "bwrap": (("session", names[-1]), ("session", names[0]))}
    for process, name in modes[sandbox]:
        done = render(d, "tiny", "1", engine=name, process=process, samples=1)
        assert done["state"] == "succeeded", (process, name, done["failure"])
        assert done["file"]["engine"] == here
        assert pictures(d, done) == expected, (process, name)
