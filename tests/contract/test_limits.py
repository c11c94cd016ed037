# SPDX-License-Identifier: Apache-2.0
"""Rate limits: 429, Retry-After, and the remaining requests; and the audit log."""
import http.client
import json
import os
import re

import pytest
from daemon import Answer, read_until_quiet, wait_for
from test_operation import kilnd
from tokens import add, bearer

JSON = {"Content-Type": "application/json"}
JOB = json.dumps({"blend": "scene.blend", "frames": "1"})


def ask(d, method, target, body=None, headers=None, address="127.0.0.1"):
    connection = http.client.HTTPConnection("127.0.0.1", d.port, timeout=60, source_address=(address, 0))
    try:
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def until_refused(most, again):
    """Answers up to the first 429."""
    given = []
    while len(given) < most:
        given.append(again())
        if given[-1].status == 429:
            return given
    raise AssertionError(f"{most} requests were all taken")


def test_loopback_alone_has_no_limit(start):
    d = start()
    given = [d.get("/livez") for _ in range(300)]
    assert {a.status for a in given} == {200}
    assert "ratelimit" not in given[-1].headers and "ratelimit-policy" not in given[-1].headers


def test_each_address_has_its_own_share(start):
    d = start(arguments=["--rate-limit", "0.01", "--rate-burst", "5"])
    given = until_refused(6, lambda: ask(d, "GET", "/livez"))
    assert [a.status for a in given] == [200] * 5 + [429]
    assert [a.headers["ratelimit"] for a in given[:2]] == ['"requests";r=4;t=100', '"requests";r=3;t=200']
    assert all(a.headers["ratelimit-policy"] == '"requests";q=5;w=500' for a in given)
    refused = given[-1]
    assert re.fullmatch(r'"requests";r=0;t=\d+', refused.headers["ratelimit"])
    assert refused.json()["type"] == "urn:kiln:problem:too-many-requests"
    assert ask(d, "GET", "/v1/jobs").status == 429 and ask(d, "GET", "/nothing").status == 429
    assert ask(d, "POST", "/job", '{"from":1,"to":1}', JSON).headers["content-type"].startswith("text/plain")
    assert ask(d, "GET", "/livez", address="127.0.0.2").status == 200
    wait = [int(ask(d, "GET", "/livez").headers["retry-after"]) for _ in range(60)]
    assert min(wait) >= 90 and max(wait) <= 300 and len(set(wait)) > 10, "spread over b to 3 b"


def test_what_was_refused_is_taken_when_it_was_said(start):
    d = start(arguments=["--rate-limit", "2", "--rate-burst", "1"])
    refused = until_refused(100, lambda: ask(d, "GET", "/livez"))[-1]
    assert 1 <= int(refused.headers["retry-after"]) <= 3
    wait_for(lambda: ask(d, "GET", "/livez").status == 200, "there is room again")


def test_each_token_has_its_own_share(start, tmp_path):
    one, two = (add(tmp_path / "state", name, "read") for name in ("one", "two"))
    d = start(arguments=["--rate-limit", "0.01", "--rate-burst", "3"])
    given = until_refused(4, lambda: ask(d, "GET", "/v1/jobs", headers=bearer(one)))
    assert [a.status for a in given] == [200] * 3 + [429]
    assert ask(d, "GET", "/v1/jobs", headers=bearer(one), address="127.0.0.9").status == 429, "wherever it comes from"
    assert ask(d, "GET", "/v1/jobs", headers=bearer(two)).status == 200
    assert ask(d, "GET", "/v1/jobs").status == 401, "strangers do not use up what is a token's"
    add(tmp_path / "state", "three", "read")
    wait_for(lambda: "tokens read anew" in d.log(), "the tokens are read anew")
    assert ask(d, "GET", "/v1/jobs", headers=bearer(one)).status == 429, "a reload is no new share"


def test_wrong_tokens_are_limited_and_right_ones_are_not(start, tmp_path):
    secret = add(tmp_path / "state", "ci", "read")
    d = start()
    given = until_refused(100, lambda: ask(d, "GET", "/v1/jobs", headers=bearer("kiln_wrong")))
    assert {a.status for a in given[:-1]} == {401} and len(given) > 10
    assert given[-1].headers["ratelimit-policy"].startswith('"wrong-tokens";q=20')
    assert int(given[-1].headers["retry-after"]) >= 1
    assert ask(d, "GET", "/livez", headers=bearer("kiln_wrong")).status == 200, "open to strangers"
    assert ask(d, "GET", "/v1/jobs", headers=bearer(secret)).status == 200
    assert ask(d, "GET", "/v1/jobs", headers=bearer("kiln_wrong"), address="127.0.1.2").status == 429, "of the same beginning"
    assert ask(d, "GET", "/v1/jobs", headers=bearer("other_wrong"), address="127.0.0.2").status == 401
    assert len(re.findall(r"a token was shown that is none of ours from=127\.0\.0\.1 path=/v1/jobs", d.log())) == len(given) - 1
    assert "path=/livez" not in d.log(), "nobody has looked at it"
    assert "kiln_wrong" not in d.log()


def test_wrong_tokens_from_many_neighbours_are_limited(start, tmp_path):
    add(tmp_path / "state", "ci", "read")
    d = start()
    given = [ask(d, "GET", "/v1/jobs", headers=bearer(f"{n}_guess"), address=f"127.0.0.{n}").status for n in range(1, 61)]
    assert given[:40] == [401] * 40 and given.count(429) >= 10, given


def test_many_addresses_cost_little_memory(start):
    if os.environ.get("SANITIZERS"):
        pytest.skip("the sanitizers' own memory is no measure")
    d = start(arguments=["--rate-limit", "0.01", "--rate-burst", "2", "--max-connections-per-address", "1000"])

    def rush(third):
        for last in range(1, 255):
            for second in range(4):
                assert ask(d, "GET", "/livez", address=f"127.{second + 1}.{third}.{last}").status == 200
    rush(0)
    before = d.resident()
    for third in range(1, 4):
        rush(third)
    assert d.resident() - before < 1500, "3,000 more addresses"


def test_large_bodies_leave_no_memory_behind(start):
    """Neither in connections that wait for their next request, nor once they are closed."""
    if os.environ.get("SANITIZERS"):
        pytest.skip("the sanitizers' own memory is no measure")
    d = start(arguments=["--max-connections-per-address", "1000"])

    def rush():
        connections = []
        for _ in range(100):
            connections.append(d.connect())
            connections[-1].sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
                                    + b" " * 999_999)  # but for the last byte
        for one in connections:
            one.sendall(b" ")
        for one in connections:
            assert read_until_quiet(one, 0).startswith(b"HTTP/1.1 4")
        return connections

    for one in rush():
        one.close()
    wait_for(lambda: d.resident() < 60_000, "memory is given back after all of them are closed")
    before = d.resident()
    waiting = rush()
    wait_for(lambda: d.resident() - before < 20_000, "memory is given back by connections that are idle")
    for one in waiting:  # they were idle, not closed
        one.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_until_quiet(one, 0).startswith(b"HTTP/1.1 200")
    for one in waiting:
        one.close()


@pytest.mark.parametrize("arguments", [["--rate-limit", "-1"], ["--rate-limit", "nan"], ["--rate-limit", "1e9"],
                                       ["--rate-limit", "0.0001"], ["--rate-burst", "0"], ["--rate-burst", "inf"]])
def test_limits_out_of_range_are_refused(tmp_path, blend, arguments):
    assert kilnd("--blend", blend(), "--state", tmp_path, "--check", *arguments).returncode == 2


def audits(d):
    return [json.loads(line) for line in d.log().splitlines() if line.startswith("{") and '"message":"audit"' in line]


def test_every_change_leaves_a_line(start, tmp_path):
    names = {"ann": "submit", "bob": "submit", "root": "admin", "eve": "read"}
    secret = {name: add(tmp_path / "state", name, role) for name, role in names.items()}
    d = start("frame_seconds 0.01", arguments=["--log-format", "json"])

    def act(who, method, target, body=None, **headers):
        answer = ask(d, method, target, body, {**bearer(secret[who]), **JSON, **headers}, "127.0.0.7")
        expected.append({"by": who, "from": "127.0.0.7", "method": method, "path": target, "status": str(answer.status),
                         "request": answer.headers["x-request-id"]})
        return answer
    expected = []
    job = act("ann", "POST", "/v1/jobs", JOB, **{"X-Request-Id": "mine-1"}).json()["id"]
    expected[-1]["job"] = job
    act("bob", "POST", f"/v1/jobs/{job}/cancel"), act("root", "POST", f"/v1/jobs/{job}/cancel")
    act("eve", "DELETE", f"/v1/jobs/{job}")
    for line in expected[1:]:
        line["job"] = job
    tutorial = act("bob", "POST", "/job", '{"from":1,"to":1}').json()["id"]
    expected[-1]["job"] = tutorial
    act("ann", "POST", "/v1/jobs", "{}")
    ask(d, "GET", f"/v1/jobs/{job}", headers=bearer(secret["eve"]))
    ask(d, "POST", "/v1/jobs", JOB, JSON)  # a stranger, without effect
    wait_for(lambda: len(audits(d)) >= len(expected), "all lines are there")
    assert [{k: v for k, v in line.items() if k not in ("time", "level", "message")} for line in audits(d)] == expected
    assert expected[0]["request"] == "mine-1" and [e["status"] for e in expected[:4]] == ["202", "403", "202", "403"]


def test_a_request_writes_no_line_of_its_own(start):
    d = start(arguments=["--log-format", "json"])
    ask(d, "POST", "/v1/jobs/x&by=root", JOB, {**JSON, "X-Request-Id": "a by=root"})
    ask(d, "POST", "/v1/" + "x" * 3000, JOB, JSON)
    first, second = wait_for(lambda: (lambda a: a if len(a) == 2 else None)(audits(d)), "two lines")
    assert first["by"] == "-" and first["path"] == "/v1/jobs/x&by=root"
    assert len(second["path"]) == 200 and second["status"] == "404"
