# SPDX-License-Identifier: Apache-2.0
"""Real clients, as their users would write them: the programs in clients/ know HTTP and docs/api.md, and nothing else of Kiln.

Each test is one client doing one thing: `pytest -k curl`, `-k wget`, `-k requests`, `-k poller`, `-k fetch`, `-k event`."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import zipfile

import pytest
from daemon import wait_for

CLIENTS = pathlib.Path(__file__).parent / "clients"
SIDE = 200  # pixels of a frame that does not compress: some 40 kB
FINAL = ("succeeded", "failed", "canceled")


def run(name, *arguments, env=None):
    """A client's standard output; it must have succeeded."""
    interpreter = {".py": [sys.executable], ".mjs": ["node"]}.get(pathlib.Path(name).suffix, [])
    done = subprocess.run([*interpreter, str(CLIENTS / name), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=300, env=env)
    assert done.returncode == 0, f"{name} ended with {done.returncode}: {done.stderr}{done.stdout}"
    return done.stdout + (done.stderr if name == "curl_retry" else "")


def base(d):
    return f"http://127.0.0.1:{d.port}"


def body(frames):
    return json.dumps({"blend": "scene.blend", "frames": frames})


def rendered(d, frames="7"):
    """The id of a job that is done."""
    answer = d.ask("POST", "/v1/jobs", body(frames), {"Content-Type": "application/json"})
    assert answer.status == 202, answer
    ident = answer.json()["id"]
    wait_for(lambda: d.get(f"/v1/jobs/{ident}").json()["state"] == "succeeded", "the job is done")
    return ident


def published(d, ident):
    return [(d.output / ident / name).read_bytes() for name in d.frames(ident)]


@pytest.fixture
def noisy(start):
    return start(f"noise {SIDE}", "frame_seconds 0.05")


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    """A folder with the clients for Node.js and what package-lock.json names."""
    directory = tmp_path_factory.mktemp("node")
    for path in [*CLIENTS.glob("*.mjs"), *CLIENTS.glob("package*.json")]:
        shutil.copy(path, directory)
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], cwd=directory,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return directory


def test_curl_renders_and_downloads(noisy, tmp_path):
    run("curl_render", base(noisy), body("3"), tmp_path / "frame.png")
    ident = noisy.get("/v1/jobs").json()["jobs"][0]["id"]
    assert [(tmp_path / "frame.png").read_bytes()] == published(noisy, ident)


def test_curl_resumes_a_download(noisy, tmp_path):
    ident = rendered(noisy)
    run("curl_resume", f"{base(noisy)}/v1/jobs/{ident}/frames/7", tmp_path / "frame.png")
    assert [(tmp_path / "frame.png").read_bytes()] == published(noisy, ident)


def test_curl_fetches_ranges_and_only_what_has_changed(noisy, tmp_path):
    ident = rendered(noisy)
    out = run("curl_ranges", f"{base(noisy)}/v1/jobs/{ident}/frames/7", tmp_path / "frame.png")
    assert out.split() == ["200", "304", "304"]
    assert [(tmp_path / "frame.png").read_bytes()] == published(noisy, ident)


def test_curl_uploads(start, tmp_path):
    d = start()
    blend = tmp_path / "upload.blend"
    blend.write_bytes(b"BLENDER-v304" + os.urandom(3 << 20))
    answers = [line.split() for line in run("curl_upload", base(d), blend).splitlines()]
    assert [status for status, _ in answers] == ["201", "200", "200"], "the second and the third bring what is there already"
    assert len({location for _, location in answers}) == 1


def full(start, tmp_path):
    """A daemon that has no room for another job, and the file that lets it go on."""
    go = tmp_path / "go"
    d = start(f"wait_file {go}", arguments=["--max-queued", "1", "--log-level", "debug"])
    for _ in range(2):
        assert d.ask("POST", "/v1/jobs", body("1"), {"Content-Type": "application/json"}).status == 202
    return d, go


def test_curl_comes_back_when_it_is_told_to(start, tmp_path):
    d, go = full(start, tmp_path)
    letting_go = threading.Thread(target=lambda: (wait_for(lambda: "status=503" in d.log(), "curl is refused"), go.touch()))
    letting_go.start()
    out = run("curl_retry", base(d), body("1"))
    letting_go.join()
    told = re.findall(r"Will retry in (\d+) second", out)
    assert told and all(1 <= int(seconds) <= 300 for seconds in told), out


def test_requests_renders_and_downloads(noisy, tmp_path):
    (tmp_path / "fetched").mkdir()
    done = json.loads(run("requests_render.py", base(noisy), body("1-3"), tmp_path / "fetched"))
    assert done == {"state": "succeeded", "fetched": ["1", "2", "3"], "attempts": []}
    ident = noisy.get("/v1/jobs").json()["jobs"][0]["id"]
    assert [(tmp_path / "fetched" / name).read_bytes() for name in done["fetched"]] == published(noisy, ident)


def test_requests_comes_back_when_it_is_told_to(start, tmp_path):
    d, go = full(start, tmp_path)
    (tmp_path / "fetched").mkdir()
    letting_go = threading.Thread(target=lambda: (wait_for(lambda: "status=503" in d.log(), "it is refused"), go.touch()))
    letting_go.start()
    done = json.loads(run("requests_render.py", base(d), body("2"), tmp_path / "fetched"))
    letting_go.join()
    assert done["state"] == "succeeded" and done["fetched"] == ["2"]


def test_wget_goes_on_with_a_download(noisy, tmp_path):
    ident = rendered(noisy)
    (tmp_path / "fetched").mkdir()
    run("wget_download", f"{base(noisy)}/v1/jobs/{ident}/frames/7", tmp_path / "fetched")
    names = {path.name: path.read_bytes() for path in (tmp_path / "fetched").iterdir()}
    assert names["blender-render_0007.png"] == published(noisy, ident)[0]


def test_wget_mirrors_frames(noisy, tmp_path):
    ident = rendered(noisy, "1-4")
    (tmp_path / "fetched").mkdir()
    run("wget_mirror", base(noisy), ident, tmp_path / "fetched")
    mirror = tmp_path / "fetched" / "v1" / "jobs" / ident / "frames"
    assert [(mirror / str(n)).read_bytes() for n in range(1, 5)] == published(noisy, ident)
    assert len(re.findall(r'-> "', (tmp_path / "fetched" / "log").read_text())) == 4, "the second time nothing is fetched again"


def test_poller_of_long_running_operations(noisy):
    done = json.loads(run("poll.py", base(noisy), body("1-20")))
    assert done["state"] == "succeeded"
    assert 1 <= done["held"] == done["polls"], "each answer was held until the job changed"


def test_fetch_renders_and_streams_a_zip(noisy, node, tmp_path):
    done = json.loads(run(node / "fetch_render.mjs", base(noisy), body("1-3"), tmp_path / "frames.zip"))
    assert done == {"state": "succeeded", "again": 304, "type": "application/zip"}
    ident = noisy.get("/v1/jobs").json()["jobs"][0]["id"]
    with zipfile.ZipFile(tmp_path / "frames.zip") as frames:
        assert frames.testzip() is None
        assert frames.namelist() == noisy.frames(ident)
        assert [frames.read(name) for name in frames.namelist()] == published(noisy, ident)


class Wire:
    """Passes bytes to and fro between a client and the daemon, until it is cut."""

    def __init__(self, port):
        self.port = port
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.ends = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                client, _ = self.listening.accept()
                daemon = socket.create_connection(("127.0.0.1", self.port))
                self.ends += [client, daemon]
                for one, other in ((client, daemon), (daemon, client)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()
        except OSError:
            pass  # closed

    @staticmethod
    def _pass(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # cut

    def cut(self):
        ends, self.ends = self.ends, []
        for s in ends:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # gone already

    def close(self):
        self.listening.close()
        self.cut()


def test_event_source_comes_back_and_misses_nothing(start, node, tmp_path):
    """The connection is lost in the midst of a render: EventSource reconnects with Last-Event-ID, and no frame is missing."""
    go = tmp_path / "go"
    d = start(f"wait_file {go}", "frame_seconds 0.2", "samples 2")
    ident = d.ask("POST", "/v1/jobs", body("1-10"), {"Content-Type": "application/json"}).json()["id"]
    wire = Wire(d.port)
    url = f"http://127.0.0.1:{wire.listening.getsockname()[1]}/v1/jobs/{ident}/events"
    out = tmp_path / "events"
    with open(out, "wb") as file:
        client = subprocess.Popen(["node", str(node / "watch_events.mjs"), url], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)

    def events(*types):
        lines = [json.loads(line) for line in out.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if line["type"] in types]

    try:
        wait_for(lambda: client.poll() is not None or events("open"), "it is connected")
        assert client.poll() is None, out.read_text()
        go.touch()
        wait_for(lambda: len(events("frame")) >= 2, "some frames are done")
        wire.cut()
        client.wait(120)
    finally:
        client.kill()
        wire.close()
    assert client.returncode == 0, out.read_text()
    assert len(events("open")) == 2 and len(events("error")) == 1
    done = [e["data"]["frame"] for e in events("frame") if e["data"]["state"] == "done"]
    assert sorted(done) == list(range(1, 11)), "each frame is told of once"
    assert events("job")[-1]["data"]["state"] == "succeeded"
    ids = [int(e["id"]) for e in events("job", "frame")]
    assert ids == sorted(ids), "an event's id is the revision"
