# SPDX-License-Identifier: Apache-2.0
"""Uploads that go on where they stopped (draft-ietf-httpbis-resumable-upload): kilnd, and kiln as its client."""
import base64
import hashlib
import os
import signal
import socket
import threading

import pytest
import test_command
import tokens
from daemon import DEADLINE, wait_for
from test_blends import TYPE, ident_of, kept, scene

pytestmark = pytest.mark.local
kiln, started = test_command.kiln, test_command.started  # fixtures
PART = {"Content-Type": "application/partial-upload"}


def begin(d, data, body=b"", **fields):
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return d.ask("POST", "/v1/blends?name=a", body, {**TYPE, "Upload-Complete": "?0", "Upload-Length": str(len(data)),
                                                     "Repr-Digest": f"sha-256=:{digest}:", **fields})


def append(d, where, offset, body, complete="?1", **fields):
    return d.ask("PATCH", where, body, {**PART, "Upload-Offset": str(offset), "Upload-Complete": complete, **fields})


def offset_of(d, where, **fields):
    """As soon as the request before has been noticed to be over."""
    answer = wait_for(lambda: (lambda a: a if a.status != 409 else None)(d.ask("HEAD", where, headers=fields)), "it is over")
    assert answer.status == 204, answer
    return int(answer.headers["upload-offset"])


def half(d, where, data, begin=0):
    """A client that dies in the middle of its request."""
    with d.connect() as s:
        s.sendall(f"PATCH {where} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/partial-upload\r\nUpload-Offset: {begin}\r\n"
                  f"Upload-Complete: ?1\r\nContent-Length: {len(data) - begin}\r\n\r\n".encode() + data[begin:begin + (len(data) - begin) // 2])
        wait_for(lambda: next((d.state / "blends").glob("incoming-*/upload.blend")).stat().st_size > begin, "a part is on disk")


def test_in_several_requests(start):
    d = start()
    data = scene(size=3_000_000)
    made = begin(d, data, data[:1000])
    where = made.headers["location"]
    assert made.status == 201 and made.headers["upload-offset"] == "1000" and made.headers["upload-complete"] == "?0"
    assert "max-age=" in made.headers["upload-limit"] and where.startswith("/v1/blends/unfinished/")
    wrong = append(d, where, 999, b"x")
    assert wrong.status == 409 and wrong.headers["upload-offset"] == "1000"
    assert append(d, where, 1000, data[1000:2_000_000], "?0").status == 204
    assert offset_of(d, where) == 2_000_000
    done = append(d, where, 2_000_000, data[2_000_000:])
    assert done.status == 201 and done.json()["id"] == ident_of(data) and done.headers["upload-complete"] == "?1"
    assert kept(d) == [ident_of(data)[7:]] and sorted(p.name for p in (d.state / "blends" / kept(d)[0]).iterdir()) == ["upload.blend"]
    assert d.ask("HEAD", where).status == 404


def test_requests_that_are_refused(start):
    d = start()
    data = scene(size=2000)
    where = begin(d, data).headers["location"]
    assert d.ask("PATCH", where, data, {**TYPE, "Upload-Offset": "0", "Upload-Complete": "?1"}).status == 415
    for fields in ({}, {"Upload-Offset": "0"}, {"Upload-Offset": "x", "Upload-Complete": "?1"}, {"Upload-Offset": "0", "Upload-Complete": "1"}):
        assert d.ask("PATCH", where, data, {**PART, **fields}).status == 400
    assert d.ask("HEAD", where + "x").status == 404 and append(d, where + "x", 0, data).status == 404
    assert append(d, where, 0, data + b"more").status == 422 and d.ask("HEAD", where).status == 404
    where = begin(d, data).headers["location"]
    assert append(d, where, 0, data[:-1]).status == 422, "less than Upload-Length"
    where = begin(d, data).headers["location"]
    assert append(d, where, 0, data[:-1] + b"x").status == 422, "another digest"
    where = begin(d, b"x" * 5000).headers["location"]
    assert append(d, where, 0, b"x" * 5000).status == 422, "no .blend"
    where = begin(d, data).headers["location"]
    assert d.ask("DELETE", where).status == 204 and d.ask("HEAD", where).status == 404
    assert kept(d) == []


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_it_goes_on_after_a_cut_and_after_the_end_of_kilnd(start, end):
    d = start()
    data = scene(size=30_000_000)
    where = begin(d, data).headers["location"]
    half(d, where, data)
    first = offset_of(d, where)
    assert 0 < first <= len(data) // 2
    half(d, where, data, first)
    second = offset_of(d, where)
    assert second > first
    if end == "kill":
        d.process.send_signal(signal.SIGKILL)
        d.process.wait()
    else:
        assert d.stop() == 0
    d.start()
    assert offset_of(d, where) == second
    assert begin(d, data).headers["location"] == where, "it is known by its digest"
    assert append(d, where, second, data[second:]).status == 201
    assert kept(d) == [ident_of(data)[7:]]


def test_owners_and_quotas(start, tmp_path):
    tokens.token("add", "admin", "--role", "admin", state=tmp_path / "state")
    ada, bob = (dict(Authorization="Bearer " + tokens.add(tmp_path / "state", name, "submit")) for name in ("ada", "bob"))
    d = start(arguments=["--uploads-quota", "5M"])
    data = scene(size=3_000_000)
    where = begin(d, data, **ada).headers["location"]
    assert d.ask("HEAD", where, headers=bob).status == 404 and append(d, where, 0, data, **bob).status == 404
    assert d.ask("DELETE", where, headers=bob).status == 404 and d.ask("HEAD", where).status == 401
    assert begin(d, data, **bob).status == 507, "what is unfinished counts"
    d.process.send_signal(signal.SIGKILL)
    d.process.wait()
    d.start()
    assert begin(d, data, **bob).status == 507 and offset_of(d, where, **ada) == 0
    assert append(d, where, 0, data, **ada).status == 201
    assert d.ask("HEAD", f"/v1/blends/{ident_of(data)}", headers=bob).status == 404
    small = [scene(f"samples {i + 1}", size=1000) for i in range(20)]
    for one in small:
        assert begin(d, one, **bob).status == 201
    assert len([name for name in kept(d) if name.startswith("incoming-")]) == 16


class Cutting:
    """A proxy that cuts each connection after so many bytes from the client."""

    def __init__(self, port, most):
        self.most, self.passed, self.cuts = most, 0, 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]

        def back(there, here):
            try:
                while piece := there.recv(65536):
                    here.sendall(piece)
            except OSError:
                pass

        def serve(here):
            there = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=back, args=(there, here), daemon=True).start()
            left = self.most
            try:
                while left > 0 and (piece := here.recv(min(65536, left))):
                    there.sendall(piece)
                    left -= len(piece)
                    self.passed += len(piece)
            except OSError:
                pass
            self.cuts += left <= 0
            for s in (here, there):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        def accept():
            while True:
                try:
                    here, _ = self.server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(here,), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()


def test_kiln_sends_what_is_missing(started, kiln, tmp_path):
    d = started()
    file = tmp_path.parent / f"{tmp_path.name}-scene.blend"
    file.write_bytes(scene(size=20_000_000))
    proxy = Cutting(d.port, 6_000_000)
    kiln.url = f"http://127.0.0.1:{proxy.port}"
    kiln.run("render", file, "-f", "1", "--upload", "--wait")
    assert kept(d) == [ident_of(file.read_bytes())[7:]]
    assert proxy.cuts >= 3 and proxy.passed < 24_000_000, "nothing is sent twice but what was on its way"


@pytest.mark.parametrize("victim", ["kiln", "kilnd"])
def test_a_kill_in_the_middle_of_an_upload(started, kiln, tmp_path, victim):
    d = started()
    d.command[d.command.index("--listen") + 1] = f"127.0.0.1:{d.port}"
    file = tmp_path.parent / f"{tmp_path.name}-scene.blend"
    with open(file, "wb") as out:
        out.write(scene(size=1_000_000))
        out.write(os.urandom(1 << 20) * 200)
    words = ["render", file, "-f", "1", "--upload", "--wait"]
    process = kiln.start(*words)

    def is_amid():
        return any(p.stat().st_size > 4_000_000 for p in (d.state / "blends").glob("incoming-*/upload.blend"))
    wait_for(is_amid, "a part is there")
    if victim == "kiln":
        process.kill()
        process.communicate()
        kiln.run(*words)
    else:
        d.process.send_signal(signal.SIGKILL)
        d.process.wait()
        d.start()
        out, said = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0, said
    assert len(kept(d)) == 1 and len(d.get("/v1/jobs").json()["jobs"]) == 1


def test_a_blend_that_changes_while_it_is_sent(started, kiln, tmp_path):
    d = started()
    file = tmp_path.parent / f"{tmp_path.name}-scene.blend"
    file.write_bytes(scene(size=200_000_000))
    process = kiln.start("render", file, "-f", "1", "--upload", "--wait")
    wait_for(lambda: any((d.state / "blends").glob("incoming-*/upload.blend")), "it is being sent")
    with open(file, "r+b") as out:
        out.seek(199_999_000)
        out.write(b"y")
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 5 and "changed while it was sent" in said, said
    wait_for(lambda: kept(d) == [], "nothing stays")
    kiln.run("render", file, "-f", "1", "--upload", "--wait")
