# SPDX-License-Identifier: Apache-2.0
"""The image, built and run by buildah and podman without a registry and without a daemon.

The base is a minimal Debian 12 of debootstrap; Blender is Debian's, laid out as blender.org's archives are, and mounted.
"""
import json
import os
import re
import shutil
import subprocess
import time

import pytest
from system import CACHE, HERE, make_scene, wait_for

ROOT = HERE.parents[1]
PODMAN = ["podman", "--storage-driver", "overlay"]
BASE = "localhost/kiln-test-base:12"
IMAGE = "localhost/kiln-test:slim"
# Options for this kind of host, in addition to a user's: no daemon, no own cgroups, no own network.
HOST = ["--cgroups=disabled", "--network=host", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]


def run(*command, check=True, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=1800, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}")
    return done


def size(image):
    return int(run(*PODMAN, "image", "inspect", "--format", "{{.Size}}", image).stdout)


@pytest.fixture(scope="session")
def image(deb, tmp_path_factory):
    run(HERE / "make_root", CACHE / "debian-12")
    run(*PODMAN, "import", CACHE / "debian-12.tar", BASE)
    context = tmp_path_factory.mktemp("context") / "kiln"
    files = run("git", "-C", ROOT, "ls-files").stdout.split()
    for name in files:
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, context / name)
    package = []
    if "BUILD_IN_CONTAINER" not in os.environ:  # some minutes more
        shutil.copy(deb, context / "kilnd.deb")
        package = ["--build-arg", "PACKAGE=kilnd.deb"]
    run("buildah", "--storage-driver", "overlay", "bud", "--isolation", "chroot", "--network", "host", "--format", "docker",
        "--pull-never", "--build-arg", f"BASE={BASE}", *package, "-f", context / "packaging/docker/Dockerfile", "-t", IMAGE, context)
    yield IMAGE
    run(*PODMAN, "rmi", "-f", IMAGE, BASE, check=False)


@pytest.fixture(scope="session")
def blender(tmp_path_factory):
    directory = tmp_path_factory.mktemp("opt") / "blender"
    run(HERE / "make_tarball_layout", directory)
    return directory


class Container:
    def __init__(self, image, port, *options):
        self.port = port
        self.name = f"kiln-test-{port}"
        self.id = run(*PODMAN, "run", "-d", "--name", self.name, *HOST, "-e", f"KILN_LISTEN=127.0.0.1:{port}", *options, image).stdout.strip()

    def tokens(self):
        """What the log has shown as the token of this container."""
        return re.findall(r"shown this once .*: (\S+)$", self.log(), re.M)

    def curl(self, target, *more):
        own = ["-H", f"Authorization: Bearer {tokens[0]}"] if (tokens := self.tokens()) else []
        done = run("curl", "-sS", "--max-time", "60", *own, *more, f"http://127.0.0.1:{self.port}{target}", check=False)
        return done.stdout

    def log(self):
        done = run(*PODMAN, "logs", self.name, check=False)
        return done.stdout + done.stderr

    def inspect(self, what):
        return run(*PODMAN, "inspect", "--format", what, self.name).stdout.strip()

    def remove(self):
        run(*PODMAN, "rm", "-f", "-t", "5", self.name, check=False)


@pytest.fixture
def free_port():
    import socket
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


@pytest.fixture
def container(image, blender, tmp_path, free_port):
    for scene in ("tiny", "slow"):
        make_scene(scene, tmp_path / "projects")
    for volume in ("frames", "state"):
        (tmp_path / volume).mkdir()
        os.chown(tmp_path / volume, 10001, 10001)
    c = Container(image, free_port, "--read-only", "--tmpfs", "/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges",
                  "-v", f"{blender}:/opt/blender:ro", "-v", f"{tmp_path}/projects:/projects:ro",
                  "-v", f"{tmp_path}/frames:/frames", "-v", f"{tmp_path}/state:/state")
    try:
        wait_for(lambda: '"status"' in c.curl("/readyz") or c.curl("/readyz", "-o", "/dev/null", "-w", "%{http_code}") == "200"
                 or c.inspect("{{.State.Running}}") == "false", "kilnd answers")
        assert c.inspect("{{.State.Running}}") == "true", c.log()
        yield c
    finally:
        c.remove()


def post(container, body):
    return json.loads(container.curl("/v1/jobs", "-H", "Content-Type: application/json", "-d", json.dumps(body)))


def final(container, id):
    return wait_for(lambda: (lambda j: j if j["state"] in ("succeeded", "failed", "canceled") else None)(
        json.loads(container.curl(f"/v1/jobs/{id}"))), f"job {id} is final")


def test_the_image_is_small_and_says_what_it_is(image):
    added = size(IMAGE) - size(BASE)
    print(f"the image adds {added / 1e6:.1f} MB to its base")
    assert added < 40_000_000, added
    told = json.loads(run(*PODMAN, "image", "inspect", IMAGE).stdout)[0]
    facts = told["Config"]
    assert facts["User"] == "10001:10001" and facts["StopSignal"] == "SIGTERM"
    assert facts["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert told["Healthcheck"]["Test"] == ["CMD", "/usr/libexec/kiln/healthcheck"]


def test_a_real_frame_as_another_user_on_a_read_only_root(container, tmp_path):
    job = post(container, {"blend": "tiny.blend", "frames": "1-2"})
    done = final(container, job["id"])
    assert done["state"] == "succeeded", (done, container.log())
    frame = tmp_path / "frames" / job["id"] / "blender-render_0001.png"
    assert frame.read_bytes().startswith(b"\x89PNG")
    assert frame.stat().st_uid == 10001
    inside = lambda *command: run(*PODMAN, "exec", container.name, *command, check=False)
    assert inside("id", "-u").stdout.strip() == "10001"
    assert inside("touch", "/usr/x").returncode != 0 and "Read-only" in inside("touch", "/usr/x").stderr
    assert inside("/usr/libexec/kiln/healthcheck").returncode == 0
    assert run(*PODMAN, "healthcheck", "run", container.name, check=False).returncode == 0


def test_it_is_closed_and_says_its_token_once(container):
    status = ("-o", "/dev/null", "-w", "%{http_code}")
    assert len(container.tokens()) == 1
    assert container.curl("/v1/jobs", *status) == "200"
    assert run("curl", "-sS", *status, f"http://127.0.0.1:{container.port}/v1/jobs").stdout == "401"
    run(*PODMAN, "restart", "-t", "10", container.name)
    wait_for(lambda: container.curl("/livez", *status) == "200", "it answers again")
    assert len(container.tokens()) == 1 and container.curl("/v1/jobs", *status) == "200"


def test_a_blender_mounted_as_an_archive(image, blender, tmp_path, free_port):
    for directory in ("frames", "state", "unpacked"):
        (tmp_path / directory).mkdir()
        os.chown(tmp_path / directory, 10001, 10001)
    (tmp_path / "opt").mkdir()
    run("tar", "-cf", tmp_path / "opt/blender-3.4.1-linux-x64.tar.gz", "-I", "gzip -1", "-C", blender.parent, blender.name)
    make_scene("tiny", tmp_path / "projects")
    c = Container(image, free_port, "--read-only", "--tmpfs", "/tmp", "--cap-drop=ALL", "-v", f"{tmp_path}/opt:/opt/blender:ro",
                  "-v", f"{tmp_path}/unpacked:/blender", "-v", f"{tmp_path}/projects:/projects:ro",
                  "-v", f"{tmp_path}/frames:/frames", "-v", f"{tmp_path}/state:/state")
    try:
        wait_for(lambda: c.curl("/readyz", "-o", "/dev/null", "-w", "%{http_code}") == "200" or c.inspect("{{.State.Running}}") == "false", "kilnd answers")
        assert final(c, post(c, {"blend": "tiny.blend", "frames": "1"})["id"])["state"] == "succeeded", c.log()
        assert c.log().count("unpacking") == 1
    finally:
        c.remove()


def test_stop_ends_cleanly_and_in_time_while_it_renders(container, tmp_path):
    job = post(container, {"blend": "slow.blend", "frames": "1-50"})
    wait_for(lambda: json.loads(container.curl(f"/v1/jobs/{job['id']}"))["current"], "Blender runs")
    started = time.monotonic()
    run(*PODMAN, "stop", "-t", "10", container.name)  # docker's own time
    took = time.monotonic() - started
    assert container.inspect("{{.State.ExitCode}}") == "0", container.log()
    assert took < 10 and "stopped" in container.log(), (took, container.log())
    # Its state is in the volume: the next one goes on.
    run(*PODMAN, "start", container.name)
    wait_for(lambda: container.curl(f"/v1/jobs/{job['id']}"), "it answers again")
    assert json.loads(container.curl(f"/v1/jobs/{job['id']}"))["state"] in ("queued", "running")


def test_without_blender_it_says_what_to_mount(image, free_port):
    done = run(*PODMAN, "run", "--rm", *HOST, image, check=False)
    assert done.returncode == 3 and "/opt/blender/blender" in done.stdout + done.stderr


def test_the_health_of_one_that_does_not_answer(image):
    done = run(*PODMAN, "run", "--rm", *HOST, "-e", "KILN_LISTEN=127.0.0.1:1", "--entrypoint", "/usr/libexec/kiln/healthcheck", image, check=False)
    assert done.returncode == 1


@pytest.mark.skipif(not shutil.which("podman-compose"), reason="there is no podman-compose")
def test_compose_is_understood():
    """What podman-compose would do (its --dry-run does nothing)."""
    told = run("podman-compose", "--dry-run", "-f", ROOT / "packaging/docker/compose.yaml", "up", "-d")
    said = told.stdout + told.stderr
    command = next(line for line in said.splitlines() if "podman" in line and " run " in line)
    for flag in ("--read-only", "-p 127.0.0.1:3000:3000", "--cap-drop ALL", "/opt/blender:/opt/blender:ro", ":/frames", ":/state"):
        assert flag in command, command
