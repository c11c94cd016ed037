# SPDX-License-Identifier: Apache-2.0
"""A real kilnd for a test, and plain clients for it: the base of tests/contract and tests/integration."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import time

DEADLINE = 180.0  # for everything that must happen at all, also on a busy machine; never a measure of speed
# A test that is killed cannot stop its processes: the kernel sends them SIGTERM.
WITH_TEST = [shutil.which("setpriv"), "--pdeathsig", "TERM"]


def program(name):
    """The path of a program that the build made, from the environment (ctest sets it)."""
    path = os.environ.get(name)
    if not path or not os.access(path, os.X_OK):
        raise RuntimeError(f"{name} must be the path of a built program: run the tests with ctest, or set it")
    return path


def unpacked(package, path, directory):
    """The beginning of a command that runs a program of a Debian package, whether or not that is installed."""
    return [str(pathlib.Path(__file__).parent / "unpacked"), package, path, os.environ.get("UNPACKED_DIRECTORY") or str(directory)]


def wait_for(condition, what, deadline=DEADLINE):
    """Waits until condition() is true and returns its value."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < deadline:
        value = condition()
        if value:
            return value
        time.sleep(min(0.005 + waited / 100, 0.05))  # a long wait leaves the cores to the awaited work
    raise AssertionError(f"not within {deadline:.0f} s: {what}")


def chances(seed):
    """Random choices, repeatable: pytest shows the seed of a test that fails. SEED in the environment overrides it."""
    seed = int(os.environ.get("SEED", seed))
    print(f"SEED={seed}")
    return random.Random(seed)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # names in lower case
        self.body = body

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]!r}"


class Daemon:
    """kilnd with a configuration of its own, stopped in order at the end."""

    def __init__(self, directory, blender, blend=None, arguments=(), environment=None):
        self.directory = pathlib.Path(directory)
        self.output = self.directory / "frames"
        self.state = self.directory / "state"
        self.log_path = self.directory / "kilnd.log"
        self.command = [program("KILND"), "--listen", "127.0.0.1:0", "--output", str(self.output), "--state", str(self.state)]
        if blender:  # else `arguments` name Blenders
            self.command += ["--blender", str(blender)]
        if blend:
            self.command += ["--blend", str(blend)]
        self.command += map(str, arguments)
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self.port = None

    def start(self):
        before = len(self.log())  # an earlier run has written there too
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*WITH_TEST, *self.command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment, start_new_session=True)
        found = wait_for(lambda: self.process.poll() is not None or
                         re.search(r"listening on 127\.0\.0\.1:(\d+)", self.log()[before:]), "kilnd listens")
        if self.process.poll() is not None:
            raise AssertionError(f"kilnd ended with {self.process.returncode}: {self.log()}")
        self.port = int(found.group(1))
        return self

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def stop(self):
        """SIGTERM; the exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGABRT)
                self.process.wait(DEADLINE)
                raise AssertionError(f"kilnd does not stop: {self.log()}")
        return self.process.returncode

    def resident(self):
        """Its memory, in kilobytes (VmRSS)."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s*(\d+)", status).group(1))

    def ask(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, target, **headers):
        return self.ask("GET", target, headers=headers)

    def post_job(self, first, last):
        """POST /job that must be accepted."""
        answer = self.ask("POST", "/job", json.dumps({"from": first, "to": last}), {"Content-Type": "application/json"})
        assert answer.status == 202, answer
        return answer

    def until_final(self, location):
        """As tutorial clients do, but impatient: GET until it is not 202."""
        return wait_for(lambda: (lambda a: a if a.status != 202 else None)(self.get(location)), f"{location} is final")

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def raw(self, data):
        """The answer to some bytes, until the daemon closes or is silent for a while after answering."""
        with self.connect() as s:
            s.sendall(data)
            return read_until_quiet(s)

    def waiting(self):
        """The number of clients with a held answer or an event stream."""
        return int(re.search(r'^kiln_http_connections\{state="waiting"\} (\d+)', self.get("/metrics").text, re.M).group(1))

    def frames(self, job):
        directory = self.output / job
        return sorted(p.name for p in directory.iterdir()) if directory.is_dir() else []


def stop_all(daemons, stop_in_order):
    """Stops all, also if one of them does not stop as it should."""
    with contextlib.ExitStack() as all_of_them:
        for d in daemons:
            all_of_them.callback(stop_in_order, d)


def read_until_quiet(s, quiet=0.3):
    """Bytes until end of file, or until nothing has come for `quiet` seconds after the first ones."""
    received = b""
    while True:
        ready, _, _ = select.select([s], [], [], quiet if received else DEADLINE)
        if not ready:
            return received
        try:
            chunk = s.recv(65536)
        except ConnectionResetError:
            return received
        if not chunk:
            return received
        received += chunk


def statuses(received):
    """The status codes of the answers in some bytes."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) [A-Z]", received)]


def count_sleeps(pid):
    """How often the threads of a process have gone to sleep; each that wakes up has to. Involuntary switches do not count: on
    a busy machine they happen at any time."""
    texts = [(task / "status").read_text() for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", text, re.M).group(1)) for text in texts)


# System calls in which a thread sleeps: the argument that limits the time, and its value for "no limit".
NO_TIMEOUT = {"x86_64": {232: (3, 0xFFFFFFFF), 281: (3, 0xFFFFFFFF), 202: (3, 0)},  # epoll_wait, epoll_pwait, futex
              "aarch64": {22: (3, 0xFFFFFFFF), 98: (3, 0)}}.get(os.uname().machine)  # epoll_pwait, futex


def waits_without_limit(task):
    """Whether a thread (its directory in /proc) sleeps until an event, however long that takes."""
    words = (task / "syscall").read_text().split()
    if words[0] == "running" or int(words[0]) not in NO_TIMEOUT:
        return False
    argument, no_limit = NO_TIMEOUT[int(words[0])]
    return int(words[1 + argument], 16) & (no_limit or -1) == no_limit


def next_timer(pid):
    """Seconds until the next timer (timerfd_create(2)) of a process expires; 0 if it has expired and the process has not
    noticed yet; None if none is armed."""
    left = []
    for descriptor in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found = re.search(r"^ticks: (\d+)\n(?:.*\n)*it_value: \((\d+), (\d+)\)", descriptor.read_text(), re.M)
            seconds = int(found[2]) + int(found[3]) / 1e9 if found else 0
            if found and int(found[1]):
                left.append(0)
            elif seconds:
                left.append(seconds)
    return min(left, default=None)


def stays_asleep(pid, seconds):
    """Whether a process sleeps, and will for so long unless something outside wakes it: each thread waits for an event
    without a time limit, and no timer expires earlier. Nothing is waited for, so that `seconds` may be many."""
    before = count_sleeps(pid)
    try:
        asleep = all(waits_without_limit(task) for task in pathlib.Path(f"/proc/{pid}/task").iterdir())
    except (PermissionError, TypeError):  # a kernel that does not show system calls, or a machine whose numbers are not listed
        time.sleep(seconds)
        return count_sleeps(pid) == before
    timer = next_timer(pid)
    return asleep and (timer is None or timer > seconds) and count_sleeps(pid) == before


def processes_of_group(group):
    """Pids that live in a process group."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found
