# SPDX-License-Identifier: Apache-2.0
"""What kiln does when it sends a .blend: it asks first, and knows a file that changes and a server that is not kilnd."""
import contextlib
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading

import pytest
import test_command
import tokens
from daemon import DEADLINE, wait_for
from test_blends import ident_of, kept, listed, nothing_is_left
from test_command import jobs_of
from test_restart import mounted
from test_tls import make_certificate

pytestmark = pytest.mark.local
kiln, started = test_command.kiln, test_command.started  # fixtures
SIZE = 48 << 20  # more than the buffers between two sockets hold
JOB = "j06h0nhrgvkx9ez8bgq"


class Relay:
    """Between kiln and kilnd: counts what kiln sends, and can stop in the middle of it."""

    def __init__(self, port, hold_after=None):
        self.to, self.hold_after = port, hold_after
        self.sent = 0
        self.heads = bytearray()
        self.held, self.go_on = threading.Event(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.to))
                threading.Thread(target=self.up, args=(near, far), daemon=True).start()
                threading.Thread(target=self.down, args=(far, near), daemon=True).start()

    def up(self, near, far):
        with contextlib.suppress(OSError):
            while piece := near.recv(65536):
                self.sent += len(piece)
                if len(self.heads) < 65536:
                    self.heads += piece
                if self.hold_after and self.sent > self.hold_after and not self.held.is_set():
                    self.held.set()
                    self.go_on.wait(DEADLINE)
                far.sendall(piece)
        with contextlib.suppress(OSError):
            far.shutdown(socket.SHUT_WR)

    @staticmethod
    def down(far, near):
        with contextlib.suppress(OSError):
            while piece := far.recv(65536):
                near.sendall(piece)
        with contextlib.suppress(OSError):
            near.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relayed(kiln):
    made = []

    def make(d, **more):
        made.append(Relay(d.port, **more))
        kiln.url = made[-1].url
        return made[-1]
    yield make
    for one in made:
        one.go_on.set()
        one.listener.close()


@pytest.fixture
def large(tmp_path):
    """Most of it is a hole."""
    path = tmp_path / "large.blend"
    with path.open("wb") as file:
        file.write(b"BLENDER-v304\n# ")
        file.truncate(SIZE)
    return path


# ---- Asked first

def test_the_body_comes_once_it_is_wanted(started, kiln, relayed, large):
    d = started()
    relay = relayed(d)
    kiln.run("render", large, "-f", "1", "--upload")
    assert b"Expect: 100-continue" in relay.heads and SIZE < relay.sent < SIZE + 65536
    small = large.with_name("small.blend")
    small.write_bytes(b"BLENDER-v304\n")
    relay.heads.clear()
    kiln.run("render", small, "-f", "1", "--upload")
    assert b"Expect" not in relay.heads and len(listed(d)) == 2


@pytest.mark.parametrize("options, status, says", [
    (["--max-upload-bytes", "1000000"], 5, "max_upload_bytes"),
    (["--uploads-quota", "20000000"], 5, "507"),
])
def test_a_refusal_costs_no_transfer(started, kiln, relayed, large, options, status, says):
    d = started(arguments=options)
    relay = relayed(d)
    said = kiln.run("render", large, "-f", "1", "--upload", status=status).said
    assert says in said and relay.sent < 65536, said
    nothing_is_left(d)


def test_a_token_that_may_only_read_costs_no_transfer(started, kiln, relayed, large, tmp_path):
    tokens.add(tmp_path / "state", "admin", "admin")
    reader = tokens.add(tmp_path / "state", "reader", "read")
    d = started()
    relay = relayed(d)
    for token, says in ((reader, "403"), ("wrong", "401")):
        said = kiln.run("render", large, "-f", "1", "--upload", status=4, environment={"KILN_TOKEN": token}).said
        assert says in said and relay.sent < 65536, said


class Played:
    """A server that is not quite kilnd: `answers` maps a method and the beginning of a path to a status, a type and a body."""

    def __init__(self, answers, refuses_expectation=None, certificate=None):
        self.asked = []
        played = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_expect_100(self):
                played.asked.append("Expect")
                if refuses_expectation:
                    self.send_response(417)
                    self.send_header("Content-Length", "0")
                    self.send_header("Connection", "close")
                    self.end_headers()
                    self.close_connection = True
                    return False
                return True  # says nothing, and waits for the body

            def any(self):
                left = int(self.headers.get("Content-Length", 0))
                while left:
                    left -= len(self.rfile.read(min(left, 65536)))
                played.asked.append(f"{self.command} {self.path.partition('?')[0]}")
                status, body = next((a for begin, a in answers.items() if played.asked[-1].startswith(begin)), (404, "{}"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body.encode())
            do_GET = do_HEAD = do_POST = any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*certificate)
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def played(kiln):
    made = []

    def make(answers, **more):
        made.append(Played(answers, **more))
        kiln.url = made[-1].url
        return made[-1]
    yield make
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def id_of(file):
    return ident_of(file.read_bytes())


@pytest.mark.parametrize("refuses", [False, True], ids=["silent", "417"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_a_server_that_does_not_know_expectations(played, kiln, large, tmp_path, refuses, is_tls):
    upload = json.dumps({"id": id_of(large)})
    certificate = make_certificate(tmp_path, "farm") if is_tls else None
    server = played({"POST /v1/blends": (201, upload), "POST /v1/jobs": (202, json.dumps({"id": JOB}))}, refuses_expectation=refuses,
                    certificate=certificate)
    trusted = {"SSL_CERT_FILE": str(certificate[0])} if is_tls else {}
    assert kiln.run("render", large, "-f", "1", "--upload", environment=trusted).out == JOB + "\n"
    assert server.asked == [f"HEAD /v1/blends/{id_of(large)}", "Expect", "POST /v1/blends", "POST /v1/jobs"]


# ---- A file that changes

def end_of(path, data):
    with path.open("r+b") as file:
        file.seek(-len(data), os.SEEK_END)
        file.write(data)


@pytest.mark.parametrize("change", [
    lambda p: end_of(p, b"changed"), lambda p: os.truncate(p, SIZE - 1000), lambda p: os.truncate(p, 0), lambda p: os.truncate(p, SIZE + 1000),
], ids=["written", "shorter", "empty", "longer"])
def test_a_blend_that_changes_while_it_is_sent(started, kiln, relayed, large, change):
    d = started()
    relay = relayed(d, hold_after=1 << 20)
    running = kiln.start("render", large, "-f", "1", "--upload")
    assert relay.held.wait(DEADLINE)
    change(large)
    relay.go_on.set()
    _, said = running.communicate(timeout=DEADLINE)
    assert running.returncode == 2 and f"{large} changed while it was sent: repeat the command" in said, said
    assert jobs_of(d) == []
    now = large.read_bytes()
    if now:
        kiln.run("render", large, "-f", "1", "--upload")
        assert id_of(large) in listed(d) and len(jobs_of(d)) == 1


def test_a_wrong_digest_is_never_kept(started, kiln, relayed, large):
    """Changed, with the time of before: only the digest tells."""
    d = started()
    relay = relayed(d, hold_after=1 << 20)
    before = large.stat()
    running = kiln.start("render", large, "-f", "1", "--upload")
    assert relay.held.wait(DEADLINE)
    end_of(large, b"changed")
    os.utime(large, ns=(before.st_atime_ns, before.st_mtime_ns))
    relay.go_on.set()
    _, said = running.communicate(timeout=DEADLINE)
    assert running.returncode == 5 and "422" in said and "igest" in said, said
    nothing_is_left(d)
    assert jobs_of(d) == []


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_blend_that_vanishes_while_it_is_sent(started, kiln, relayed, large, how):
    """As Blender saves: another file takes its name. What was begun is sent whole."""
    d = started()
    ident = id_of(large)
    relay = relayed(d, hold_after=1 << 20)
    running = kiln.start("render", large, "-f", "1", "--upload")
    assert relay.held.wait(DEADLINE)
    large.unlink()
    if how == "replaced":
        large.write_bytes(b"BLENDER-v304\n# another\n")
    relay.go_on.set()
    _, said = running.communicate(timeout=DEADLINE)
    assert running.returncode == 0 and listed(d) == [ident] and len(jobs_of(d)) == 1, said


def test_a_blend_that_is_not_there(kiln, tmp_path):
    for name in ("none.blend", "none/none.blend", "."):
        assert str(tmp_path / name) in kiln.run("render", tmp_path / name, "-f", "1", status=2).said


# ---- Servers of another version, and others

def test_fields_that_kiln_does_not_know(played, kiln, large):
    more = {"colour": [1, {"a": None}], "frames": {"total": "many", "set": 7}, "warnings": {}, "eta_seconds": "soon", "priority": "high"}
    done = json.dumps({"id": JOB, "state": "succeeded", **more})
    played({"POST /v1/blends": (201, json.dumps({"id": id_of(large), **more})), "POST /v1/jobs": (202, json.dumps({"id": JOB, "state": "resting", **more})),
            "GET /v1/jobs/": (200, done), "GET /v1/jobs": (200, json.dumps({"jobs": [{"id": JOB}, 7, None, {"id": 5, **more}], **more}))})
    kiln.run("render", large, "-f", "1", "--upload", "--wait")
    kiln.run("show", JOB)
    assert JOB in kiln.run("ls").out


NOT_KILND = "does not answer as kilnd does"


@pytest.mark.parametrize("body", ["{}", "[]", "null", '{"id":7}', '{"id":"sha256:00"}', "<html>", "", '{"id":'])
def test_an_upload_that_is_not_answered_as_by_kilnd(played, kiln, large, body):
    server = played({"POST /v1/blends": (201, body)})
    assert NOT_KILND in kiln.run("render", large, "-f", "1", "--upload", status=5).said
    assert "POST /v1/jobs" not in server.asked


@pytest.mark.parametrize("body", ["{}", "[]", "null", '{"id":7,"state":"queued"}', '{"id":"../../x","state":"queued"}', "<html>", ""])
def test_a_job_that_is_not_answered_as_by_kilnd(played, kiln, large, body):
    played({"HEAD /v1/blends": (200, ""), "POST /v1/jobs": (202, body), "GET /v1/jobs": (200, body)})
    assert NOT_KILND in kiln.run("render", large, "-f", "1", "--upload", "--wait", status=5).said
    if "state" not in body:
        assert NOT_KILND in kiln.run("wait", JOB, status=5).said


@pytest.mark.parametrize("status", [200, 301, 403, 404, 405, 500])
def test_a_web_server(played, kiln, large, status):
    server = played({"": (status, "<html>It works</html>")})
    said = kiln.run("render", large, "-f", "1", "--upload", status=4 if status == 403 else 5).said
    assert "is the URL right?" in said and server.asked, said


def test_a_server_of_another_protocol(kiln, large):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kiln.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        running = kiln.start("render", large, "-f", "1", "--upload")
        with listener.accept()[0] as client:
            client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            _, said = running.communicate(timeout=DEADLINE)
    assert running.returncode == 6 and kiln.url in said, said


# ---- A full disk there

@pytest.fixture
def small_disk(tmp_path):
    directory = tmp_path / "state/blends"
    directory.mkdir(parents=True)
    mounted(directory, "size=64m")
    yield directory
    subprocess.run(["umount", "--lazy", directory], check=True)


def test_a_disk_that_is_filled_while_the_blend_comes(small_disk, started, kiln, relayed, large):
    """kilnd has seen that there is room, and then there is none."""
    d = started(arguments=["--disk-reserve", "0"])
    relay = relayed(d, hold_after=8 << 20)
    running = kiln.start("render", large, "-f", "1", "--upload")
    assert relay.held.wait(DEADLINE)
    ballast = small_disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 65536)
    relay.go_on.set()
    _, said = running.communicate(timeout=DEADLINE)
    assert running.returncode == 5 and "507" in said, said
    wait_for(lambda: kept(d) == ["ballast"], "nothing of it is left")
    ballast.unlink()
    kiln.run("render", large, "-f", "1", "--upload")
    assert listed(d) == [id_of(large)]
    assert d.stop() == 0
