# SPDX-License-Identifier: Apache-2.0
"""Hostile requests (hostile_requests.py) are answered as RFC 9112 requires, without effect on other clients.

Behind each row comes a request with a name of its own. When the row's framing is in doubt it must never be answered, since
it might be what an attacker put inside the row; when the row is in order it must be."""
import concurrent.futures
import socket

import daemon as support
import pytest
from hostile_requests import BEHIND, JOB, LENGTH, ROWS, post
from livez_watch import LivezWatch


def answers(received):
    """(status, head) of each answer, strictly read: nothing may be left over."""
    found = []
    while received:
        head, end, received = received.partition(b"\r\n\r\n")
        assert end and head.startswith(b"HTTP/1.1 "), head
        status = int(head[9:12])
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if status >= 200 and status not in (204, 304):
            size = int(fields[b"content-length"])
            assert len(received) >= size, "the answer is cut off"
            received = received[size:]
        found.append((status, head))
    return found


def send(d, row, piece):
    """All that comes back, until the daemon closes: it must, since either the row is refused or the request behind ends it."""
    data = row.data if row.behind == "none" else row.data + BEHIND
    with d.connect() as s:
        try:
            for at in range(0, len(data), piece or len(data)):
                s.sendall(data[at:at + (piece or len(data))])
            if row.behind == "none":
                s.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before the end: the answer is there all the same
        received = b""
        while True:
            chunk = s.recv(65536)
            if not chunk:
                return received
            received += chunk


def check(d, row, piece=None):
    received = send(d, row, piece)
    found = answers(received)
    statuses = [status for status, _ in found]
    if piece and statuses[:1] == [100]:
        del statuses[0]  # the body was not there yet
    assert b"inside" not in received, received
    assert b"\nSet-Cookie" not in received and b"\nX-Evil" not in received and b"\nX:" not in received
    if row.behind == "none":
        assert len(found) <= 1 and all(status in row.statuses for status in statuses), received
        return
    wanted = [*row.statuses, 200] if row.behind == "answered" else [*row.statuses]
    assert statuses == wanted, received
    assert (b"X-Request-Id: behind" in found[-1][1]) == (row.behind == "answered"), received
    assert b"\r\nConnection: close" in found[-1][1], received
    assert not any(b"\r\nConnection: close" in head for _, head in found[:-1]), "what is promised to be the last is the last"


def jobs(d):
    return len(d.get("/v1/jobs?limit=1000").json()["jobs"])


@pytest.fixture(scope="module")
def daemons(tmp_path_factory):
    """Two that are alike: one for the table, one that is left in peace."""
    started = []
    for name in ("attacked", "quiet"):
        directory = tmp_path_factory.mktemp(name)
        (directory / "scene.blend").write_text("BLENDER-v304\n")
        started.append(support.Daemon(directory, support.program("FAKE_BLENDER"), directory / "scene.blend",
                                      ["--stop-grace", "1", "--max-queued", "10000"]).start())
    yield started
    for d in started:
        assert d.stop() == 0, d.log()
        assert "a defect" not in d.log() and "threw" not in d.log(), d.log()


@pytest.fixture(scope="module")
def d(daemons):
    return daemons[0]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row(d, row):
    before = jobs(d)
    check(d, row)
    assert jobs(d) - before == row.statuses.count(202), "what is refused is not acted on"


@pytest.mark.parametrize("row", [row for row in ROWS if len(row.data) < 4000], ids=lambda row: row.name)
def test_row_byte_by_byte(d, row):
    check(d, row, piece=1)


def test_http_1_0_is_not_told_to_continue(d):
    """RFC 9110, 10.1.1: the expectation of a 1.0 client is ignored, it does not know 1xx."""
    with d.connect() as s:
        s.sendall(post(b"Expect: 100-continue", LENGTH, body=b"", version=b"HTTP/1.0"))
        assert d.get("/livez").status == 200  # asked later, so that the head above has been read
        s.sendall(JOB)
        received = b""
        while chunk := s.recv(65536):
            received += chunk
    assert [status for status, _ in answers(received)] == [202]


def test_livez_answers_all_the_while(daemons):
    """Within 100 ms plus the worst delay of the machine, measured with an undisturbed daemon."""
    d, quiet = daemons
    with LivezWatch(d, quiet) as watch, concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda row: check(d, row), ROWS * 20):
            pass
    print(f"{len(ROWS)} rows, 20 times: {watch}")
    assert watch.share(watch.attacked, 0.99) <= 0.1 + watch.share(watch.quiet, 0.99), str(watch)
