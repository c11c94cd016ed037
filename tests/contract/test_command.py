# SPDX-License-Identifier: Apache-2.0
"""kiln, the command, with a real kilnd: what people and scripts see of it."""
import contextlib
import errno
import hashlib
import http.server
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import struct
import subprocess
import threading

import pytest
import tokens
from daemon import DEADLINE, WITH_TEST, program, wait_for
from test_jobs import JSON, job, submit, until
from test_tls import make_certificate

pytestmark = pytest.mark.local

NOTHING = "http://127.0.0.1:9"  # discard: no kilnd


class Kiln:
    """Runs kiln as a user with a home of their own."""

    def __init__(self, home):
        self.home = home
        self.url = NOTHING
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("KILN_", "XDG_"))}
        self.environment.update(HOME=str(home), TERM="xterm")

    def start(self, *words, **more):
        environment = {**self.environment, "KILN_URL": self.url, **more.pop("environment", {})}
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen([*WITH_TEST, program("KILN"), *map(str, words)], env=environment, text=True, **streams)

    def run(self, *words, status=0, **more):
        process = self.start(*words, **more)
        out, said = process.communicate(timeout=DEADLINE)
        assert process.returncode == status, f"{process.returncode}: {out}\n{said}"
        process.out, process.said = out, said
        return process

    def on_terminal(self, *words):
        """The process, and a function that returns what it has shown so far."""
        ours, theirs = pty.openpty()
        process = self.start(*words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        shown = bytearray()

        def read():
            with contextlib.suppress(OSError):  # EIO: it has ended
                while piece := os.read(ours, 65536):
                    shown.extend(piece)
        threading.Thread(target=read, daemon=True).start()
        return process, lambda: shown.decode(errors="replace")


@pytest.fixture
def kiln(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return Kiln(home)


@pytest.fixture
def started(start, kiln):
    """start() of conftest; kiln uses this kilnd."""
    def run(*commands, **more):
        d = start(*commands, **more)
        kiln.url = f"http://127.0.0.1:{d.port}"
        return d
    return run


def jobs_of(d):
    return d.get("/v1/jobs").json()["jobs"]


def names_in(directory):
    return sorted(p.name for p in directory.iterdir() if not p.name.startswith("."))


def assert_same_frames(d, directory, ident):
    assert names_in(directory) == d.frames(ident)
    for name in d.frames(ident):
        assert (directory / name).read_bytes() == (d.output / ident / name).read_bytes()


# ---- Settings


def test_help_and_usage(kiln):
    assert "render" in kiln.run("--help").out and "130 interrupted" in kiln.run("--help").out
    assert "--download" in kiln.run("render", "--help").out
    assert kiln.run("--version").out.startswith("kiln ")
    for words in ([], ["nonsense"], ["render"], ["render", "x", "--nonsense"], ["show"], ["render", "x", "--no-wait", "--wait"]):
        assert "kiln" in kiln.run(*words, status=2).said
    assert "cannot be read" in kiln.run("render", "nowhere.blend", status=2).said
    assert "URL" in kiln.run("ls", "--url", "nonsense", status=2).said


def test_no_kilnd(kiln):
    said = kiln.run("ls", status=6).said
    assert NOTHING in said and "refused" in said


def test_where_kilnd_is(started, kiln):
    d = started()
    ident = submit(d)
    url, kiln.url = kiln.url, NOTHING
    assert ident in kiln.run("ls", "--url", url + "/").out
    assert ident in kiln.run("--url", url, "ls").out
    kiln.url = f"http://localhost:{d.port}"
    assert ident in kiln.run("ls").out
    assert kiln.run("ls", "--url", url + "/elsewhere", status=5).said.count("404") == 1


def test_ipv6_and_a_path(kiln):
    """A proxy, played: it listens on ::1, and takes its prefix off."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Host"]))
            body = b'{"jobs":[]}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(http.server.HTTPServer):
        address_family = 10  # AF_INET6

    with Server(("::1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://[::1]:{server.server_port}/render/kiln"
        assert json.loads(kiln.run("ls", "--json", "--url", url).out) == {"jobs": []}
        assert asked == [("/render/kiln/v1/jobs?limit=100", f"[::1]:{server.server_port}")]
        server.shutdown()


def test_tokens(started, kiln, tmp_path):
    tokens.token("add", "admin", "--role", "admin", state=tmp_path / "state")
    secret = tokens.add(tmp_path / "state", "reader", "read")
    d = started()
    said = kiln.run("ls", status=4).said
    assert "KILN_TOKEN" in said and "401" in said
    assert kiln.run("ls", environment={"KILN_TOKEN": "wrong"}, status=4).said.count("unknown to this kilnd") == 1
    assert kiln.run("ls", environment={"KILN_TOKEN": secret}).out == ""
    file = tmp_path / "token"
    file.write_text(secret + "\n")
    file.chmod(0o640)
    assert f"chmod 600 {file}" in kiln.run("ls", "--token-file", file, status=2).said
    file.chmod(0o600)
    kiln.run("ls", "--token-file", file)
    own = kiln.home / ".config/kiln/token"
    own.parent.mkdir(parents=True)
    shutil.copy(file, own)
    kiln.run("ls")
    own.chmod(0o604)
    assert "chmod 600" in kiln.run("ls", status=2).said
    own.chmod(0o600)
    refused = kiln.run("render", d.directory / "scene.blend", "-f", "1", status=4).said
    assert "403" in refused and "submit" in refused
    assert "--token-over-http" in kiln.run("ls", "--url", "http://192.0.2.1:3000", status=2).said
    assert secret not in kiln.run("ls", "--url", "http://192.0.2.1:3000", status=2).said


def test_https_with_the_certificates_of_the_system(started, kiln, tmp_path):
    certificate, key = make_certificate(tmp_path, "farm")
    d = started(arguments=["--tls-certificate", certificate, "--tls-key", key])
    kiln.url = f"https://127.0.0.1:{d.port}"
    assert "certificate" in kiln.run("ls", status=6).said
    assert kiln.run("ls", environment={"SSL_CERT_FILE": str(certificate)}).out == ""


# ---- render


def test_render_in_place_and_without_waiting(started, kiln):
    d = started()
    ident = kiln.run("render", d.directory / "scene.blend", "-f", "1-3", "--set", "samples=4", "--set", "resolution=64x36",
                     "--name", "shot 12", "--tag", "a", "--tag", "b", "--priority", "7").out.strip()
    made = job(d, ident)
    assert made["blend"] == "scene.blend" or made["blend"].endswith("/scene.blend")
    assert made["samples"] == 4 and made["resolution"] == [64, 36] and made["name"] == "shot 12"
    assert made["tags"] == ["a", "b"] and made["priority"] == 7 and made["frames"]["set"] == "1-3"
    assert d.get("/v1/blends").json()["blends"] == []
    assert json.loads(kiln.run("render", d.directory / "scene.blend", "-f", "1", "--json").out)["frames"]["total"] == 1


def test_render_says_what_is_wrong_before_anything_is_sent(started, kiln):
    d = started()
    scene = d.directory / "scene.blend"
    assert '"frames":"1-250"' in kiln.run("render", scene, status=5).said
    assert "there is no such field" in kiln.run("render", scene, "-f", "1", "--set", "sample=3", status=2).said
    assert "frames" in kiln.run("render", scene, "-f", "3-1", status=2).said
    assert "/samples" in kiln.run("render", scene, "-f", "1", "--set", "samples=0", status=5).said
    (d.directory / "x.blend").write_text("nonsense")
    kiln.run("render", d.directory / "x.blend", status=5)
    assert jobs_of(d) == []


def test_the_frames_of_the_file(started, kiln, tmp_path):
    d = started()
    file = tmp_path / "with_frames.blend"
    file.write_bytes(b"BLENDER-v304REND" + struct.pack("<i8siiii64s", 72, b"abcdefgh", 0, 1, 3, 5, b"Scene")
                     + b"GLOB" + struct.pack("<i8sii", 8, b"abcdefgh", 0, 1) + b"   6\0\0\0\0")
    assert job(d, kiln.run("render", file).out.strip())["frames"]["set"] == "3-5"


def test_wait_and_the_ends_of_a_job(started, kiln):
    d = started("frame_seconds 0.05")
    done = kiln.run("render", d.directory / "scene.blend", "-f", "1-20", "--wait")
    assert re.search(r"^job j\w+$", done.said, re.M) and "succeeded: 20/20 frames" in done.said and done.out == ""
    assert re.search(r"^\d+ %: ", done.said, re.M)
    (d.directory / "bad.blend").write_text("BLENDER-v304\nexit 3\nskip_frame 2\n")
    failed = kiln.run("render", d.directory / "bad.blend", "-f", "1-2", "--set", "retries=0", "--wait", "--json", status=1)
    assert json.loads(failed.out)["state"] == "failed" and "kiln retry j" in failed.said
    (d.directory / "slow.blend").write_text("BLENDER-v304\nframe_seconds 60\n")
    late = kiln.run("render", d.directory / "slow.blend", "-f", "1", "--timeout", "1", status=7)
    assert "goes on" in late.said
    waiting = kiln.start("wait", "@last")
    assert kiln.run("cancel", "@last").out.startswith("j")
    assert waiting.wait(DEADLINE) == 3


def test_an_upload_is_sent_once(started, kiln, tmp_path):
    d = started()
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"  # below no project root
    elsewhere.mkdir()
    scene = elsewhere / "größer & more.blend"
    scene.write_bytes(b"BLENDER-v304\n# " + b"x" * 3_000_000 + b"\n")
    first = kiln.run("render", scene, "-f", "1-2", "--wait")
    assert first.said.count("sending ") == 1
    uploads = d.get("/v1/blends").json()["blends"]
    assert [(u["id"], u["name"]) for u in uploads] == [("sha256:" + hashlib.sha256(scene.read_bytes()).hexdigest(), scene.name)]
    second = kiln.run("render", scene, "-f", "3", "--wait")
    assert "sending" not in second.said and len(jobs_of(d)) == 2
    kiln.run("render", d.directory / "scene.blend", "-f", "1", "--upload")
    assert len(d.get("/v1/blends").json()["blends"]) == 2
    (elsewhere / "x.blend").write_text("nonsense")
    assert "422" in kiln.run("render", elsewhere / "x.blend", "-f", "1", status=5).said


def test_a_command_that_crashed_makes_no_second_job(started, kiln, tmp_path):
    """Killed while it waits; repeated, it finds its job, and the next time makes a new one."""
    d = started(f"wait_file {tmp_path / 'go'}")
    scene = d.directory / "scene.blend"
    words = ["render", scene, "-f", "1", "--wait"]
    first = kiln.start(*words)
    wait_for(lambda: jobs_of(d), "the job is there")
    wait_for(lambda: any('"job":"j' in p.read_text() for p in (kiln.home / ".local/state/kiln/begun").glob("*.json")), "and on record")
    first.kill()
    first.wait()
    second = kiln.start(*words)
    assert "going on with job" in second.stderr.readline()
    kiln.run("cancel", "@last")
    assert second.wait(DEADLINE) == 3
    assert len(jobs_of(d)) == 1
    kiln.run("render", scene, "-f", "1")
    assert len(jobs_of(d)) == 2, "a command that has ended is a new job"


def test_the_key_is_on_disk_before_the_job_is_sent(kiln, tmp_path):
    """The server goes away in the middle of the first POST, and the program is killed; the second one has the same key."""
    keys = []
    posted = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            keys.append(self.headers["Idempotency-Key"])
            posted.set()
            if len(keys) == 1:
                threading.Event().wait(DEADLINE)  # no answer
            body = b'{"id":"j06h0nhrgvkx9ez8bgq"}'
            self.send_response(202)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kiln.url = f"http://127.0.0.1:{server.server_port}"
    scene = tmp_path / "scene.blend"
    scene.write_text("BLENDER-v304\n")
    for more in ([], ["--download", tmp_path / "frames"]):
        keys.clear()
        posted.clear()
        first = kiln.start("render", scene, "-f", "1", *more)
        assert posted.wait(DEADLINE)
        first.kill()
        first.wait()
        if more:
            assert json.loads((tmp_path / "frames/.kiln.json").read_text())["job"] == ""
            again = kiln.start("render", scene, "-f", "1", *more)
            wait_for(lambda: len(keys) == 2, "it is sent again")
            again.kill()
            again.wait()
        else:
            assert kiln.run("render", scene, "-f", "1").out == "j06h0nhrgvkx9ez8bgq\n"
        assert keys[0] == keys[1]
    server.shutdown()


# ---- download


def test_frames_come_home_as_they_are_done(started, kiln, tmp_path):
    d = started("frame_seconds 0.1", "noise 40", "further Out--image")
    home = tmp_path / "a/home"
    rendering = kiln.start("render", d.directory / "scene.blend", "-f", "1-12", "--download", home)
    wait_for(lambda: home.is_dir() and names_in(home), "the first frame is home")
    assert rendering.poll() is None
    out, said = rendering.communicate(timeout=DEADLINE)
    assert rendering.returncode == 0, said
    ident = jobs_of(d)[0]["id"]
    assert_same_frames(d, home, ident)
    assert len(names_in(home)) == 24
    assert sorted(out.split()) == [str(home / name) for name in names_in(home)]
    assert json.loads((home / ".kiln.json").read_text())["job"] == ident


def test_a_download_goes_on_where_it_stopped(started, kiln, tmp_path):
    d = started("noise 40")
    scene, home = d.directory / "scene.blend", tmp_path / "home"
    words = ["render", scene, "-f", "1-4", "--download", home]
    kiln.run(*words)
    kept = home / "blender-render_0002.png"
    before = kept.stat().st_mtime_ns
    (home / "blender-render_0003.png").unlink()
    (home / "blender-render_0004.png").rename(home / "blender-render_0004.png.part")
    again = kiln.run(*words)
    assert "going on with job" in again.said and len(jobs_of(d)) == 1
    assert_same_frames(d, home, jobs_of(d)[0]["id"])
    assert kept.stat().st_mtime_ns == before
    kept.write_bytes(b"something else")
    stopped = kiln.run(*words, status=8)
    assert str(kept) in stopped.said and kept.read_bytes() == b"something else"
    other = kiln.run("render", scene, "-f", "1-5", "--download", home, status=2)
    assert "another directory" in other.said and len(jobs_of(d)) == 1
    kept.unlink()
    assert len(kiln.run(*words, "--again").out.split()) == 4 and len(jobs_of(d)) == 2


def test_two_kilns_in_one_directory(started, kiln, tmp_path):
    d = started(f"wait_file {tmp_path / 'go'}")
    words = ["render", d.directory / "scene.blend", "-f", "1", "--download", tmp_path / "home"]
    first = kiln.start(*words)
    wait_for(lambda: jobs_of(d), "the job is there")
    assert "another kiln" in kiln.run(*words, status=2).said
    first.terminate()
    assert first.wait(DEADLINE) == 143


def test_get(started, kiln, tmp_path):
    d = started("skip_frame 2")
    ident = submit(d, "1-3", retries=0)
    until(d, ident, "failed")
    home = tmp_path / "home"
    assert "kiln retry" in kiln.run("get", ident, home, status=8).said
    assert_same_frames(d, home, ident)
    other = submit(d, "1")
    until(d, other, "succeeded")
    assert ident in kiln.run("get", other, home, status=2).said
    kiln.run("get", other, tmp_path / "other")
    assert names_in(tmp_path / "other") == ["blender-render_0001.png"]
    kiln.run("get", other, tmp_path / "other", "--wait")


def test_a_disk_without_room(started, kiln, tmp_path):
    d = started("noise 200")
    ident = submit(d, "1")
    until(d, ident, "succeeded")
    home = tmp_path / "home"
    limited = ["bash", "-c", 'trap "" XFSZ; ulimit -f 8; exec "$@"', "bash", program("KILN"), "get", ident, home]
    done = subprocess.run(limited, env={**kiln.environment, "KILN_URL": kiln.url}, capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 8 and os.strerror(errno.EFBIG) in done.stderr and "goes on" in done.stderr
    assert names_in(home) == ["blender-render_0001.png.part"]
    kiln.run("get", ident, home)
    assert_same_frames(d, home, ident)


# ---- Other commands


def test_lists(started, kiln):
    d = started()
    first = submit(d, "1-3", name="a name", tags=["x"])
    second = submit(d, "1")
    until(d, first, "succeeded")
    until(d, second, "succeeded")
    rows = [line.split("\t") for line in kiln.run("ls").out.splitlines()]
    assert [r[:3] for r in rows] == [[second, "succeeded", "1/1"], [first, "succeeded", "3/3"]] and rows[1][6] == "a name"
    assert [j["id"] for j in json.loads(kiln.run("ls", "--json").out)["jobs"]] == [second, first]
    assert kiln.run("ls", "--tag", "x").out.startswith(first)
    assert kiln.run("ls", "--state", "failed").out == ""
    assert len(kiln.run("ls", "-n", "1").out.splitlines()) == 1
    assert "state\tsucceeded" in kiln.run("show", first).out
    assert json.loads(kiln.run("show", first, "--json").out)["id"] == first
    frames = [line.split("\t") for line in kiln.run("frames", first).out.splitlines()]
    assert [f[:2] for f in frames] == [[n, "done"] for n in "123"]
    assert len(json.loads(kiln.run("frames", first, "--json").out)["frames"]) == 3
    shared = os.path.commonprefix([first, second])
    assert "2 jobs" in kiln.run("show", shared, status=2).said
    assert kiln.run("show", first[:-1] if first[:-1] != second[:-1] else first).out.startswith(f"id\t{first}")
    assert "kiln ls" in kiln.run("show", "jzzz", status=2).said
    assert "@last" in kiln.run("show", "4716", status=2).said
    assert "no job has been sent" in kiln.run("show", "@last", status=2).said
    process, shown = kiln.on_terminal("ls")
    assert process.wait(DEADLINE) == 0
    wait_for(lambda: second in shown(), "the table is shown")
    assert re.search(r"ID +STATE +FRAMES", shown())


def test_changes(started, kiln):
    d = started("frame_seconds 30")
    one, two = submit(d, "1-2"), submit(d, "1-2")
    assert kiln.run("pause", two).out == f"{two}\n"
    until(d, two, "paused")
    kiln.run("resume", two)
    until(d, two, "queued", "running")
    assert kiln.run("rm", one, status=5).said.count("409") == 1
    assert kiln.run("cancel", one, two).out.split() == [one, two]
    until(d, one, "canceled")
    until(d, two, "canceled")
    assert json.loads(kiln.run("retry", two, "--json").out)["id"] == two
    kiln.run("cancel", two)
    until(d, two, "canceled")
    done = kiln.run("rm", "j" + "0" * 18, one, two, status=5)
    assert done.out.split() == [one, two] and jobs_of(d) == []


def test_logs(started, kiln):
    d = started("print hello", "frame_seconds 0.2")
    ident = submit(d, "1-5")
    followed = kiln.run("log", "-f", ident)
    assert job(d, ident)["state"] == "succeeded"
    whole = kiln.run("log", ident).out
    assert "hello" in whole and followed.out == whole
    assert kiln.run("log", "j" + "0" * 18, status=5).said.count("404") == 1


# ---- Interruptions


def test_ctrl_c_says_how_to_come_back(started, kiln, tmp_path):
    d = started(f"wait_file {tmp_path / 'go'}")
    process, shown = kiln.on_terminal("render", d.directory / "scene.blend", "-f", "1-3")
    wait_for(lambda: "0/3 done" in shown(), "the live line is shown")
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE) == 130
    ident = jobs_of(d)[0]["id"]
    wait_for(lambda: f"`kiln wait {ident}`" in shown() and f"`kiln cancel {ident}`" in shown(), "it says how")
    assert job(d, ident)["state"] in ("queued", "running")


def test_a_kilnd_that_comes_back(started, kiln):
    d = started("frame_seconds 0.3", arguments=["--on-stop", "leave"])
    waiting = kiln.start("render", d.directory / "scene.blend", "-f", "1-8", "--wait")
    wait_for(lambda: jobs_of(d) and jobs_of(d)[0]["frames"]["done"] > 0, "a frame is done")
    assert d.stop() == 0
    d.command[d.command.index("--listen") + 1] = f"127.0.0.1:{d.port}"
    said = [waiting.stderr.readline()]
    while "waiting for" not in said[-1]:
        said.append(waiting.stderr.readline())
        assert said[-1], said
    d.start()
    _, rest = waiting.communicate(timeout=DEADLINE)
    assert waiting.returncode == 0 and "answers again" in rest, (said, rest)
    assert len(jobs_of(d)) == 1


def test_later_is_waited_for(started, kiln):
    d = started("frame_seconds 0.5", arguments=["--max-queued", "1"])
    for _ in range(2):
        submit(d, "1")
    done = kiln.run("render", d.directory / "scene.blend", "-f", "1", "--wait")
    assert "it answers 503" in done.said and "succeeded" in done.said
    (d.directory / "slow.blend").write_text("BLENDER-v304\nframe_seconds 60\n")
    for _ in range(2):
        assert d.ask("POST", "/v1/jobs", json.dumps({"blend": "slow.blend", "frames": "1"}), JSON).status == 202
    full = kiln.run("render", d.directory / "scene.blend", "-f", "1", "--patience", "0", status=5)
    assert "503" in full.said
