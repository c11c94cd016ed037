# SPDX-License-Identifier: Apache-2.0
"""Pictures of frames: made when a frame is verified, larger ones on demand, and many in one."""
import os
import struct
import subprocess
import zlib

from test_jobs import submit, until
from test_restart import mounted

WEBP = "image/webp"


def is_webp(answer):
    return answer.headers["content-type"] == WEBP and answer.body[:4] == b"RIFF" and answer.body[8:12] == b"WEBP"


def size_of(webp):
    """Of a WebP in its lossy, lossless or extended form."""
    kind = webp[12:16]
    if kind == b"VP8X":
        return tuple(1 + int.from_bytes(webp[at:at + 3], "little") for at in (24, 27))
    if kind == b"VP8L":
        bits = int.from_bytes(webp[21:25], "little")
        return 1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff)
    assert kind == b"VP8 "
    return tuple(n & 0x3fff for n in struct.unpack("<HH", webp[26:30]))


def views(d, ident):
    return d.output / ".views" / ident


def rendered(d, frames="1-3"):
    ident = submit(d, frames)
    until(d, ident, "succeeded")
    return ident


def test_a_small_picture_is_there_with_the_frame(start):
    d = start("noise 400")
    ident = rendered(d, "1-2")
    small = sorted(p.name for p in views(d, ident).iterdir())
    assert [name[:7] for name in small] == ["000001-", "000002-"], "made before anyone asked"
    got = d.get(f"/v1/jobs/{ident}/frames/1/preview")
    assert got.status == 200 and is_webp(got) and size_of(got.body) == (160, 160)
    assert got.headers["kiln-view"] == "file" and got.headers["x-content-type-options"] == "nosniff"
    assert d.get(f"/v1/jobs/{ident}/frames/1/preview", **{"If-None-Match": got.headers["etag"]}).status == 304
    assert d.get(f"/v1/jobs/{ident}/frames/1/preview", Range="bytes=0-3").body == b"RIFF"
    assert sorted(p.name for p in (d.output / ident).iterdir()) == ["blender-render_0001.png", "blender-render_0002.png"]


def test_larger_and_brighter_ones_are_made_on_demand_and_kept(start):
    d = start("noise 400")
    ident = rendered(d, "1")
    path = f"/v1/jobs/{ident}/frames/1/preview"
    larger = d.get(path + "?size=320")
    assert is_webp(larger) and size_of(larger.body) == (320, 320)
    assert size_of(d.get(path + "?size=1280").body) == (400, 400), "no larger than the image"
    made = {p.name for p in (views(d, ident) / "made").iterdir()}
    assert len(made) == 2
    again = d.get(path + "?size=320")
    assert again.headers["etag"] == larger.headers["etag"]
    brighter = d.get(path + "?exposure=2.5")
    assert is_webp(brighter) and brighter.body != d.get(path).body
    assert len({p.name for p in (views(d, ident) / "made").iterdir()}) == 3


def test_what_cannot_be_asked_for(start):
    d = start()
    ident = rendered(d, "1")
    for query in ("size=161", "size=0", "size=x", "exposure=1e9", "exposure=nan", "exposure=inf", "exposure=1x", "exposure=", "layer=",
                  "layer=" + "x" * 256, "view=raw", "other=1", "size=160&size=160"):
        refused = d.get(f"/v1/jobs/{ident}/frames/1/preview?{query}")
        assert refused.status == 400 and refused.json()["detail"], query


def test_colours_for_a_display_are_shown_as_they_are(start):
    d = start()
    path = f"/v1/jobs/{rendered(d, '1')}/frames/1/preview"
    of_blender = d.get(path + "?view=blender")
    assert of_blender.status == 200 and of_blender.headers["kiln-view"] == "file" and of_blender.body == d.get(path).body


def test_a_picture_of_no_frame(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}")
    ident = submit(d, "1-2")
    until(d, ident, "running")
    early = d.get(f"/v1/jobs/{ident}/frames/2/preview")
    assert early.status == 409 and early.headers["retry-after"]
    assert d.get(f"/v1/jobs/{ident}/previews").status == 409
    assert d.get(f"/v1/jobs/{ident}/frames/7/preview").status == 404
    go.write_text("")
    until(d, ident, "succeeded")
    next((d.output / ident).glob("*_0002.png")).unlink()
    gone = d.get(f"/v1/jobs/{ident}/frames/2/preview")
    assert gone.status == 404, "a frame removed from disk has no picture either"
    assert d.get(f"/v1/jobs/{ident}/previews/map").json()["missing"] == [2]
    assert is_webp(d.get(f"/v1/jobs/{ident}/previews"))


def test_an_image_that_was_replaced_has_another_picture(start):
    d = start("noise 64")
    ident = rendered(d, "1")
    path = next((d.output / ident).glob("*.png"))
    before = d.get(f"/v1/jobs/{ident}/frames/1/preview")
    path.write_bytes(png(32, 16))
    after = d.get(f"/v1/jobs/{ident}/frames/1/preview")
    assert size_of(after.body) == (32, 16) and after.headers["etag"] != before.headers["etag"]
    path.write_bytes(b"no image at all")
    broken = d.get(f"/v1/jobs/{ident}/frames/1/preview")
    assert broken.status == 422 and "neither PNG" in broken.json()["detail"]


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes([200, 30, 30]) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_sheet_and_its_map(start):
    d = start("noise 32")
    ident = rendered(d, "1-23")
    sheet = d.get(f"/v1/jobs/{ident}/previews?from=4&count=15")
    assert is_webp(sheet) and size_of(sheet.body) == (320, 64)
    described = d.get(f"/v1/jobs/{ident}/previews/map?from=4&count=15").json()
    assert described == {"columns": 10, "rows": 2, "frames": list(range(4, 19)), "missing": []}
    again = d.get(f"/v1/jobs/{ident}/previews?from=4&count=15", **{"If-None-Match": sheet.headers["etag"]})
    assert again.status == 304
    assert size_of(d.get(f"/v1/jobs/{ident}/previews").body) == (320, 96)
    for query in ("from=x", "count=0", "count=101", "from=-1", "size=9"):
        assert d.get(f"/v1/jobs/{ident}/previews?{query}").status == 400
    assert d.get(f"/v1/jobs/{ident}/previews?from=24").status == 404


def test_they_go_with_the_job_and_stay_over_a_restart(start):
    d = start("noise 200")
    ident = rendered(d, "1")
    path = f"/v1/jobs/{ident}/frames/1/preview"
    small, larger = d.get(path), d.get(path + "?size=320")
    assert d.stop() == 0
    d.start()
    assert d.get(path).headers["etag"] == small.headers["etag"]
    assert d.get(path + "?size=320").headers["etag"] == larger.headers["etag"]
    assert d.ask("DELETE", f"/v1/jobs/{ident}").status == 204
    assert not views(d, ident).exists()
    assert d.get(path).status == 404


def test_without_decoding_they_are_made_on_demand(start):
    d = start("noise 200", arguments=["--verify", "header"])
    ident = rendered(d, "1-2")
    assert not views(d, ident).exists()
    assert is_webp(d.get(f"/v1/jobs/{ident}/previews"))
    assert is_webp(d.get(f"/v1/jobs/{ident}/frames/1/preview"))


def test_beyond_the_quota_the_oldest_are_removed(start):
    d = start("noise 300", arguments=["--previews-quota", "1"])
    ident = rendered(d, "1")
    for size in (320, 640):
        assert is_webp(d.get(f"/v1/jobs/{ident}/frames/1/preview?size={size}"))
    assert not list((views(d, ident) / "made").iterdir())
    assert is_webp(d.get(f"/v1/jobs/{ident}/frames/1/preview")), "the small ones stay"


def test_a_full_disk(start, tmp_path):
    """A picture that has no room is refused, and made once there is some."""
    mounted(tmp_path / "frames", "size=3m")
    try:
        d = start("noise 400", arguments=["--disk-reserve", "0"])
        ident = rendered(d, "1")
        path = f"/v1/jobs/{ident}/frames/1/preview?size=320"
        (d.output / "ballast").write_bytes(bytes(os.statvfs(d.output).f_bavail * 4096))
        refused = d.get(path)
        assert refused.status == 503 and "cannot be kept" in refused.json()["detail"], refused
        assert [p for p in views(d, ident).rglob("*") if p.is_file()] == [next(views(d, ident).glob("*.webp"))], "no part of it is left"
        (d.output / "ballast").unlink()
        assert is_webp(d.get(path))
        assert d.stop() == 0
    finally:
        subprocess.run(["umount", "--lazy", tmp_path / "frames"], check=True)
