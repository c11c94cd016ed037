# SPDX-License-Identifier: Apache-2.0
"""/v1/webhooks: deliveries, their retries, and targets that are refused."""
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import time

import pytest
from daemon import stays_asleep, wait_for
from test_jobs import JSON, TIME, act, job, submit, until
from webhook_receiver import Receiver

ALL = ["job.started", "job.succeeded", "job.failed", "job.canceled"]


@pytest.fixture
def receiver():
    made = []

    def make(*answers, **more):
        made.append(Receiver(*answers, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def target(one):
    return ["--webhook-target", f"127.0.0.1:{one.port}"]


def create(d, url, events=("job.succeeded",), **more):
    return d.ask("POST", "/v1/webhooks", json.dumps({"url": url, "events": list(events), **more}), JSON)


def made(d, url, events=("job.succeeded",), **more):
    answer = create(d, url, events, **more)
    assert answer.status == 201, answer
    return answer.json()


def state_of(d, hook):
    answer = d.get(f"/v1/webhooks/{hook['id']}")
    assert answer.status == 200, answer
    return answer.json()


def until_told(d, hook, **wanted):
    """The webhook, once its newest delivery has these members."""
    def look():
        seen = state_of(d, hook)
        last = seen["deliveries"]["last"]
        return seen if last and all(last[k] == v for k, v in wanted.items()) else None
    return wait_for(look, f"a delivery with {wanted}")


def ping(d, hook):
    answer = d.ask("POST", f"/v1/webhooks/{hook['id']}/test")
    assert answer.status == 202 and answer.headers["retry-after"], answer
    return answer.json()


def crash(d):
    os.kill(d.process.pid, signal.SIGKILL)
    d.process.wait()


@pytest.fixture(scope="module")
def verify(tmp_path_factory):
    """What the npm package standardwebhooks makes of a letter."""
    source = pathlib.Path(__file__).parent / "webhooks"
    directory = pathlib.Path(os.environ.get("WEBHOOKS_BUILD") or tmp_path_factory.mktemp("webhooks"))
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "verify.mjs"):
        shutil.copy(source / name, directory)
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=directory, check=True,
                   timeout=300)

    def run(secret, letter):
        headers = {k: v for k, v in letter["headers"].items() if k.startswith("webhook-")}
        asked = json.dumps({"secret": secret, "headers": headers, "body": letter["body"]})
        done = subprocess.run(["node", "verify.mjs"], cwd=directory, input=asked + "\n", capture_output=True, text=True,
                              timeout=60, check=True)
        return json.loads(done.stdout)
    return run


def test_a_job_is_told_of_and_the_signature_is_right(start, receiver, verify):
    r = receiver()
    d = start(arguments=target(r))
    hook = made(d, r.url(), ALL)
    assert hook["id"].startswith("w") and len(hook["id"]) == 19 and hook["secret"].startswith("whsec_")
    assert hook["state"] == "enabled" and hook["events"] == ALL and hook["deliveries"]["pending"] == 0
    ident = submit(d, "1-3", name="shot", tags=["a"])
    until(d, ident, "succeeded")
    wait_for(lambda: len(r.letters) == 2, "both events have come")
    assert r.types() == ["job.started", "job.succeeded"]
    end = r.events()[1]
    final = job(d, ident)
    told = end["data"]["job"]
    assert told == {k: final[k] for k in told}
    assert set(told) >= {"id", "name", "tags", "state", "frames", "failure", "links"} and told["id"] == ident
    assert told["frames"]["done"] == 3 and end["timestamp"] == final["finished_at"]
    letter = r.letters[1]
    assert letter["path"] == "/hook?from=kiln" and letter["headers"]["content-type"] == "application/json"
    assert letter["headers"]["host"] == f"127.0.0.1:{r.port}" and letter["headers"]["user-agent"].startswith("kilnd/")
    for one in r.letters:
        assert verify(hook["secret"], one) == json.loads(one["body"])
    forged = {**letter, "body": letter["body"].replace("succeeded", "canceled")}
    assert "error" in verify(hook["secret"], forged)
    seen = until_told(d, hook, event="job.succeeded")
    assert "secret" not in json.dumps(seen) and seen["deliveries"]["last"]["status"] == 204
    assert seen["deliveries"]["pending"] == 0 and seen["deliveries"]["last_success_at"]


def test_ends_of_all_kinds_and_only_what_was_asked_for(start, receiver, tmp_path):
    r, other = receiver(), receiver()
    go = tmp_path / "go"
    d = start(f"wait_file {go}", "exit 1", arguments=target(r) + target(other))
    made(d, r.url(), ["job.failed", "job.canceled"])
    made(d, other.url(), ["job.canceled"], secret="whsec_" + "A" * 32)
    failing = submit(d, "1-2", retries=0)
    waiting = submit(d, "1")
    act(d, waiting, "cancel")
    go.touch()
    until(d, failing, "failed")
    wait_for(lambda: len(r.letters) == 2 and len(other.letters) == 1, "all have come")
    assert r.types() == ["job.canceled", "job.failed"] and other.types() == ["job.canceled"]
    why = r.events()[1]["data"]["job"]["failure"]
    assert why == job(d, failing)["failure"] and why["exit_status"] == 1
    ids = [letter["headers"]["webhook-id"] for letter in r.letters + other.letters]
    assert len(set(ids)) == 3


def test_a_failure_is_tried_again_under_the_same_id(start, receiver):
    r = receiver(500)
    d = start(arguments=target(r))
    hook = made(d, r.url())
    submit(d, "1")
    failed = until_told(d, hook, status=500)["deliveries"]
    assert failed["pending"] == 1 and failed["next_try_at"] and "500" in failed["last"]["error"]
    healed = until_told(d, hook, status=204)["deliveries"]
    assert healed["pending"] == 0 and healed["given_up"] == 0 and healed["last"]["error"] is None
    first, second = (letter["headers"] for letter in r.letters)
    assert first["webhook-id"] == second["webhook-id"] and r.letters[0]["body"] == r.letters[1]["body"]
    assert int(second["webhook-timestamp"]) > int(first["webhook-timestamp"])


def test_the_log_says_which_job_and_trace_a_delivery_is_about(start, receiver):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    r = receiver(500)
    d = start(arguments=[*target(r), "--log-level", "debug"])
    hook = made(d, r.url())
    answer = d.ask("POST", "/v1/jobs", '{"blend":"scene.blend","frames":"1"}', {**JSON, "traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert answer.status == 202, answer
    until_told(d, hook, status=204)
    wait_for(lambda: "webhook told" in d.log(), "the delivery is in the log")
    words = f"job={answer.json()['id']} trace_id={trace}"
    for begin in ("webhook not told, it is tried again", "webhook told"):
        line = next(line for line in d.log().splitlines() if begin in line)
        assert words in line, line


def never(handler):
    """No answer: the connection stays open until kilnd closes it."""
    handler.rfile.read()


def test_a_receiver_that_does_not_answer_holds_up_no_other(start, receiver):
    stuck = receiver(never, never)
    good = receiver()
    d = start(arguments=target(stuck) + target(good))
    dead = made(d, stuck.url())
    made(d, good.url())
    submit(d, "1")
    wait_for(lambda: stuck.letters and good.letters, "both have been told")
    ident = submit(d, "2")
    wait_for(lambda: len(good.letters) == 2, "the second one as well")
    assert good.events()[1]["data"]["job"]["id"] == ident
    late = until_told(d, dead, error="no answer within 15000 ms")
    assert late["deliveries"]["last"]["status"] is None and late["deliveries"]["pending"] == 2


def redirect_to(location):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
    return answer


def test_redirects_are_failures(start, receiver):
    inner = receiver()
    r = receiver(redirect_to(inner.url()))
    d = start(arguments=target(r) + target(inner))
    hook = made(d, r.url())
    ping(d, hook)
    seen = until_told(d, hook, status=302)["deliveries"]
    assert "redirects are not followed" in seen["last"]["error"] and seen["last"]["event"] == "ping"
    assert seen["pending"] == 0 and seen["given_up"] == 1, "a test is tried once"
    assert not inner.letters


def test_gone_disables_and_a_test_that_is_taken_enables_again(start, receiver):
    r = receiver(410)
    d = start(arguments=target(r))
    hook = made(d, r.url())
    until(d, submit(d, "1"), "succeeded")
    seen = until_told(d, hook, status=410)
    assert seen["state"] == "disabled" and "410" in seen["disabled_because"] and seen["disabled_at"]
    until(d, submit(d, "2"), "succeeded")
    assert state_of(d, hook)["deliveries"]["pending"] == 0
    ping(d, hook)
    wait_for(lambda: state_of(d, hook)["state"] == "enabled", "it is enabled")
    ident = submit(d, "3")
    wait_for(lambda: len(r.letters) == 3, "it is told again")
    assert r.types() == ["job.succeeded", "ping", "job.succeeded"]
    assert r.events()[1]["data"] == {"webhook": hook["id"]} and r.events()[2]["data"]["job"]["id"] == ident


def test_nothing_is_lost_by_a_crash(start, receiver, tmp_path):
    """kill -9 before, between and after: each end is delivered at least once, under one id."""
    r = receiver()
    r.close()  # the port is closed
    d = start(arguments=target(r))
    hook = made(d, r.url())
    idents = {submit(d, str(n)) for n in range(1, 6)}
    for ident in idents:
        until(d, ident, "succeeded")
        if len(idents) % 2:
            crash(d)
            d.start()
    seen = until_told(d, hook, event="job.succeeded")["deliveries"]
    assert seen["pending"] == 5 and "no connection" in seen["last"]["error"]
    crash(d)
    with sqlite3.connect(d.state / "kiln.db") as store:  # as if the waits were over
        store.execute("UPDATE delivery SET due_ms = 0")
    store.close()
    again = Receiver()
    try:
        d.command[d.command.index(f"127.0.0.1:{r.port}")] = f"127.0.0.1:{again.port}"
        with sqlite3.connect(d.state / "kiln.db") as store:
            store.execute("UPDATE webhook SET url = ?", (again.url(),))
        store.close()
        d.start()
        wait_for(lambda: len(again.letters) >= 5, "all have been told")
        assert {e["data"]["job"]["id"] for e in again.events()} == idents
        assert len({letter["headers"]["webhook-id"] for letter in again.letters}) == 5
    finally:
        again.close()


def test_a_stop_cuts_a_try_short_and_the_next_start_repeats_it(start, receiver):
    r = receiver(never)
    d = start(arguments=target(r))
    hook = made(d, r.url())
    submit(d, "1")
    wait_for(lambda: r.letters, "it is being told")
    began = time.monotonic()
    assert d.stop() == 0
    assert time.monotonic() - began < 14, "it does not wait for the deadline of the try"
    d.start()
    seen = until_told(d, hook, status=204)
    assert seen["deliveries"]["pending"] == 0
    assert len(r.letters) == 2 and len({letter["headers"]["webhook-id"] for letter in r.letters}) == 1


def test_without_targets_nobody_is_told(start):
    d = start()
    answer = create(d, "https://hooks.example.com/kiln")
    assert answer.status == 422 and answer.json()["errors"][0]["pointer"] == "/url"
    assert "--webhook-target hooks.example.com:443" in answer.text
    assert d.get("/v1/webhooks").json() == {"webhooks": []}


REFUSED = ["http://127.0.0.1/", "http://127.0.0.1:{port}/", "http://169.254.169.254/latest/meta-data/",
           "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/", "http://[::1]:{port}/",
           "http://[::127.0.0.1]:{port}/", "http://localhost:{port}/", "http://LOCALHOST:{port}/",
           "http://localhost.:{port}/", "http://localhost.localdomain:{port}/", "http://2130706433:{port}/",
           "http://0177.0.0.1:{port}/", "http://017700000001:{port}/", "http://0x7f.0.0.1:{port}/",
           "http://0x7f000001:{port}/", "http://127.1:{port}/", "http://127.0.0.1.:{port}/", "http://127.0.0.1.example:{port}/", "http://0.0.0.0:{port}/",
           "http://0:{port}/", "http://[::]:{port}/", "http://10.0.0.1/", "http://192.168.0.1/", "http://172.16.0.1/",
           "http://[fd00:ec2::254]/", "http://[fe80::1]/", "http://[fe80::1%25lo]/", "http://224.0.0.1/",
           "http://allowed.example.com@127.0.0.1:{port}/", "http://127.0.0.1:{port}@allowed.example.com/",
           "http://allowed.example.com:{port}/", "https://allowed.example.com:80/", "http://allowed.example.com:0/",
           "http://allowed.example.com:/", "http://allowed.example.com:65536/", "http://allowed.example.com:-1/",
           "http://allowed.example.com/#x", "http://allowed.example.com.evil.example/", "http://xallowed.example.com/",
           "http://allowed.example.com%2eevil.example/", "http://%61llowed.example.com/", "http://ällowed.example.com/",
           "ftp://allowed.example.com/", "file:///etc/passwd", "gopher://allowed.example.com/", "//allowed.example.com/",
           "allowed.example.com", "http:allowed.example.com", "http:///", "http://", "", "http://allowed.example.com/ x",
           "http://allowed.example.com/\r\nX: y", "http://allowed.example.com/\u0000", "http://①②⑦.0.0.1/",
           "http://127。0。0。1/", "http://allowed.example.com/" + "a" * 2000]


def test_where_webhooks_may_not_go(start, receiver):
    r = receiver()
    d = start(arguments=["--webhook-target", "allowed.example.com", "--webhook-target", "203.0.113.0/24"])
    for url in REFUSED:
        answer = create(d, url.format(port=r.port))
        assert answer.status == 422 and answer.json()["errors"][0]["pointer"] == "/url", (url, answer)
    assert create(d, "http://allowed.example.com").status == 201
    assert create(d, "https://ALLOWED.example.com:443/x?y").status == 201
    assert create(d, "http://203.0.113.7/").status == 201
    assert not r.letters


def test_a_name_is_not_followed_to_addresses_that_are_not_listed(start, receiver):
    """The name is allowed, and resolves to loopback (as after DNS rebinding)."""
    r = receiver()
    d = start(arguments=["--webhook-target", f"localhost:{r.port}"])
    hook = made(d, r.url("localhost"))
    ping(d, hook)
    seen = until_told(d, hook, event="ping")
    assert "not public" in seen["deliveries"]["last"]["error"] and not r.letters
    assert d.stop() == 0
    d.command += ["--webhook-target", f"127.0.0.0/8:{r.port}"]
    d.start()
    ping(d, hook)
    until_told(d, hook, status=204)
    assert r.letters[0]["headers"]["host"] == f"localhost:{r.port}"


def test_a_target_that_is_no_longer_configured(start, receiver):
    r = receiver()
    d = start(arguments=target(r))
    hook = made(d, r.url())
    assert d.stop() == 0
    del d.command[-2:]
    d.start()
    ping(d, hook)
    assert "--webhook-target" in until_told(d, hook, event="ping")["deliveries"]["last"]["error"]
    assert not r.letters


@pytest.mark.parametrize("answer", [
    b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000,
    b"HTTP/1.1 999999 OK\r\n\r\n", b"HTTP/1.1 099 OK\r\n\r\n", b"HTTP/1.1 -200 OK\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 5, b"\0" * 5000])
def test_answers_that_are_none(start, receiver, answer):
    def reply(handler):
        handler.wfile.write(answer)
        handler.close_connection = True
    r = receiver(reply)
    d = start(arguments=target(r))
    hook = made(d, r.url())
    ping(d, hook)
    last = until_told(d, hook, event="ping")["deliveries"]["last"]
    assert last["status"] is None and last["error"]


def test_a_body_without_end_is_thrown_away(start, receiver):
    def flood(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)
    r = receiver(flood)
    d = start(arguments=target(r))
    hook = made(d, r.url())
    ping(d, hook)
    assert until_told(d, hook, event="ping")["deliveries"]["last"]["status"] == 200


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A private authority, and servers' certificates: good, of another name, too old, self-signed."""
    directory = tmp_path_factory.mktemp("certificates")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True, timeout=60)

    def key(name):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")

    key("ca")
    openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=Test authority", "-days", "2", "-out", "ca.pem")
    names = {"good": "DNS:localhost,IP:127.0.0.1", "other": "DNS:elsewhere.example", "old": "DNS:localhost,IP:127.0.0.1"}
    for name, alternative in names.items():
        key(name)
        openssl("req", "-new", "-key", f"{name}.key", "-subj", "/CN=localhost", "-out", f"{name}.csr")
        (directory / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile",
                f"{name}.ext", "-days", "-1" if name == "old" else "1", "-out", f"{name}.pem")
    key("own")
    openssl("req", "-x509", "-new", "-key", "own.key", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-days", "2", "-out", "own.pem")
    return directory


def tls_of(certificates, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    return context


@pytest.mark.parametrize("certificate, host, trusted, word", [
    ("good", "localhost", True, None), ("good", "127.0.0.1", True, None),
    ("good", "localhost", False, "refused"), ("other", "localhost", True, "refused"),
    ("other", "127.0.0.1", True, "refused"), ("old", "localhost", True, "expired"),
    ("own", "localhost", True, "refused"), (None, "localhost", True, "TLS")])
def test_tls(start, receiver, certificates, certificate, host, trusted, word):
    r = receiver(tls=tls_of(certificates, certificate) if certificate else None)
    more = ["--webhook-ca-file", certificates / "ca.pem"] if trusted else []
    d = start(arguments=["--webhook-target", f"localhost:{r.port},127.0.0.1:{r.port}", *more])
    hook = made(d, r.url(host, "https"))
    ping(d, hook)
    last = until_told(d, hook, event="ping")["deliveries"]["last"]
    if word:
        assert word in last["error"] and last["status"] is None and not r.letters, last
    else:
        assert last["status"] == 204 and last["error"] is None, last


def test_a_ca_file_that_is_none_is_said_at_the_start(start, tmp_path):
    d = start()
    assert d.stop() == 0
    junk = tmp_path / "junk.pem"
    junk.write_text("-----BEGIN CERTIFICATE-----\nnot\n")
    for wrong in (junk, tmp_path / "missing.pem"):
        done = subprocess.run([*d.command, "--webhook-ca-file", wrong], capture_output=True, text=True, timeout=60)
        assert done.returncode == 3 and "webhook_ca_file" in done.stderr, done.stderr


@pytest.mark.parametrize("rule", ["", "a b", "http://x/", "*", "10.0.0.1/8", "10.0.0.0/33", "127.1", "x:0",
                                  "x:65536", "[::1", "0x7f.1"])
def test_rules_that_are_none(start, rule):
    d = start()
    done = subprocess.run([*d.command, "--webhook-target", rule], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "webhook-target" in done.stderr, done


def test_fields_that_cannot_be_taken(start):
    d = start(arguments=["--webhook-target", "example.com"])
    good = {"url": "https://example.com/", "events": ["job.failed"]}
    for change, pointer in [({"url": None}, "/url"), ({"url": 1}, "/url"), ({"events": None}, "/events"),
                            ({"events": []}, "/events"), ({"events": "job.failed"}, "/events"),
                            ({"events": ["job.failed", "job.eaten"]}, "/events/1"), ({"events": ["ping"]}, "/events/0"),
                            ({"events": ["job.failed"] * 2}, "/events/1"), ({"events": [1]}, "/events/0"),
                            ({"events": ["job.failed"] * 1000}, "/events"), ({"secret": "x"}, "/secret"),
                            ({"secret": 1}, "/secret"), ({"secret": "whsec_AAAA"}, "/secret"), ({"colour": 1}, "/colour"),
                            ({"secret": "whsec_" + "A" * 31 + "\n"}, "/secret")]:
        body = {k: v for k, v in {**good, **change}.items() if v is not None}
        answer = d.ask("POST", "/v1/webhooks", json.dumps(body), JSON)
        assert answer.status == 422 and answer.json()["errors"][0]["pointer"] == pointer, (change, answer)
    for body in ("", "[]", "x", '{"url":"https://example.com/","url":"x","events":["job.failed"]}'):
        assert d.ask("POST", "/v1/webhooks", body, JSON).status == 422
    assert d.ask("POST", "/v1/webhooks", json.dumps(good), {"Content-Type": "text/plain"}).status == 415


def test_list_delete_and_what_is_not_there(start):
    d = start(arguments=["--webhook-target", "example.com"])
    hooks = [made(d, f"https://example.com/{n}") for n in range(3)]
    assert [h["id"] for h in d.get("/v1/webhooks").json()["webhooks"]] == sorted(h["id"] for h in hooks)
    gone = hooks[1]["id"]
    assert d.ask("DELETE", f"/v1/webhooks/{gone}").status == 204
    for method, path in [("GET", gone), ("DELETE", gone), ("POST", f"{gone}/test"), ("GET", "x"), ("POST", "x/test"),
                         ("DELETE", "j" + gone[1:])]:
        assert d.ask(method, f"/v1/webhooks/{path}").status == 404, (method, path)
    assert d.ask("PUT", "/v1/webhooks").status == 405
    for n in range(98):
        made(d, f"https://example.com/more/{n}")
    answer = create(d, "https://example.com/one-too-many")
    assert answer.status == 409 and "delete one" in answer.text


def test_an_idle_daemon_with_webhooks_does_not_wake_up(start, receiver):
    r = receiver()
    d = start(arguments=target(r))
    made(d, r.url())
    until(d, submit(d, "1"), "succeeded")
    wait_for(lambda: r.letters, "it is told")

    wait_for(lambda: stays_asleep(d.process.pid, 30), "it sleeps without a timer")
