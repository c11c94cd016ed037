# SPDX-License-Identifier: Apache-2.0
"""Real proxies in front of kilnd, with the configurations of docs/proxy.md."""
import http.client
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess

from daemon import WITH_TEST, Answer, unpacked, wait_for

PAGE = pathlib.Path(__file__).parents[2] / "docs/proxy.md"
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
CADDY = """{{
    admin off
    auto_https disable_redirects
    storage file_system {here}/store
    log {{
        output file {here}/log
    }}
}}
{block}"""
MODULES = ("mpm_event", "authz_core", "socache_shmcb", "ssl", "headers", "proxy", "proxy_http")


def configuration(of):
    return re.search(rf"^```{of}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S).group(1)


def adapted(of, kilnd, port, here):
    """The page's block, with the ports and the certificate of this test."""
    text = configuration(of)
    for old, new in (("127.0.0.1:3000", f"127.0.0.1:{kilnd}"), ("listen 443 ", f"listen 127.0.0.1:{port} "), ("*:443", f"127.0.0.1:{port}"),
                     ("farm.example {", f"https://farm.example:{port}, https://localhost:{port}, https://127.0.0.1:{port} {{\n    bind 127.0.0.1\n"
                      f"    tls {here}/cert.pem {here}/key.pem"),
                     ("/etc/ssl/certs/farm.example.pem", f"{here}/cert.pem"), ("/etc/ssl/private/farm.example.key", f"{here}/key.pem")):
        if old in text:
            text = text.replace(old, new)
    assert not re.search(r"\b443\b|/etc/", text), text
    return text


class Proxy:
    """One of them, in front of a kilnd."""

    def __init__(self, program, kilnd, here):
        self.program = program
        here.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
                        "/CN=farm.example", "-addext", "subjectAltName=DNS:farm.example,DNS:localhost,IP:127.0.0.1", "-keyout", here / "key.pem", "-out", here / "cert.pem"], check=True, capture_output=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        block, is_root = adapted(program, kilnd, self.port, here), os.geteuid() == 0
        if program == "nginx":
            text = NGINX.format(user="user root;" if is_root else "", here=here, block=block)
            command = [*unpacked("nginx", "usr/sbin/nginx", here), "-e", here / "log", "-p", here, "-c", here / "conf"]
        elif program == "caddy":
            text = CADDY.format(here=here, block=block)
            command = [*unpacked("caddy", "usr/bin/caddy", here), "run", "--adapter", "caddyfile", "--config", here / "conf"]
        else:
            modules = "".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so\n" for m in MODULES)
            text = APACHE.format(here=here, port=self.port, modules=modules, user="User www-data\nGroup www-data" if is_root else "", block=block)
            command = ["apache2", "-D", "FOREGROUND", "-f", here / "conf"]
        (here / "conf").write_text(text)
        self.certificate = here / "cert.pem"
        self.tls = ssl.create_default_context(cafile=self.certificate)
        self.process = subprocess.Popen([*WITH_TEST, *map(str, command)], env={**os.environ, "HOME": str(here)}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(here / "said", "w"))
        wait_for(lambda: self.process.poll() is not None or socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, "it listens", 30)
        assert self.process.poll() is None, (here / "said").read_text()

    def open(self, method, target, body=None, headers=None, address="127.0.0.5"):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.tls, source_address=(address, 0))
        connection.request(method, target, body, {"Host": f"localhost:{self.port}", **(headers or {})})
        return connection.getresponse()

    def ask(self, method, target, body=None, headers=None):
        answer = self.open(method, target, body, headers)
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def get(self, target, **headers):
        return self.ask("GET", target, headers=headers)

    def url(self, target="/kiln"):
        return f"https://localhost:{self.port}{target}"

    def close(self):
        self.process.terminate()
        self.process.wait(30)


def lacking(program):
    """Why this proxy cannot be run here; the others are unpacked from their packages."""
    return "there is no apache2: packaging/install-deps --test" if program == "apache" and not shutil.which("apache2") else ""
