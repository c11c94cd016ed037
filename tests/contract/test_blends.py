# SPDX-License-Identifier: Apache-2.0
"""/v1/blends: uploads of .blend files by real clients and by bad ones; which are kept, and how long."""
import base64
import concurrent.futures
import gzip
import hashlib
import json
import os
import re
import subprocess
import threading

import pytest
import requests
from daemon import DEADLINE, stays_asleep, wait_for
from test_jobs import JSON, job, post, until
from test_restart import mounted

TYPE = {"Content-Type": "application/octet-stream"}
MISSING = "sha256:" + "0" * 64


def scene(*commands, size=0):
    """A .blend for fake_blender, filled up to a size."""
    text = "\n".join(["BLENDER-v304", *commands]) + "\n"
    return text.encode() + b"# " + b"x" * max(0, size - len(text) - 3) + b"\n"


def ident_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def send(d, data, query="", **fields):
    return d.ask("POST", f"/v1/blends{query}", data, {**TYPE, **fields})


def sent(d, data, query=""):
    answer = send(d, data, query)
    assert answer.status in (200, 201), answer
    return answer.json()["id"]


def kept(d):
    """What lies in the directory of the uploads."""
    return sorted(p.name for p in (d.state / "blends").iterdir())


def listed(d):
    return [b["id"] for b in d.get("/v1/blends").json()["blends"]]


def nothing_is_left(d):
    wait_for(lambda: kept(d) == [], "an upload that was not taken leaves nothing")
    assert listed(d) == []


def render(d, ident, frames="1"):
    answer = post(d, {"blend": ident, "frames": frames})
    assert answer.status == 202, answer
    return until(d, answer.json()["id"], "succeeded", "failed")


def test_an_upload_from_its_sending_to_its_removal(start):
    d = start()
    data = scene("samples 3")
    made = send(d, data, "?name=Sz%C3%A9ne%201.blend")
    ident = ident_of(data)
    assert made.status == 201 and made.headers["location"] == f"/v1/blends/{ident}"
    body = made.json()
    assert body["id"] == ident and body["name"] == "Széne 1.blend" and body["bytes"] == len(data)
    assert (body["packing"], body["blender"], body["needed"]) == ("none", "3.4", False)
    again = send(d, data, "?name=other.blend")
    assert again.status == 200 and again.headers["location"] == f"/v1/blends/{ident}"
    assert again.json()["name"] == "Széne 1.blend", "it stays as it is"
    assert d.get(f"/v1/blends/{ident}").json() == again.json()
    assert d.get(f"/v1/blends/{ident.replace(':', '%3A')}").json() == again.json(), "as encodeURIComponent() writes it"
    head = d.ask("HEAD", f"/v1/blends/{ident}")
    assert head.status == 200 and head.body == b""
    assert (d.state / "blends" / ident[7:] / "upload.blend").read_bytes() == data
    done = render(d, ident, "1-2")
    assert done["state"] == "succeeded" and done["blend"] == ident
    assert d.ask("DELETE", f"/v1/blends/{ident}").status == 204
    assert kept(d) == [] and d.get(f"/v1/blends/{ident}").status == 404
    assert d.ask("DELETE", f"/v1/blends/{ident}").status == 404
    refused = post(d, {"blend": ident, "frames": "1"})
    assert refused.status == 422 and refused.json()["errors"][0]["pointer"] == "/blend"
    assert "send it first" in refused.json()["detail"]


def test_packed_files(start):
    d = start()
    data = scene(size=2_000_000)
    for packing, packed in (("gzip", gzip.compress(data)),
                            ("zstd", subprocess.run(["zstd", "-c"], input=data, capture_output=True, check=True).stdout)):
        body = send(d, packed).json()
        assert (body["packing"], body["blender"]) == (packing, "3.4")


@pytest.mark.parametrize("data, why", [
    (b"", "empty"), (b"BLENDER", "not a .blend"), (b"\x89PNG\r\n\x1a\n" + b"x" * 5000, "not a .blend"),
    (os.urandom(3 << 20), "not a .blend"), (gzip.compress(b"hello" * 1000), "gzip"),
    (gzip.compress(scene())[:12], "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"\x28\xb5\x2f\xfd" + b"\xff" * 100, "zstd"),
    (gzip.compress(gzip.compress(scene())), "gzip"), (gzip.compress(b"\0" * (64 << 20)), "gzip"),
], ids=["empty", "cut", "png", "random", "gzip-of-text", "gzip-cut", "zstd-cut", "zstd-junk", "twice", "bomb"])
def test_what_is_no_blend_is_refused(start, data, why):
    d = start()
    answer = send(d, data)
    assert answer.status == 422 and why in answer.json()["detail"], answer
    nothing_is_left(d)


def test_requests_that_are_not_an_upload(start):
    d = start()
    data = scene()
    for fields in ({"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "multipart/form-data; boundary=x"},
                   {"Content-Type": "text/plain"}, {"Content-Type": "application/json"}, {**TYPE, "Content-Encoding": "gzip"}):
        assert d.ask("POST", "/v1/blends", data, fields).status == 415, fields
    assert d.raw(b"POST /v1/blends HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc").startswith(b"HTTP/1.1 415 ")
    for query in ("?name=%00", "?name=a%0Ab", "?name=%ff", f"?name={'x' * 256}", "?what=1", "?name=a&name=b", "?name=%zz"):
        answer = send(d, data, query)
        assert answer.status == 400, (query, answer)
    for path in ("x", "sha256:", "sha256:" + "0" * 63, "sha256:" + "A" * 64, "0" * 64, "sha256:" + "%2e%2e%2f" * 8, "..%2f.."):
        assert d.get(f"/v1/blends/{path}").status == 404
        assert d.ask("DELETE", f"/v1/blends/{path}").status == 404
    assert d.get(f"/v1/blends/{MISSING}").status == 404
    assert d.ask("PUT", "/v1/blends", data, TYPE).status == 405
    nothing_is_left(d)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "..", "a/b\\c", "#", "-o", "CON", "x" * 255, "💾"])
def test_a_name_never_becomes_a_path(start, name):
    d = start()
    data = scene()
    answer = requests.post(f"http://127.0.0.1:{d.port}/v1/blends", params={"name": name}, data=data, headers=TYPE)
    assert answer.status_code == 201 and answer.json()["name"] == name
    assert kept(d) == [ident_of(data)[7:]]
    assert {p.name for p in d.state.iterdir() if p.is_dir()} - {"slurm"} == {"blends", "logs"}, "nothing else was made"
    assert render(d, ident_of(data))["state"] == "succeeded"


def test_the_digest_of_the_client_is_checked(start):
    d = start()
    data = scene()
    right = base64.b64encode(hashlib.sha256(data).digest()).decode()
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    for field in ("Content-Digest", "Repr-Digest"):
        refused = send(d, data, **{field: f"sha-256=:{wrong}:"})
        assert refused.status == 422 and ident_of(data)[7:] in refused.json()["detail"]
        for broken in (f"sha-256={right}", "sha-256=:abc:", f"sha-256=:{right[:-2]}!=:", "sha-256=::"):
            assert send(d, data, **{field: broken}).status == 400, broken
    assert send(d, data, **{"Content-Digest": f"sha-256=:{right}:", "Repr-Digest": f"sha-256=:{wrong}:"}).status == 400
    nothing_is_left(d)
    assert send(d, data, **{"Repr-Digest": f"md5=:AAAA:, sha-256=:{right}:"}).status == 201
    assert send(d, data, **{"Content-Digest": "unixsum=:AAAA:"}).status == 200, "others are not looked at"


@pytest.mark.parametrize("options", [["-T"], ["-T", "-H", "Transfer-Encoding: chunked"], ["--data-binary"], ["--http1.0", "-T"]],
                         ids=["put", "chunked", "data-binary", "http1.0"])
def test_curl(start, tmp_path, options):
    """curl sends Expect: 100-continue, and its body after 100."""
    d = start()
    data = scene(size=3_000_000)
    (tmp_path / "big.blend").write_bytes(data)
    *options, flag = [o for o in options if o not in ("-T", "--data-binary")] + [next(o for o in options if o in ("-T", "--data-binary"))]
    file = str(tmp_path / "big.blend")
    done = subprocess.run(["curl", "-sS", "-v", "-X", "POST", *options, flag, f"@{file}" if flag.startswith("--") else file,
                           "-H", "Content-Type: application/octet-stream", f"http://127.0.0.1:{d.port}/v1/blends?name=big.blend"],
                          capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0 and json.loads(done.stdout)["id"] == ident_of(data), done.stderr
    if "--http1.0" not in options:
        assert "100 Continue" in done.stderr


def test_curl_is_told_before_it_sends(start, tmp_path):
    """A client that sends Expect: 100-continue is refused before it sends its body."""
    d = start(arguments=["--max-upload-bytes", "1000"])
    (tmp_path / "big.blend").write_bytes(scene(size=5_000_000))
    done = subprocess.run(["curl", "-sS", "-v", "-X", "POST", "-T", str(tmp_path / "big.blend"), "-H", "Content-Type: application/octet-stream",
                           "-w", "%{size_upload}", f"http://127.0.0.1:{d.port}/v1/blends"], capture_output=True, text=True, timeout=DEADLINE)
    assert "HTTP/1.1 413" in done.stderr and "100 Continue" not in done.stderr
    assert done.stdout.endswith("}0") and "max_upload_bytes" in done.stdout
    nothing_is_left(d)


def test_requests_streams_a_file_and_a_generator(start, tmp_path):
    d = start()
    data = scene(size=5_000_000)
    (tmp_path / "big.blend").write_bytes(data)
    url = f"http://127.0.0.1:{d.port}/v1/blends"
    with open(tmp_path / "big.blend", "rb") as file:
        assert requests.post(url, data=file, headers=TYPE).status_code == 201
    pieces = (data[at:at + 7777] for at in range(0, len(data), 7777))
    answer = requests.post(url, data=pieces, headers=TYPE)  # in chunks
    assert answer.status_code == 200 and answer.json()["id"] == ident_of(data)


def begin(d, length, part, chunked=False):
    """A request of which only a part is sent."""
    s = d.connect()
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
    s.sendall(f"POST /v1/blends HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n{framing}\r\n\r\n".encode())
    s.sendall(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
    return s


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_that_breaks_off_leaves_nothing(start, chunked):
    d = start()
    data = scene(size=3_000_000)
    s = begin(d, len(data), data[:2_500_000], chunked)
    wait_for(lambda: any(p.stat().st_size > 0 for p in (d.state / "blends").glob("incoming-*/*")), "it is being written")
    s.close()
    nothing_is_left(d)
    assert d.get("/livez").status == 200


def test_a_broken_chunk_leaves_nothing(start):
    d = start()
    s = begin(d, 0, scene(size=100), chunked=True)
    s.sendall(b"zz\r\n")
    assert s.recv(1000).startswith(b"HTTP/1.1 400 ")
    s.close()
    nothing_is_left(d)


def test_a_slow_upload_is_taken_and_one_that_stands_still_is_not(start):
    d = start(arguments=["--body-seconds", "1"])
    data = scene(size=4000)
    with begin(d, len(data), data[:1000]) as still:
        assert b" 408 " in still.recv(4096).split(b"\r\n")[0]
    nothing_is_left(d)
    with begin(d, len(data), data[:1000]) as slow:
        for at in range(1000, len(data), 500):
            threading.Event().wait(0.4)  # faster than 500 B/s
            slow.sendall(data[at:at + 500])
        assert slow.recv(4096).startswith(b"HTTP/1.1 201 ")


def test_one_that_is_killed_amid_an_upload_leaves_nothing(start):
    d = start()
    whole = sent(d, scene("print whole"))
    data = scene(size=3_000_000)
    s = begin(d, len(data), data[:2_500_000])
    wait_for(lambda: len(kept(d)) == 2, "it is being written")
    d.process.kill()
    d.process.wait()
    s.close()
    d.start()
    assert kept(d) == [whole[7:]] and listed(d) == [whole]


def test_a_stop_amid_an_upload_leaves_nothing(start):
    d = start()
    s = begin(d, 3_000_000, scene(size=2_500_000))
    wait_for(lambda: kept(d), "it is being written")
    assert d.stop() == 0
    assert kept(d) == []
    s.close()
    d.start()


def test_the_same_file_sent_at_the_same_time_is_kept_once(start):
    d = start()
    data = scene(size=3_000_000)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(d, data), range(16)))
    assert sorted(a.status for a in answers) == [200] * 15 + [201]
    assert kept(d) == [ident_of(data)[7:]] and listed(d) == [ident_of(data)]


def test_sending_and_removing_at_the_same_time_never_disagree(start):
    d = start()
    data = scene(size=20_000)
    ident = ident_of(data)

    def work(number):
        for _ in range(12):
            if number % 2:
                assert send(d, data).status in (200, 201)
            else:
                assert d.ask("DELETE", f"/v1/blends/{ident}").status in (204, 404)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert listed(d) == ([ident] if kept(d) else [])
    assert sent(d, data) == ident and render(d, ident)["state"] == "succeeded"


def test_an_upload_that_a_job_needs_stays(start, tmp_path):
    go = tmp_path / "go"
    d = start(arguments=["--slots", "1"])
    ident = sent(d, scene(f"wait_file {go}"))
    running, waiting = (post(d, {"blend": ident, "frames": "1"}).json()["id"] for _ in range(2))
    until(d, running, "running")
    assert d.get(f"/v1/blends/{ident}").json()["needed"] is True
    refused = d.ask("DELETE", f"/v1/blends/{ident}")
    assert refused.status == 409 and "cancel it first" in refused.json()["detail"]
    go.touch()
    until(d, running, "succeeded")
    until(d, waiting, "succeeded")
    assert d.ask("DELETE", f"/v1/blends/{ident}").status == 204
    assert job(d, running)["blend"] == ident
    assert d.get(f"/v1/jobs/{running}/frames/1").status == 200, "its frames stay"


def test_uploads_and_their_jobs_outlive_a_restart(start, tmp_path):
    go = tmp_path / "go"
    d = start(arguments=["--on-stop", "stop"])
    ident = sent(d, scene(f"wait_file {go}"), "?name=a.blend")
    before = d.get(f"/v1/blends/{ident}").json()
    made = post(d, {"blend": ident, "frames": "1-2"}).json()["id"]
    until(d, made, "running")
    assert d.stop() == 0
    go.touch()
    d.start()
    assert until(d, made, "succeeded", "failed")["state"] == "succeeded"
    after = d.get(f"/v1/blends/{ident}").json()
    assert {k: after[k] for k in ("name", "bytes", "created_at")} == {k: before[k] for k in ("name", "bytes", "created_at")}
    d.process.kill()
    d.process.wait()
    d.start()
    assert render(d, ident)["state"] == "succeeded"


def test_files_and_list_come_together_at_the_start(start, tmp_path):
    """Of a backup of the store that is older, or files that somebody has removed."""
    d = start()
    lost, found = sent(d, scene("print a")), sent(d, scene("print b"))
    assert d.stop() == 0
    (d.state / "blends" / lost[7:] / "upload.blend").unlink()
    (d.state / "blends" / lost[7:]).rmdir()
    (d.state / "kiln.db").unlink()
    d.start()
    assert listed(d) == [found] and d.get(f"/v1/blends/{found}").json()["bytes"] == len(scene("print b"))
    assert d.stop() == 0
    (d.state / "blends" / found[7:] / "upload.blend").unlink()
    d.start()
    assert render(d, sent(d, scene("print b")))["state"] == "succeeded"


def test_lists_have_pages(start):
    d = start()
    made = [sent(d, scene(f"print {n}")) for n in range(5)]
    seen, target = [], "/v1/blends?limit=2"
    while target:
        page = d.get(target)
        seen += [b["id"] for b in page.json()["blends"]]
        link = page.headers.get("link")
        target = re.fullmatch(r'<([^>]*)>; rel="next"', link).group(1) if link else None
    assert seen == made[::-1]
    for query in ("limit=0", "limit=1001", "cursor=x", "cursor=-1", "cursor=", "cursor=9007199254740992", "cursor=99999999999999999999", "other=1"):
        assert d.get(f"/v1/blends?{query}").status == 400, query


def test_limits(start):
    d = start(arguments=["--max-upload-bytes", "2MiB", "--uploads-quota", "5MiB"])
    too_large = send(d, scene(size=(2 << 20) + 1))
    assert too_large.status == 413 and "max_upload_bytes" in too_large.json()["detail"]
    with begin(d, 0, scene(size=(2 << 20) + 1), chunked=True) as s:  # which says no length
        assert s.recv(4096).startswith(b"HTTP/1.1 413 ")
    nothing_is_left(d)
    first = sent(d, scene("print 1", size=2 << 20))
    sent(d, scene("print 2", size=2 << 20))
    full = send(d, scene("print 3", size=2 << 20))
    assert full.status == 507 and "uploads_quota" in full.json()["detail"] and full.json()["title"] == "Insufficient storage"
    with begin(d, 0, scene("print 3", size=(1 << 20) + 100), chunked=True) as s:
        s.sendall(b"0\r\n\r\n")
        assert s.recv(4096).startswith(b"HTTP/1.1 507 ")
    wait_for(lambda: len(kept(d)) == 2, "what was refused is gone")
    assert d.ask("DELETE", f"/v1/blends/{first}").status == 204
    assert send(d, scene("print 3", size=2 << 20)).status == 201, "there is room again"


def test_uploads_at_the_same_time_share_the_quota(start):
    d = start(arguments=["--uploads-quota", "5MiB"])
    size = 2 << 20
    with begin(d, size, scene("print 1")) as one, begin(d, size, scene("print 2")) as two:
        wait_for(lambda: len(kept(d)) == 2, "both are coming")
        assert send(d, scene("print 3", size=size)).status == 507
    nothing_is_left(d)
    assert send(d, scene("print 3", size=size)).status == 201, "what they had reserved is free again"


def test_a_full_disk(start, tmp_path):
    mounted(tmp_path / "state", "size=4m")
    d = None
    try:
        d = start(arguments=["--disk-reserve", "0"])
        known = send(d, scene(size=16 << 20))
        assert known.status == 507 and "disk" in known.json()["detail"]
        url = f"http://127.0.0.1:{d.port}/v1/blends"
        answer = subprocess.run(["curl", "-sS", "-X", "POST", "-T", "-", "-H", "Content-Type: application/octet-stream", url],
                                input=scene(size=16 << 20), capture_output=True, timeout=DEADLINE).stdout
        assert json.loads(answer)["status"] == 507
        nothing_is_left(d)
        assert render(d, sent(d, scene()))["state"] == "succeeded", "it goes on"
    finally:
        if d:
            d.stop()
        subprocess.run(["umount", tmp_path / "state"], check=True)


def test_what_is_not_kept_any_longer_goes(start, tmp_path):
    """Unused uploads and ended jobs are removed after their time, and not before."""
    go = tmp_path / "go"
    seconds = 1 / 86_400
    d = start(arguments=["--uploads-keep-days", 2 * seconds, "--jobs-keep-days", 2 * seconds])
    unused, used = sent(d, scene("print unused")), sent(d, scene(f"wait_file {go}"))
    made = post(d, {"blend": used, "frames": "1"}).json()["id"]
    until(d, made, "running")
    wait_for(lambda: listed(d) == [used], "the one that no job needs is gone")
    wait_for(lambda: kept(d) == [used[7:]], "and so is its file, which goes after its row")
    assert d.get(f"/v1/blends/{used}").json()["expires_at"] is None
    go.touch()
    until(d, made, "succeeded")
    assert d.get(f"/v1/jobs/{made}/frames/1").status == 200
    wait_for(lambda: d.get(f"/v1/jobs/{made}").status == 404, "the job is gone")
    wait_for(lambda: not (d.output / made).exists() and not list((d.state / "logs").glob(f"{made}-*")), "with its files")
    nothing_is_left(d)
    assert "jobs_keep_days" in d.log()


def test_the_oldest_jobs_go_when_frames_take_too_much(start):
    d = start("noise 200", arguments=["--jobs-quota", "100KB"])  # some 40 kB a frame
    made = []
    for _ in range(4):
        made.append(post(d, {"blend": "scene.blend", "frames": "1"}).json()["id"])
        until(d, made[-1], "succeeded")
    wait_for(lambda: d.get(f"/v1/jobs/{made[0]}").status == 404, "the one that ended first is gone")
    assert d.get(f"/v1/jobs/{made[-1]}/frames/1").status == 200
    assert not (d.output / made[0]).exists() and (d.output / made[-1]).exists()


def test_nothing_goes_by_default_and_an_idle_daemon_sleeps(start):
    d = start()
    sent(d, scene())
    done = render(d, listed(d)[0])
    assert d.get(f"/v1/jobs/{done['id']}").status == 200

    wait_for(lambda: stays_asleep(d.process.pid, 30), "it sleeps without a timer")
