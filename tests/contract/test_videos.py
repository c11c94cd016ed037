# SPDX-License-Identifier: Apache-2.0
"""Videos of frames: made by ffmpeg, counted by ffprobe, and what becomes of them when something fails."""
import concurrent.futures
import ctypes
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import zlib

import pytest
from daemon import wait_for
from test_jobs import submit, until
from test_restart import mounted

JSON = {"Content-Type": "application/json"}
FINAL = ("succeeded", "failed")

pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed: packaging/install-deps --test")


def rendered(d, frames="1-5", state="succeeded"):
    ident = submit(d, frames)
    until(d, ident, state)
    return ident


def ask(d, ident, body=None, **settings):
    return d.ask("POST", f"/v1/jobs/{ident}/videos", json.dumps(settings) if body is None else body, JSON)


def ended(d, answer):
    """The video that an answer has promised, when it has ended."""
    assert answer.status in (200, 202), answer
    path = answer.json()["links"]["self"]
    return wait_for(lambda: (lambda v: v if v["state"] in FINAL else None)(d.get(path).json()), f"{path} ends")


def made(d, ident, **settings):
    video = ended(d, ask(d, ident, **settings))
    assert video["state"] == "succeeded", video
    return video


def probed(d, video):
    """What ffprobe says of a fetched video."""
    file = d.directory / "fetched"
    file.write_bytes(d.get(video["links"]["file"]).body)
    said = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", file],
                          capture_output=True, text=True, check=True)
    found = json.loads(said.stdout)
    return found["streams"][0] | {"format": found["format"]}


def videos_of(d, ident):
    return d.output / ".views" / ident / "videos"


def frame(d, ident, number):
    return next((d.output / ident).glob(f"*_{number:04}.png"))


def png(width, height, pixel):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\0" + bytes(pixel) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 6 if len(pixel) == 4 else 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_video_has_each_frame_once(start):
    d = start("noise 65", 'print kiln: {"version":"3.4.1","fps":12.5}')
    ident = rendered(d, "1-9x2,12")
    answer = ask(d, ident)
    assert answer.status == 202 and answer.headers["retry-after"]
    assert answer.headers["location"] == answer.json()["links"]["self"]
    video = ended(d, answer)
    assert video["state"] == "succeeded" and video["failure"] is None, video
    assert video["frames"] == {"total": 6, "done": 6} and video["codec"] == "h264" and video["fps"] == 12.5
    assert (video["width"], video["height"]) == (64, 64) and video["size"] is None
    stream = probed(d, video)
    assert stream["codec_name"] == "h264" and stream["nb_read_frames"] == "6" and stream["avg_frame_rate"] == "25/2"
    assert stream["pix_fmt"] == "yuv420p" and stream["color_space"] == "bt709" and stream["width"] == 64
    whole = d.get(video["links"]["file"])
    assert whole.headers["content-type"] == "video/mp4" and len(whole.body) == video["bytes"]
    assert whole.body.index(b"moov") < whole.body.index(b"mdat"), "playable from its beginning"
    assert d.get(f"/v1/jobs/{ident}/videos").json() == {"videos": [video]}
    assert not list(videos_of(d, ident).glob("*.work"))
    assert len(d.frames(ident)) == 6


def test_ranges_as_of_frames(start):
    d = start("noise 64")
    video = made(d, rendered(d))
    path = video["links"]["file"]
    whole = d.get(path)
    part = d.get(path, Range="bytes=10-19")
    assert part.status == 206 and part.body == whole.body[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{video['bytes']}"
    assert d.get(path, Range="bytes=999999999-").status == 416
    assert d.get(path, **{"If-None-Match": whole.headers["etag"]}).status == 304
    assert d.ask("HEAD", path).headers["content-length"] == str(video["bytes"])


@pytest.mark.parametrize("codec, name, container", [("vp9", "vp9", "webm"), ("av1", "av1", "mp4")])
def test_other_codecs(start, codec, name, container):
    d = start("noise 96")
    video = ended(d, ask(d, rendered(d), codec=codec, fps=30, size=81))
    if video["state"] == "failed" and video["failure"]["kind"] == "no_encoder":
        pytest.skip(video["failure"]["message"])
    stream = probed(d, video)
    assert stream["codec_name"] == name and stream["nb_read_frames"] == "5" and container in stream["format"]["format_name"]
    assert (stream["width"], stream["height"]) == (80, 80) and video["size"] == 80 and video["alpha"] is False


def test_alpha_in_webm(start):
    d = start("noise 64")
    ident = rendered(d, "1-3")
    frame(d, ident, 3).write_bytes(png(64, 32, (200, 30, 30, 100)))  # of another shape, too
    video = made(d, ident, codec="vp9")
    assert video["alpha"] is True and (video["width"], video["height"]) == (64, 64)
    stream = probed(d, video)
    assert stream["tags"]["alpha_mode"] == "1" and stream["nb_read_frames"] == "3"
    assert made(d, ident, codec="h264")["alpha"] is False


def test_colours_of_frames_are_kept(start):
    d = start()
    ident = rendered(d, "1-2")
    for number, pixel in ((1, (200, 30, 60)), (2, (20, 30, 200, 128))):
        frame(d, ident, number).write_bytes(png(128, 64, pixel))
    made(d, ident)
    probed(d, made(d, ident))
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", d.directory / "fetched", "-vf", "scale=in_color_matrix=bt709", "-pix_fmt", "rgb24",
                          "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
    assert len(raw) == 2 * 128 * 64 * 3
    for at, wanted in ((0, (200, 30, 60)), (128 * 64 * 3, (10, 15, 100))):  # over black
        middle = at + (32 * 128 + 64) * 3
        assert all(abs(a - b) <= 4 for a, b in zip(raw[middle:middle + 3], wanted)), tuple(raw[middle:middle + 3])


def test_asked_twice_it_is_one(start):
    d = start("noise 64")
    ident = rendered(d)
    first, second = ask(d, ident, fps=10), ask(d, ident, fps=10, codec="h264", gaps="refuse")
    assert first.json()["id"] == second.json()["id"]
    video = ended(d, first)
    again = ask(d, ident, fps=10.0)
    assert again.status == 200 and again.json() == video
    assert ask(d, ident, fps=11).json()["id"] != video["id"]
    frame(d, ident, 2).write_bytes(png(64, 64, (1, 2, 3)))
    assert ask(d, ident, fps=10).json()["id"] != video["id"], "of other frames"


def test_asked_by_many_at_once_it_is_one(start):
    d = start("noise 64")
    ident = rendered(d)
    with concurrent.futures.ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: ask(d, ident), range(24)))
    assert {a.status for a in answers} <= {200, 202} and len({a.json()["id"] for a in answers}) == 1
    video = ended(d, answers[0])
    assert video["state"] == "succeeded" and d.get(f"/v1/jobs/{ident}/videos").json() == {"videos": [video]}


HOSTILE = ["", "[]", "null", '"x"', "{", '{"fps":0}', '{"fps":1e9}', '{"fps":-24}', '{"fps":NaN}', '{"fps":"24"}', '{"fps":null}', '{"fps":1e999}',
           '{"fps":[24]}', '{"size":0}', '{"size":15}', '{"size":4097}', '{"size":1e9}', '{"size":640.5}', '{"size":"640"}', '{"size":-640}',
           '{"size":[640,480]}', '{"codec":"mpeg2"}', '{"codec":""}', '{"codec":7}', '{"codec":"h264;rm"}', '{"gaps":"skip"}', '{"gaps":true}',
           '{"exposure":1e9}', '{"exposure":"1"}', '{"exposure":33}', '{"other":1}', '{"fps":24,"fps":25}', '{"size":18446744073709551616}']


def test_what_cannot_be_asked_for(start):
    d = start()
    ident = rendered(d, "1")
    for body in HOSTILE:
        refused = ask(d, ident, body)
        assert refused.status == 422 and refused.json()["detail"], (body, refused)
    assert d.ask("POST", f"/v1/jobs/{ident}/videos", "{}", {"Content-Type": "text/plain"}).status == 415
    assert d.get(f"/v1/jobs/{ident}/videos").json() == {"videos": []}
    assert ask(d, "j06h0nhrgvkx9ez8bgq").status == 404 and ask(d, "x").status == 404
    for name in ("x", "v" + "0" * 24, "..", "v" + "0" * 23 + "/"):
        for method, suffix in (("GET", ""), ("GET", "/file"), ("DELETE", "")):
            assert d.ask(method, f"/v1/jobs/{ident}/videos/{name}{suffix}").status == 404, name


def test_gaps(start, tmp_path):
    d = start("noise 64", f"wait_file {tmp_path / 'go'}")
    ident = submit(d, "1-6")
    until(d, ident, "running")
    early = ask(d, ident)
    assert early.status == 409 and early.headers["retry-after"]
    assert ask(d, ident, gaps="hold").status == 409, "none is there"
    (tmp_path / "go").write_text("")
    until(d, ident, "succeeded")
    for number in (1, 4, 5):
        frame(d, ident, number).unlink()
    refused = ask(d, ident)
    assert refused.status == 409 and "1,4,5" in refused.json()["detail"], refused
    held = made(d, ident, gaps="hold")
    assert held["frames"] == {"total": 6, "done": 6} and probed(d, held)["nb_read_frames"] == "6"


def programs(directory, path=os.environ["PATH"], **scripts):
    """A PATH whose ffmpeg, or ffprobe, is a script."""
    directory.mkdir()
    for name, text in scripts.items():
        (directory / name).write_text("#!/bin/sh\n" + text)
        (directory / name).chmod(0o755)
    return {"PATH": f"{directory}:{path}"}


REAL = f'exec {shutil.which("ffmpeg")} "$@"\n'
IS_QUESTION = 'case "$*" in *-encoders*) ' + REAL.strip() + ";; esac\n"


def test_without_ffmpeg(start, tmp_path):
    (tmp_path / "none").mkdir()
    d = start(environment={"PATH": str(tmp_path / "none")})
    ident = rendered(d, "1")
    refused = ask(d, ident)
    assert refused.status == 501 and "apt install ffmpeg" in refused.json()["detail"], refused
    assert d.get(f"/v1/jobs/{ident}/videos").json() == {"videos": []}


def stuck(start, tmp_path):
    """A kilnd whose ffmpeg reads nothing, with the video that it has begun."""
    d = start("noise 400", environment=programs(tmp_path / "bin", ffmpeg=IS_QUESTION + 'echo $$ > "$TMPDIR/pid"; exec sleep 1000\n'))
    ident = rendered(d, "1-40")
    path = ask(d, ident).headers["location"]
    pid = wait_for(lambda: [t for f in videos_of(d, ident).glob("*.work/pid") if (t := f.read_text())], "ffmpeg runs")
    wait_for(lambda: d.get(path).json()["state"] == "running", "it is running")
    return d, ident, path, int(pid[0])


def test_an_encoder_that_is_killed(start, tmp_path):
    d, ident, path, pid = stuck(start, tmp_path)
    os.kill(pid, signal.SIGKILL)
    failed = wait_for(lambda: (lambda v: v if v["state"] == "failed" else None)(d.get(path).json()), "it fails")
    assert failed["failure"]["kind"] == "encoder_killed" and "SIGKILL" in failed["failure"]["message"], failed
    refused = d.get(path + "/file")
    assert refused.status == 409 and "SIGKILL" in refused.json()["detail"]
    assert [p.suffix for p in videos_of(d, ident).iterdir()] == [".json"]
    assert ask(d, ident).status == 202, "it begins again"


def gone(pid):
    wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "ffmpeg is gone")


def test_a_count_that_is_killed(start, tmp_path):
    d = start("noise 64", environment=programs(tmp_path / "bin", ffprobe="kill -KILL $$\n"))
    ident = rendered(d)
    failed = ended(d, ask(d, ident))
    assert failed["failure"] == {"kind": "encoder_killed", "message": "ffprobe died of SIGKILL: ask for the video again"}, failed
    assert d.get(failed["links"]["self"] + "/file").status == 409 and [p.suffix for p in videos_of(d, ident).iterdir()] == [".json"]
    (tmp_path / "bin/ffprobe").unlink()
    assert made(d, ident)["links"]["self"] == failed["links"]["self"]


def test_cancelled(start, tmp_path):
    d, ident, path, pid = stuck(start, tmp_path)
    waiting = ask(d, ident, fps=5).headers["location"]
    assert d.get(waiting).json()["state"] == "queued"
    assert d.ask("DELETE", waiting).status == 204 and d.get(waiting).status == 404
    assert d.get(path + "/file").status == 409
    assert d.ask("DELETE", path).status == 204
    gone(pid)
    assert d.get(path).status == 404 and d.ask("DELETE", path).status == 404 and not list(videos_of(d, ident).iterdir())


def test_a_job_that_is_removed_takes_its_videos_along(start, tmp_path):
    d, ident, path, pid = stuck(start, tmp_path)
    assert d.ask("DELETE", f"/v1/jobs/{ident}").status == 204
    gone(pid)
    assert d.get(path).status == 404 and not (d.output / ".views" / ident).exists()


def test_a_restart(start, tmp_path):
    d, ident, path, pid = stuck(start, tmp_path)
    assert d.stop() == 0
    gone(pid)
    d.environment["PATH"] = os.environ["PATH"]
    d.start()
    unfinished = d.get(path).json()
    assert unfinished["state"] == "failed" and unfinished["failure"]["kind"] == "interrupted", unfinished
    video = made(d, ident)
    assert video["links"]["self"] == path and probed(d, video)["nb_read_frames"] == "40"
    assert d.stop() == 0
    d.start()
    assert d.get(path).json() == video and d.get(f"/v1/jobs/{ident}/videos").json() == {"videos": [video]}


def test_a_kilnd_that_is_killed(start, tmp_path):
    d, ident, path, pid = stuck(start, tmp_path)
    d.process.kill()
    d.process.wait()
    os.kill(pid, signal.SIGKILL)  # a real one ends with its input
    d.environment["PATH"] = os.environ["PATH"]
    d.start()
    assert d.get(path).json()["failure"]["kind"] == "interrupted"
    assert made(d, ident)["links"]["self"] == path
    assert not list(videos_of(d, ident).glob("*.work"))


def test_a_frame_removed_meanwhile(start, tmp_path):
    script = IS_QUESTION + 'while ! [ -e "$TMPDIR/go" ]; do sleep 0.02; done\n' + REAL
    d = start("noise 400", environment=programs(tmp_path / "bin", ffmpeg=script))
    ident = rendered(d, "1-9")
    answer = ask(d, ident)
    frame(d, ident, 9).unlink()
    work = wait_for(lambda: list(videos_of(d, ident).glob("*.work")), "it is being made")
    (work[0] / "go").write_text("")
    failed = ended(d, answer)
    assert failed["failure"] == {"kind": "frame_missing", "message": "frame 9 is not there any more"}


def test_a_frame_that_is_broken(start):
    d = start("noise 64")
    ident = rendered(d, "1-3")
    frame(d, ident, 2).write_bytes(b"no image")
    failed = ended(d, ask(d, ident))
    assert failed["failure"]["kind"] == "frame_unreadable" and "frame 2: neither PNG" in failed["failure"]["message"], failed


def test_a_video_that_lacks_frames_is_never_done(start, tmp_path):
    first = f'for last; do :; done\nhead -c {64 * 64 * 3 * 2} | {shutil.which("ffmpeg")} "$@" > /dev/null\ncat > /dev/null\n'
    d = start("noise 64", environment=programs(tmp_path / "bin", ffmpeg=IS_QUESTION + first))
    failed = ended(d, ask(d, rendered(d)))
    assert failed["failure"]["kind"] == "wrong_count" and '"2"' in failed["failure"]["message"], failed


def test_an_ffmpeg_that_says_why(start, tmp_path):
    d = start("noise 400", environment=programs(tmp_path / "bin", ffmpeg=IS_QUESTION + "echo first >&2; echo no licence >&2; exit 3\n"))
    failed = ended(d, ask(d, rendered(d, "1-20")))
    assert failed["failure"] == {"kind": "encoder_failed", "message": "ffmpeg exited with status 3: no licence"}


def test_an_ffmpeg_without_the_encoder(start, tmp_path):
    d = start(environment=programs(tmp_path / "bin", ffmpeg="echo ' V..... libx264 H.264'\n"))
    failed = ended(d, ask(d, rendered(d), codec="vp9"))
    assert failed["failure"]["kind"] == "no_encoder" and "libvpx-vp9" in failed["failure"]["message"], failed


def test_a_full_disk(start, tmp_path):
    mounted(tmp_path / "frames", "size=3m")
    try:
        d = start("noise 250", arguments=["--disk-reserve", "0"])
        ident = rendered(d, "1-10")
        free = os.statvfs(d.output).f_bavail * 4096
        (d.output / "ballast").write_bytes(bytes(free - 300_000))
        failed = ended(d, ask(d, ident))
        assert failed["failure"]["kind"] == "disk_full", failed
        (d.output / "ballast").unlink()
        assert made(d, ident)["frames"]["done"] == 10
        assert d.stop() == 0
    finally:
        subprocess.run(["umount", "--lazy", tmp_path / "frames"], check=True)


def test_no_room_to_begin(start):
    d = start()
    ident = rendered(d, "1")
    assert d.stop() == 0
    d.command += ["--disk-reserve", "1000000GiB"]
    d.start()
    assert ask(d, ident).status == 507


def test_the_oldest_go_beyond_the_quota(start):
    d = start("noise 64", arguments=["--videos-quota", "1"])
    first_job, second_job = rendered(d), rendered(d)
    first = made(d, first_job)
    second = made(d, second_job)
    wait_for(lambda: d.get(first["links"]["self"]).status == 404, "the first is gone")
    assert d.get(second["links"]["file"]).status == 200


def sandboxed(start, tmp_path, path=os.environ["PATH"]):
    """A kilnd whose ffmpeg tries to write beside its directory and to read secrets, before it makes a video."""
    secrets = [tmp_path / "secret", tmp_path / "state" / "secret"]
    tries = [f"echo x > {tmp_path}/escaped", *(f"cat {one} && exit 9" for one in secrets)]
    d = start("noise 64", environment=programs(tmp_path / "bin", path, ffmpeg=IS_QUESTION + "\n".join([*tries, REAL])), writable=False)
    for one in secrets:
        one.write_text("secret")
    return d


def test_it_runs_in_the_sandbox(start, tmp_path):
    """ffmpeg can write in its own directory, and read that and the system."""
    d = sandboxed(start, tmp_path)
    if "sandbox=off" in d.log():
        pytest.skip("no sandbox here")
    made(d, rendered(d))
    assert not (tmp_path / "escaped").exists()


def landlock_version():
    return ctypes.CDLL(None).syscall(ctypes.c_long(444), None, ctypes.c_size_t(0), ctypes.c_uint(1))


@pytest.mark.skipif(landlock_version() < 1, reason="this kernel has no Landlock")
def test_it_runs_in_a_sandbox_also_in_front_of_a_cluster(slurm, start, tmp_path):
    """Where kilnd has none around Blender."""
    d = sandboxed(start, tmp_path, slurm.environment["PATH"])
    assert "sandbox=off" in d.log()
    made(d, rendered(d))
    assert not (tmp_path / "escaped").exists()


def test_what_the_sandbox_lets_ffmpeg_read(start, tmp_path):
    """Libraries of an ffmpeg that lie elsewhere."""
    library = tmp_path / "elsewhere" / "library"
    library.parent.mkdir()
    library.write_text("code")
    script = IS_QUESTION + f"cat {library} > /dev/null || exit 9\n" + REAL
    d = start("noise 64", environment=programs(tmp_path / "bin", ffmpeg=script), arguments=["--sandbox-read", library.parent], writable=False)
    made(d, rendered(d))
