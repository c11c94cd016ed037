# SPDX-License-Identifier: Apache-2.0
"""kilnd with TLS: versions, certificates that change, clients that are slow or speak something else."""
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest
from daemon import DEADLINE, program, read_until_quiet, statuses, stays_asleep, wait_for
from test_operation import kilnd
from tokens import add

JSON = {"Content-Type": "application/json"}
GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


def make_certificate(directory, name, *more, key="ec:P-256"):
    kind = {"ec:P-256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["-newkey", "rsa:2048"]}[key]
    certificate, secret = directory / "cert.pem", directory / "key.pem"
    made = [directory / f"{name}.cert", directory / f"{name}.key"]
    subprocess.run(["openssl", "req", "-x509", *kind, "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", made[1], "-out", made[0], *more],
                   check=True, capture_output=True)
    for source, target in zip(made, (certificate, secret)):
        shutil.copy(source, target)
    return certificate, secret


@pytest.fixture
def tls(start, tmp_path):
    def run(*commands, arguments=(), key="ec:P-256"):
        certificate, secret = make_certificate(tmp_path, "first", key=key)
        return start(*(commands or ["frame_seconds 0.01"]),
                     arguments=["--tls-certificate", certificate, "--tls-key", secret, *arguments])
    return run


def context(**options):
    c = ssl.create_default_context()
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    for name, value in options.items():
        setattr(c, name, value)
    return c


def connect(d, c=None):
    return (c or context()).wrap_socket(socket.create_connection(("127.0.0.1", d.port), timeout=DEADLINE),
                                        server_hostname="localhost")


def ask(d, method, target, body=None, headers=None):
    connection = http.client.HTTPSConnection("127.0.0.1", d.port, timeout=DEADLINE, context=context())
    try:
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def name_of_certificate(d):
    with connect(d) as s:
        der = s.getpeercert(binary_form=True)
    shown = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=der, capture_output=True, check=True)
    return re.search(r"CN ?= ?(\S+)", shown.stdout.decode()).group(1)


@pytest.mark.parametrize("key", ["ec:P-256", "rsa"])
def test_clients_that_check_are_content(tls, tmp_path, key):
    d = tls(key=key)
    for version in ("1.2", "1.3"):
        got = subprocess.run(["curl", "-sS", "--fail", "--cacert", tmp_path / "first.cert", f"--tlsv{version}", "--tls-max", version,
                              f"https://localhost:{d.port}/livez"], capture_output=True, text=True, timeout=60)
        assert got.returncode == 0 and json.loads(got.stdout) == {"status": "ok"}, got.stderr
    assert "with TLS" in d.log()


def test_old_versions_and_weak_ciphers_are_refused(tls):
    d = tls(key="rsa")

    def handshake(*options):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{d.port}", "-cipher", "ALL:@SECLEVEL=0", *options],
                              input=b"", capture_output=True, timeout=60)
        found = re.search(rb"^New, (\S+), Cipher is (\S+)", done.stdout, re.M)
        return found and (found.group(1).decode().rstrip(","), found.group(2).decode())
    assert handshake("-tls1_3")[0] == "TLSv1.3"
    assert handshake("-tls1_2")[0] == "TLSv1.2"
    for old in ("-tls1", "-tls1_1"):
        found = handshake(old)
        assert found is None or found[1] == "(NONE)", found
    for weak in ("AES128-SHA", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA", "DES-CBC3-SHA", "NULL", "aNULL", "RC4"):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{d.port}", "-tls1_2", "-cipher", f"{weak}:@SECLEVEL=0"],
                              input=b"", capture_output=True, timeout=60)
        assert b"Cipher is ECDHE" not in done.stdout and b"Cipher is AES" not in done.stdout, weak


def test_the_protocol_is_http_1_1(tls):
    d = tls()
    for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), (["h2"], None), (["http/1.1"], "http/1.1")):
        c = context()
        c.set_alpn_protocols(offered)
        with connect(d, c) as s:
            assert s.selected_alpn_protocol() == chosen
            s.sendall(GET)
            assert statuses(read_until_quiet(s)) == [200]


def test_a_new_certificate_is_for_new_connections_and_a_broken_one_for_none(tls, tmp_path):
    d = tls()
    assert name_of_certificate(d) == "first"
    with connect(d) as old:
        make_certificate(tmp_path, "second")
        d.process.send_signal(signal.SIGHUP)
        wait_for(lambda: name_of_certificate(d) == "second", "the second certificate is shown")
        old.sendall(GET)
        assert statuses(read_until_quiet(old)) == [200]
    good = (tmp_path / "cert.pem").read_text()
    key = (tmp_path / "key.pem").read_text()
    encrypted = subprocess.run(["openssl", "pkey", "-aes256", "-passout", "pass:x"], input=key, text=True, capture_output=True,
                               check=True).stdout
    for certificate, secret, says in ((good[:300], key, "tls_certificate"), ("", key, "tls_certificate"),
                                      ("\0" * 1000, key, "tls_certificate"), (good, "", "tls_key"), (good, encrypted, "passphrase"),
                                      (good, (tmp_path / "first.key").read_text(), "tls_key"), (None, key, "tls_certificate")):
        before = d.log().count("the certificate stays as it was")
        (tmp_path / "key.pem").write_text(secret)
        (tmp_path / "cert.pem").unlink(missing_ok=True)
        if certificate is not None:
            (tmp_path / "cert.pem").write_text(certificate)
        d.process.send_signal(signal.SIGHUP)
        wait_for(lambda: d.log().count("the certificate stays as it was") > before, says)
        assert says in d.log().splitlines()[-1]
        assert name_of_certificate(d) == "second"
        ended = kilnd("--blender", program("FAKE_BLENDER"), "--blend", tmp_path / "scene.blend", "--state", tmp_path / "other", "--check",
                      "--tls-certificate", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem")
        assert ended.returncode == 3 and says in ended.stderr, ended.stderr
    make_certificate(tmp_path, "third")
    d.process.send_signal(signal.SIGHUP)
    wait_for(lambda: name_of_certificate(d) == "third", "the third certificate is shown")


def test_certificate_and_key_belong_together(tmp_path, blend):
    ended = kilnd("--blend", blend(), "--state", tmp_path, "--tls-key", "x.pem")
    assert ended.returncode == 2 and "tls_certificate" in ended.stderr


def test_plain_http_is_told_so(tls):
    d = tls()
    received = d.raw(GET)
    assert statuses(received) == [400] and b"https://" in received
    head, body = received.split(b"\r\n\r\n")
    assert int(re.search(rb"Content-Length: (\d+)", head).group(1)) == len(body)
    assert ask(d, "GET", "/livez")[0] == 200


@pytest.mark.parametrize("data", [b"\0" * 5000, b"\x16\x03\x01\xff\xff" + b"x" * 20000, b"\x16\x03\x01\x00\x05hello", b"SSH-2.0-x\r\n",
                                  bytes(range(256)) * 100, b"\x80\x2e\x01\x00\x02" + b"\0" * 50, b"\x15\x03\x03\x00\x02\x02\x28", b""])
def test_garbage_is_cut_off(tls, data):
    d = tls()
    for _ in range(3):
        with d.connect() as s:
            try:  # kilnd may have cut it off at any point
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except OSError:
                pass
    assert ask(d, "GET", "/livez")[0] == 200


def test_a_handshake_that_drips_is_cut_off(tls):
    d = tls(arguments=["--header-seconds", "1"])
    hello = ssl.MemoryBIO()
    c = context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        c.do_handshake()
    data = hello.read()
    began = time.monotonic()
    with d.connect() as s:
        s.settimeout(0.1)
        ended = False
        for i in range(len(data)):
            try:
                s.sendall(data[i:i + 1])
                if s.recv(1000) == b"":
                    ended = True
            except socket.timeout:
                continue
            except (ConnectionResetError, BrokenPipeError):
                ended = True
            if ended:
                break
        assert ended, "before all of it was sent"
    assert time.monotonic() - began < 30
    with d.connect() as s:  # says nothing at all
        s.settimeout(30)
        try:
            assert s.recv(1) == b""
        except ConnectionResetError:
            pass


def test_a_request_may_come_byte_by_byte_and_many_together(tls):
    d = tls()
    with connect(d) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(GET)):
            s.sendall(GET[i:i + 1])
        assert statuses(s.recv(65536)) == [200]
        s.sendall(GET * 500)
        received = b""
        while len(statuses(received)) < 500:
            received += s.recv(65536)
    assert statuses(received) == [200] * 500


def test_only_known_hosts_are_served(tls):
    d = tls(arguments=["--allowed-hosts", "farm.example"])
    for host, status in (("farm.example", 200), (f"localhost:{d.port}", 200), ("evil.example", 421)):
        assert ask(d, "GET", "/livez", headers={"Host": host})[0] == status


def test_tokens_hold_with_tls_too(tls, tmp_path):
    secret = add(tmp_path / "state", "ci", "read")
    d = tls()
    assert ask(d, "GET", "/v1/jobs")[0] == 401
    assert ask(d, "GET", "/v1/jobs", headers={"Authorization": f"Bearer {secret}"})[0] == 200


def finished_job(d):
    status, _, body = ask(d, "POST", "/v1/jobs", json.dumps({"blend": "scene.blend", "frames": "1-3"}), JSON)
    assert status == 202, body
    job = json.loads(body)["id"]
    wait_for(lambda: json.loads(ask(d, "GET", f"/v1/jobs/{job}")[2])["state"] == "succeeded", "it is rendered")
    return job


def test_large_files_come_whole_and_cost_no_memory(tls):
    if os.environ.get("SANITIZERS"):
        pytest.skip("the sanitizers' own memory is no measure")
    d = tls()
    job = finished_job(d)
    frame = d.output / job / "blender-render_0001.png"
    size = 200 << 20
    with open(frame, "r+b") as f:  # a sparse file with marks in it
        f.truncate(size)
        for at in range(0, size, 10 << 20):
            f.seek(at)
            f.write(b"mark %d" % at)
    digest = hashlib.sha256()
    with open(frame, "rb") as f:
        while part := f.read(1 << 20):
            digest.update(part)

    before = d.resident()
    connection = http.client.HTTPSConnection("127.0.0.1", d.port, timeout=DEADLINE, context=context())
    connection.request("GET", f"/v1/jobs/{job}/frames/1")
    answer = connection.getresponse()
    got, total = hashlib.sha256(), 0
    while part := answer.read(1 << 20):
        got.update(part)
        total += len(part)
    assert total == size and got.digest() == digest.digest()
    assert d.resident() - before < 8 * 1024
    connection.request("GET", f"/v1/jobs/{job}/frames/1", headers={"Range": f"bytes={10 << 20}-{(10 << 20) + 12}"})
    part = connection.getresponse()
    assert part.status == 206 and part.read() == b"mark 10485760"
    connection.close()


def descriptors(d):
    return len(os.listdir(f"/proc/{d.process.pid}/fd"))


def test_events_come_and_who_leaves_is_seen(tls, tmp_path):
    d = tls(f"wait_file {tmp_path / 'go'}")
    job = json.loads(ask(d, "POST", "/v1/jobs", json.dumps({"blend": "scene.blend", "frames": "1"}), JSON)[2])["id"]
    wait_for(lambda: json.loads(ask(d, "GET", f"/v1/jobs/{job}")[2])["state"] == "running", "it runs")
    wait_for(lambda: stays_asleep(d.process.pid, 0), "the connections of earlier requests are closed")
    quiet = descriptors(d)

    def watch():
        s = connect(d)
        s.sendall(f"GET /v1/jobs/{job}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        received = b""
        while b"event: job" not in received:
            received += s.recv(65536)
        return s
    staying = watch()
    leaving = [watch() for _ in range(20)]
    held = connect(d)
    held.sendall(f"GET /v1/jobs/{job} HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=60\r\nIf-None-Match: *\r\n\r\n".encode())
    wait_for(lambda: descriptors(d) >= quiet + 22, "all are there")
    began = time.monotonic()
    for s in leaving[:10]:
        s.close()
    for s in leaving[10:]:  # as the well-mannered do: a word of farewell, then the end
        s.settimeout(1)
        try:
            s.unwrap().close()
        except (OSError, ValueError):
            s.close()
    held.close()
    wait_for(lambda: descriptors(d) <= quiet + 1, "who has left is forgotten")
    assert time.monotonic() - began < 14, "not only at the next comment, 15 s later"
    (tmp_path / "go").touch()
    received = b""
    while b"succeeded" not in received:
        received += staying.recv(65536)
    staying.close()


def test_what_is_asked_during_a_wait_is_answered_after_it(tls, tmp_path):
    d = tls(f"wait_file {tmp_path / 'go'}")
    job = json.loads(ask(d, "POST", "/v1/jobs", json.dumps({"blend": "scene.blend", "frames": "1"}), JSON)[2])["id"]
    with connect(d) as s:
        for _ in range(3):
            etag = ask(d, "GET", f"/v1/jobs/{job}")[1]["etag"]
            s.sendall(f"GET /v1/jobs/{job} HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=1\r\nIf-None-Match: {etag}\r\n\r\n".encode())
            s.sendall(GET * 3)  # while the first waits
            received = b""
            while len(statuses(received)) < 4:
                received += s.recv(65536)
            assert statuses(received)[1:] == [200] * 3
    (tmp_path / "go").touch()


def test_connections_are_capped_and_refused_in_tls(tls):
    d = tls(arguments=["--max-connections-per-address", "5"])
    kept = [connect(d) for _ in range(5)]
    with connect(d) as s:
        s.sendall(GET)
        assert statuses(read_until_quiet(s)) == [503]
    for s in kept:
        s.close()
    wait_for(lambda: ask(d, "GET", "/livez")[0] == 200, "there is room again")


def test_stops_in_order_while_clients_are_connected(tls):
    d = tls()
    with connect(d) as idle, connect(d) as watching, d.connect():
        watching.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert statuses(watching.recv(65536)) == [200]
        idle.sendall(GET)
        assert statuses(read_until_quiet(idle)) == [200]
        began = time.monotonic()
        assert d.stop() == 0
        assert time.monotonic() - began < 30
