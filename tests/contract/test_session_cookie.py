# SPDX-License-Identifier: Apache-2.0
"""/v1/session: browsers sign in once, and send a cookie from then on."""
import http.client
import json
import os
import re

import pytest
from daemon import wait_for
from test_access import JOB, JSON, Guarded
from test_tls import context, make_certificate
from tokens import add, bearer, token


@pytest.fixture
def guarded(start, tmp_path):
    return Guarded(start, tmp_path)


def origin(d):
    return {"Origin": f"http://127.0.0.1:{d.port}"}


def sign_in(guarded, who="ann", **more):
    """The answer, and the cookie as a browser sends it."""
    answer = guarded.d.ask("POST", "/v1/session", json.dumps({"token": guarded.secrets[who]}),
                           {**JSON, **origin(guarded.d), **more})
    assert answer.status == 200, answer
    return answer, {"Cookie": answer.headers["set-cookie"].split(";")[0]}


def test_a_cookie_stands_for_the_token(guarded):
    d = guarded.d
    answer, cookie = sign_in(guarded)
    said = answer.headers["set-cookie"]
    assert re.fullmatch(rf"kiln_{d.port}=[0-9a-f]{{40}}; Path=/; HttpOnly; SameSite=Strict", said), said
    assert guarded.secrets["ann"][5:] not in said, "the token is not in it"
    shown = answer.json()
    assert (shown["name"], shown["role"]) == ("ann", "submit") and shown["expires_at"].endswith("Z")
    assert d.get("/v1/session", **cookie).json() == shown
    assert d.get("/v1/session", **bearer(guarded.secrets["ann"])).json() == {**shown, "expires_at": None}
    assert d.get("/v1/system", **cookie).json()["you"] == {"name": "ann", "role": "submit"}
    assert d.get("/v1/jobs").status == 401
    made = d.ask("POST", "/v1/jobs", JOB, {**JSON, **origin(d), **cookie})
    assert made.status == 202 and made.json()["owner"] == "ann"
    guarded.until(made.json()["id"], "succeeded")
    assert d.get(f"/v1/jobs/{made.json()['id']}/frames/1", **cookie).status == 200
    assert d.ask("DELETE", f"/v1/jobs/{made.json()['id']}", headers=cookie | origin(d)).status == 204
    assert d.ask("POST", "/v1/webhooks", "{}", {**JSON, **origin(d), **cookie}).status == 403, "ann is no admin"


def test_other_pages_cannot_use_it(guarded):
    d = guarded.d
    _, cookie = sign_in(guarded)
    before = len(d.get("/v1/jobs", **cookie).json()["jobs"])
    for more in ({}, {"Origin": "null"}, {"Origin": "https://evil.example"}, {"Origin": f"http://127.0.0.1:{d.port + 1}"},
                 {"Origin": "http://127.0.0.1"}, {"Referer": f"http://127.0.0.1:{d.port}/"}):
        for method, target in (("POST", "/v1/jobs"), ("DELETE", "/v1/session"), ("POST", "/job")):
            assert d.ask(method, target, JOB, {**JSON, **cookie, **more}).status == 403, (method, target, more)
    for site in ("cross-site", "same-site"):
        assert d.get("/v1/jobs", **cookie, **{"Sec-Fetch-Site": site}).status == 401, site
        assert d.ask("POST", "/v1/jobs", JOB, {**JSON, **cookie, **origin(d), "Sec-Fetch-Site": site}).status == 401
    for site in ("same-origin", "none"):
        assert d.get("/v1/jobs", **cookie, **{"Sec-Fetch-Site": site}).status == 200, site
    assert len(d.get("/v1/jobs", **cookie).json()["jobs"]) == before
    answer = d.get("/v1/jobs", **cookie, Origin="https://evil.example")
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_allowed_pages_need_a_token_to_change_something(start, tmp_path):
    guarded = Guarded(start, tmp_path, arguments=["--allowed-origins", "https://shop.example"])
    _, cookie = sign_in(guarded)
    shop = {"Origin": "https://shop.example"}
    assert guarded.d.ask("POST", "/v1/jobs", JOB, {**JSON, **shop, **cookie}).status == 403
    assert guarded.d.ask("POST", "/v1/jobs", JOB, {**JSON, **shop, **bearer(guarded.secrets["ann"])}).status == 202


def test_a_cookie_that_is_not_one(guarded):
    d = guarded.d
    _, cookie = sign_in(guarded)
    name, value = cookie["Cookie"].split("=")
    for wrong in ("", name, f"{name}=", f"{name}={value[:-1]}", f"{name}={value}x", f"kiln={value}", f"{name.upper()}={value}",
                  f"__Host-{name}={value}", f"{name}={guarded.secrets['ann']}", f"{name}=\"{value}\"", f"{name}={'a' * 3000}",
                  f"{name}={value}; {name}=other", f"{name}=other; {name}={value}", f"a={name}={value}", ";;;=;", "\xff=\xfe"):
        assert d.get("/v1/jobs", Cookie=wrong).status == 401, wrong
    for right in (f"{name}={value}", f"a=b; {name}={value}", f"{name}={value};a=b", f"x; {name}={value}; y="):
        assert d.get("/v1/jobs", Cookie=right).status == 200, right
    assert d.get("/v1/jobs", Cookie=cookie["Cookie"], Authorization="Bearer kiln_wrong").status == 401, "the token counts"
    for _ in range(60):  # a page of pictures after a restart: no wrong tokens
        assert d.get("/v1/jobs", Cookie=f"{name}={os.urandom(20).hex()}").status == 401
    assert guarded.ask("ann", "GET", "/v1/jobs").status == 200


def test_it_ends(guarded):
    d = guarded.d
    _, first = sign_in(guarded)
    _, second = sign_in(guarded)
    assert first != second
    answer, third = sign_in(guarded, "bob", **first)
    assert d.get("/v1/jobs", **first).status == 401, "who signs in again leaves the session before"
    ended = d.ask("DELETE", "/v1/session", headers={**third, **origin(d)})
    assert ended.status == 204 and "Max-Age=0" in ended.headers["set-cookie"]
    assert d.get("/v1/jobs", **third).status == 401 and d.get("/v1/jobs", **second).status == 200
    assert d.ask("DELETE", "/v1/session").status == 204, "also without one"
    assert token("remove", "ann", state=guarded.state).returncode == 0
    wait_for(lambda: d.get("/v1/jobs", **second).status == 401, "it ends with its token")
    guarded.secrets["ann"] = add(guarded.state, "ann", "submit")
    wait_for(lambda: guarded.ask("ann", "GET", "/v1/jobs").status == 200, "there is another of this name")
    assert d.get("/v1/jobs", **second).status == 401, "which is another token"
    _, fourth = sign_in(guarded)
    assert d.get("/v1/jobs", **fourth).status == 200
    assert d.stop() == 0
    d.start()
    assert d.get("/v1/jobs", **fourth).status == 401, "a restart ends all"


@pytest.mark.parametrize("body, expected", [
    ("", 400), ("{", 400), ("[]", 422), ("{}", 422), ('{"token":7}', 422), ('{"token":null}', 422), ('{"token":"a","x":1}', 422),
    ('{"token":"a","token":"b"}', 400), ('{"token":""}', 401), (json.dumps({"token": "kiln_" + "0" * 40}), 401),
    (json.dumps({"token": "x" * 100_000}), 401), (json.dumps({"token": "\r\nSet-Cookie: a=b"}), 401)])
def test_wrong_tokens(guarded, body, expected):
    answer = guarded.d.ask("POST", "/v1/session", body, {**JSON, **origin(guarded.d)})
    assert answer.status in ({expected, 422} if expected == 400 else {expected}), answer
    assert "set-cookie" not in answer.headers


def test_guesses_are_limited_and_forms_refused(guarded):
    d = guarded.d
    right = json.dumps({"token": guarded.secrets["ann"]})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert d.ask("POST", "/v1/session", right, {"Content-Type": kind}).status == 415
    assert d.ask("POST", "/v1/session", right, {**JSON, "Origin": "https://evil.example"}).status == 403
    seen = [d.ask("POST", "/v1/session", json.dumps({"token": "kiln_" + os.urandom(20).hex()}), JSON).status for _ in range(40)]
    assert seen[0] == 401 and seen[-1] == 429
    sign_in(guarded)  # a right one is not held up by them


def test_without_tokens_there_is_none(start):
    d = start()
    assert d.ask("POST", "/v1/session", '{"token":"kiln_x"}', JSON).status == 409
    assert d.get("/v1/session").json() == {"name": None, "role": "admin", "expires_at": None}
    assert d.ask("DELETE", "/v1/session").status == 204


def test_under_tls_only_tls_has_it(start, tmp_path):
    certificate, secret = make_certificate(tmp_path, "first")
    known = add(tmp_path / "state", "ann", "submit")
    d = start(arguments=["--tls-certificate", certificate, "--tls-key", secret])
    connection = http.client.HTTPSConnection("127.0.0.1", d.port, timeout=60, context=context())
    connection.request("POST", "/v1/session", json.dumps({"token": known}), {**JSON, "Origin": f"https://127.0.0.1:{d.port}"})
    answer = connection.getresponse()
    answer.read()
    said = answer.headers["Set-Cookie"]
    assert re.fullmatch(rf"__Host-kiln_{d.port}=[0-9a-f]{{40}}; Path=/; HttpOnly; SameSite=Strict; Secure", said), said
    for cookie, expected in ((said.split(";")[0], 200), (said.split(";")[0].removeprefix("__Host-"), 401)):
        connection.request("GET", "/v1/jobs", headers={"Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == expected
    connection.close()


def test_behind_a_proxy_that_speaks_tls(start, tmp_path):
    guarded = Guarded(start, tmp_path, arguments=["--trusted-proxies", "127.0.0.1"])
    d = guarded.d
    there = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    answer, cookie = sign_in(guarded, **there)
    assert answer.headers["set-cookie"].startswith(f"__Host-kiln_{d.port}=") and "; Secure" in answer.headers["set-cookie"]
    assert d.get("/v1/jobs", **cookie, **there).status == 200
