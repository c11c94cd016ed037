# SPDX-License-Identifier: Apache-2.0
"""Videos of real frames, compared with them; jobs that pause after test frames, and the log of one frame."""
import json
import os
import shutil
import subprocess

import pytest
import real_blender
from daemon import wait_for
from test_jobs import FINAL, frame, render, submit, until_final

JSON = {"Content-Type": "application/json"}
FRAMES = range(1, 13)
SIZE = (96, 64)
NTSC = 30000 / 1001

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed: packaging/install-deps --test")


@pytest.fixture(scope="module")
def films(blender, scenes, lasting, tmp_path_factory):
    """A kilnd that has ffmpeg, also in the root of a Blender, where none is."""
    with pytest.MonkeyPatch.context() as patch:
        if isinstance(blender, real_blender.RootBlender):
            directory = tmp_path_factory.mktemp("ffmpeg")
            for name in ("ffmpeg", "ffprobe"):
                real_blender.carry(shutil.which(name), directory)
            patch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
        yield lasting("clip")


def video_of(d, job, **settings):
    """A video of a job, as the API shows it, and its file."""
    asked = d.ask("POST", f"/v1/jobs/{job['id']}/videos", json.dumps(settings), JSON)
    assert asked.status in (200, 202), asked
    path = asked.json()["links"]["self"]
    video = wait_for(lambda: (lambda v: v if v["state"] in ("succeeded", "failed") else None)(d.get(path).json()), f"{path} ends")
    assert video["state"] == "succeeded", video
    file = d.directory / f"{video['id']}.video"
    file.write_bytes(d.get(video["links"]["file"]).body)
    assert file.stat().st_size == video["bytes"]
    return video, file


def probe(file):
    """What ffprobe says of it, after decoding all of it."""
    said = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", file], check=True,
                          capture_output=True, text=True)
    stream, = json.loads(said.stdout)["streams"]
    return stream


def pixels(file, pixel_format, *options, decoder=()):
    """Each frame of a video or picture, as bytes, by ffmpeg."""
    raw = subprocess.run(["ffmpeg", "-v", "error", *decoder, "-i", file, *options, "-pix_fmt", pixel_format, "-f", "rawvideo", "-"], check=True,
                         capture_output=True).stdout
    each = SIZE[0] * SIZE[1] * {"rgb24": 3, "rgba": 4}[pixel_format]
    assert raw and len(raw) % each == 0
    return [raw[at:at + each] for at in range(0, len(raw), each)]


def shown(file):
    """The frames of an H.264 video."""
    return pixels(file, "rgb24", "-vf", "scale=in_color_matrix=bt709:in_range=tv")


def over_black(rgba):
    return b"".join(bytes(c * rgba[at + 3] // 255 for c in rgba[at:at + 3]) for at in range(0, len(rgba), 4))


def difference(one, other):
    """The mean one, of 255."""
    assert len(one) == len(other)
    return sum(abs(a - b) for a, b in zip(one, other)) / len(one)


def is_a_picture(rgb):
    return len({rgb[at:at + 3] for at in range(0, len(rgb), 3)}) > 100


@pytest.fixture(scope="module")
def clip(films):
    job = render(films, "clip", "1-12")
    assert job["state"] == "succeeded", job
    return job


@pytest.fixture(scope="module")
def pictures(films, clip):
    """Each PNG, as RGBA."""
    return [pixels(frame(films, clip, n), "rgba")[0] for n in FRAMES]


@needs_ffmpeg
@pytest.mark.feature("videos of frames", mode="H.264")
def test_a_video_has_each_frame_at_its_time(films, clip, pictures):
    video, file = video_of(films, clip)
    assert video["frames"] == {"total": 12, "done": 12} and abs(video["fps"] - NTSC) < 1e-6 and not video["alpha"]
    stream = probe(file)
    assert (stream["codec_name"], stream["nb_read_frames"], stream["width"], stream["height"]) == ("h264", "12", *SIZE)
    assert stream["avg_frame_rate"] == "30000/1001"
    decoded = shown(file)
    assert len(decoded) == 12
    expected = [over_black(each) for each in pictures]
    assert all(is_a_picture(each) for each in expected)
    for number, one in enumerate(decoded):
        differences = [difference(one, other) for other in expected]
        assert differences[number] < 3, differences
        assert min(differences) == differences[number], "the frames are in their order"


@needs_ffmpeg
@pytest.mark.feature("videos of frames", mode="ranges")
def test_parts_of_a_video_are_those_of_the_whole(films, clip):
    video, file = video_of(films, clip)
    whole, path, size = file.read_bytes(), video["links"]["file"], video["bytes"]
    third = size // 3
    parts = [films.get(path, Range=f"bytes={begin}-{end}") for begin, end in ((0, third), (third + 1, 2 * third), (2 * third + 1, ""))]
    assert [part.status for part in parts] == [206] * 3 and b"".join(part.body for part in parts) == whole
    last = films.get(path, Range="bytes=-100")
    assert last.body == whole[-100:] and last.headers["content-range"] == f"bytes {size - 100}-{size - 1}/{size}"


@needs_ffmpeg
@pytest.mark.feature("videos of frames", mode="VP9 with alpha")
def test_a_webm_keeps_alpha(films, clip, pictures):
    video, file = video_of(films, clip, codec="vp9", fps=12)
    assert video["alpha"]
    stream = probe(file)
    assert (stream["codec_name"], stream["nb_read_frames"], stream["avg_frame_rate"]) == ("vp9", "12", "12/1")
    assert stream["tags"]["alpha_mode"] == "1"
    decoded = pixels(file, "rgba", "-vf", "scale=in_color_matrix=bt709:in_range=tv", decoder=("-c:v", "libvpx-vp9"))
    assert len(decoded) == 12
    for one, picture in zip(decoded, pictures):
        assert {0, 255} <= set(picture[3::4]), "the ball, and nothing"
        assert difference(one[3::4], picture[3::4]) < 3
        assert difference(over_black(one), over_black(picture)) < 4


@needs_ffmpeg
@pytest.mark.feature("videos of frames", mode="OpenEXR")
def test_openexr_is_seen_as_blender_shows_it(films, pictures):
    job = render(films, "clip", "1-12", format="OPEN_EXR")
    assert job["state"] == "succeeded" and frame(films, job, 1, "exr").read_bytes()[:4] == b"\x76\x2f\x31\x01"
    video, file = video_of(films, job)
    stream = probe(file)
    assert (stream["codec_name"], stream["nb_read_frames"]) == ("h264", "12") and stream["avg_frame_rate"] == "30000/1001"
    normal = shown(file)
    for one, picture in zip(normal, pictures):
        assert difference(one, over_black(picture)) < 4
    _, darker = video_of(films, job, exposure=-2)
    assert sum(shown(darker)[0]) < sum(normal[0]) / 1.5


@pytest.mark.feature("test frames first, then a pause")
@pytest.mark.parametrize("process", ["own", "session"])
def test_test_frames_come_first(lasting, process):
    d = lasting("tiny")
    ident = submit(d, "tiny", "1-6", process=process, hold_after="6,1")
    held = wait_for(lambda: (lambda j: j if j["state"] in (*FINAL, "paused") else None)(d.get(f"/v1/jobs/{ident}").json()), "it pauses itself")
    assert held["state"] == "paused" and held["hold_after"] == "1,6", held
    assert d.frames(ident) == ["blender-render_0001.png", "blender-render_0006.png"]
    times = {n: frame(d, held, n).stat().st_mtime_ns for n in (1, 6)}
    assert d.ask("PATCH", f"/v1/jobs/{ident}", '{"paused":false}', JSON).status == 200
    done = until_final(d, ident)
    assert done["state"] == "succeeded" and "hold_after" not in done, done
    assert d.frames(ident) == [f"blender-render_{n:04}.png" for n in range(1, 7)]
    assert times == {n: frame(d, held, n).stat().st_mtime_ns for n in times}, "no frame is rendered twice"


@pytest.mark.feature("the log of one frame")
@pytest.mark.parametrize("process", ["own", "session"])
def test_the_log_of_a_frame(lasting, process):
    """Whichever words this Blender has for it."""
    d = lasting("tiny")
    done = render(d, "tiny", "1-3", process=process)
    assert done["state"] == "succeeded", done
    whole = d.get(f"/v1/jobs/{done['id']}/log").text.replace("\r", "\n").split("\n")
    names = {n: f"blender-render_{n:04}.png" for n in (1, 2, 3)}
    for number, name in names.items():
        part = d.get(f"/v1/jobs/{done['id']}/log?frame={number}")
        assert part.status == 200 and name in part.text, part
        assert not [n for n in names if n != number and names[n] in part.text], part.text
        lines = part.text.splitlines()
        assert len(lines) > 1 and set(lines) <= set(whole)
    assert d.get(f"/v1/jobs/{done['id']}/log?frame=4").status == 404
