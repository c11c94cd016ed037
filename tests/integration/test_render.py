# SPDX-License-Identifier: Apache-2.0
"""Real renders: reports agree with the files on disk."""
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import time
import zlib

import pytest
from daemon import processes_of_group, wait_for


def decode_png(path):
    """Width, height and the rows of a PNG of 8 bits a channel, inflated: fails when anything of it is broken."""
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, packed, size = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack_from(">I", data, at + 8 + length)[0]
        if kind == b"IHDR":
            size = struct.unpack_from(">IIBB", body)
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    width, height, depth, color = size
    rows = zlib.decompress(packed)
    channels = {0: 1, 2: 3, 6: 4}[color]
    assert depth == 8 and len(rows) == height * (1 + width * channels)
    return width, height, rows


def final_text(d, first, last):
    return d.until_final(d.post_job(first, last).headers["location"]).text


@pytest.mark.feature("POST /job, until Retry-After says")
def test_frames_are_whole_images_at_their_final_paths(lasting):
    d = lasting("tiny")
    posted = d.post_job(1, 3)
    location, pause = posted.headers["location"], int(posted.headers["retry-after"])
    while True:
        time.sleep(pause)
        answer = d.get(location)
        if answer.status != 202:
            break
        pause = int(answer.headers["retry-after"])
    assert (answer.status, answer.text) == (200, "Job completed")
    job = posted.json()["id"]
    assert d.frames(job) == [f"blender-render_{n:04}.png" for n in (1, 2, 3)]
    for name in d.frames(job):
        width, height, rows = decode_png(d.output / job / name)
        assert (width, height) == (32, 32)
        assert len(set(rows)) > 10, "a picture, not one colour"
    wait_for(lambda: not os.listdir(d.output / ".kiln"), "the workspace is gone")


@pytest.mark.parametrize("scene, extension, magic", [("exr", "exr", b"\x76\x2f\x31\x01"), ("jpeg", "jpg", b"\xff\xd8\xff")])
def test_other_formats(start, scene, extension, magic):
    d = start(scene)
    posted = d.post_job(1, 2)
    assert d.until_final(posted.headers["location"]).text == "Job completed"
    job = posted.json()["id"]
    assert d.frames(job) == [f"blender-render_{n:04}.{extension}" for n in (1, 2)]
    for name in d.frames(job):
        assert (d.output / job / name).read_bytes().startswith(magic)


@pytest.mark.once
def test_jobs_render_one_after_the_other(lasting):
    d = lasting("tiny")
    posted = [d.post_job(n, n) for n in (1, 2, 3)]
    assert [p.json()["state"] for p in posted] == ["running", "queued", "queued"]
    for n, p in enumerate(posted, 1):
        assert d.until_final(p.headers["location"]).text == "Job completed"
        assert d.frames(p.json()["id"]) == [f"blender-render_{n:04}.png"]


def test_frame_numbers_of_five_digits_and_zero(lasting):
    d = lasting("tiny")
    for first, last, names in [(0, 1, ["blender-render_0000.png", "blender-render_0001.png"]),
                               (9999, 10000, ["blender-render_10000.png", "blender-render_9999.png"])]:
        posted = d.post_job(first, last)
        assert d.until_final(posted.headers["location"]).text == "Job completed"
        assert d.frames(posted.json()["id"]) == names


@pytest.mark.feature("causes of failure", mode="POST /job")
@pytest.mark.parametrize("scene, reason", [("no_camera", "no camera"), ("denoiser", "OpenImageDenoise")])
def test_scenes_that_cannot_render(start, blender, scene, reason):
    if scene == "denoiser" and blender.abilities["denoiser"]:
        pytest.skip("this Blender has the denoiser")
    text = final_text(start(scene), 1, 2)
    assert re.match(rf"Job failed: .*{reason}", text), text


@pytest.mark.parametrize("cut, reason", [(20000, "broken"), (200, "broken|not a .blend")])
def test_a_blend_that_is_cut_off(start, scenes, tmp_path, cut, reason):
    path = tmp_path / "cut.blend"
    path.write_bytes((scenes / "tiny.blend").read_bytes()[:cut])
    text = final_text(start(path), 1, 2)
    assert re.match(rf"Job failed: .*({reason})", text), text


@pytest.mark.once
def test_an_output_that_can_no_longer_be_written(start):
    d = start("tiny")
    os.rename(d.output, d.output.with_name("moved"))
    d.output.write_text("a file in its place")
    text = final_text(d, 1, 1)
    assert re.match(r"Job failed: the output cannot be written: .*frames", text), text


@pytest.mark.feature("a full disk pauses the queue")
@pytest.mark.parametrize("scene", ["slow", "exr"])
def test_a_full_disk_pauses_the_queue_until_there_is_room(start, tmp_path, scene):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=36k", "tmpfs", small], capture_output=True).returncode != 0:
        pytest.skip("a small file system can be mounted by root only")
    try:
        d = start(scene, "--look-again", "0.2", "--disk-reserve", "0", output=small / "frames")
        asked = {"blend": f"{scene}.blend", "frames": "1-3", "samples": 1, "process": "own"}
        job = d.ask("POST", "/v1/jobs", json.dumps(asked), {"Content-Type": "application/json"}).json()["id"]
        reason = wait_for(lambda: d.get(f"/v1/jobs/{job}").json()["waits_for"], "the queue is paused")
        assert "disk is full" in reason
        assert d.get(f"/v1/jobs/{job}").json()["state"] == "queued" and "disk is full" in d.get("/readyz").json()["detail"]
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        wait_for(lambda: d.get(f"/v1/jobs/{job}").json()["state"] == "succeeded", "it is rendered")
        assert len(d.frames(job)) == 3
        assert d.get("/readyz").status == 200
        assert d.stop() == 0
    finally:
        subprocess.run(["umount", small], check=True)


def until_rendering(d, ident):
    wait_for(lambda: (d.get(f"/v1/jobs/{ident}").json()["current"] or {}).get("frame"), "a frame renders")


def rendering(d):
    """A job whose Blender is in the middle of a frame; its location and pid."""
    posted = d.post_job(1, 3)
    until_rendering(d, posted.json()["id"])
    return posted.headers["location"], posted.json()["pid"]


@pytest.mark.feature("kill, crash and stop", mode="own")
def test_kill_from_a_terminal_has_true_answers(lasting):
    d = lasting("slow")
    texts = []
    for sent in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
        location, pid = rendering(d)
        os.kill(pid, sent)
        texts.append(d.until_final(location).text)
        assert not processes_of_group(pid)
    assert texts[0] == "Job canceled"
    assert re.match(r"Job failed: .*SIGKILL", texts[1])
    assert re.match(r"Job failed: Blender crashed \(SIGSEGV\)", texts[2])


@pytest.mark.feature("kill, crash and stop", mode="own")
def test_stopping_kilnd_ends_blender(start):
    d = start("slow")
    _, pid = rendering(d)
    assert d.stop() == 0
    assert not processes_of_group(pid)
    assert not os.path.exists(f"/proc/{pid}")


@pytest.mark.once
def test_a_running_job_says_when_to_ask_again(lasting):
    d = lasting("slow")
    location, pid = rendering(d)
    asked = [int(d.get(location).headers["retry-after"]) for _ in range(5)]
    assert all(1 <= seconds <= 300 for seconds in asked)
    os.kill(pid, signal.SIGTERM)
    assert d.until_final(location).text == "Job canceled"
