# SPDX-License-Identifier: Apache-2.0
"""The fields of /v1/jobs over real Blender, and the kinds of failure that it can be brought to."""
import json
import os
import signal

import pytest
from daemon import wait_for
from pictures import by_hand, pictures
from test_render import until_rendering

FINAL = ("succeeded", "failed", "canceled")
ENDLESS = 1_000_000  # samples: no machine has done such a frame before a test is over


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


@pytest.mark.feature("causes of failure", mode="session")
@pytest.mark.parametrize("blend, fields, kind, words", [
    ("no_camera", {}, "no_camera", "no camera"),
    ("two_scenes", {"camera": "Top"}, "no_camera", 'no camera "Top"; it has: Camera, Side'),
    ("two_scenes", {"scene": "NOPE"}, "invalid_setting", 'no scene "NOPE"; it has: Scene, Zweite'),
    ("two_scenes", {"view_layer": "'; import os"}, "invalid_setting", "no view layer"),
    ("tiny", {"engine": "LUXCORE"}, "engine_unavailable", "LUXCORE"),
    ("tiny", {"device": "METAL"}, "engine_unavailable", "METAL"),
    ("movie", {}, "movie_output", "movie"),
    ("missing_image", {}, "missing_files", "wood of oak.png"),
    ("missing_library", {}, "missing_files", "props.blend"),
])
def test_what_cannot_be_rendered_fails_before_the_first_frame(lasting, blend, fields, kind, words):
    d = lasting("tiny")
    done = render(d, blend, "1-3", **fields)
    assert done["state"] == "failed" and done["failure"]["kind"] == kind and words in done["failure"]["message"], done
    assert done["attempts"] == 1, "it would end the same way"
    log = (d.state / "logs" / f"{done['id']}-1.log").read_text(errors="replace")
    assert "Saved:" not in log and "Sample" not in log


def test_a_movie_renders_as_images_when_asked_so(lasting):
    d = lasting("tiny")
    assert render(d, "movie", format="PNG")["state"] == "succeeded"


@pytest.mark.feature("denoiser: the picture by hand, or the cause")
@pytest.mark.parametrize("process", ["own", "session"])
def test_a_scene_that_asks_for_a_denoiser(lasting, blender, scenes, tmp_path, process):
    d = lasting("tiny")
    done = render(d, "denoiser", process=process)
    if blender.abilities["denoiser"]:
        assert done["state"] == "succeeded", done["failure"]
        assert pictures(d, done) == by_hand(blender, scenes / "denoiser.blend", tmp_path / "by hand", 1, 1)
    else:
        assert done["failure"]["kind"] == "denoiser_unavailable" and done["attempts"] == 1, done


@pytest.mark.feature("causes of failure", mode="session")
@pytest.mark.parametrize("content", [b"BLENDER-v304" + b"\0" * 5000, b"(\xb5/\xfd" + b"junk" * 100])
def test_a_broken_blend(lasting, scenes, content):
    d = lasting("tiny")
    (scenes / "broken.blend").write_bytes(content)
    assert render(d, "broken")["failure"]["kind"] == "blend_unreadable"


@pytest.mark.once
def test_blender_that_goes_away(start, blender, tmp_path):
    gone = tmp_path / "bin" / "blender"
    gone.parent.mkdir()
    gone.write_text(f'#!/bin/sh\nexec {blender.path} "$@"\n')
    gone.chmod(0o755)
    d = start("tiny", "--blender", str(gone))
    gone.unlink()
    assert render(d, "tiny")["failure"]["kind"] == "blender_missing"


@pytest.mark.feature("time-outs and stalls")
def test_time_that_is_over(lasting):
    d = lasting("slow")
    done = render(d, "slow", "1-3", samples=ENDLESS, timeout_seconds=2)
    assert done["failure"]["kind"] == "timed_out" and done["attempts"] == 1, done


@pytest.mark.feature("time-outs and stalls")
def test_a_blender_that_stands_still(start):
    d = start("slow", "--stop-grace", "1")
    ident = submit(d, "slow", "1", samples=ENDLESS, stall_timeout_seconds=1, retries=0)
    until_rendering(d, ident)
    os.kill(d.get(f"/v1/jobs/{ident}").json()["current"]["pid"], signal.SIGSTOP)
    attempts = until_final(d, ident)
    assert attempts["failure"]["kind"] == "stalled", attempts


@pytest.mark.feature("kill -9 of kilnd: adopted, nothing twice")
def test_a_crash_of_the_daemon_during_a_real_render(start):
    """The long form is tests/reliability/kill9."""
    d = start("slow")
    ident = submit(d, "slow", "1-3", samples=150)
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


@pytest.mark.once
def test_history_feeds_retry_after_from_the_first_poll(lasting):
    d = lasting("slow")
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


@pytest.mark.feature("devices and engines (/v1/blenders)")
def test_blender_says_what_it_can_render_on(lasting):
    d = lasting("tiny")
    one = d.get("/v1/blenders").json()["blenders"][0]
    assert one["error"] is None
    assert "CPU" in [device["type"] for device in one["devices"]] and all(device["name"] for device in one["devices"])
    assert {"CYCLES", "BLENDER_WORKBENCH"} <= set(one["engines"])
    assert one["version"][0].isdigit()
