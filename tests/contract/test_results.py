# SPDX-License-Identifier: Apache-2.0
"""What a job has left: its frames one by one, all in an archive, and the log. What real clients do with it is in test_clients.py."""
import concurrent.futures
import http.client
import io
import os
import subprocess
import zipfile

import pytest
from daemon import DEADLINE, chances, wait_for
from test_jobs import submit, until


def rendered(d, frames="1-3"):
    ident = submit(d, frames)
    until(d, ident, "succeeded")
    return ident


def test_a_frame_is_its_file(start):
    d = start()
    ident = rendered(d)
    listed = d.get(f"/v1/jobs/{ident}/frames").json()["frames"]
    assert [f["link"] for f in listed] == [f"/v1/jobs/{ident}/frames/{n}" for n in (1, 2, 3)]
    path = d.output / ident / "blender-render_0002.png"
    frame = d.get(f"/v1/jobs/{ident}/frames/2")
    assert (frame.status, frame.body, frame.headers["content-type"]) == (200, path.read_bytes(), "image/png")
    assert frame.headers["content-disposition"] == 'inline; filename="blender-render_0002.png"'
    assert frame.headers["x-content-type-options"] == "nosniff"
    head = d.ask("HEAD", f"/v1/jobs/{ident}/frames/2")
    assert head.body == b"" and head.headers["content-length"] == str(path.stat().st_size)
    assert head.headers["etag"] == frame.headers["etag"] and frame.headers["etag"].startswith('"')
    part = d.get(f"/v1/jobs/{ident}/frames/2", Range="bytes=1-3", **{"If-Range": frame.headers["etag"]})
    assert (part.status, part.body) == (206, b"PNG")
    assert d.get(f"/v1/jobs/{ident}/frames/2", Range="bytes=1-3", **{"If-Range": '"other"'}).status == 200
    beyond = d.get(f"/v1/jobs/{ident}/frames/2", Range="bytes=9999999-")
    assert beyond.status == 416 and beyond.headers["content-range"] == f"bytes */{path.stat().st_size}"
    assert beyond.json()["status"] == 416


def test_a_frame_that_is_rendered_again_has_another_etag(start, tmp_path):
    mark = tmp_path / "mark"
    d = start("skip_frame 2", f"once {mark}")
    ident = submit(d, "1-2", retries=0)
    until(d, ident, "failed")
    before = d.get(f"/v1/jobs/{ident}/frames/1").headers["etag"]
    assert d.ask("POST", f"/v1/jobs/{ident}/retry").status == 202
    until(d, ident, "succeeded")
    assert d.get(f"/v1/jobs/{ident}/frames/1").headers["etag"] == before, "it was not rendered again"
    assert d.get(f"/v1/jobs/{ident}/frames/2").status == 200


def test_frames_that_are_not_there(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}")
    ident = submit(d, "1-3")
    until(d, ident, "running")
    early = d.get(f"/v1/jobs/{ident}/frames/2")
    assert early.status == 409 and 1 <= int(early.headers["retry-after"]) <= 300
    assert d.get(f"/v1/jobs/{ident}/frames.zip").status == 409
    for wrong in ("4", "0", "-1", "02", "+2", "2.png", "x", "99999999999999999999", "..%2f2", "%32"):
        assert d.get(f"/v1/jobs/{ident}/frames/{wrong}").status == 404, wrong
    go.touch()
    until(d, ident, "succeeded")
    (d.output / ident / "blender-render_0002.png").unlink()
    assert d.get(f"/v1/jobs/{ident}/frames/2").status == 404
    assert d.ask("POST", f"/v1/jobs/{ident}/frames/1").status == 405


def test_what_took_the_place_of_a_frame_is_not_served(start, tmp_path):
    """A link, a directory or a pipe in the output is not a frame, wherever it leads."""
    d = start()
    ident = rendered(d)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    first, second, third = (d.output / ident / f"blender-render_000{n}.png" for n in (1, 2, 3))
    for path in (first, second, third):
        path.unlink()
    first.symlink_to(secret)
    second.mkdir()
    os.mkfifo(third)
    for n in (1, 2, 3):
        assert d.get(f"/v1/jobs/{ident}/frames/{n}").status == 404
    archive = d.get(f"/v1/jobs/{ident}/frames.zip")  # never an archive that lacks a frame and looks whole
    assert archive.status == 404 and "frame 1 " in archive.json()["detail"]


def test_the_archive_holds_the_done_frames(start):
    d = start("noise 100", "skip_frame 3")
    ident = submit(d, "1-4", retries=0)
    until(d, ident, "failed")
    answer = d.get(f"/v1/jobs/{ident}/frames.zip")
    assert answer.headers["content-type"] == "application/zip" and f"{ident}.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"blender-render_000{n}.png" for n in (1, 2, 4)]
        assert all(i.compress_type == zipfile.ZIP_STORED for i in archive.infolist())
        assert archive.read("blender-render_0004.png") == (d.output / ident / "blender-render_0004.png").read_bytes()


def test_the_archive_is_fetched_in_parts(start, tmp_path):
    """Its length is known before it is made, and each range of it is the bytes that the whole has there."""
    d = start("further Out--depth", "noise 200")
    ident = rendered(d, "1-30")
    path = f"/v1/jobs/{ident}/frames.zip"
    head = d.ask("HEAD", path)
    assert head.status == 200 and head.body == b"" and head.headers["accept-ranges"] == "bytes"
    size, etag = int(head.headers["content-length"]), head.headers["etag"]
    d.stop()
    d.start()  # it remembers nothing of the files
    random = chances(2021)
    parts = []
    for _ in range(300):
        first = random.choice([random.randrange(size), max(0, size - random.randrange(1, 4000))])
        last = min(size - 1, first + random.choice([0, 1, 60, 5_000, 300_000, size]))
        part = d.get(path, Range=f"bytes={first}-{last}")
        assert part.status == 206 and part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert part.headers["etag"] == etag and int(part.headers["content-length"]) == len(part.body)
        parts.append((first, part.body))
    whole = d.get(path)
    assert whole.status == 200 and len(whole.body) == size == int(whole.headers["content-length"])
    assert "transfer-encoding" not in whole.headers
    for first, body in parts:
        assert body == whole.body[first:first + len(body)], first
    with zipfile.ZipFile(io.BytesIO(whole.body)) as archive:
        assert archive.testzip() is None and len(archive.namelist()) == 60
        assert not any(i.flag_bits & 8 for i in archive.infolist()), "readers of streams want sizes before the bytes"
    assert d.get(path, Range="bytes=-22").body == whole.body[-22:]
    beyond = d.get(path, Range=f"bytes={size}-")
    assert beyond.status == 416 and beyond.headers["content-range"] == f"bytes */{size}" and beyond.json()["status"] == 416
    assert d.get(path, Range="bytes=1-3", **{"If-Range": etag}).status == 206
    assert d.get(path, Range="bytes=1-3", **{"If-Range": '"other"'}).body == whole.body
    assert d.get(path, Range="bytes=1-3,7-9").body == whole.body, "several ranges are answered with the whole"
    assert d.get(path, **{"If-None-Match": etag}).status == 304
    file = tmp_path / "all.zip"
    file.write_bytes(whole.body[:123_456])
    subprocess.run(["curl", "-fsS", "-C", "-", "-o", file, f"http://127.0.0.1:{d.port}{path}"], check=True)
    assert file.read_bytes() == whole.body


def test_the_archive_of_a_job_that_goes_on_has_another_etag(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go} 3")
    ident = submit(d, "1-3")
    path = f"/v1/jobs/{ident}/frames.zip"
    wait_for(lambda: d.get(f"/v1/jobs/{ident}").json()["frames"]["done"] == 2, "two frames are done")
    early = d.get(path)
    etag = {"If-Range": early.headers["etag"]}
    assert d.get(path, Range="bytes=100-199", **etag).body == early.body[100:200]
    assert d.get(path, Range="bytes=100-199").status == 200, "a client that does not say which archive it knows gets all of this one"
    go.touch()
    until(d, ident, "succeeded")
    late = d.get(path, Range="bytes=100-199", **etag)
    assert late.status == 200 and late.headers["etag"] != early.headers["etag"] and len(late.body) > len(early.body)
    assert d.get(path, Range="bytes=100-199").status == 206, "no frame of it changes any more"


@pytest.mark.parametrize("change", ["vanishes", "grows", "is another"])
def test_an_archive_whose_frame_changes_while_it_is_sent_is_cut(start, change):
    d = start("noise 1500")  # more than the buffers of a connection hold
    ident = rendered(d, "1-4")
    path = d.output / ident / "blender-render_0004.png"
    connection = http.client.HTTPConnection("127.0.0.1", d.port, timeout=DEADLINE)
    connection.request("GET", f"/v1/jobs/{ident}/frames.zip")
    answer = connection.getresponse()
    begin = answer.read(1000)
    content = path.read_bytes()
    path.unlink()
    if change != "vanishes":
        path.write_bytes(content + b"x" * (change == "grows"))
    with pytest.raises(http.client.IncompleteRead) as cut:
        answer.read()
    assert begin.startswith(b"PK") and content not in cut.value.partial
    connection.close()
    assert "an answer was cut" in d.log()


def test_further_files_of_a_frame(start):
    """What File Output nodes write: listed with the frame, served as it is, in the archive behind it, removed with it."""
    d = start("further Out--depth", "further File-Output-001--beauty")
    ident = rendered(d)
    directory = d.output / ident
    listed = d.get(f"/v1/jobs/{ident}/frames").json()["frames"]
    assert [[one["name"] for one in frame["outputs"]] for frame in listed] == [
        [f"File-Output-001--beauty_000{n}.png", f"Out--depth_000{n}.png"] for n in (1, 2, 3)]
    one = listed[1]["outputs"][0]
    assert one == {"name": "File-Output-001--beauty_0002.png", "node": "File-Output-001", "slot": "beauty", "view": None,
                   "link": f"/v1/jobs/{ident}/outputs/File-Output-001--beauty_0002.png"}
    assert listed[1]["bytes"] == sum(path.stat().st_size for path in directory.glob("*_0002.png"))
    path = directory / one["name"]
    whole = d.get(one["link"])
    assert (whole.status, whole.body, whole.headers["content-type"]) == (200, path.read_bytes(), "image/png")
    assert whole.headers["content-disposition"] == f'inline; filename="{one["name"]}"'
    head = d.ask("HEAD", one["link"])
    assert head.body == b"" and head.headers["content-length"] == str(path.stat().st_size)
    part = d.get(one["link"], Range="bytes=1-3", **{"If-Range": whole.headers["etag"]})
    assert (part.status, part.body) == (206, b"PNG")
    assert d.get(one["link"], Range="bytes=9999999-").status == 416
    assert d.get(one["link"], **{"If-None-Match": whole.headers["etag"]}).status == 304
    assert d.ask("POST", one["link"]).status == 405
    with zipfile.ZipFile(io.BytesIO(d.get(f"/v1/jobs/{ident}/frames.zip").body)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [name for n in (1, 2, 3) for name in (
            f"blender-render_000{n}.png", f"File-Output-001--beauty_000{n}.png", f"Out--depth_000{n}.png")]
        assert archive.read(one["name"]) == path.read_bytes()
    assert d.ask("DELETE", f"/v1/jobs/{ident}").status == 204
    assert not directory.exists() and d.get(one["link"]).status == 404


def test_further_files_that_are_not_there(start, tmp_path):
    go = tmp_path / "go"
    d = start("further Out--beauty", f"wait_file {go}")
    ident = submit(d, "1-3")
    until(d, ident, "running")
    early = d.get(f"/v1/jobs/{ident}/outputs/Out--beauty_0002.png")
    assert early.status == 409 and 1 <= int(early.headers["retry-after"]) <= 300
    go.touch()
    until(d, ident, "succeeded")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (d.output / ident / "Out--link_0001.png").symlink_to(secret)
    for wrong in ("Out--beauty_0004.png", "Out--other_0002.png", "Out--beauty_0002_L.png", "Out--beauty_2.png", "Out--link_0001.png",
                  "blender-render_0002.png", "..%2fOut--beauty_0002.png", "Out--beauty_0002.png%00", "Out%2d%2dbeauty_0002.png/", "x"):
        assert d.get(f"/v1/jobs/{ident}/outputs/{wrong}").status == 404, wrong
    assert d.get(f"/v1/jobs/{ident}/outputs/Out--beauty_0002.png").status == 200


def test_a_frame_whose_further_file_is_broken_is_not_published(start, tmp_path):
    d = start("further Out--beauty", "further Out--depth", "half_further 2")
    ident = submit(d, "1-3", retries=0)
    failure = until(d, ident, "failed")["failure"]
    assert failure["kind"] == "frames_corrupt" and "Out--beauty_0002.png" in failure["message"], failure
    assert sorted(path.name for path in (d.output / ident).glob("*_0002*")) == []
    frames = d.get(f"/v1/jobs/{ident}/frames").json()["frames"]
    assert [len(frame.get("outputs", [])) for frame in frames] == [2, 0, 2]
    assert d.get(f"/v1/jobs/{ident}/outputs/Out--depth_0002.png").status == 404


def test_a_frame_whose_further_file_was_broken_is_rendered_again(start, tmp_path):
    d = start("further Out--beauty", "half_further 2", f"once {tmp_path / 'mark'}")
    ident = rendered(d)
    assert len(list((d.output / ident).glob("Out--beauty_*"))) == 3


def test_the_log_is_that_of_all_attempts(start, tmp_path):
    d = start("print first line", "raise 11 at 2", f"once {tmp_path / 'mark'}")
    ident = rendered(d)
    log = d.get(f"/v1/jobs/{ident}/log")
    assert log.status == 200 and log.headers["content-type"] == "text/plain; charset=utf-8"
    starts = 4 if os.environ.get("TEST_EXECUTOR") == "slurm" else 2  # there three tasks, and one again
    assert log.text.count("first line") == starts, "of both attempts"
    assert log.text.index("blender-render_0001") < log.text.index("blender-render_0003")
    for asked, wanted in (("bytes=5-14", log.body[5:15]), ("bytes=-20", log.body[-20:]), ("bytes=10-", log.body[10:])):
        part = d.get(f"/v1/jobs/{ident}/log", Range=asked)
        assert (part.status, part.body) == (206, wanted), asked
        assert part.headers["content-range"].endswith(f"/{len(log.body)}")
    assert d.get(f"/v1/jobs/{ident}/log", Range=f"bytes={len(log.body)}-").status == 416
    assert d.get("/v1/jobs/j0123456789abcdefgh/log").status == 404


@pytest.mark.local
def test_the_log_is_followed(start, tmp_path):
    go = tmp_path / "go"
    d = start("print the last line", f"wait_file {go}", "frame_seconds 0.1")
    ident = submit(d, "1-5")
    until(d, ident, "running")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        following = pool.submit(d.get, f"/v1/jobs/{ident}/log", Prefer="wait=60")
        now = wait_for(lambda: (lambda log: log if log.endswith(b"the last line\n") else None)(d.get(f"/v1/jobs/{ident}/log").body),
                       "Blender waits for the file")
        behind = pool.submit(d.get, f"/v1/jobs/{ident}/log", Prefer="wait=60", Range=f"bytes={len(now)}-")
        wait_for(lambda: following.done() or behind.done() or d.waiting() == 2, "both are held")
        assert not following.done() and not behind.done()
        go.touch()
        part = behind.result(DEADLINE)
        assert part.status == 206 and part.body, "as soon as there is more"
        whole = following.result(DEADLINE)
    assert whole.status == 200 and whole.headers["preference-applied"] == "wait=60"
    until(d, ident, "succeeded")
    assert whole.body == d.get(f"/v1/jobs/{ident}/log").body, "until its end"
    assert "preference-applied" not in d.get(f"/v1/jobs/{ident}/log", Prefer="wait=60").headers
