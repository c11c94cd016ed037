# SPDX-License-Identifier: Apache-2.0
"""docs/proxy.md: kilnd below /kiln/ behind real proxies, with the configurations of that page."""
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import zipfile

import pytest
from daemon import wait_for
from proxy import Proxy, lacking
from test_blends import kept, scene

DOCS = pathlib.Path(__file__).parents[2] / "docs"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(params=["nginx", "apache", "caddy"])
def program(request):
    if why := lacking(request.param):
        pytest.skip(why)
    return request.param


@pytest.fixture
def behind(start, program, tmp_path):
    """kilnd, and the proxy in front of it."""
    opened = []

    def run(*commands, arguments=()):
        d = start(*commands, arguments=["--trusted-proxies", "127.0.0.1", *arguments])
        opened.append(Proxy(program, d.port, tmp_path / program))
        return d, opened[-1]

    yield run
    for one in opened:
        one.close()


@pytest.mark.parametrize("public_url", ["https://farm.example/kiln", None], ids=["configured", "said_by_the_proxy"])
def test_links_lead_through_it(behind, public_url):
    d, proxy = behind("frame_seconds 0.01", arguments=["--public-url", public_url] if public_url else [])
    host = "farm.example" if public_url else f"localhost:{proxy.port}"
    made = proxy.ask("POST", "/kiln/job", '{"from":1,"to":3}', {**JSON, "X-Forwarded-For": "192.0.2.7", "Forwarded": "for=192.0.2.8",
                                                              "Host": host, "Origin": f"https://{host}"})  # a page of kilnd's own
    assert made.status == 202 and made.headers["location"].startswith("/kiln/job/"), made
    assert "from=127.0.0.5 method=POST path=/job " in d.log()
    wait_for(lambda: proxy.get(made.headers["location"]).text == "Job completed", "the job is done")
    link = re.fullmatch(r'<(/kiln/v1/jobs/\w+)>; rel="alternate"', made.headers["link"]).group(1)
    job = proxy.get(link).json()
    assert job["state"] == "succeeded" and job["links"]["self"] == link
    for target in job["links"].values():
        assert target.startswith(link) and proxy.get(target).status == 200, target
    frames = proxy.get(job["links"]["frames"] + "?limit=1")
    following = re.fullmatch(r'<(.*)>; rel="next"', frames.headers["link"]).group(1)
    assert proxy.get(following).json()["frames"][0]["frame"] == 2
    frame = proxy.get(frames.json()["frames"][0]["link"])
    part = proxy.get(frames.json()["frames"][0]["link"], Range="bytes=1-3")
    assert frame.body.startswith(b"\x89PNG") and part.status == 206 and part.body == b"PNG"
    server = proxy.get("/kiln/v1/openapi.json").json()["servers"][0]["url"]
    assert server == (public_url or f"https://localhost:{proxy.port}/kiln")
    for page in ("/kiln/docs", "/kiln/"):
        for target in re.findall(r'(?:href|src)="([^"#:]+)"', proxy.get(page).text):
            assert proxy.get(urllib.parse.urljoin(page, target)).status == 200, target


def test_what_takes_long_passes_at_once(behind, tmp_path):
    d, proxy = behind(f"wait_file {tmp_path}/go", "frame_seconds 0.01")
    blend = scene("frame_seconds 0.01", size=5_000_000)

    def halves():
        yield blend[:2_500_000]
        wait_for(lambda: kept(d), "the first half has come", 20)
        yield blend[2_500_000:]
    sent = proxy.ask("POST", "/kiln/v1/blends", halves(), {"Content-Type": "application/octet-stream", "Content-Length": str(len(blend))})
    assert sent.status == 201 and proxy.get(sent.headers["location"]).json()["bytes"] == len(blend), sent
    job = proxy.ask("POST", "/kiln/v1/jobs", json.dumps({"blend": "scene.blend", "frames": "1"}), JSON)
    assert job.status == 202 and job.headers["location"] == job.json()["links"]["self"]
    events = proxy.open("GET", job.json()["links"]["events"])
    assert events.status == 200
    lines = [events.readline() for _ in range(3)]  # now, though the stream goes on
    told = json.loads(next(line for line in lines if line.startswith(b"data: "))[6:])
    assert told["links"]["self"] == job.headers["location"]
    shown = wait_for(lambda: (lambda a: a if a.json()["state"] == "running" else None)(proxy.get(job.headers["location"])), "it runs")
    began = time.monotonic()
    held = proxy.get(job.headers["location"], Prefer="wait=1", **{"If-None-Match": shown.headers["etag"]})
    assert held.headers["preference-applied"] == "wait=1" and time.monotonic() - began >= 0.9
    (tmp_path / "go").touch()
    told = [line for line in iter(events.readline, b"") if line.startswith(b"data: ")]
    assert json.loads(told[-1][6:])["state"] == "succeeded"


@pytest.mark.parametrize("program", ["nginx"], indirect=True)
def test_the_clients_of_the_guide_go_through_it(behind):
    _, proxy = behind("frame_seconds 0.01", arguments=["--public-url", "https://farm.example/kiln"])
    trusted = {name: str(proxy.certificate) for name in ("CURL_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")}
    clients = [subprocess.Popen([program, DOCS / "clients" / client, f"https://localhost:{proxy.port}/kiln", "scene.blend", "1"],
                                env={**os.environ, **trusted}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for program, client in (("sh", "render.sh"), ("python3", "render.py"), ("node", "render.mjs")) if shutil.which(program)]
    for client in clients:
        told = client.communicate(timeout=60)
        assert client.returncode == 0 and told[0] == "succeeded\n", (client.args, told)


def by_curl(proxy, directory):
    def get(target):
        done = subprocess.run(["curl", "-sS", "-f", "--cacert", proxy.certificate, "-D", directory / "head", "-o", directory / "body", proxy.url(target)],
                              capture_output=True, text=True)
        assert done.returncode == 0, (target, done.stderr)
        return (directory / "body").read_bytes()

    def post(target, spec):
        done = subprocess.run(["curl", "-sS", "-f", "--cacert", proxy.certificate, "-D", "-", "-o", directory / "body", "-H", "Content-Type: application/json",
                               "-d", json.dumps(spec), proxy.url(target)], capture_output=True, text=True, check=True)
        return re.search(r"^location: (\S+)", done.stdout, re.M | re.I).group(1)
    return post, get


def by_requests(proxy, _):
    session = pytest.importorskip("requests").Session()
    session.trust_env = False  # REQUESTS_CA_BUNDLE would be stronger than this
    session.verify = str(proxy.certificate)

    def get(target):
        answer = session.get(urllib.parse.urljoin(proxy.url(), target), timeout=60)
        answer.raise_for_status()
        return answer.content

    def post(target, spec):
        answer = session.post(urllib.parse.urljoin(proxy.url(), target), json=spec, timeout=60)
        answer.raise_for_status()
        return answer.headers["Location"]
    return post, get


@pytest.mark.parametrize("client", [by_curl, by_requests])
def test_the_links_of_a_job_are_followed(behind, client, tmp_path):
    """By a client that knows nothing but the address of POST; tests/page does it in a browser."""
    _, proxy = behind("frame_seconds 0.01")
    post, get = client(proxy, tmp_path)
    location = post("/kiln/v1/jobs", {"blend": "scene.blend", "frames": "1-2"})
    job = wait_for(lambda: (lambda it: it if it["state"] == "succeeded" else None)(json.loads(get(location))), "it is done")
    frames = json.loads(get(job["links"]["frames"]))["frames"]
    pictures = [get(frame["link"]) for frame in frames]
    with zipfile.ZipFile(io.BytesIO(get(job["links"]["zip"]))) as archive:
        assert [archive.read(name) for name in archive.namelist() if name.endswith(".png")] == pictures
    assert len(pictures) == 2 and all(picture.startswith(b"\x89PNG") for picture in pictures)


def test_a_download_that_was_cut_off_goes_on(behind, tmp_path):
    """By curl, as docs/guide.md has it: with the length from the start, and the rest from where it ended."""
    _, proxy = behind("frame_seconds 0.01")
    made = proxy.ask("POST", "/kiln/v1/jobs", json.dumps({"blend": "scene.blend", "frames": "1-3"}), JSON)
    job = wait_for(lambda: (lambda it: it if it["state"] == "succeeded" else None)(proxy.get(made.headers["location"]).json()), "it is done")
    whole = proxy.get(job["links"]["zip"])
    assert int(whole.headers["content-length"]) == len(whole.body) and whole.headers["accept-ranges"] == "bytes"
    (tmp_path / "frames.zip").write_bytes(whole.body[:100])
    subprocess.run(["curl", "-sS", "-f", "-C", "-", "--cacert", proxy.certificate, "-o", tmp_path / "frames.zip", proxy.url(job["links"]["zip"])], check=True)
    assert (tmp_path / "frames.zip").read_bytes() == whole.body
    same, other = (proxy.get(job["links"]["zip"], Range="bytes=100-", **{"If-Range": tag}) for tag in (whole.headers["etag"], '"other"'))
    assert same.status == 206 and same.body == whole.body[100:] and other.status == 200 and other.body == whole.body


def test_an_upload_of_2_gb(behind, tmp_path):
    """Neither the proxy's limits nor its buffers end it: more than 2^31 bytes, whose name is their digest."""
    d, proxy = behind("frame_seconds 0.01", arguments=["--max-upload-bytes", str(3 << 30)])
    size, block = (2 << 30) + 5, b"x" * (1 << 20)
    first = b"BLENDER-v304\nframe_seconds 0.01\n# "

    def parts():
        yield first
        left = size - len(first)
        while left > 0:
            yield block[:left]
            left -= len(block[:left])
    sent = proxy.ask("POST", "/kiln/v1/blends", parts(), {"Content-Type": "application/octet-stream", "Content-Length": str(size)})
    assert sent.status == 201 and sent.json()["bytes"] == size, sent
    digest = hashlib.sha256()
    for part in parts():
        digest.update(part)
    assert sent.json()["id"] == "sha256:" + digest.hexdigest()
    assert sum(f.stat().st_size for f in (tmp_path / proxy.program).rglob("*") if f.is_file()) < 1 << 20, "the proxy has kept nothing of it"
    assert proxy.ask("DELETE", sent.headers["location"]).status == 204
    assert kept(d) == []


def test_what_a_client_claims_is_not_passed_on(behind):
    """Prefix, host and scheme are the proxy's, though its client spells them out as well; two Hosts are refused."""
    _, proxy = behind("frame_seconds 0.01")
    spoofed = {"X-Forwarded-Prefix": "/../evil", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher",
               "Forwarded": "for=192.0.2.8;host=evil.example;proto=gopher"}
    assert proxy.get("/kiln/v1/openapi.json", **spoofed).json()["servers"][0]["url"] == proxy.url()
    made = proxy.ask("POST", "/kiln/v1/jobs", json.dumps({"blend": "scene.blend", "frames": "1"}), {**JSON, **spoofed})
    assert made.headers["location"].startswith("/kiln/v1/jobs/") and "evil" not in made.text
    with proxy.tls.wrap_socket(socket.create_connection(("127.0.0.1", proxy.port), timeout=30), server_hostname="localhost") as s:
        s.sendall(f"GET /kiln/livez HTTP/1.1\r\nHost: localhost:{proxy.port}\r\nHost: evil.example\r\nConnection: close\r\n\r\n".encode())
        assert b" 400 " in s.makefile("rb").readline()
