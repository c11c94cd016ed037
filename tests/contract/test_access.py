# SPDX-License-Identifier: Apache-2.0
"""Permissions: tokens, roles, owners; and the answers to strangers."""
import hashlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest
from daemon import program, statuses, wait_for
from tokens import add, bearer, token

ROOT = pathlib.Path(__file__).parents[2]
JSON = {"Content-Type": "application/json"}
JOB = json.dumps({"blend": "scene.blend", "frames": "1"})
ROLES = {"reader": "read", "ann": "submit", "bob": "submit", "root": "admin"}


class Guarded:
    """A kilnd with a token for each role; jobs are ann's unless said."""

    def __init__(self, start, tmp_path, *commands, arguments=()):
        self.state = tmp_path / "state"
        self.addresses = 0
        self.secrets = {name: add(self.state, name, role) for name, role in ROLES.items()}
        self.d = start(*(commands or ["frame_seconds 0.01", "further Out--beauty"]), arguments=arguments)

    def ask(self, who, method, target, body=None, **headers):
        """`who`: a token's name, "" for no token, or a text that is sent unchanged."""
        secret = self.secrets.get(who, who)
        return self.d.ask(method, target, body, {**bearer(secret), **headers})

    def status(self, who, method, target, body=None, **headers):
        """Of an answer that may never end. From ever other networks: wrong tokens of one are limited."""
        self.addresses += 1
        connection = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=60,
                                                source_address=(f"127.1.{self.addresses % 250}.1", 0))
        try:
            connection.request(method, target, body, {**bearer(self.secrets.get(who, who)), **headers})
            return connection.getresponse().status
        finally:
            connection.close()

    def submit(self, who="ann"):
        answer = self.ask(who, "POST", "/v1/jobs", JOB, **JSON)
        assert answer.status == 202, answer
        return answer.json()["id"]

    def until(self, job, *states):
        def now():
            read = self.ask("reader", "GET", f"/v1/jobs/{job}").json()
            return read if read["state"] in states else None
        return wait_for(now, f"{job} is {states}")

    def finished(self):
        job = self.submit()
        self.until(job, "succeeded")
        return job


@pytest.fixture
def guarded(start, tmp_path):
    return Guarded(start, tmp_path)


# Method, path, required role, whether only for own jobs, body, statuses if allowed.
ROUTES = [
    ("GET", "/livez", "none", False, None, {200}),
    ("GET", "/readyz", "none", False, None, {200}),
    ("GET", "/healthz", "none", False, None, {200}),
    ("GET", "/", "none", False, None, {200}),
    ("GET", "/page/{file}", "none", False, None, {404}),
    ("GET", "/docs", "none", False, None, {200}),
    ("GET", "/docs/{file}", "none", False, None, {404}),
    ("GET", "/v1/openapi.json", "none", False, None, {200}),
    ("GET", "/metrics", "read", False, None, {200}),
    ("GET", "/v1/blenders", "read", False, None, {200}),
    ("POST", "/job", "submit", False, '{"from":1,"to":1}', {202}),
    ("GET", "/job/{id}", "read", False, None, {200}),
    ("POST", "/v1/jobs", "submit", False, JOB, {202}),
    ("GET", "/v1/jobs", "read", False, None, {200}),
    ("GET", "/v1/jobs/summary", "read", False, None, {200}),
    ("GET", "/v1/system", "read", False, None, {200}),
    ("POST", "/v1/session", "none", False, '{"token":"kiln_of_nobody"}', {401}),
    ("GET", "/v1/session", "read", False, None, {200}),
    ("DELETE", "/v1/session", "none", False, None, {204}),
    ("GET", "/v1/jobs/{id}", "read", False, None, {200}),
    ("PATCH", "/v1/jobs/{id}", "submit", True, '{"priority":1}', {409}),
    ("DELETE", "/v1/jobs/{id}", "submit", True, None, {204}),
    ("POST", "/v1/jobs/{id}/cancel", "submit", True, None, {202}),
    ("POST", "/v1/jobs/{id}/retry", "submit", True, None, {409}),
    ("POST", "/v1/jobs/{id}/copies", "submit", False, "{}", {202}),
    ("GET", "/v1/jobs/{id}/frames", "read", False, None, {200}),
    ("GET", "/v1/jobs/{id}/frames/{frame}/preview", "read", False, None, {200, 404}),
    ("POST", "/v1/jobs/{id}/videos", "submit", True, "{}", {200, 202}),
    ("GET", "/v1/jobs/{id}/videos", "read", False, None, {200}),
    ("GET", "/v1/jobs/{id}/videos/{video}", "read", False, None, {404}),
    ("GET", "/v1/jobs/{id}/videos/{video}/file", "read", False, None, {404}),
    ("DELETE", "/v1/jobs/{id}/videos/{video}", "submit", True, None, {404}),
    ("GET", "/v1/jobs/{id}/previews", "read", False, None, {200, 404}),
    ("GET", "/v1/jobs/{id}/previews/map", "read", False, None, {200}),
    ("GET", "/v1/jobs/{id}/frames/map", "read", False, None, {200}),
    ("GET", "/v1/jobs/{id}/frames/{frame}", "read", False, None, {200}),
    ("GET", "/v1/jobs/{id}/outputs/{name}", "read", False, None, {200}),
    ("GET", "/v1/jobs/{id}/frames.zip", "read", False, None, {200}),
    ("GET", "/v1/jobs/{id}/log", "read", False, None, {200}),
    ("GET", "/v1/jobs/{id}/events", "read", False, None, {200}),
    ("GET", "/v1/events", "read", False, None, {200}),
    ("POST", "/v1/blends", "submit", False, "no scene", {415}),
    ("GET", "/v1/blends", "read", False, None, {200}),
    ("GET", "/v1/files", "submit", False, None, {200}),
    ("GET", "/v1/statistics", "read", False, None, {200}),
    ("GET", "/v1/blends/{id}", "read", False, None, {404}),
    ("DELETE", "/v1/blends/{id}", "admin", False, None, {404}),
    ("POST", "/v1/webhooks", "admin", False, '{"url":"https://x.example/"}', {422}),
    ("GET", "/v1/webhooks", "admin", False, None, {200}),
    ("GET", "/v1/webhooks/{id}", "admin", False, None, {404}),
    ("DELETE", "/v1/webhooks/{id}", "admin", False, None, {404}),
    ("POST", "/v1/webhooks/{id}/test", "admin", False, None, {404}),
]
RANKS = ["none", "read", "submit", "admin"]
VISITORS = {"nobody": "none", "wrong": "none", "reader": "read", "ann": "submit", "bob": "submit", "root": "admin"}


def routes_of_the_source():
    found = set()
    for source in sorted((ROOT / "daemon/api").glob("*.cpp")):
        text = re.sub(r"//[^\n]*", "", source.read_text())
        for method, path in re.findall(r'\bon(?:_stream)?\(\s*"([A-Z]+)",\s*("[^"]*"|\w+)', text):
            if path.startswith('"'):
                found.add((method, path.strip('"')))
            else:  # for (const char* path : {"/a", "/b"})
                for listed in re.findall(r"for \(const char\* %s : \{([^}]*)\}" % path, text):
                    found |= {(method, p) for p in re.findall(r'"([^"]*)"', listed)}
    return found


def test_every_route_is_in_the_table():
    assert routes_of_the_source() == {(method, path) for method, path, *_ in ROUTES}


def test_every_route_asks_for_its_role(guarded):
    wrong = []
    job = guarded.finished()
    for method, path, needed, own, body, allowed in ROUTES:
        for who, rank in VISITORS.items():
            target = path.replace("{id}", job).replace("{frame}", "1").replace("{name}", "Out--beauty_0001.png")
            secret = {"nobody": "", "wrong": "kiln_" + os.urandom(20).hex()}.get(who, who)
            status = guarded.status(secret, method, target, body, **(JSON if body else {}))
            if RANKS.index(rank) < RANKS.index(needed):
                expected = {401} if rank == "none" else {403}
            else:
                expected = {403} if own and who == "bob" else allowed
            if status not in expected:
                wrong.append((method, path, who, status, expected))
            if status == 204:  # it was deleted
                job = guarded.finished()
    assert not wrong


def test_head_and_other_methods_are_no_way_around(guarded):
    job = guarded.finished()
    assert guarded.ask("", "HEAD", f"/v1/jobs/{job}").status == 401
    assert guarded.ask("reader", "HEAD", f"/v1/jobs/{job}").status == 200
    for target in (f"/v1//jobs/{job}", f"//v1/jobs/{job}", f"/v1/jobs/{job}/", f"/V1/jobs/{job}", f"/v1/./jobs/{job}",
                   f"/livez/../v1/jobs/{job}", f"/v1/jobs%2f{job}"):
        assert guarded.ask("", "GET", target).status in (400, 404), target
    raw = b"GET http://localhost/v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert statuses(guarded.d.raw(raw)) == [401]


def test_who_is_not_known_is_told_how(guarded):
    missing = guarded.ask("", "GET", "/v1/jobs")
    assert missing.status == 401 and missing.headers["www-authenticate"] == 'Bearer realm="kiln"'
    assert missing.headers["content-type"] == "application/problem+json"
    assert missing.json()["type"] == "urn:kiln:problem:unauthorized" and "Bearer" in missing.json()["detail"]
    wrong = guarded.ask("kiln_1", "GET", "/v1/jobs")
    assert wrong.status == 401 and 'error="invalid_token"' in wrong.headers["www-authenticate"]
    text = guarded.ask("", "POST", "/job", '{"from":1,"to":1}', **JSON)
    assert text.status == 401 and text.headers["content-type"].startswith("text/plain")
    short = guarded.ask("reader", "POST", "/v1/jobs", JOB, **JSON)
    assert short.status == 403 and "role submit" in short.json()["detail"] and "reader" in short.json()["detail"]
    assert 'scope="submit"' in short.headers["www-authenticate"]
    others = guarded.ask("bob", "POST", f"/v1/jobs/{guarded.submit()}/cancel")
    assert others.status == 403 and "admin" in others.json()["detail"] and "ann" in others.json()["detail"]


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic cm9vdDo=", "{secret}", "Bearer  ", "Bearer x{secret}",
                                   "Bearer {secret}x", "Bearer {secret} x", "Bearer {secret},", "Bearer \"{secret}\"",
                                   "Token {secret}", "Bearer " + "x" * 5000, "Bearer \xff\xfe"])
def test_what_is_no_token_of_ours_is_refused(guarded, value):
    value = value.format(secret=guarded.secrets["root"])
    assert guarded.d.ask("GET", "/v1/jobs", headers={"Authorization": value}).status == 401
    for form in ("Bearer {}", "bearer {}", "BEARER   {}"):
        assert guarded.d.ask("GET", "/v1/jobs", headers={"Authorization": form.format(guarded.secrets["root"])}).status == 200


def test_two_authorizations_are_one_too_many(guarded):
    field = b"Authorization: Bearer %s\r\n" % guarded.secrets["root"].encode()
    request = b"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
    assert statuses(guarded.d.raw(request % field)) == [200]
    assert statuses(guarded.d.raw(request % (field + field))) == [400]
    assert statuses(guarded.d.raw(request % (b"Authorization: Bearer x\r\n" + field))) == [400]
    assert statuses(guarded.d.raw(b"GET /v1/jobs?access_token=%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                  % guarded.secrets["root"].encode())) == [401], "an address is logged and passed on"


def test_a_body_of_a_stranger_is_not_what_is_wrong(guarded):
    refused = guarded.d.raw(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")
    assert statuses(refused) == [401] and b"Connection: close" in refused
    waits = guarded.d.raw(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
    assert statuses(waits) == [401], "not asked to send what nobody reads"


def test_a_job_is_its_owners(guarded):
    d = guarded.d
    mine, other, admins = guarded.submit("ann"), guarded.submit("bob"), guarded.submit("root")
    for job, owner in ((mine, "ann"), (other, "bob"), (admins, "root")):
        assert guarded.ask("reader", "GET", f"/v1/jobs/{job}").json()["owner"] == owner

    def listed(query):
        answer = guarded.ask("reader", "GET", f"/v1/jobs?{query}")
        assert answer.status == 200, answer
        return [j["id"] for j in answer.json()["jobs"]]
    assert listed("owner=ann") == [mine] and listed("owner=bob") == [other]
    assert listed("owner=nobody") == [] and listed("owner=ann'--") == []
    assert listed("limit=10") == [admins, other, mine]
    page = guarded.ask("reader", "GET", "/v1/jobs?owner=ann&limit=1")
    assert "link" not in page.headers
    tutorial = guarded.ask("bob", "POST", "/job", '{"from":1,"to":1}', **JSON).json()["id"]
    assert guarded.ask("reader", "GET", f"/v1/jobs/{tutorial}").json()["owner"] == "bob"
    guarded.until(mine, "succeeded")
    d.stop()
    d.start()
    assert guarded.ask("reader", "GET", f"/v1/jobs/{mine}").json()["owner"] == "ann"
    assert guarded.ask("bob", "DELETE", f"/v1/jobs/{mine}").status == 403
    assert guarded.ask("ann", "DELETE", f"/v1/jobs/{mine}").status == 204
    guarded.until(other, "succeeded")
    assert guarded.ask("root", "DELETE", f"/v1/jobs/{other}").status == 204


def test_keys_of_requests_are_each_ones_own(guarded):
    def once(who, body=JOB):
        return guarded.ask(who, "POST", "/v1/jobs", body, **JSON, **{"Idempotency-Key": "nightly"})
    first, second = once("ann"), once("bob")
    assert first.status == second.status == 202 and first.json()["id"] != second.json()["id"]
    assert once("ann").json()["id"] == first.json()["id"]
    assert once("bob", json.dumps({"blend": "scene.blend", "frames": "2"})).status == 422


def test_an_upload_is_its_senders_and_admins(start, tmp_path):
    guarded = Guarded(start, tmp_path)
    scene = b"BLENDER-v304\nsamples 1\n"
    digest = "sha256:" + hashlib.sha256(scene).hexdigest()
    body = json.dumps({"blend": digest, "frames": "1"})

    def send(who, name):
        return guarded.ask(who, "POST", f"/v1/blends?name={name}", scene, **{"Content-Type": "application/octet-stream"})

    def seen(who):
        one, all_of_them = guarded.ask(who, "GET", f"/v1/blends/{digest}"), guarded.ask(who, "GET", "/v1/blends").json()["blends"]
        known = [(one.json()["id"], one.json()["name"])] if one.status == 200 else []  # its times change while jobs use it
        assert known == [(each["id"], each["name"]) for each in all_of_them]
        return one.json()["name"] if all_of_them else one.status
    missing = guarded.ask("bob", "POST", "/v1/jobs", body, **JSON)
    assert send("ann", "secret.blend").status == 201
    assert guarded.ask("ann", "POST", "/v1/jobs", body, **JSON).status == 202
    assert [seen(who) for who in ("ann", "root", "bob", "reader")] == ["secret.blend", "secret.blend", 404, 404]
    refused = guarded.ask("bob", "POST", "/v1/jobs", body, **JSON)
    assert refused.status == 422 and refused.body == missing.body, "as if it were not there"
    assert send("bob", "mine.blend").status == 201 and send("bob", "again.blend").status == 200
    assert [seen(who) for who in ("ann", "root", "bob", "reader")] == ["secret.blend", "secret.blend", "mine.blend", 404]
    assert guarded.ask("bob", "POST", "/v1/jobs", body, **JSON).status == 202
    assert guarded.d.stop() == 0
    guarded.d.start()
    assert [seen(who) for who in ("ann", "bob", "reader")] == ["secret.blend", "mine.blend", 404]


def test_uploads_that_are_shared(start, tmp_path):
    guarded = Guarded(start, tmp_path, arguments=["--share-uploads"])
    scene = b"BLENDER-v304\nsamples 1\n"
    sent = guarded.ask("ann", "POST", "/v1/blends", scene, **{"Content-Type": "application/octet-stream"})
    assert sent.status == 201
    body = json.dumps({"blend": sent.json()["id"], "frames": "1"})
    assert guarded.ask("bob", "POST", "/v1/jobs", body, **JSON).status == 202
    assert guarded.ask("reader", "GET", f"/v1/blends/{sent.json()['id']}").status == 200


def test_without_tokens_a_job_is_nobodys(start, tmp_path):
    d = start("frame_seconds 0.01")
    made = d.ask("POST", "/v1/jobs", JOB, JSON)
    assert made.status == 202 and made.json()["owner"] is None
    assert d.get("/v1/jobs?owner=ann").json() == {"jobs": []}
    assert "whoever reaches 127.0.0.1" in d.log()
    job = made.json()["id"]
    wait_for(lambda: d.get(f"/v1/jobs/{job}").json()["state"] == "succeeded", "it is done")
    secret = add(d.state, "ann", "submit")
    wait_for(lambda: d.get("/v1/jobs").status == 401, "the first token closes it")
    refused = d.ask("DELETE", f"/v1/jobs/{job}", headers=bearer(secret))
    assert refused.status == 403 and "has no owner" in refused.json()["detail"]


def test_strangers_learn_no_details(guarded, tmp_path):
    (tmp_path / "scene.blend").rename(tmp_path / "gone.blend")
    for path in ("/readyz", "/healthz"):
        for secret in ("", "kiln_wrong"):
            stranger = guarded.ask(secret, "GET", path)
            assert stranger.status == 503 and str(tmp_path) not in stranger.text, stranger
        assert str(tmp_path) in guarded.ask("reader", "GET", path).text


def test_tokens_hold_at_once(guarded):
    d = guarded.d
    secret = add(d.state, "late", "read")
    wait_for(lambda: guarded.ask(secret, "GET", "/v1/jobs").status == 200, "late is let in")
    assert token("remove", "late", state=d.state).returncode == 0
    wait_for(lambda: guarded.ask(secret, "GET", "/v1/jobs").status == 401, "late is let in no more")
    assert guarded.ask("reader", "GET", "/v1/jobs").status == 200
    file = d.state / "tokens"
    text = file.read_text()
    file.write_text(text.replace("reader read", "reader submit"))  # in place, as editors do
    wait_for(lambda: guarded.ask("reader", "POST", "/v1/jobs", JOB, **JSON).status == 202, "the reader submits")


def test_who_is_removed_hears_no_more(guarded):
    d = guarded.d
    connection = http.client.HTTPConnection("127.0.0.1", d.port, timeout=60)
    connection.request("GET", "/v1/events", headers=bearer(guarded.secrets["reader"]))
    stream = connection.getresponse()
    other = http.client.HTTPConnection("127.0.0.1", d.port, timeout=60)
    other.request("GET", "/v1/events", headers=bearer(guarded.secrets["bob"]))
    kept = other.getresponse()
    assert stream.status == kept.status == 200
    assert stream.readline() and kept.readline()
    assert token("remove", "reader", state=d.state).returncode == 0
    while stream.readline():  # to its end
        pass
    guarded.submit("bob")
    wait_for(lambda: b"event: job" in kept.readline(), "bob still hears")
    connection.close()
    other.close()


def test_a_file_that_is_broken_changes_nothing(guarded):
    d, file = guarded.d, guarded.d.state / "tokens"
    text = file.read_text()
    for i, (change, says) in enumerate([
            (lambda: file.write_text("nonsense\n"), "line 1"),
            (lambda: file.write_text(text[:-10]), "line 6"),
            (lambda: (file.write_text(text), file.chmod(0o644), file.write_text(text)), "chmod 600"),
            (lambda: file.unlink(), "no such file")]):
        before = d.log().count("the tokens stay as they were")
        change()
        d.process.send_signal(signal.SIGHUP)
        wait_for(lambda: d.log().count("the tokens stay as they were") > before, says)
        wait_for(lambda: says in d.log().splitlines()[-1] or says in d.log(), says)
        assert guarded.ask("reader", "GET", "/v1/jobs").status == 200, "who was let in still is"
        assert guarded.ask("", "GET", "/v1/jobs").status == 401
        if file.exists():
            file.chmod(0o600)
    file.touch(0o600)
    file.write_text(text.replace("reader read", "reader admin"))
    wait_for(lambda: guarded.ask("reader", "GET", "/v1/webhooks").status == 200, "the file is good again")


def test_secrets_are_kept_nowhere(guarded):
    job = guarded.finished()
    guarded.ask("root", "DELETE", f"/v1/jobs/{job}")
    guarded.d.stop()
    for path in guarded.d.directory.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for secret in guarded.secrets.values():
                assert secret.encode() not in data and secret[5:].encode() not in data, path
    assert (guarded.state / "tokens").stat().st_mode & 0o777 == 0o600


@pytest.fixture
def flags(tmp_path, blend):
    return ["--blender", program("FAKE_BLENDER"), "--blend", blend(), "--output", tmp_path / "frames",
            "--state", tmp_path / "state"]


def kilnd(*arguments):
    return subprocess.run([program("KILND"), *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("check", [[], ["--check"]])
def test_a_file_that_cannot_be_used_is_refused_at_the_start(tmp_path, flags, check):
    file = tmp_path / "tokens"
    loopback = ["--listen", "127.0.0.1:0", "--tokens-file", file, *check]

    def refused(says):
        ended = kilnd(*flags, *loopback)
        assert ended.returncode == 3 and says in ended.stderr, ended.stdout + ended.stderr
    refused("kilnd token add")  # it was named, and is not there
    file.write_text("ci submit\n")
    file.chmod(0o600)
    refused("line 1")
    file.chmod(0o604)
    refused("chmod 600")
    file.unlink()
    file.mkdir()
    refused("not a file")


def test_an_open_network_needs_tokens(tmp_path, flags):
    open_to_all = [*flags, "--listen", "0.0.0.0:0"]
    ended = kilnd(*open_to_all, "--check")
    assert ended.returncode == 2 and "kilnd token add" in ended.stderr and "--allow-open-network" in ended.stderr
    add(tmp_path / "state", "ci", "submit")
    checked = kilnd(*open_to_all, "--check")
    assert checked.returncode == 0 and "tokens   1 in" in checked.stdout, checked.stderr
    log = tmp_path / "log"
    with subprocess.Popen([program("KILND"), *map(str, open_to_all), "--log-file", log]) as running:
        try:
            found = wait_for(lambda: log.exists() and re.search(r"listening on 0\.0\.0\.0:(\d+)", log.read_text()), "it listens")
            connection = http.client.HTTPConnection("127.0.0.1", int(found.group(1)), timeout=60)
            connection.request("GET", "/v1/jobs")
            assert connection.getresponse().status == 401
            connection.close()
        finally:
            running.terminate()
    assert running.returncode == 0


def test_the_command_makes_lists_and_removes(tmp_path):
    state = tmp_path / "new/state"
    made = token("add", "ci", "--role", "submit", state=state)
    assert made.returncode == 0 and re.fullmatch(r"kiln_[0-9a-f]{40}\n", made.stdout), "the secret alone, for $(…)"
    assert "kiln_" not in made.stderr and str(state / "tokens") in made.stderr and "nobody is let in without" in made.stderr
    assert "without" not in token("add", "other", "--role", "read", state=state).stderr
    listed = token("list", state=state).stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [["ci", "submit"], ["other", "read"]]
    assert token("remove", "other", state=state).returncode == 0
    last = token("remove", "ci", state=state)
    assert last.returncode == 0 and "last token" in last.stderr
    assert "nobody is let in" in token("list", state=state).stderr
    assert token("list", state=tmp_path / "none").returncode == 0


@pytest.mark.parametrize("arguments, says", [
    ([], "kilnd token add NAME"), (["make"], "kilnd token add NAME"), (["add"], "NAME"), (["add", "x"], "--role"),
    (["add", "x", "--role", "root"], "role"), (["add", "a b", "--role", "read"], "cannot be a token's name"),
    (["add", "", "--role", "read"], "cannot be a token's name"), (["add", "x\ny admin", "--role", "read"], "cannot be"),
    (["add", "x" * 65, "--role", "read"], "cannot be"), (["add", "x", "y", "--role", "read"], "y"),
    (["remove"], "NAME"), (["remove", "nobody"], "no token nobody"), (["add", "taken", "--role", "read"], "already"),
])
def test_wrong_wishes_are_refused(tmp_path, arguments, says):
    add(tmp_path, "taken", "admin")
    before = (tmp_path / "tokens").read_text()
    ended = token(*arguments, state=tmp_path)
    assert ended.returncode == 2 and says in ended.stderr, ended.stderr
    assert ended.stdout == "" and (tmp_path / "tokens").read_text() == before


def test_many_tokens_cost_little(start, tmp_path):
    state = tmp_path / "state"
    secret = add(state, "last", "read")
    text = (state / "tokens").read_text()
    others = "".join(f"t{i} read 2026-01-01T00:00:00Z sha256:{i:064x}\n" for i in range(999))
    head, line = text.rsplit("\n", 2)[0], text.splitlines()[-1]
    (state / "tokens").write_text(head + "\n" + others + line + "\n")
    d = start("frame_seconds 0.01")
    began = time.monotonic()
    for _ in range(100):
        assert d.ask("GET", "/v1/jobs", headers=bearer(secret)).status == 200
    assert time.monotonic() - began < 30
