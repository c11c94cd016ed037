# SPDX-License-Identifier: Apache-2.0
"""Behind a proxy: whose requests these are and where links lead, as far as the proxy may say so; test_proxy_page.py has real ones."""
import contextlib
import http.client
import json
import re

import pytest
from daemon import read_until_quiet, statuses, wait_for
from test_limits import ask
from test_operation import kilnd
from tokens import add, bearer
from webhook_receiver import Receiver

JSON = {"Content-Type": "application/json"}
JOB = json.dumps({"blend": "scene.blend", "frames": "1"})
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
    made = ask(d, "POST", "/v1/jobs", JOB, {**JSON, **bearer(secret), **of("2001:DB8::7")})
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
    ('"0.0.0.0/0"', "everybody"), ("[]", "an empty list"), ("7", "must be a text"), ("true", "no value"),
])
def test_a_wrong_proxy_is_refused_with_its_place(tmp_path, value, says):
    (tmp_path / "kilnd.toml").write_text(f'project_root = "{tmp_path}"\ntrusted_proxies = {value}\n')
    refused = kilnd("--check", "--config", tmp_path / "kilnd.toml")
    assert refused.returncode == 2 and says in refused.stderr, refused
    assert f"{tmp_path}/kilnd.toml, line 2: trusted_proxies = " in refused.stderr


def test_behind_a_proxy_loopback_has_limits(start):
    d = start(arguments=TRUSTED)
    assert d.get("/livez").headers["ratelimit-policy"] == '"requests";q=1000;w=5'


def below(d, prefix, headers=None, address="127.0.0.1"):
    """Whether the links of an answer lead below a prefix, in its head and its body."""
    made = ask(d, "POST", "/v1/jobs", JOB, {**JSON, **(headers or {})}, address)
    assert made.status == 202, made
    self, found = made.json()["links"]["self"], made.headers["location"]
    assert re.fullmatch(rf"{prefix}/v1/jobs/{made.json()['id']}", self) and found == self, made
    seen = ask(d, "HEAD", self.removeprefix(prefix), headers=headers, address=address)
    assert seen.status == 200 and int(seen.headers["content-length"]) > 100 and not seen.body
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", d.port, timeout=60, source_address=(address, 0))) as stream:
        stream.request("GET", self.removeprefix(prefix) + "/events", headers=headers or {})
        answer = stream.getresponse()
        data = next(line for line in iter(answer.readline, b"") if line.startswith(b"data: "))
        assert json.loads(data[6:])["links"]["self"] == self
    return made


def test_links_follow_public_url(start, tmp_path):
    receiver = Receiver()
    d = start("frame_seconds 0.01", arguments=["--public-url", "https://farm.example/kiln/", *TRUSTED, "--webhook-target",
                                               f"127.0.0.1:{receiver.port}"])
    hook = d.ask("POST", "/v1/webhooks", json.dumps({"url": receiver.url(), "events": ["job.succeeded"]}), JSON)
    assert hook.status == 201 and hook.headers["location"] == hook.json()["links"]["self"] == f"/kiln/v1/webhooks/{hook.json()['id']}"
    first = below(d, "/kiln", {"Idempotency-Key": "once", "X-Forwarded-Prefix": "/other", "Host": "farm.example"})
    again = d.ask("POST", "/v1/jobs", JOB, {**JSON, "Idempotency-Key": "once"})
    assert again.headers["location"] == first.headers["location"] and again.json()["links"] == first.json()["links"]
    listed = d.get("/v1/jobs?limit=1")
    assert listed.json()["jobs"][0]["links"]["zip"] == first.headers["location"] + "/frames.zip"
    described = d.get("/v1/openapi.json")
    assert described.json()["servers"][0]["url"] == "https://farm.example/kiln"
    assert d.get("/v1/openapi.json", **{"If-None-Match": described.headers["etag"]}).status == 304
    told = wait_for(receiver.events, "the webhook is told")
    assert told[0]["data"]["job"]["links"]["self"] == "https://farm.example" + first.headers["location"]
    made = [line for line in d.log().splitlines() if "path=/v1/jobs " in line]
    assert f" job={first.json()['id']} " in made[0]
    receiver.close()


def test_links_follow_what_a_trusted_proxy_says(start):
    d = start("frame_seconds 0.01", arguments=["--trusted-proxies", "127.0.0.2", "--allowed-hosts", "farm.example"])
    said = {"X-Forwarded-Prefix": "/kiln", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "farm.example"}

    def server(headers, address="127.0.0.2"):
        described = ask(d, "GET", "/v1/openapi.json", headers=headers, address=address)
        return described.json()["servers"][0]["url"], described.headers["etag"]
    below(d, "/kiln", said, "127.0.0.2")
    below(d, "", said, "127.0.0.1")
    below(d, "", {"X-Forwarded-Prefix": "/../kiln"}, "127.0.0.2")
    for wrong in ("//evil.example", "/kiln/..", "/kiln/%2e%2e", "/kiln?x", "/a b", "kiln", "/kiln, /other", "/" + "k" * 5000):
        below(d, "", {"X-Forwarded-Prefix": wrong}, "127.0.0.2")
    assert server(said)[0] == "https://farm.example/kiln"
    assert server({**said, "X-Forwarded-Host": "evil.example"})[0] == "/kiln", "a host that is not served here"
    for wrong in ("farm.example, evil.example", "farm.example/x", "user@farm.example", "farm example"):
        assert server({**said, "X-Forwarded-Host": wrong})[0] == "/kiln", wrong
    assert server({**said, "X-Forwarded-Proto": "gopher"})[0] in ("/kiln", "http://farm.example/kiln")
    assert server(of("for=192.0.2.7;proto=https;host=farm.example", "Forwarded"))[0] == "https://farm.example"
    assert server(said, "127.0.0.1")[0] == "/"
    assert len({server(said)[1], server({})[1], server({**said, "X-Forwarded-Proto": "http"})[1]}) == 3


@pytest.mark.parametrize("value, says", [
    ('"/kiln"', "begins with http"), ('"https://farm.example/../kiln"', "segments"), ('"https://farm.example/a\\u0001"', "segments"),
    ('"https://a, https://b"', "not an origin"), ('"https://farm.example:443"', "usual port"), ('["https://a", "https://b"]', "one value"),
])
def test_a_wrong_public_url_is_refused_with_its_place(tmp_path, value, says):
    (tmp_path / "kilnd.toml").write_text(f'project_root = "{tmp_path}"\npublic_url = {value}\n')
    refused = kilnd("--check", "--config", tmp_path / "kilnd.toml")
    assert refused.returncode == 2 and says in refused.stderr, refused
    assert f"{tmp_path}/kilnd.toml, line 2: public_url = " in refused.stderr
