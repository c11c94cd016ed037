# SPDX-License-Identifier: Apache-2.0
"""A real kilnd for a test, and plain clients for it: what tests/contract and tests/integration stand on."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import time

DEADLINE = 180.0  # for what must happen at all, on a busy machine as well; never a measure of speed
# A test that is killed cannot stop what it has started: it is told so by the kernel then.
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
    """Waits until condition() is true and gives its value."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < deadline:
        value = condition()
        if value:
            return value
        time.sleep(min(0.005 + waited / 100, 0.05))  # who waits long leaves the cores to what is waited for
    raise AssertionError(f"not within {deadline:.0f} s: {what}")


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
        if blender:  # else `arguments` name some
            self.command += ["--blender", str(blender)]
        if blend:
            self.command += ["--blend", str(blend)]
        self.command += map(str, arguments)
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self.port = None

    def start(self):
        before = len(self.log())  # an earlier life has written there too
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
        """POST /job that must be taken."""
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
        """All that comes back for some bytes, until the daemon closes or is silent for a while after answering."""
        with self.connect() as s:
            s.sendall(data)
            return read_until_quiet(s)

    def frames(self, job):
        directory = self.output / job
        return sorted(p.name for p in directory.iterdir()) if directory.is_dir() else []


def stop_all(daemons, stop_in_order):
    """Also the others, when one does not stop as it should."""
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
    """How often the threads of a process have gone to sleep; each that wakes up has to. That others took the processor from
    it does not count: on a busy machine they do so at any time."""
    texts = [(task / "status").read_text() for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", text, re.M).group(1)) for text in texts)


def stays_asleep(pid, seconds):
    before = count_sleeps(pid)
    time.sleep(seconds)
    return count_sleeps(pid) == before


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
