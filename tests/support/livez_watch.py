# SPDX-License-Identifier: Apache-2.0
"""Asks a daemon for /livez all the while something is done to it, and a second daemon that is left in peace as well.

Both are asked in turn by a process of their own, from an address of their own (127.0.0.2), since an attacker's address
may be full. What the busy machine adds to an answer is in both numbers; what the attack adds is the difference.

Run as a program: ATTACKED_PORT QUIET_PORT; ends at the end of its standard input and prints the seconds as JSON."""
import json
import select
import socket
import subprocess
import sys
import time

OWN_ADDRESS = "127.0.0.2"
PAUSE = 0.002  # between two requests: some hundred a second show a stall, and leave the machine to the attack


class LivezWatch:
    """with LivezWatch(attacked, quiet) as watch: …; afterwards watch.attacked and watch.quiet have the seconds, sorted."""

    def __init__(self, attacked, quiet):
        self.command = [sys.executable, __file__, str(attacked.port), str(quiet.port)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"watching\n"
        return self

    def __exit__(self, *_):
        found, _ = self.process.communicate()
        assert self.process.returncode == 0, "an answer to /livez was wrong, or none came: see standard error"
        found = json.loads(found)
        self.attacked, self.quiet = sorted(found["attacked"]), sorted(found["quiet"])

    @staticmethod
    def share(seconds, share):
        """The time within which this share of the answers came."""
        return seconds[min(int(len(seconds) * share), len(seconds) - 1)]

    def __str__(self):
        def line(name, seconds):
            found = ", ".join(f"{text} {self.share(seconds, share) * 1000:.1f} ms"
                              for text, share in (("median", 0.5), ("99 %", 0.99), ("worst", 1)))
            return f"{name}: {len(seconds)} answers, {found}"
        return f"{line('/livez under attack', self.attacked)}; {line('left in peace', self.quiet)}"


def ask_once(port, kept):
    """The seconds one answer takes, over a connection that is kept as long as the daemon keeps it."""
    began = time.monotonic()
    for attempt in (1, 2):
        try:
            if port not in kept:
                kept[port] = socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(OWN_ADDRESS, 0))
            s = kept[port]
            s.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            received = s.recv(65536)
            if received:
                assert received.startswith(b"HTTP/1.1 200 "), received
                return time.monotonic() - began
        except ConnectionError:
            pass  # an idle connection may have been closed just now: once is in order
        kept.pop(port).close()
    raise AssertionError(f"no answer to /livez on port {port}")


def main():
    attacked, quiet = map(int, sys.argv[1:])
    kept, found = {}, {"attacked": [], "quiet": []}
    print("watching", flush=True)
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        found["attacked"].append(ask_once(attacked, kept))
        found["quiet"].append(ask_once(quiet, kept))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
