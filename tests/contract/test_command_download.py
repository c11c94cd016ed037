# SPDX-License-Identifier: Apache-2.0
"""kiln's downloads against what goes wrong on the way: broken connections, wrong bytes, files in the way, a full disk, kills."""
import base64
import hashlib
import http.server
import json
import os
import re
import signal
import subprocess
import threading

import pytest
import test_command
from daemon import DEADLINE, chances, wait_for
from test_command import assert_same_frames, jobs_of, names_in
from test_jobs import submit, until
from test_restart import mounted

pytestmark = pytest.mark.local
NAME = "blender-render_0001.png"
kiln, started = test_command.kiln, test_command.started  # fixtures
JOB = "j06h0nhrgvkx9ez8bgq"


def digest_field(data):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


# ---- kilnd


def test_repr_digest_is_of_the_whole_frame(started):
    d = started("noise 40", "further Out--image")
    ident = submit(d, "1")
    until(d, ident, "succeeded")
    wanted = {"Want-Repr-Digest": "sha-512=3, sha-256=10"}
    for path, name in ((f"/v1/jobs/{ident}/frames/1", NAME), *((f"/v1/jobs/{ident}/outputs/{n}", n) for n in d.frames(ident) if n != NAME)):
        right = digest_field((d.output / ident / name).read_bytes())
        for method, more, status in (("GET", {}, 200), ("HEAD", {}, 200), ("GET", {"Range": "bytes=5-9"}, 206), ("GET", {}, 200)):
            answer = d.ask(method, path, headers={**wanted, **more})
            assert answer.status == status and answer.headers["repr-digest"] == right
        assert "repr-digest" not in d.get(path).headers
        assert "repr-digest" not in d.get(path, **{"Want-Repr-Digest": "sha-256=0"}).headers
        refused = d.get(path, **wanted, Range="bytes=99999999-")
        assert refused.status == 416 and "repr-digest" not in refused.headers
        etag = d.get(path).headers["etag"]
        assert d.get(path, **wanted, **{"If-None-Match": etag}).status == 304


# ---- A server, played


class Played:
    """One job with one frame of `data`. `answer(handler, begin)` sends the frame's bytes, or other ones."""

    def __init__(self, data):
        self.data, self.asked = data, []
        self.digest = digest_field(data)
        self.answer = lambda handler, begin: handler.wfile.write(data[begin:])
        played = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def send(self, status, body, **fields):
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_GET(self):
                if "/frames/1" not in self.path:
                    if "/frames" in self.path:
                        body = {"frames": [{"frame": 1, "state": "done", "links": {"image": f"/v1/jobs/{JOB}/frames/1"}, "outputs": []}]}
                    else:
                        job = {"id": JOB, "state": "succeeded", "frames": {"set": "1", "total": 1, "done": 1, "failed": 0}}
                        body = job if "?" not in self.path and not self.path.endswith("/jobs") else {"jobs": [job]}
                    return self.send(200, json.dumps(body).encode(), Content_Type="application/json")
                given = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
                begin = int(given[1]) if given else 0
                played.asked.append((self.command, begin))
                self.send_response(206 if given else 200)
                self.send_header("Content-Disposition", f'inline; filename="{NAME}"')
                if given:
                    self.send_header("Content-Range", f"bytes {begin}-{len(played.data) - 1}/{len(played.data)}")
                if played.digest:
                    self.send_header("Repr-Digest", played.digest)
                self.send_header("Content-Length", str(len(played.data) - begin))
                self.end_headers()
                if self.command == "GET":
                    played.answer(self, begin)
                return None

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def played(kiln):
    made = Played(os.urandom(3_000_000))
    kiln.url = made.url
    yield made
    made.server.shutdown()


def test_wrong_bytes_are_fetched_again_and_never_published(played, kiln, tmp_path):
    wrong = bytes(len(played.data))
    played.answer = lambda handler, begin: handler.wfile.write(wrong if len(played.asked) < 2 else played.data)
    kiln.run("get", JOB, tmp_path / "a")
    assert (tmp_path / "a" / NAME).read_bytes() == played.data and len(played.asked) == 2
    played.answer = lambda handler, begin: handler.wfile.write(wrong)
    assert "Repr-Digest" in kiln.run("get", JOB, tmp_path / "b", status=8).said
    assert names_in(tmp_path / "b") == []


def test_a_part_is_gone_on_with_if_it_is_of_this_frame(played, kiln, tmp_path):
    home = tmp_path / "got"
    home.mkdir()
    part = home / f"{NAME}.part"
    part.write_bytes(played.data[:2_000_000])
    kiln.run("get", JOB, home)
    assert played.asked == [("HEAD", 0), ("GET", 2_000_000)]
    assert names_in(home) == [NAME] and (home / NAME).read_bytes() == played.data
    played.asked.clear()
    (home / NAME).unlink()
    part.write_bytes(b"x" * 1000)  # of another content: all of it is fetched then
    kiln.run("get", JOB, home)
    assert played.asked == [("HEAD", 0), ("GET", 1000), ("HEAD", 0), ("GET", 0)]
    assert names_in(home) == [NAME] and (home / NAME).read_bytes() == played.data
    (home / NAME).unlink()
    played.asked.clear()
    played.digest = None  # a kilnd of an earlier version: nothing can be compared, so nothing is kept
    part.write_bytes(played.data[:1000])
    kiln.run("get", JOB, home)
    assert played.asked == [("HEAD", 0), ("GET", 0)] and (home / NAME).read_bytes() == played.data


def test_a_killed_download_goes_on(played, kiln, tmp_path):
    held = threading.Event()

    def half(handler, begin):
        handler.wfile.write(played.data[begin:2_000_000])
        held.wait(DEADLINE)
    played.answer = half
    home = tmp_path / "got"
    first = kiln.start("get", JOB, home)
    part = home / f"{NAME}.part"
    wait_for(lambda: part.exists() and part.stat().st_size == 2_000_000, "a part is there")
    first.kill()
    first.communicate()
    held.set()
    played.answer = lambda handler, begin: handler.wfile.write(played.data[begin:])
    kiln.run("get", JOB, home)
    assert played.asked[-1] == ("GET", 2_000_000) and (home / NAME).read_bytes() == played.data


def test_a_file_of_the_same_size_in_the_way(played, kiln, tmp_path):
    home = tmp_path / "got"
    home.mkdir()
    other = bytes(len(played.data))
    (home / NAME).write_bytes(other)
    assert str(home / NAME) in kiln.run("get", JOB, home, status=8).said
    assert (home / NAME).read_bytes() == other
    (home / NAME).unlink()
    (home / NAME).symlink_to(tmp_path / "elsewhere")
    assert str(home / NAME) in kiln.run("get", JOB, home, status=8).said
    assert not (tmp_path / "elsewhere").exists()
    (home / NAME).unlink()
    (home / f"{NAME}.part").symlink_to(tmp_path / "elsewhere")
    kiln.run("get", JOB, home, status=8)
    assert not (tmp_path / "elsewhere").exists(), "no link is followed"


def test_a_proxy_that_buffers(played, kiln, tmp_path):
    """All bytes come at once, late; and the interim answers of kilnd are lost."""
    def late(handler, begin):
        threading.Event().wait(0.3)
        handler.wfile.write(played.data[begin:])
    played.answer = late
    kiln.run("get", JOB, tmp_path / "got")
    assert (tmp_path / "got" / NAME).read_bytes() == played.data


def test_a_clock_that_is_wrong(started, kiln, tmp_path):
    """Files of the future: the same command finds its job, and nothing is fetched twice."""
    d = started("noise 40")
    scene = d.directory / "scene.blend"
    os.utime(scene, (4_000_000_000, 4_000_000_000))
    words = ["render", scene, "-f", "1-2", "--download", tmp_path / "got"]
    kiln.run(*words)
    for name in names_in(tmp_path / "got"):
        os.utime(tmp_path / "got" / name, (0, 0))
    assert "going on with job" in kiln.run(*words).said
    assert_same_frames(d, tmp_path / "got", jobs_of(d)[0]["id"])


def test_a_full_disk(played, kiln, tmp_path):
    small = tmp_path / "small"
    mounted(small, "size=1m")
    try:
        stopped = kiln.run("get", JOB, small / "home", status=8)
        assert "No space left" in stopped.said and "goes on" in stopped.said
        assert names_in(small / "home") == [f"{NAME}.part"]
        subprocess.run(["mount", "-o", "remount,size=20m", small], check=True)
        kiln.run("get", JOB, small / "home")
        assert names_in(small / "home") == [NAME] and (small / "home" / NAME).read_bytes() == played.data
        assert played.asked[-1][1] > 0, "it went on"
    finally:
        subprocess.run(["umount", small], check=True)


# ---- kill -9


def test_kills_at_random_moments(started, kiln, tmp_path):
    """kiln or kilnd is killed; the same command goes on: one job, every frame at home once, whole. KILLS says how many."""
    random = chances(24)
    rounds = int(os.environ.get("KILLS", 20))
    d = started("frame_seconds 0.02", "noise 40")
    d.command[d.command.index("--listen") + 1] = f"127.0.0.1:{d.port}"
    scene = d.directory / "scene.blend"
    for i in range(rounds):
        home = tmp_path / f"home{i}"
        words = ["render", scene, "-f", "1-8", "--name", f"round {i}", "--download", home]
        process = kiln.start(*words)
        threading.Event().wait(random.random() * 0.6)
        if i % 2:
            process.kill()
            process.communicate()
        else:
            d.process.send_signal(signal.SIGKILL)
            d.process.wait()
            d.start()
            process.communicate(timeout=DEADLINE)  # it may have failed: kilnd was not there when it began
        kiln.run(*words)
        mine = [j for j in d.get(f"/v1/jobs?limit={rounds + 1}").json()["jobs"] if j["name"] == f"round {i}"]
        assert len(mine) == 1, f"round {i}: {mine}"
        assert_same_frames(d, home, mine[0]["id"])
        assert len(names_in(home)) == 8
