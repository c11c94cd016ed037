# SPDX-License-Identifier: Apache-2.0
"""An input that changes between two jobs: a session renders the current one."""
import dataclasses
import os
import shutil
import struct

import modes
import pytest
from cases import CASES
from test_pictures import frames_of, published
from test_sessions import write_png

pytestmark = pytest.mark.skipif(os.environ.get("PICTURES_MODES") != "all", reason="PICTURES_MODES=all tries this as well")


def other_picture(path):
    write_png(path, 10, 20, 250)


def other_cache(path):
    data = bytearray(path.read_bytes())
    for at in range(32, len(data), 12):
        struct.pack_into("<f", data, at, struct.unpack_from("<f", data, at)[0] - 0.7)
    path.write_bytes(data)


def other_lamp(path):
    path.write_text(path.read_text().replace("1000 700 300 80 5", "5 80 300 700 1000"))


INPUTS = {
    "texture": ("paint.png", other_picture),
    "texture_tiles": ("tile.1002.png", other_picture),
    "texture_sequence": ("seq_002.png", other_picture),
    "strip": ("strips/a.png", other_picture),
    "strip_of_many": ("strips/a2.png", other_picture),
    "mesh_cache": ("anim.pc2", other_cache),
    "ies": ("lamp.ies", other_lamp),
}
UNSEEN = ((2, 83), "texture_sequence")  # Debian's 2.83 shows number 0 of a sequence at every frame, by hand too


@pytest.mark.parametrize("name", INPUTS)
def test_a_changed_input_is_read_again(name, kilnd, by_hand, version, projects):
    file, change = INPUTS[name]
    original = next(case for case in CASES if case.id == name)
    module, _, _ = original.place.partition(".")
    seen = []
    copy = projects / f"changed_{name}"
    shutil.copytree(projects / name, copy)
    (copy / f"{name}.blend").rename(copy / f"changed_{name}.blend")
    for turn in ("before", "after"):
        case = dataclasses.replace(original, place=f"{module}.changed_{name}", name=f"{name}_{turn}")
        expected = by_hand.begin(case).result()
        job = modes.until_final(kilnd, modes.submit(kilnd, projects, case, frames_of(case, kilnd, projects)))
        assert job["state"] == "succeeded", job["failure"]
        assert published(kilnd, job, case) == expected, turn
        seen.append(expected)
        change(copy / file)
    assert (seen[0] == seen[1]) == ((version, name) == UNSEEN), "the change shows"
