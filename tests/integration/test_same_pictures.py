# SPDX-License-Identifier: Apache-2.0
"""In every mode the frames are those of `blender -a`, pixel by pixel."""
import pathlib

import pytest
from pictures import by_hand, pictures
from test_jobs import render, until_final
from test_sessions import sessions

SCENES = ["living", "falling", "two_scenes"]
LAST = 8
# In this order: the sessions of the two processes are new, and three threads are another session than theirs.
MODES = {
    "POST /job": None,
    "own process": {"process": "own"},
    "two processes": {"processes": 2},
    "new session": {"threads": 3},
    "warm session": {"threads": 3},
    "spread": {"order": "spread"},
    "auto processes": {"processes": "auto"},
}


@pytest.fixture(scope="module")
def expected(blender, scenes, tmp_path_factory):
    made = {}

    def of(scene):
        if scene not in made:
            made[scene] = by_hand(blender, scenes / f"{scene}.blend", tmp_path_factory.mktemp("hand") / scene, 1, LAST)
        return made[scene]

    return of


def of_three_threads(d):
    return [pid for pid in sessions(d) if b"\0-t\0003\0" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.feature("frames equal those of Blender by hand")
@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("mode", MODES)
def test_frames_are_those_of_blender_by_hand(lasting, expected, scene, mode):
    d = lasting(scene, "--slots", "2")
    if mode == "new session":
        assert of_three_threads(d) == []
    if mode == "warm session" and not of_three_threads(d):
        assert render(d, scene, "1-2", threads=3)["state"] == "succeeded"
    warm = of_three_threads(d)
    if MODES[mode] is None:
        done = until_final(d, d.post_job(1, LAST).json()["id"])
    else:
        done = render(d, scene, f"1-{LAST}", **MODES[mode])
    assert done["state"] == "succeeded", done.get("failure")
    assert pictures(d, done) == expected(scene)
    if mode == "new session":
        assert len(of_three_threads(d)) == 1
    if mode == "warm session":
        later = render(d, scene, "2-6x2", threads=3)
        assert pictures(d, later) == {n: expected(scene)[n] for n in (2, 4, 6)}, "whatever was rendered before it"
        assert of_three_threads(d) == warm, "the Blender that was there has rendered it"
    if mode == "two processes":
        # A simulation is rendered by one Blender, in order.
        assert done["attempts"] == (1 if scene == "falling" else 2) and bool(done["file"].get("sequential")) == (scene == "falling")
