# SPDX-License-Identifier: Apache-2.0
"""kilnd as a program: flags, files, signals, exit statuses."""
import itertools
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess

import pytest
from daemon import count_sleeps, processes_of_group, program, stays_asleep, wait_for


def kilnd(*arguments, environment=None, cwd=None):
    return subprocess.run([program("KILND"), *map(str, arguments)], capture_output=True, text=True, timeout=60, cwd=cwd,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})


@pytest.fixture
def flags(tmp_path, blend, executor, monkeypatch):
    for name, value in executor[1].items():
        monkeypatch.setenv(name, value)
    return ["--listen", "127.0.0.1:0", "--blender", program("FAKE_BLENDER"), "--blend", blend(),
            "--output", tmp_path / "frames", "--state", tmp_path / "state", *executor[0]]


def test_version_and_help():
    version = kilnd("--version")
    assert version.returncode == 0 and re.match(r"kilnd \d+\.\d+\.\d+", version.stdout)
    helped = kilnd("--help")
    assert helped.returncode == 0
    for word in ("--blend", "--listen", "KILN_MAX_QUEUED", "Exit status", "--check"):
        assert word in helped.stdout, word
    assert max(map(len, helped.stdout.splitlines())) <= 120


@pytest.mark.local
def test_check_says_what_it_found(flags):
    checked = kilnd("--check", *flags)
    assert checked.returncode == 0, checked.stderr
    assert "Blender 3.4.1" in checked.stdout
    assert str(program("FAKE_BLENDER")) in checked.stdout


@pytest.mark.parametrize("arguments, status, says", [
    (["--nonsense"], 2, "--nonsense"),
    (["--slot", "2"], 2, 'did you mean "slots"?'),
    (["--slots", "0"], 2, "slots"),
    (["--slots", "many"], 2, "slots"),
    (["--threads", "1025"], 2, "threads"),
    (["--listen", "nowhere:x"], 2, "nowhere:x"),
    (["--listen", "0.0.0.0:0"], 2, "--allow-open-network"),
    (["--config", "/nonexistent/kilnd.toml"], 2, "/nonexistent/kilnd.toml"),
    pytest.param(["--blender", "/nonexistent/blender"], 3, "/nonexistent/blender", marks=pytest.mark.local),
    pytest.param(["--blender", "no-such-blender-in-path"], 3, "no-such-blender-in-path", marks=pytest.mark.local),
    pytest.param(["--blender", "/bin/true"], 3, "/bin/true", marks=pytest.mark.local),
    (["--blend", "/nonexistent/scene.blend"], 3, "/nonexistent/scene.blend"),
    (["--blend", "/etc/passwd"], 3, "/etc/passwd"),
    (["--output", "/proc/nowhere"], 3, "/proc/nowhere"),
    (["--state", "/dev/null/x"], 3, "/dev/null/x"),
    (["--output", "/tmp/a#b"], 3, "#"),
    (["--autorun", "yes"], 2, "autorun"),
    pytest.param(["--autorun", "roots", "--sandbox", "off"], 3, "autorun: scripts of scenes run in a sandbox only", marks=pytest.mark.local),
])
@pytest.mark.parametrize("check", [[], ["--check"]])
def test_what_cannot_work_is_refused_at_the_start(flags, arguments, status, says, check):
    ended = kilnd(*flags, *arguments, *check)
    assert ended.returncode == status, ended.stdout + ended.stderr
    assert says in ended.stdout + ended.stderr


def test_file_and_environment_have_the_same_keys(tmp_path, flags):
    file = tmp_path / "kilnd.toml"
    file.write_text("slots = 3\nmax_queued = 7\n")
    shown = kilnd("--check", "--config", file, *flags, environment={"KILN_MAX_QUEUED": "8"})
    assert shown.returncode == 0, shown.stderr
    file.write_text("slotz = 3\n")
    wrong = kilnd("--check", "--config", file, *flags)
    assert wrong.returncode == 2
    assert "slotz" in wrong.stderr and "slots" in wrong.stderr.replace("slotz", "")
    file.write_text("slots = [\n")
    broken = kilnd("--check", "--config", file, *flags)
    assert broken.returncode == 2 and "line" in broken.stderr


def test_variables_of_a_container_platform_are_named_once(start):
    d = start(environment={"KILN_SERVICE_HOST": "10.0.0.1", "KILN_PORT": "tcp://10.0.0.1:3000"})
    lines = [line for line in d.log().splitlines() if "KILN_" in line]
    assert len(lines) == 1 and "KILN_SERVICE_HOST" in lines[0] and "KILN_PORT" in lines[0], d.log()


def test_a_busy_port_names_its_holder(flags):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        for check in ([], ["--check"]):
            ended = kilnd(*flags, "--listen", f"127.0.0.1:{port}", *check)
            assert ended.returncode == 4
            assert str(port) in ended.stderr
            assert str(os.getpid()) in ended.stderr, ended.stderr


@pytest.mark.parametrize("check", [[], ["--check"]])
def test_a_broken_store_is_refused(flags, tmp_path, check):
    state = tmp_path / "state"
    state.mkdir()
    (state / "kiln.db").write_text("garbage")
    ended = kilnd(*flags, *check)
    assert ended.returncode == 3, ended.stdout
    assert "kiln.db is not a database" in ended.stderr, ended.stderr
    assert (state / "kiln.db").read_text() == "garbage"


def test_a_check_beside_a_running_kilnd_names_it(start):
    """A configuration is checked before the restart that uses it."""
    d = start()
    arguments = [*d.command[1:], "--listen", f"127.0.0.1:{d.port}", "--check"]
    checked = kilnd(*arguments, environment=d.environment)
    assert checked.returncode == 0, checked.stderr
    assert f"process {d.process.pid}" in checked.stderr
    assert d.get("/livez").status == 200
    d.stop()
    free = kilnd(*arguments, environment=d.environment)
    assert free.returncode == 0 and "another kilnd" not in free.stderr, free.stderr


def test_sigterm_ends_what_runs_and_stops_in_order(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'never'}")
    pid = d.post_job(1, 1).json()["pid"]
    assert d.stop() == 0
    assert not processes_of_group(pid)


@pytest.mark.local
def test_a_second_sigterm_does_not_wait_for_the_grace(start, tmp_path):
    d = start("ignore TERM", f"wait_file {tmp_path / 'never'}", arguments=["--stop-grace", "1000"])
    pid = d.post_job(1, 1).json()["pid"]
    log = d.state / "logs"
    wait_for(lambda: any("ignoring" in p.read_text() for p in log.iterdir()), "Blender ignores SIGTERM")
    d.process.terminate()
    wait_for(lambda: "stopping" in d.log(), "kilnd stops")
    d.process.terminate()
    assert d.process.wait(30) == 0
    assert not processes_of_group(pid)


def test_sigterm_while_idle_connections_are_open(start):
    d = start()
    with d.connect() as s:
        s.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert s.recv(10)
        with d.connect():
            assert d.stop() == 0


def test_a_restart_gets_the_port_at_once(start, tmp_path):
    d = start()
    port = d.port
    with d.connect() as s:
        s.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert s.recv(10)
        d.process.kill()
        d.process.wait()
    d.command[d.command.index("127.0.0.1:0")] = f"127.0.0.1:{port}"
    d.log_path.unlink()
    d.start()
    assert d.get("/livez").status == 200


def test_sighup_reopens_the_log(tmp_path, flags):
    file = tmp_path / "own.log"
    process = subprocess.Popen([program("KILND"), *map(str, flags), "--log-file", str(file)], stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: file.exists() and "listening on" in file.read_text(), "kilnd logs to its file")
        file.rename(tmp_path / "own.log.1")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: file.exists() and "reopened" in file.read_text(), "the log is reopened")
    finally:
        process.terminate()
        assert process.wait(60) == 0


def test_sighup_keeps_the_old_log_when_the_new_one_cannot_be_opened(tmp_path, flags):
    file, rotated = tmp_path / "own.log", tmp_path / "own.log.1"
    process = subprocess.Popen([program("KILND"), *map(str, flags), "--log-file", str(file)], stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: file.exists() and "listening on" in file.read_text(), "kilnd logs to its file")
        file.rename(rotated)
        file.mkdir()
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: process.poll() is not None or "the log stays" in rotated.read_text(), "the error is logged")
        file.rmdir()
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: process.poll() is not None or (file.is_file() and "log reopened" in file.read_text()),
                 "the log is reopened")
    finally:
        process.terminate()
        assert process.wait(60) == 0


def test_the_log_as_json_holds_job_and_request_ids(start):
    d = start(arguments=["--log-format", "json", "--log-level", "debug"])
    job = d.post_job(1, 1).json()["id"]
    d.until_final(f"/job/{job}")
    d.get("/livez", **{"X-Request-Id": "mine"})
    wait_for(lambda: '"mine"' in d.log(), "the request is logged")
    lines = [json.loads(line) for line in d.log().splitlines()]
    assert any(line.get("job") == job for line in lines)
    assert any(line.get("request") == "mine" for line in lines)


@pytest.mark.local
def test_readyz_says_what_is_missing(start, tmp_path):
    import shutil
    blender = tmp_path / "blender"
    shutil.copy(program("FAKE_BLENDER"), blender)
    d = start(blender=blender)
    assert d.get("/readyz").status == 200
    blender.unlink()
    answer = d.get("/readyz")
    assert answer.status == 503 and str(blender) in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) >= 1
    assert d.get("/livez").status == 200


@pytest.mark.local
def test_an_idle_daemon_does_not_wake_up(start):
    """30 seconds ahead, also after it has served and rendered; threads of the pool included."""
    d = start()
    d.until_final(d.post_job(1, 1).headers["location"])
    wait_for(lambda: stays_asleep(d.process.pid, 30), "the last timers have run out, and it sleeps without one")


def test_one_line_says_that_no_descriptor_is_left(start):
    if os.environ.get("SANITIZERS"):
        pytest.skip("the sanitizers look at memory through a pipe of their own, for which there is no descriptor either")
    d = start()
    limit = resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE)
    used = {int(entry.name) for entry in pathlib.Path(f"/proc/{d.process.pid}/fd").iterdir()}
    first_free = next(number for number in itertools.count() if number not in used)
    resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE, (first_free, limit[1]))
    with d.connect() as s:
        wait_for(lambda: "cannot be accepted" in d.log(), "kilnd fails to accept")
        before = count_sleeps(d.process.pid)
        wait_for(lambda: count_sleeps(d.process.pid) >= before + 10, "it has tried ten times more")
        assert d.log().count("cannot be accepted") == 1, d.log()
        resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE, limit)
        s.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert s.recv(12) == b"HTTP/1.1 200"


def test_it_renders_also_when_it_is_nice(start):
    """Its decoder is nice, too, but to be less nice than kilnd would need privileges."""
    d = start()
    d.stop()
    if os.geteuid() == 0:
        d.command[:0] = ["setpriv", "--bounding-set", "-sys_nice"]
    d.command[:0] = ["nice", "-n", "10"]
    d.start()
    assert d.until_final(d.post_job(1, 1).headers["location"]).text == "Job completed"


@pytest.mark.local
def test_memory_at_rest(start):
    if os.environ.get("SANITIZERS"):
        pytest.skip("the sanitizers' own memory is no measure")
    d = start()
    status = pathlib.Path(f"/proc/{d.process.pid}/status").read_text()
    memory = dict(re.findall(r"(VmRSS|RssAnon):\s*(\d+) kB", status))
    assert int(memory["RssAnon"]) < 4 * 1024, memory
    assert int(memory["VmRSS"]) < 13 * 1024, memory  # most of it is the program itself, which other processes share
