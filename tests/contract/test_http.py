# SPDX-License-Identifier: Apache-2.0
"""kilnd's HTTP: methods, limits, framing, errors. A refused request must not harm the next one."""
import re
import socket
import time

import pytest
from daemon import read_until_quiet, statuses, wait_for

OK = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


def request(line=b"GET /livez HTTP/1.1", *fields, host=b"Host: localhost", body=b""):
    return b"\r\n".join([line, *([host] if host else []), *fields, b"", body])


@pytest.fixture
def d(start):
    return start("frame_seconds 0.01")


@pytest.mark.parametrize("target, status", [("/livez", 200), ("/readyz", 200), ("/healthz", 200)])
def test_health(d, target, status):
    answer = d.get(target)
    assert answer.status == status, answer
    assert answer.headers["cache-control"] == "no-store"


def test_every_answer_is_dated_and_named(d):
    a, b = d.get("/livez"), d.get("/livez")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", a.headers["date"])
    assert a.headers["x-request-id"] != b.headers["x-request-id"]
    assert d.get("/livez", **{"X-Request-Id": "mine-1.2_3"}).headers["x-request-id"] == "mine-1.2_3"
    for bad in ("", "x" * 65, "a b", 'a"b', "a/b"):
        assert d.get("/livez", **{"X-Request-Id": bad}).headers["x-request-id"] != bad


@pytest.mark.parametrize("target", ["/nothing", "/jobs", "/job/1/2", "/v1", "/LIVEZ", "/livez/"])
def test_unknown_paths_are_problems(d, target):
    answer = d.get(target)
    if target.startswith("/job/"):
        assert answer.status == 404
        return
    assert answer.status == 404, answer
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 404 and problem["type"] and problem["title"]


def test_wrong_methods_name_the_right_ones(d):
    for method, target, allow in [("POST", "/livez", "GET, HEAD, OPTIONS"), ("GET", "/job", "POST, OPTIONS"),
                                  ("DELETE", "/job/1", "GET, HEAD, OPTIONS"), ("PUT", "/job", "POST, OPTIONS")]:
        answer = d.ask(method, target)
        assert answer.status == 405, answer
        assert sorted(answer.headers["allow"].split(", ")) == sorted(allow.split(", "))
    assert d.ask("BREW", "/livez").status == 501
    options = d.ask("OPTIONS", "/job")
    assert options.status == 204 and "POST" in options.headers["allow"] and options.body == b""
    assert statuses(d.raw(request(b"OPTIONS * HTTP/1.1"))) == [204]


def test_head_is_get_without_a_body(d):
    get, head = d.get("/livez"), d.ask("HEAD", "/livez")
    assert head.status == 200 and head.body == b""
    assert head.headers["content-length"] == get.headers["content-length"]
    with d.connect() as s:
        s.sendall(request(b"HEAD /livez HTTP/1.1") + OK)
        assert statuses(read_until_quiet(s)) == [200, 200]


def test_pipelined_requests_are_answered_in_their_order(d):
    job = d.post_job(1, 1).json()["id"]
    d.until_final(f"/job/{job}")
    received = d.raw(b"".join(request(b"GET /job/%d HTTP/1.1" % (10**9 + i)) + OK +
                              request(b"GET /job/%s HTTP/1.1" % job.encode()) for i in range(50)))
    assert statuses(received) == [400, 200, 200] * 50


def test_a_request_may_come_byte_by_byte(d):
    body = b'{"from":1,"to":1}'
    whole = request(b"POST /job HTTP/1.1", b"Content-Type: application/json", b"Content-Length: %d" % len(body), body=body)
    with d.connect() as s:
        for i in range(len(whole)):
            s.sendall(whole[i:i + 1])
        assert statuses(read_until_quiet(s)) == [202]


def test_a_body_may_be_chunked(d):
    chunked = request(b"POST /job HTTP/1.1", b"Content-Type: application/json", b"Transfer-Encoding: chunked",
                      body=b'9\r\n{"from":1\r\n8;x=y\r\n,"to":1}\r\n0\r\nTrailer: x\r\n\r\n')
    assert statuses(d.raw(chunked + OK)) == [202, 200]


def test_continue_is_sent_before_the_body_and_only_when_it_is_wanted(d):
    body = b'{"from":1,"to":1}'
    head = [b"POST /job HTTP/1.1", b"Content-Type: application/json", b"Expect: 100-continue"]
    with d.connect() as s:
        s.sendall(request(*head, b"Content-Length: %d" % len(body)))
        assert s.recv(1000).startswith(b"HTTP/1.1 100 ")
        s.sendall(body)
        assert statuses(read_until_quiet(s)) == [202]
    refused = d.raw(request(*head, b"Content-Length: 99999999"))
    assert statuses(refused) == [413], "a body that is too large is refused before it is sent"
    assert statuses(d.raw(request(b"POST /job HTTP/1.1", b"Content-Length: 1", b"Expect: 200-maybe", body=b"x"))) == [417]


def test_http_1_0_closes(d):
    received = d.raw(b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n" + OK)
    assert statuses(received) == [200]


def test_connection_close_is_obeyed(d):
    received = d.raw(request(b"GET /livez HTTP/1.1", b"Connection: close") + OK)
    assert statuses(received) == [200]
    assert b"Connection: close" in received


def test_limits_are_answered(d):
    def status(data):
        found = statuses(d.raw(data))
        assert len(found) == 1
        return found[0]
    assert status(request(b"GET /" + b"x" * 4096 + b" HTTP/1.1")) == 414
    assert status(request(b"GET /" + b"x" * 100000 + b" HTTP/1.1")) == 414
    assert status(request(b"GET /livez HTTP/1.1", b"X: " + b"x" * 8192)) == 431
    assert status(request(b"GET /livez HTTP/1.1", *[b"X%d: x" % i for i in range(100)])) == 431
    assert statuses(d.raw(request(b"GET /livez HTTP/1.1", *[b"X%d: x" % i for i in range(99)]))) == [200]
    assert status(request(b"POST /job HTTP/1.1", b"Content-Length: 1048577")) == 413
    assert status(request(b"POST /job HTTP/1.1", b"Transfer-Encoding: chunked",
                          body=b"100001\r\n" + b"x" * 0x100001 + b"\r\n0\r\n\r\n")) == 413
    assert status(request(b"POST /job HTTP/1.1", b"Content-Type: application/json", b"Content-Length: 1048576",
                          body=b" " * 1048576)) == 400, "as large as allowed, and not JSON"


@pytest.mark.parametrize("host, status", [("127.0.0.1", 200), ("127.0.0.1:80", 200), ("localhost", 200), ("LOCALHOST:1", 200),
                                          ("[::1]", 200), ("farm.example", 200), ("evil.example", 421), ("127.0.0.1.evil.example", 421),
                                          ("localhost.evil.example", 421)])
def test_only_known_hosts_are_served(start, host, status):
    d = start(arguments=["--allowed-hosts", "farm.example"])
    assert d.get("/livez", Host=host).status == status


def closes_within(s, seconds):
    s.settimeout(seconds)
    received = b""
    try:
        while True:
            chunk = s.recv(65536)
            if not chunk:
                return received
            received += chunk
    except ConnectionResetError:
        return received


def test_a_header_that_drips_is_cut_off(start):
    d = start(arguments=["--header-seconds", "1"])
    with d.connect() as s:
        s.sendall(b"GET /livez HTTP/1.1\r\n")
        try:
            for _ in range(600):
                s.sendall(b"X: 1\r\n")
                time.sleep(0.1)
                s.setblocking(False)
                try:
                    if s.recv(1, socket.MSG_PEEK) is not None:
                        break
                except BlockingIOError:
                    pass
                finally:
                    s.setblocking(True)
        except (BrokenPipeError, ConnectionResetError):
            return
        assert statuses(closes_within(s, 30)) == [408]


def test_a_body_that_drips_is_cut_off(start):
    d = start(arguments=["--body-seconds", "1"])
    with d.connect() as s:
        s.sendall(request(b"POST /job HTTP/1.1", b"Content-Length: 1000"))
        assert statuses(closes_within(s, 30)) == [408]


def test_an_idle_connection_is_closed(start):
    d = start(arguments=["--idle-seconds", "1"])
    with d.connect() as s:
        assert closes_within(s, 30) == b""
    with d.connect() as s:
        s.sendall(OK)
        assert statuses(closes_within(s, 30)) == [200]


def test_an_unread_answer_is_given_up(start):
    d = start(arguments=["--write-seconds", "1"])
    with d.connect() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.settimeout(30)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while True:
                s.sendall(OK * 100)
    assert d.get("/livez").status == 200


def test_connections_are_capped(start):
    d = start(arguments=["--max-connections", "20", "--max-connections-per-address", "10"])
    kept = []
    for _ in range(10):
        s = d.connect()
        s.sendall(OK)
        assert statuses(read_until_quiet(s, 0.05)) == [200]
        kept.append(s)
    refused = d.raw(OK)
    assert statuses(refused) == [503]
    assert re.search(rb"\r\nRetry-After: [1-9]\d*\r\n", refused)
    kept.pop().close()
    wait_for(lambda: statuses(d.raw(OK)) == [200], "there is room again")
    for s in kept:
        s.close()


def test_clients_that_vanish_do_no_harm(d):
    for data in (b"", b"G", b"GET /livez HTTP/1.1\r\n", request(b"POST /job HTTP/1.1", b"Content-Length: 10"), OK * 1000):
        for _ in range(20):
            s = d.connect()
            s.sendall(data)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            s.close()
    assert d.get("/livez").status == 200


@pytest.mark.parametrize("head", [
    b"HEAD /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"HEAD /livez HTTP/1.1\r\n\r\n",
    b"\r\nHEAD /livez HTTP/1.1\r\nHost: localhost\r\nExpect: nonsense\r\n\r\n",
    b"HEAD /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n",
    b"HEAD /livez HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\n\r\n"])
def test_a_head_that_is_refused_has_no_body(start, head):
    answer = start().raw(head)
    fields, body = answer.split(b"\r\n\r\n", 1)
    assert fields.startswith(b"HTTP/1.1 4") and b"Content-Length: " in fields
    assert body == b""
