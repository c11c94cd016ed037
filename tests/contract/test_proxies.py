# SPDX-License-Identifier: Apache-2.0
"""Behind a proxy: whose requests these are, as far as the proxy may say so (trusted_proxies)."""
import contextlib
import json

import pytest
from daemon import read_until_quiet, statuses, wait_for
from test_limits import ask
from test_operation import kilnd
from tokens import add, bearer

JSON = {"Content-Type": "application/json"}
TRUSTED = ["--trusted-proxies", "127.0.0.1,127.0.0.2"]


def of(client, name="X-Forwarded-For"):
    return {name: client}


def statuses_of(times, again):
    return [again().status for _ in range(times)]


def test_each_client_of_a_proxy_has_its_own_share(start):
    d = start(arguments=[*TRUSTED, "--rate-limit", "0.01", "--rate-burst", "2"])
    for client in (of("192.0.2.7"), of("198.51.100.1, 192.0.2.8, 127.0.0.2"), of('for="[2001:db8::7]:80"', "Forwarded")):
        assert statuses_of(3, lambda: ask(d, "GET", "/livez", headers=client)) == [200, 200, 429], client
    assert ask(d, "GET", "/livez", headers=of("192.0.2.8"), address="127.0.0.2").status == 429, "whichever proxy it used"
    assert ask(d, "GET", "/livez", headers=of("10.0.0.9, 192.0.2.8")).status == 429, "whatever it has put in front"
    assert ask(d, "GET", "/livez", headers=of("2001:db8::ffff")).status == 429, "the same /64"
    assert statuses_of(3, lambda: ask(d, "GET", "/livez", headers=of("unknown"))) == [200, 200, 429], "of the proxy itself"
    assert ask(d, "GET", "/livez", headers=of("192.0.2.9")).status == 200


def test_nobody_else_is_believed(start):
    d = start(arguments=["--trusted-proxies", "127.0.0.2", "--rate-limit", "0.01", "--rate-burst", "2"])
    for number, name in enumerate(("X-Forwarded-For", "Forwarded", "X-Real-IP")):
        clients = (of(f"{'for=' * (name == 'Forwarded')}192.0.2.{i}", name) for i in range(9))
        address = f"127.0.1.{number}"
        assert statuses_of(3, lambda: ask(d, "GET", "/livez", headers=next(clients), address=address)) == [200, 200, 429], name


def test_wrong_tokens_and_lines_of_the_log_are_the_clients(start, tmp_path):
    secret = add(tmp_path / "state", "ci", "submit")
    d = start(arguments=TRUSTED)
    wrong = bearer("kiln_" + "0" * 40)
    given = statuses_of(25, lambda: ask(d, "GET", "/v1/jobs", headers={**wrong, **of("192.0.2.7")}))
    assert given[:20] == [401] * 20 and given[-1] == 429
    other = bearer("kiln_" + "1" * 40)
    assert ask(d, "GET", "/v1/jobs", headers={**other, **of("192.0.3.8")}).status == 401
    assert ask(d, "GET", "/v1/jobs", headers=other).status == 401, "nor of the proxy"
    assert "a token was shown that is none of ours from=192.0.2.7 path=/v1/jobs" in d.log()
    made = ask(d, "POST", "/v1/jobs", json.dumps({"blend": "scene.blend", "frames": "1"}), {**JSON, **bearer(secret), **of("2001:DB8::7")})
    assert made.status == 202
    wait_for(lambda: "audit by=ci from=2001:db8::7 method=POST path=/v1/jobs job=" in d.log(), "the line of the change")


def test_connections_are_the_clients_whose_requests_they_carry(start):
    d = start(arguments=[*TRUSTED, "--max-connections-per-address", "2"])
    with contextlib.ExitStack() as held:
        idle = [held.enter_context(d.connect()) for _ in range(8)]  # kept by the proxy for later
        begun = [held.enter_context(d.connect()) for _ in range(2)]
        for s in begun:
            s.sendall(b"POST /v1/blends HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.7\r\n"
                      b"Content-Type: application/octet-stream\r\nContent-Length: 100\r\n\r\nB")
        refused = wait_for(lambda: (lambda a: a if a.status == 503 else None)(d.ask("GET", "/livez", headers=of("192.0.2.7"))), "both have come")
        assert 1 <= int(refused.headers["retry-after"]) <= 3 and "too many connections" in refused.text
        assert d.ask("GET", "/livez", headers=of("192.0.2.8")).status == 200
        assert d.get("/livez").status == 200, "asked by the proxy itself"
        for s in begun:
            s.close()
        wait_for(lambda: d.ask("GET", "/livez", headers=of("192.0.2.7")).status == 200, "they are gone")
        for client in ("192.0.2.7", "192.0.2.8", "192.0.2.7"):  # one connection, several clients
            idle[0].sendall(f"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\n\r\n".encode())
            assert statuses(read_until_quiet(idle[0], 0.05)) == [200]


def test_clients_that_wait_are_counted_each(start):
    d = start("frame_seconds 60", arguments=[*TRUSTED, "--max-waiting-per-address", "1"])
    job = "/v1/jobs/" + d.post_job(1, 1).json()["id"]
    with contextlib.ExitStack() as held:
        def wait_as(client):
            s = held.enter_context(d.connect())
            s.sendall(f"GET {job} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\nPrefer: wait=20\r\n\r\n".encode())
            return s
        first = wait_as("192.0.2.7")
        wait_for(lambda: 'kiln_http_connections{state="waiting"} 1' in d.get("/metrics").text, "it waits")
        assert statuses(read_until_quiet(wait_as("192.0.2.7"))) == [200], "the second gets its answer at once"
        wait_as("192.0.2.8")
        wait_for(lambda: 'kiln_http_connections{state="waiting"} 2' in d.get("/metrics").text, "of another client")
        first.close()
    d.ask("DELETE", job)


@pytest.mark.parametrize("value, says", [
    ('["10.0.0.1", "10.1.0.1/8"]', "more bits than its prefix"), ('"proxy"', "not an address or a network"),
    ('"0.0.0.0/0"', "everybody"), ("[]", "an empty list"), ("7", "not an address"), ("true", "no value"),
])
def test_a_wrong_proxy_is_refused_with_its_place(tmp_path, value, says):
    (tmp_path / "kilnd.toml").write_text(f'project_root = "{tmp_path}"\ntrusted_proxies = {value}\n')
    refused = kilnd("--check", "--config", tmp_path / "kilnd.toml")
    assert refused.returncode == 2 and says in refused.stderr, refused
    assert f"{tmp_path}/kilnd.toml, line 2: trusted_proxies = " in refused.stderr


def test_behind_a_proxy_loopback_has_limits(start):
    d = start(arguments=TRUSTED)
    assert d.get("/livez").headers["ratelimit-policy"] == '"requests";q=1000;w=5'
