# SPDX-License-Identifier: Apache-2.0
"""docs/proxy.md: kilnd below /kiln/ behind real proxies, with the configurations of that page."""
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import time
import urllib.parse

import pytest
from daemon import WITH_TEST, Answer, unpacked, wait_for
from test_blends import kept, scene

DOCS = pathlib.Path(__file__).parents[2] / "docs"
PAGE = DOCS / "proxy.md"
JSON = {"Content-Type": "application/json"}
NGINX = """{user} daemon off; worker_processes 1; pid {here}/pid; error_log {here}/log; events {{}}
http {{ access_log off; client_body_temp_path {here}/b; proxy_temp_path {here}/p; fastcgi_temp_path {here}/f;
       uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
{block}}}"""
APACHE = """ServerRoot {here}
ServerName farm.example
PidFile {here}/pid
ErrorLog {here}/log
Listen 127.0.0.1:{port}
{modules}{user}
{block}"""
MODULES = ("mpm_event", "authz_core", "socache_shmcb", "ssl", "headers", "proxy", "proxy_http")


def configuration(of):
    return re.search(rf"^```{of}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S).group(1)


def adapted(of, kilnd, port, here):
    """The page's block, with the ports and the certificate of this test."""
    text = configuration(of)
    for old, new in (("127.0.0.1:3000", f"127.0.0.1:{kilnd}"), ("listen 443 ", f"listen 127.0.0.1:{port} "), ("*:443", f"127.0.0.1:{port}"),
                     ("/etc/ssl/certs/farm.example.pem", f"{here}/cert.pem"), ("/etc/ssl/private/farm.example.key", f"{here}/key.pem")):
        if old in text:
            text = text.replace(old, new)
    assert "443" not in text and "/etc/" not in text
    return text


class Proxy:
    """One of them, in front of a kilnd."""

    def __init__(self, program, kilnd, here):
        here.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
                        "/CN=farm.example", "-addext", "subjectAltName=DNS:farm.example,DNS:localhost,IP:127.0.0.1", "-keyout", here / "key.pem", "-out", here / "cert.pem"], check=True, capture_output=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        block, is_root = adapted(program, kilnd, self.port, here), os.geteuid() == 0
        if program == "nginx":
            text = NGINX.format(user="user root;" if is_root else "", here=here, block=block)
            command = [*unpacked("nginx", "usr/sbin/nginx", here), "-e", here / "log", "-p", here, "-c", here / "conf"]
        else:
            modules = "".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so\n" for m in MODULES)
            text = APACHE.format(here=here, port=self.port, modules=modules, user="User www-data\nGroup www-data" if is_root else "", block=block)
            command = ["apache2", "-D", "FOREGROUND", "-f", here / "conf"]
        (here / "conf").write_text(text)
        self.certificate = here / "cert.pem"
        self.tls = ssl.create_default_context(cafile=self.certificate)
        self.process = subprocess.Popen([*WITH_TEST, *map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        wait_for(lambda: self.process.poll() is not None or socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, "it listens", 30)
        assert self.process.poll() is None, (here / "log").read_text()

    def open(self, method, target, body=None, headers=None, address="127.0.0.5"):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.tls, source_address=(address, 0))
        connection.request(method, target, body, {"Host": f"localhost:{self.port}", **(headers or {})})
        return connection.getresponse()

    def ask(self, method, target, body=None, headers=None):
        answer = self.open(method, target, body, headers)
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def get(self, target, **headers):
        return self.ask("GET", target, headers=headers)

    def close(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(params=["nginx", "apache"])
def program(request):
    if request.param == "apache" and not shutil.which("apache2"):
        pytest.skip("there is no apache2: packaging/install-deps --test")
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
