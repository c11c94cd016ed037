# SPDX-License-Identifier: Apache-2.0
"""The fields of /v1/jobs over real Blender, and the kinds of failure that it can be brought to."""
import json
import os
import signal

import pytest
from daemon import wait_for
from test_render import decode_png

FINAL = ("succeeded", "failed", "canceled")


def submit(d, blend, frames="1", **fields):
    answer = d.ask("POST", "/v1/jobs", json.dumps({"blend": f"{blend}.blend", "frames": frames, **fields}),
                   {"Content-Type": "application/json"})
    assert answer.status == 202, answer
    return answer.json()["id"]


def until_final(d, ident):
    return wait_for(lambda: (lambda j: j if j["state"] in FINAL else None)(d.get(f"/v1/jobs/{ident}").json()), "it ends")


def render(d, blend, frames="1", **fields):
    return until_final(d, submit(d, blend, frames, **fields))


def frame(d, done, number, extension="png"):
    return d.output / done["id"] / f"blender-render_{number:04}.{extension}"


def test_settings_reach_the_picture(start):
    d = start("tiny")
    done = render(d, "tiny", "3,5,7-9x2", resolution=[64, 40], resolution_percentage=50, samples=2, seed=5, threads=1,
                  engine="CYCLES", device="CPU")
    assert done["state"] == "succeeded", done
    assert sorted(os.listdir(d.output / done["id"])) == [f"blender-render_{n:04}.png" for n in (3, 5, 7, 9)]
    assert decode_png(frame(d, done, 7))[:2] == (32, 20)
    assert done["file"]["samples"] == 2 and done["file"]["resolution"] == [64, 40]


@pytest.mark.parametrize("format, extension, magic", [
    ("PNG", "png", b"\x89PNG"), ("OPEN_EXR", "exr", b"v/1\x01"), ("OPEN_EXR_MULTILAYER", "exr", b"v/1\x01"),
    ("JPEG", "jpg", b"\xff\xd8\xff"), ("TIFF", "tif", b"II*\0"), ("WEBP", "webp", b"RIFF")])
def test_every_format_is_verified(start, format, extension, magic):
    d = start("tiny")
    done = render(d, "tiny", "1-2", format=format)
    assert done["state"] == "succeeded", done["failure"]
    for number in (1, 2):
        assert frame(d, done, number, extension).read_bytes().startswith(magic)


def test_scene_camera_and_view_layer(start):
    d = start("tiny")
    first = render(d, "two_scenes")
    assert first["file"]["scenes"] == ["Scene", 'Zweite "Szene" é'] and decode_png(frame(d, first, 1))[0] == 32
    second = render(d, "two_scenes", scene='Zweite "Szene" é', view_layer="Extra")
    assert second["state"] == "succeeded" and decode_png(frame(d, second, 1))[:2] == (24, 16)
    assert second["file"]["view_layers"] == ["Extra"]
    side = render(d, "two_scenes", camera="Side")
    assert decode_png(frame(d, first, 1))[2] != decode_png(frame(d, side, 1))[2]


@pytest.mark.parametrize("blend, fields, kind, words", [
    ("no_camera", {}, "no_camera", "no camera"),
    ("two_scenes", {"camera": "Top"}, "no_camera", 'no camera "Top"; it has: Camera, Side'),
    ("two_scenes", {"scene": "NOPE"}, "invalid_setting", 'no scene "NOPE"; it has: Scene, Zweite'),
    ("two_scenes", {"view_layer": "'; import os"}, "invalid_setting", "no view layer"),
    ("tiny", {"engine": "LUXCORE"}, "engine_unavailable", "LUXCORE"),
    ("tiny", {"device": "METAL"}, "engine_unavailable", "METAL"),
    ("denoiser", {}, "denoiser_unavailable", "OpenImageDenoise"),
    ("movie", {}, "movie_output", "movie"),
    ("missing_image", {}, "missing_files", "wood of oak.png"),
    ("missing_library", {}, "missing_files", "props.blend"),
])
def test_what_cannot_be_rendered_fails_before_the_first_frame(start, blend, fields, kind, words):
    d = start("tiny")
    done = render(d, blend, "1-3", **fields)
    assert done["state"] == "failed" and done["failure"]["kind"] == kind and words in done["failure"]["message"], done
    assert done["attempts"] == 1, "it would end the same way"
    log = (d.state / "logs" / f"{done['id']}-1.log").read_text(errors="replace")
    assert "Saved:" not in log and "Sample" not in log


def test_a_movie_renders_as_images_when_asked_so(start):
    d = start("tiny")
    assert render(d, "movie", format="PNG")["state"] == "succeeded"


@pytest.mark.parametrize("content", [b"BLENDER-v304" + b"\0" * 5000, b"(\xb5/\xfd" + b"junk" * 100])
def test_a_broken_blend(start, scenes, content):
    d = start("tiny")
    (scenes / "broken.blend").write_bytes(content)
    assert render(d, "broken")["failure"]["kind"] == "blend_unreadable"


def test_blender_that_goes_away(start, blender, tmp_path):
    gone = tmp_path / "bin" / "blender"
    gone.parent.mkdir()
    gone.write_text(f'#!/bin/sh\nexec {blender} "$@"\n')
    gone.chmod(0o755)
    d = start("tiny", "--blender", str(gone))
    gone.unlink()
    assert render(d, "tiny")["failure"]["kind"] == "blender_missing"


def test_time_that_is_over(start):
    d = start("slow")
    done = render(d, "slow", "1-3", timeout_seconds=2)
    assert done["failure"]["kind"] == "timed_out" and done["attempts"] == 1, done


def test_a_blender_that_stands_still(start):
    d = start("slow")
    ident = submit(d, "slow", "1-3", stall_timeout_seconds=1, retries=0)
    log = d.state / "logs" / f"{ident}-1.log"
    wait_for(lambda: log.exists() and "Sample" in log.read_text(errors="replace"), "Blender renders")
    os.kill(d.get(f"/v1/jobs/{ident}").json()["current"]["pid"], signal.SIGSTOP)
    attempts = until_final(d, ident)
    assert attempts["failure"]["kind"] == "stalled", attempts


def test_a_crash_of_the_daemon_during_a_real_render(start):
    """The long form is tests/reliability/kill9."""
    d = start("slow")
    ident = submit(d, "slow", "1-3", samples=40)
    wait_for(lambda: d.get(f"/v1/jobs/{ident}").json()["frames"]["done"] == 1, "a frame is done")
    pid = d.get(f"/v1/jobs/{ident}").json()["current"]["pid"]
    os.kill(d.process.pid, signal.SIGKILL)
    d.process.wait()
    d.start()
    assert d.get(f"/v1/jobs/{ident}").json()["current"]["pid"] == pid
    done = until_final(d, ident)
    assert done["state"] == "succeeded" and done["attempts"] == 1, done
    log = (d.state / "logs" / f"{ident}-1.log").read_text(errors="replace")
    assert log.count("Saved: ") == 3, "no frame is rendered twice"


def test_history_feeds_retry_after_from_the_first_poll(start):
    d = start("slow")
    fields = {"samples": 60}
    first = render(d, "slow", "1-2", **fields)
    assert first["state"] == "succeeded"
    answer = d.ask("POST", "/v1/jobs", json.dumps({"blend": "slow.blend", "frames": "1-2", **fields}),
                   {"Content-Type": "application/json"})
    again = wait_for(lambda: (lambda j: j if j["eta_seconds"] else None)(d.get(answer.headers["location"]).json()), "an estimate")
    assert again["frames"]["done"] == 0, "before its first frame"
    took = sum(f["seconds"] for f in d.get(first["links"]["frames"]).json()["frames"])
    assert again["eta_seconds"]["likely"] == pytest.approx(took, rel=0.6)
    until_final(d, again["id"])


def test_blender_says_what_it_can_render_on(start):
    d = start("tiny")
    one = d.get("/v1/blenders").json()["blenders"][0]
    assert one["error"] is None
    assert "CPU" in [device["type"] for device in one["devices"]] and all(device["name"] for device in one["devices"])
    assert {"CYCLES", "BLENDER_WORKBENCH"} <= set(one["engines"])
    assert one["version"][0].isdigit()
