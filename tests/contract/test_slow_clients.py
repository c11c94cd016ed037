# SPDX-License-Identifier: Apache-2.0
"""slowhttptest against kilnd: two hundred clients that send or read as slowly as they can, or ask for a thousand ranges.

The limits end them, other addresses are served meanwhile, and memory and descriptors are given back."""
import contextlib
import os
import re
import signal
import subprocess

import daemon as support
import pytest
from daemon import wait_for
from livez_watch import LivezWatch

CLIENTS = 200
LIMITS = ["--header-seconds", "3", "--body-seconds", "3", "--write-seconds", "3", "--idle-seconds", "3"]
ROOM = ["--max-connections-per-address", "250"]
SLACK = 2 << 20  # bytes by which two equal runs may differ, in addition to a quarter of a run's total
SANITIZED = bool(os.environ.get("SANITIZERS"))


@pytest.fixture
def pair(tmp_path):
    """start_pair(arguments): the daemon to attack, with a long list of jobs, and one that is left in peace."""
    started = []

    def run(*arguments):
        for name in ("attacked", "quiet"):
            directory = tmp_path / name
            directory.mkdir()
            (directory / "scene.blend").write_text(f"BLENDER-v304\nwait_file {tmp_path / 'go'}\n")
            started.append(support.Daemon(directory, support.program("FAKE_BLENDER"), directory / "scene.blend",
                                          ["--stop-grace", "1", "--max-queued", "100", *LIMITS, *arguments]).start())
        for _ in range(100):
            started[0].post_job(1, 1)
        return started

    yield run
    for d in started:
        assert d.stop() == 0, d.log()
        assert "a defect" not in d.log() and "threw" not in d.log(), d.log()


def descriptors(d):
    return len(os.listdir(f"/proc/{d.process.pid}/fd"))


def memory(d):
    return d.resident() * 1024


@contextlib.contextmanager
def attack(d, path, *arguments, seconds):
    """slowhttptest while the body of the with runs; it is over when all its connections are, or after `seconds`."""
    command = ["slowhttptest", "-u", f"http://127.0.0.1:{d.port}{path}", "-c", str(CLIENTS), "-r", "200", "-l", str(seconds), "-v", "1", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
        out, _ = process.communicate(timeout=support.DEADLINE + seconds)
        process.report = re.sub(r"\x1b\[[\d;]*m", "", out)
        assert process.returncode == 0 and "Exit status" in process.report, process.report
    finally:
        process.kill()


# The job list is the longest answer of which any number may be had at once.
LONG = "/v1/jobs?limit=100"
MODES = {
    "headers": ("/livez", "-H", "-i", "1", "-x", "10"),
    "body": ("/job", "-B", "-i", "1", "-x", "10", "-s", "8192", "-f", "application/json"),
    "read": (LONG, "-X", "-n", "1", "-z", "8", "-w", "8", "-y", "16", "-k", "10"),
    "ranges": ("/v1/jobs", "-R", "-a", "10", "-b", "1000"),
}
STAYS = ("headers", "body", "read")  # the others are answered and done


@pytest.mark.parametrize("mode", MODES)
def test_slow_clients_are_ended_and_leave_nothing_behind(pair, mode):
    d, quiet = pair(*ROOM)
    before, at_rest = descriptors(d), memory(d)
    held = []
    with LivezWatch(d, quiet) as watch:
        for _ in range(3):
            with attack(d, *MODES[mode], seconds=300 if mode == "read" else 15) as process:
                if mode in STAYS:
                    wait_for(lambda: descriptors(d) >= before + CLIENTS // 4, "the attack has begun")
                    wait_for(lambda: descriptors(d) <= before + 10, "the limits have ended the attackers' connections")
                if mode == "read":  # does not notice that it has lost its connections, and would go on for its 300 seconds
                    assert process.poll() is None, "the limits ended it, not the attacker"
                    process.send_signal(signal.SIGINT)
            if mode != "read":
                assert "No open connections left" in process.report, process.report
            held.append(memory(d))
    print(f"{mode}: {watch}; memory {at_rest >> 10}, then {[h >> 10 for h in held]} KiB")
    assert SANITIZED or watch.share(watch.attacked, 0.99) <= 0.1 + watch.share(watch.quiet, 0.99), str(watch)
    wait_for(lambda: descriptors(d) <= before, "all descriptors are given back")
    # One attack may have more connections at once than another; a leak would be seen in each.
    assert SANITIZED or min(held[1:]) - held[0] <= (held[0] - at_rest) / 4 + SLACK, f"an attack takes what the first has given back: {held}"


def test_one_address_cannot_take_all_the_room(pair):
    """With the limits as they are, most of the attackers are refused, and another address notices nothing."""
    d, quiet = pair("--header-seconds", "10", "--max-connections", "100")
    with LivezWatch(d, quiet) as watch, attack(d, *MODES["headers"], seconds=5):
        wait_for(lambda: d.raw(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 503 "), "the attacker's address is full")
    assert watch.attacked, "every answer to the other address was 200, else the watch had failed"
