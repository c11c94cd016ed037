# SPDX-License-Identifier: Apache-2.0
"""kilnd and its supervisor: readiness, reload, watchdog, sockets opened for kilnd, a stop that leaves renders."""
import http.client
import os
import signal
import socket
import subprocess

import pytest
from daemon import processes_of_group, program, wait_for


class Supervisor:
    """Starts kilnd with NOTIFY_SOCKET, and receives its messages."""

    def __init__(self, directory, blend, executor):
        self.path = directory / "notify"
        self.heard_by = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.heard_by.bind(str(self.path))
        self.heard_by.settimeout(60)
        self.log = directory / "log"
        self.flags = ["--blender", program("FAKE_BLENDER"), "--blend", str(blend), "--output", str(directory / "frames"),
                      "--state", str(directory / "state"), *executor[0]]
        self.environment = executor[1]
        self.process = None
        self.wrapper = []  # a command that executes kilnd

    def start(self, *more, listener=None, environment=None):
        """`listener`: a socket that is given as descriptor 3."""
        # The shell's pid becomes kilnd's: LISTEN_PID must be it.
        command = ["sh", "-c", 'LISTEN_PID=$$; export LISTEN_PID; exec "$@"', "sh", *self.wrapper, program("KILND"), *self.flags, *more]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": str(self.path), **({"LISTEN_FDS": "1"} if listener else {}),
                     **self.environment, **(environment or {})},
                preexec_fn=(lambda: os.dup2(listener.fileno(), 3)) if listener else None, pass_fds=[3] if listener else [])
        return self

    def heard(self):
        return dict(line.split("=", 1) for line in self.heard_by.recv(4096).decode().splitlines())

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(60)


@pytest.fixture
def supervisor(tmp_path, blend, executor):
    s = Supervisor(tmp_path, blend(), executor)
    yield s
    s.heard_by.close()
    if s.process:
        assert s.stop() in (0, 4), s.log.read_text()


def test_readiness_and_the_stop_are_told(supervisor):
    supervisor.start("--listen", "127.0.0.1:0")
    ready = supervisor.heard()
    assert ready["READY"] == "1" and "127.0.0.1:" in ready["STATUS"]
    supervisor.process.terminate()
    assert supervisor.heard()["STOPPING"] == "1"
    assert supervisor.stop() == 0


def test_a_reload_is_told(supervisor):
    supervisor.start("--listen", "127.0.0.1:0").heard()
    supervisor.process.send_signal(signal.SIGHUP)
    reloading = supervisor.heard()
    assert reloading["RELOADING"] == "1" and int(reloading["MONOTONIC_USEC"]) > 0
    assert supervisor.heard()["READY"] == "1"


def test_the_watchdog_hears_as_often_as_it_wants(supervisor):
    supervisor.start("--listen", "127.0.0.1:0", environment={"WATCHDOG_USEC": "200000"})
    heard = [supervisor.heard() for _ in range(5)]
    assert sum(h.get("WATCHDOG") == "1" for h in heard) == 4 and sum("READY" in h for h in heard) == 1


def test_a_socket_that_is_open_already_is_served(supervisor):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        early = socket.create_connection(("127.0.0.1", port), timeout=60)  # before there is a kilnd
        early.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        supervisor.start("--listen", "127.0.0.1:1", listener=listener)
        with early:
            assert early.recv(12) == b"HTTP/1.1 200"
        assert supervisor.heard()["STATUS"].endswith(f":{port}")
        assert supervisor.stop() == 0
        early = socket.create_connection(("127.0.0.1", port), timeout=60)  # a restart refuses no connection
        early.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        supervisor.start("--listen", "127.0.0.1:1", listener=listener)
        with early:
            assert early.recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize("address, is_limited", [("127.0.0.1", False), ("0.0.0.0", True)])
def test_the_default_rate_limit_is_that_of_the_given_socket(supervisor, address, is_limited):
    with socket.create_server((address, 0)) as listener:
        supervisor.start("--allow-open-network", listener=listener)
        supervisor.heard()
        client = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=60)
        client.request("GET", "/v1/jobs")
        answer = client.getresponse()
        assert answer.status == 200
        client.close()
        assert ("RateLimit-Policy" in answer.headers) == is_limited, answer.getheaders()


@pytest.mark.parametrize("kind, address, says", [
    (socket.SOCK_DGRAM, "127.0.0.1", "ListenStream=127.0.0.1:3000"),
    (socket.SOCK_STREAM, "0.0.0.0", "--allow-open-network"),
])
def test_a_socket_that_must_not_be_served_is_refused(supervisor, kind, address, says):
    with socket.socket(socket.AF_INET, kind) as listener:
        listener.bind((address, 0))
        if kind == socket.SOCK_STREAM:
            listener.listen()
        supervisor.start(listener=listener)
        assert supervisor.process.wait(60) == 4
        assert says in supervisor.log.read_text()


@pytest.mark.parametrize("wrong, status", [
    (["--slots", "0"], 2), pytest.param(["--blender", "/nonexistent"], 3, marks=pytest.mark.local)])
def test_a_start_that_fails_is_told(supervisor, wrong, status):
    """start-stop-daemon --notify-await would wait until its time is out."""
    supervisor.start("--listen", "127.0.0.1:0", *wrong)
    told = supervisor.heard()
    assert int(told["ERRNO"]) > 0 and str(status) in told["STATUS"]
    assert supervisor.process.wait(60) == status
    supervisor.process = None


@pytest.mark.local
def test_sigusr2_stops_and_leaves_renders_to_the_next_start(start, tmp_path):
    gate = tmp_path / "gate"
    d = start(f"wait_file {gate}")
    location = d.post_job(1, 1).headers["location"]
    pid = int(location.rsplit("/", 1)[1])
    d.process.send_signal(signal.SIGUSR2)
    assert d.process.wait(60) == 0
    assert pid in processes_of_group(pid), d.log()
    d.log_path.unlink()
    d.start()
    assert d.get(location).status == 202
    gate.touch()
    assert d.until_final(location).text == "Job completed"
    wait_for(lambda: not processes_of_group(pid), "nothing is left of it")


@pytest.fixture
def slow_blender(tmp_path):
    """fake_blender, which waits for `gate` when kilnd asks it for its version, and writes `asked` before."""
    script = tmp_path / "slow-blender"
    script.write_text(f"""#!/bin/sh
echo $$ >>{tmp_path}/asked
while [ ! -e {tmp_path}/gate ]; do sleep 0.01; done
exec {program("FAKE_BLENDER")} "$@"
""")
    script.chmod(0o755)
    return script


@pytest.mark.local
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR2])
def test_a_stop_during_the_start_ends_it_in_order(supervisor, slow_blender, tmp_path, how):
    supervisor.start("--listen", "127.0.0.1:0", "--sandbox", "off", "--blender", str(slow_blender))
    asked = tmp_path / "asked"
    wait_for(lambda: asked.exists() and asked.read_text().endswith("\n"), "Blender is asked for its version")
    assert supervisor.stop(how) == 0
    assert "stopped during the start" in supervisor.log.read_text()
    assert not [pid for line in asked.read_text().split() for pid in processes_of_group(int(line))]


@pytest.mark.local
def test_a_sighup_during_the_start_is_carried_out_afterwards(supervisor, slow_blender, tmp_path):
    log = tmp_path / "own.log"
    supervisor.start("--listen", "127.0.0.1:0", "--sandbox", "off", "--blender", str(slow_blender), "--log-file", str(log))
    wait_for((tmp_path / "asked").exists, "Blender is asked for its version")
    log.rename(tmp_path / "own.log.1")
    supervisor.process.send_signal(signal.SIGHUP)
    (tmp_path / "gate").touch()
    assert supervisor.heard()["READY"] == "1"
    assert supervisor.heard()["RELOADING"] == "1"
    assert supervisor.heard()["READY"] == "1"
    assert "log reopened" in log.read_text()
    assert supervisor.stop() == 0


def test_it_starts_under_a_parent_that_ignores_sigchld(supervisor):
    supervisor.wrapper = ["env", "--ignore-signal=CHLD"]
    supervisor.start("--listen", "127.0.0.1:0")
    assert supervisor.heard()["READY"] == "1"
    assert supervisor.stop() == 0


def test_a_flood_of_signals_does_not_keep_kilnd(supervisor):
    """A signal that arrives while the last wait is cancelled must not begin another wait, which would never be cancelled."""
    for _ in range(20):
        supervisor.start("--listen", "127.0.0.1:0")
        while "READY" not in supervisor.heard():
            pass
        while supervisor.process.poll() is None:
            supervisor.process.send_signal(signal.SIGTERM)
        assert supervisor.process.returncode in (0, -signal.SIGTERM)  # the last may come after main has let go of them
    supervisor.process = None
