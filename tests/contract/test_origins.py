# SPDX-License-Identifier: Apache-2.0
"""Web pages: which may read answers and change something (CORS), and which may not."""
import json

import pytest
from daemon import program, statuses
from test_operation import kilnd
from tokens import add, bearer

JSON = {"Content-Type": "application/json"}
JOB = json.dumps({"blend": "scene.blend", "frames": "1"})
SHOP = "https://shop.example"


@pytest.fixture
def d(start):
    return start("frame_seconds 0.01", arguments=["--allowed-origins", f"{SHOP},http://localhost:5173",
                                                  "--allowed-hosts", "farm.example"])


def preflight(d, origin, method="POST", target="/v1/jobs", **headers):
    return d.ask("OPTIONS", target, headers={"Origin": origin, "Access-Control-Request-Method": method,
                                             "Access-Control-Request-Headers": "authorization,content-type", **headers})


@pytest.mark.parametrize("origin", [SHOP, "http://localhost:5173"])
def test_a_page_of_an_allowed_origin_may_do_what_others_may(d, origin):
    asked = preflight(d, origin)
    assert asked.status == 204 and asked.headers["access-control-allow-origin"] == origin
    assert "POST" in asked.headers["access-control-allow-methods"]
    allowed = asked.headers["access-control-allow-headers"].lower()
    for name in ("authorization", "content-type", "idempotency-key", "if-none-match", "range", "last-event-id", "prefer"):
        assert name in allowed
    assert int(asked.headers["access-control-max-age"]) > 0
    made = d.ask("POST", "/v1/jobs", JOB, {**JSON, "Origin": origin})
    assert made.status == 202 and made.headers["access-control-allow-origin"] == origin
    exposed = made.headers["access-control-expose-headers"].lower()
    for name in ("location", "retry-after", "etag", "link", "x-request-id", "ratelimit"):
        assert name in exposed
    assert made.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in made.headers
    refused = d.ask("GET", "/v1/nothing", headers={"Origin": origin})
    assert refused.status == 404 and refused.headers["access-control-allow-origin"] == origin, "a page can read errors"


@pytest.mark.parametrize("origin", [
    "https://evil.example", "http://shop.example", "https://shop.example:8443", "https://shop.example.evil.example",
    "https://evil-shop.example", "https://sub.shop.example", "null", "https://shop.example/", "shop.example", "*", "file://",
    "https://shop.example, https://evil.example", "http://localhost:5174", "http://127.0.0.1:1", "http://farm.example:1", "x"])
def test_a_page_of_a_foreign_origin_changes_nothing(d, origin):
    asked = preflight(d, origin)
    assert asked.status == 403 and "access-control-allow-origin" not in asked.headers
    for method, target, body in (("POST", "/v1/jobs", JOB), ("POST", "/job", '{"from":1,"to":1}'), ("DELETE", "/v1/jobs/x", None),
                                 ("PATCH", "/v1/jobs/x", "{}"), ("POST", "/v1/webhooks", "{}"), ("POST", "/nothing", "")):
        refused = d.ask(method, target, body, {**JSON, "Origin": origin})
        assert refused.status == 403 and "access-control-allow-origin" not in refused.headers, (method, target)
    read = d.get("/v1/jobs", Origin=origin)
    assert read.json() == {"jobs": []}, "nothing was made"
    assert "access-control-allow-origin" not in read.headers and read.headers["vary"] == "Origin"


def test_pages_of_our_own_and_programs_need_no_configuration(start):
    d = start("frame_seconds 0.01", arguments=["--allowed-hosts", "farm.example"])
    port = d.port
    for host, origin in ((f"127.0.0.1:{port}", f"http://127.0.0.1:{port}"), (f"localhost:{port}", f"http://LOCALHOST:{port}"),
                         ("farm.example", "https://farm.example"), ("farm.example:8443", "https://farm.example:8443")):
        made = d.ask("POST", "/v1/jobs", JOB, {**JSON, "Host": host, "Origin": origin})
        assert made.status == 202, (host, origin)
        assert "vary" not in made.headers and "access-control-allow-origin" not in made.headers
    assert d.ask("POST", "/v1/jobs", JOB, JSON).status == 202
    assert d.ask("POST", "/v1/jobs", JOB, {**JSON, "Host": "farm.example", "Origin": "https://farm.example:1"}).status == 403
    assert preflight(d, SHOP).status == 403


def test_a_preflight_needs_no_token_and_what_follows_does(start, tmp_path):
    secret = add(tmp_path / "state", "shop", "submit")
    d = start("frame_seconds 0.01", arguments=["--allowed-origins", "*"])
    asked = preflight(d, SHOP)
    assert asked.status == 204 and asked.headers["access-control-allow-origin"] == "*"
    assert "vary" not in asked.headers
    unknown = d.ask("POST", "/v1/jobs", JOB, {**JSON, "Origin": SHOP})
    assert unknown.status == 401 and unknown.headers["access-control-allow-origin"] == "*"
    made = d.ask("POST", "/v1/jobs", JOB, {**JSON, "Origin": "null", **bearer(secret)})
    assert made.status == 202 and "access-control-allow-credentials" not in made.headers
    assert preflight(d, SHOP, target="/v1/nothing").status == 404


def test_an_origin_splits_no_answer(d):
    for origin in (b"https://shop.example\r\n\tX: 1", b"https://shop.example\r\nX-Y: 1\r\n"):
        received = d.raw(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nOrigin: " + origin + b"\r\n\r\n")
        assert statuses(received) in ([200], [400]) and b"\nX: 1" not in received
        assert b"\nX-Y" not in received


@pytest.mark.parametrize("origin, says", [
    ("shop.example", "scheme"), ("https://shop.example/", "nothing more"), ("https://shop.example:443", "usual port"),
    ("http://a:80", "usual port"), ("null", "scheme"), ("https://", "host"), ("https://a b", "host"), ("https://a:x", "port"),
    ("https://*.example", "host"), ("https://user@host", "host"), ("*", "no tokens")])
def test_what_is_no_origin_is_refused_at_the_start(tmp_path, blend, origin, says):
    ended = kilnd("--blender", program("FAKE_BLENDER"), "--blend", blend(), "--state", tmp_path / "state", "--check",
                  "--allowed-origins", origin)
    assert ended.returncode == 2 and says in ended.stderr, ended.stderr
