# SPDX-License-Identifier: Apache-2.0
"""kiln on a terminal (a pty) and without one: the live line, signals, a view of all jobs, answers of servers."""
import fcntl
import http.server
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading

import pytest
import test_command
from daemon import DEADLINE, program, wait_for
from test_command import jobs_of
from test_jobs import submit, until

pytestmark = pytest.mark.local
kiln, started = test_command.kiln, test_command.started

INTO_ALTERNATE, OUT_OF_ALTERNATE = "\x1b[?1049h", "\x1b[?1049l"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """kiln on a terminal of its own, of which it is the session's leader: Ctrl-C is typed."""

    def __init__(self, kiln, *words, columns=80, rows=24, environment=None):
        self.fd, theirs = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(theirs)
        self.process = kiln.start(*words, stdin=theirs, stdout=theirs, stderr=theirs, environment=environment or {}, start_new_session=True,
                                  preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.theirs = theirs
        self.bytes = bytearray()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            while piece := os.read(self.fd, 65536):
                self.bytes.extend(piece)
        except OSError:
            pass  # EIO: it has ended

    def resize(self, columns, rows=24):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    @property
    def shown(self):
        return self.bytes.decode(errors="replace")

    def wait_for(self, text):
        wait_for(lambda: text in self.shown, f"{text!r} in {self.shown!r}")

    def end(self):
        status = self.process.wait(DEADLINE)
        wait_for(lambda: self.drained(), "all has been read")
        return status

    def drained(self):
        before = len(self.bytes)
        os.write(self.theirs, b"")
        threading.Event().wait(0.1)
        return len(self.bytes) == before


@pytest.fixture
def slow(started, tmp_path):
    """A kilnd whose frames end when the test says so."""
    d = started(f"wait_file {tmp_path / 'go'}")
    d.go = tmp_path / "go"
    return d


def rendering(kiln, d, *more, **window):
    on = Terminal(kiln, "render", d.directory / "scene.blend", "-f", "1-3", *more, **window)
    on.wait_for("0/3 done")
    return on


# ---- Signals


def test_ctrl_c_once(slow, kiln):
    on = rendering(kiln, slow)
    on.type("\x03")
    assert on.end() == 130
    ident = jobs_of(slow)[0]["id"]
    assert f"`kiln wait {ident}`" in on.shown and f"`kiln cancel {ident}`" in on.shown and "goes on" in on.shown
    assert until(slow, ident, "queued", "running")
    slow.go.touch()
    assert "succeeded: 3/3" in kiln.run("wait", ident).said


def test_ctrl_c_twice_ends_what_cannot_say_its_last_words(slow, kiln):
    """The terminal is stopped (Ctrl-S): the first Ctrl-C waits for it."""
    read, write = os.pipe()
    process = kiln.start("render", slow.directory / "scene.blend", "-f", "1-3", "--wait", stderr=write)
    wait_for(lambda: jobs_of(slow), "the job is there")
    assert b"running" in os.read(read, 65536) + os.read(read, 65536)
    os.set_blocking(write, False)
    try:
        while os.write(write, b"x" * 4096):
            pass
    except BlockingIOError:
        pass
    try:
        while os.write(write, b"x"):
            pass
    except BlockingIOError:
        os.set_blocking(write, True)
    process.send_signal(signal.SIGINT)
    stat = f"/proc/{process.pid}/syscall"
    wait_for(lambda: open(stat).read().split()[0] == "1", "it writes its last words")
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE) == 130
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("name, status", [("SIGTERM", 143), ("SIGHUP", 129)])
def test_other_signals(slow, kiln, name, status):
    on = rendering(kiln, slow)
    on.process.send_signal(getattr(signal, name))
    assert on.end() == status
    assert "goes on" in on.shown


def test_a_reader_that_goes_away(slow, kiln, tmp_path):
    """The frames come to a reader that has closed: kiln ends, and says how to come back."""
    process = kiln.start("render", slow.directory / "scene.blend", "-f", "1-3", "--download", tmp_path / "home")
    process.stdout.close()
    wait_for(lambda: jobs_of(slow), "the job is there")
    slow.go.touch()
    assert process.wait(DEADLINE) == 128 + signal.SIGPIPE
    assert "`kiln wait j" in process.stderr.read()
    kiln.run("render", slow.directory / "scene.blend", "-f", "1-3", "--download", tmp_path / "home")
    assert len(jobs_of(slow)) == 1


def test_no_standard_output_at_all(slow, kiln, tmp_path):
    """Neither a frame nor a socket becomes the standard output."""
    slow.go.touch()
    home = tmp_path / "home"
    done = subprocess.run(["bash", "-c", 'exec "$@" >&- </dev/null', "bash", program("KILN"), "render", slow.directory / "scene.blend", "-f", "1-3",
                           "--download", home], env={**kiln.environment, "KILN_URL": kiln.url}, stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
    assert done.returncode == 8 and "the standard output cannot be written" in done.stderr
    for name in slow.frames(jobs_of(slow)[0]["id"]):
        assert (home / name).read_bytes() == (slow.output / jobs_of(slow)[0]["id"] / name).read_bytes()
    with open("/dev/full", "w") as full:
        kiln.run("ls", stdout=full, status=8)


# ---- The live line


def test_the_live_line_has_the_width_of_the_window(slow, kiln):
    on = rendering(kiln, slow, columns=40)
    last = lambda: COLOUR.sub("", on.shown).replace("\x1b[J", "\n").splitlines()[-1]  # noqa: E731
    assert len(last()) < 40
    begun = len(on.bytes)
    on.resize(16)
    os.killpg(on.process.pid, signal.SIGWINCH)
    wait_for(lambda: len(on.bytes) > begun and 0 < len(last()) < 16, "it is drawn again")
    assert "0/3 done" not in last() or "frame" not in last()
    on.resize(200)
    wait_for(lambda: "0/3 done" in last() and " %" in last(), "and wide again")
    on.type("\x03")
    assert on.end() == 130


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}])
def test_no_colour(slow, kiln, environment):
    slow.go.touch()
    on = Terminal(kiln, "render", slow.directory / "scene.blend", "-f", "1-3", environment=environment)
    assert on.end() == 0
    assert "succeeded: 3/3" in on.shown and not COLOUR.search(on.shown)
    if "TERM" in environment:
        assert "\x1b" not in on.shown


def test_colour(slow, kiln):
    on = rendering(kiln, slow)
    assert COLOUR.search(on.shown)
    slow.go.touch()
    assert on.end() == 0


@pytest.mark.parametrize("form", ["auto", "bar", "plain", "json", "none"])
def test_forms_without_a_terminal(started, kiln, form):
    d = started("frame_seconds 0.02")
    words = ["render", d.directory / "scene.blend", "-f", "1-20", "--wait", "--progress", form]
    said = kiln.run(*words).said
    assert "\x1b" not in said
    if form in ("auto", "plain"):
        assert re.search(r"^\d+ %: \d+/20 frames", said, re.M) and "20/20 frames" in said and "\r" not in said
    elif form == "bar":
        assert re.search(r"^running .* \d+/20 done", said, re.M)
    elif form == "json":
        lines = [json.loads(line) for line in said.splitlines()]
        jobs = [line["job"] for line in lines if "job" in line]
        assert jobs[-1]["state"] == "succeeded" and jobs[-1]["frames"]["done"] == 20
        assert all(set(line) in ({"job"}, {"message"}) for line in lines)
    else:
        assert said == ""
    (d.directory / "bad.blend").write_text("BLENDER-v304\nexit 3\n")
    failed = kiln.run("render", d.directory / "bad.blend", "-f", "1", "--set", "retries=0", "--wait", "--progress", form, status=1)
    assert "failed" in failed.said


# ---- A view of all jobs


def test_watch_shows_all_jobs_and_gives_the_terminal_back(slow, kiln):
    ids = [submit(slow, "1-3", name=name) for name in ("first", "second")]
    on = Terminal(kiln, "watch")
    on.wait_for("1 running, 1 queued")
    assert INTO_ALTERNATE in on.shown and all(one in on.shown for one in ids) and "second" in on.shown
    third = submit(slow, "1")
    on.wait_for(third)
    begun = len(on.bytes)
    on.resize(30, 5)
    wait_for(lambda: len(on.bytes) > begun, "it is drawn again")
    slow.go.touch()
    on.wait_for("3 succeeded")
    on.type("q")
    assert on.end() == 0
    assert on.shown.endswith(OUT_OF_ALTERNATE) and termios.tcgetattr(on.theirs) == on.before


@pytest.mark.parametrize("how", ["\x03", signal.SIGTERM, signal.SIGHUP, "the server ends"])
def test_watch_gives_the_terminal_back_at_every_end(slow, kiln, how):
    on = Terminal(kiln, "watch", "--patience", "0")
    on.wait_for("no jobs")
    if how == "\x03":
        on.type(how)
    elif how == "the server ends":
        assert slow.stop() == 0
    else:
        on.process.send_signal(how)
    assert on.end() == {"\x03": 130, signal.SIGTERM: 143, signal.SIGHUP: 129, "the server ends": 6}[how]
    assert OUT_OF_ALTERNATE in on.shown and termios.tcgetattr(on.theirs) == on.before
    if how == "the server ends":
        assert kiln.url in on.shown.split(OUT_OF_ALTERNATE)[1]


def test_watch_gives_the_terminal_back_while_it_is_stopped(slow, kiln):
    on = Terminal(kiln, "watch")
    on.wait_for("no jobs")
    on.type("\x1a")
    on.wait_for(OUT_OF_ALTERNATE)
    state = lambda: open(f"/proc/{on.process.pid}/stat").read().rsplit(")", 1)[1].split()[0]  # noqa: E731
    wait_for(lambda: state() == "T", "it is stopped")
    assert termios.tcgetattr(on.theirs) == on.before
    on.process.send_signal(signal.SIGCONT)
    wait_for(lambda: on.shown.count(INTO_ALTERNATE) == 2, "it is back")
    on.type("q")
    assert on.end() == 0


def test_watch_needs_a_terminal(slow, kiln):
    assert "kiln ls" in kiln.run("watch", status=2).said
    on = Terminal(kiln, "watch", environment={"TERM": "dumb"})
    assert on.end() == 2 and "\x1b" not in on.shown


def test_watch_and_a_server_that_comes_back(slow, kiln):
    on = Terminal(kiln, "watch")
    on.wait_for("no jobs")
    assert slow.stop() == 0
    on.wait_for("waiting for")
    slow.command[slow.command.index("--listen") + 1] = f"127.0.0.1:{slow.port}"
    slow.start()
    on.wait_for("answers again")
    on.type("q")
    assert on.end() == 0


# ---- Servers


@pytest.fixture
def answering(kiln):
    """A server that gives each request the next of these answers: status, fields, problem."""
    answers = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def reply(self):
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            status, fields, body = answers.pop(0) if len(answers) > 1 else answers[0]
            body = json.dumps(body).encode()
            self.send_response(status)
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = reply

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kiln.url = f"http://127.0.0.1:{server.server_port}"
    yield answers
    server.shutdown()


JOB = {"id": "j06h0nhrgvkx9ez8bgq", "state": "succeeded", "frames": {"set": "1", "total": 1, "done": 1, "failed": 0}}


@pytest.mark.parametrize("answer, status, word", [
    ((401, {}, {"detail": "no token"}), 4, "~/.config/kiln/token"),
    ((403, {}, {"detail": "the token may only read"}), 4, "may only read"),
    ((422, {}, {"errors": [{"pointer": "/samples", "detail": "must be positive"}]}), 5, "/samples must be positive"),
    ((429, {"Retry-After": "7"}, {"detail": "too many requests"}), 5, "too many requests"),
    ((503, {"Retry-After": "7"}, {"detail": "the queue is full"}), 5, "the queue is full"),
])
@pytest.mark.parametrize("verb", ["render", "watch"])
def test_refusals_on_a_terminal(answering, kiln, tmp_path, answer, status, word, verb):
    answering.append(answer)
    scene = tmp_path / "scene.blend"
    scene.write_text("BLENDER-v304\n")
    on = Terminal(kiln, *(["render", scene, "-f", "1"] if verb == "render" else ["watch"]), "--patience", "0")
    assert on.end() == status
    assert word in on.shown and INTO_ALTERNATE not in on.shown and str(answer[0]) in on.shown


@pytest.mark.parametrize("later", [429, 503])
def test_later_on_a_terminal(answering, kiln, later):
    answering += [(200, {"Retry-After": "1"}, {**JOB, "state": "running"}), (later, {"Retry-After": "1"}, {"detail": "later"}), (200, {}, JOB)]
    on = Terminal(kiln, "wait", JOB["id"])
    assert on.end() == 0
    assert "waiting for" in on.shown and "answers again" in on.shown and "succeeded: 1/1" in on.shown


def test_a_server_that_goes_away_and_comes_back(slow, kiln):
    on = rendering(kiln, slow)
    assert slow.stop() == 0
    on.wait_for("waiting for")
    slow.command[slow.command.index("--listen") + 1] = f"127.0.0.1:{slow.port}"
    slow.go.touch()
    slow.start()
    assert on.end() == 0
    assert "answers again" in on.shown and len(jobs_of(slow)) == 1
