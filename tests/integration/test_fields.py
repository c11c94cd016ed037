# SPDX-License-Identifier: Apache-2.0
"""Each field of a job reaches the picture: it equals what Blender makes by hand when the same is set there, and the EXR header
says the same."""
import os
import pathlib

import exr
import pytest
from daemon import wait_for
from pictures import by_hand, pictures
from test_jobs import ENDLESS, frame, render, submit, until_final
from test_render import decode_png

SECOND = 'Zweite "Szene" é'
PROCESSES = pytest.mark.parametrize("process", ["own", "session"])

# name: fields of the job, and what sets the same by hand (`s` is the scene).
FIELDS = {
    "samples": ({"samples": 3}, "s.cycles.samples = 3"),
    "seed": ({"seed": 9}, "s.cycles.seed = 9"),
    "resolution": ({"resolution": [48, 40]}, "s.render.resolution_x, s.render.resolution_y = 48, 40"),
    "resolution_percentage": ({"resolution_percentage": 50}, "s.render.resolution_percentage = 50"),
    "camera": ({"camera": "Side"}, "s.camera = bpy.data.objects['Side']"),
    "all": ({"samples": 3, "seed": 9, "resolution": [64, 40], "resolution_percentage": 50, "camera": "Side"},
            "s.cycles.samples, s.cycles.seed = 3, 9; s.render.resolution_x, s.render.resolution_y = 64, 40; "
            "s.render.resolution_percentage = 50; s.camera = bpy.data.objects['Side']"),
}


@pytest.mark.feature("each field reaches the picture")
@PROCESSES
def test_a_field_gives_the_picture_that_it_gives_by_hand(lasting, blender, scenes, tmp_path, process):
    d = lasting("two_scenes")
    blend = scenes / "two_scenes.blend"
    plain = pictures(d, render(d, "two_scenes", "2", process=process))
    # Both modes set them by the same code: one at a time where that costs no start of Blender.
    for name, (fields, expression) in FIELDS.items() if process == "session" else [("all", FIELDS["all"])]:
        expected = by_hand(blender, blend, tmp_path / f"by hand {name}", 2, 2, f"s = bpy.context.scene; {expression}")
        done = render(d, "two_scenes", "2", process=process, **fields)
        assert done["state"] == "succeeded", (name, done["failure"])
        assert pictures(d, done) == expected, name
        assert expected != plain, f"{name} makes no difference: this test proves nothing"


@pytest.mark.feature("scene and view layer")
@PROCESSES
def test_scene_and_view_layer(lasting, blender, scenes, process):
    d = lasting("two_scenes")
    first = render(d, "two_scenes", process=process, format="OPEN_EXR")
    header = exr.read_header(frame(d, first, 1, "exr"))
    assert (header["Scene"], header["Camera"]) == ("Scene", "Camera")
    second = render(d, "two_scenes", "3", scene=SECOND, view_layer="Extra", process=process, format="OPEN_EXR_MULTILAYER")
    assert second["state"] == "succeeded", second["failure"]
    header = exr.read_header(frame(d, second, 3, "exr"))
    assert header["Scene"] == SECOND and exr.size_of(header) == (24, 16) and int(header["Frame"]) == 3
    # One layer renders: its samples are there, and those of no other.
    assert [name for name in header if name.endswith(".samples")] == ["cycles.Extra.samples"]


@pytest.mark.feature("EXR header: samples, frame, camera, size")
@PROCESSES
def test_the_header_says_what_was_asked(lasting, process):
    d = lasting("two_scenes")
    done = render(d, "two_scenes", "7", samples=5, camera="Side", resolution=[40, 24], format="OPEN_EXR", engine="CYCLES",
                  device="CPU", process=process)
    assert done["state"] == "succeeded", done["failure"]
    header = exr.read_header(frame(d, done, 7, "exr"))
    assert exr.size_of(header) == (40, 24) and header["Camera"] == "Side" and int(header["Frame"]) == 7
    assert [value for name, value in header.items() if name.endswith(".samples")] == ["5"]
    assert done["file"]["samples"] == 5 and done["file"]["resolution"] == [40, 24]


@pytest.mark.feature("threads")
@PROCESSES
def test_threads(lasting, process):
    d = lasting("slow")
    ident = submit(d, "slow", "1", threads=1, samples=ENDLESS, process=process)
    pid = wait_for(lambda: (d.get(f"/v1/jobs/{ident}").json()["current"] or {}).get("pid"), "Blender runs")
    wait_for(lambda: b"\0-t\0001\0" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes(), "Blender has one thread")
    d.ask("POST", f"/v1/jobs/{ident}/cancel")
    assert until_final(d, ident)["state"] == "canceled"


@pytest.mark.feature("frames: lists, steps, five digits, zero")
@PROCESSES
def test_frames(lasting, process):
    d = lasting("tiny")
    done = render(d, "tiny", "0,3,5,7-9x2,10000", process=process)
    assert done["state"] == "succeeded", done["failure"]
    assert sorted(os.listdir(d.output / done["id"])) == sorted(
        f"blender-render_{n:04}.png" for n in (0, 3, 5, 7, 9, 10000))


def without_format(blender, format):
    return format == "WEBP" and blender.version == "2.83"  # from 3.2 on


@pytest.mark.feature("image formats")
@PROCESSES
@pytest.mark.parametrize("format, extension, magic", [
    ("PNG", "png", b"\x89PNG"), ("OPEN_EXR", "exr", b"v/1\x01"), ("OPEN_EXR_MULTILAYER", "exr", b"v/1\x01"),
    ("JPEG", "jpg", b"\xff\xd8\xff"), ("TIFF", "tif", b"II*\0"), ("WEBP", "webp", b"RIFF")], ids=lambda v: v if isinstance(v, str) else "")
def test_every_format_is_verified(lasting, blender, process, format, extension, magic):
    d = lasting("tiny")
    done = render(d, "tiny", "1-2", format=format, process=process)
    if without_format(blender, format):
        assert done["failure"]["kind"] == "invalid_setting" and "WEBP" in done["failure"]["message"]
        pytest.skip(f"Blender {blender.version} has no WebP: the job says so before its first frame")
    assert done["state"] == "succeeded", done["failure"]
    for number in (1, 2):
        data = frame(d, done, number, extension).read_bytes()
        assert data.startswith(magic)
    if format == "PNG":
        assert decode_png(frame(d, done, 2))[:2] == (32, 32)
    if format == "OPEN_EXR_MULTILAYER":
        assert any(name.endswith("Combined.R") for name in exr.read_header(frame(d, done, 2, "exr"))["channels"])
