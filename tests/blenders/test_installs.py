# SPDX-License-Identifier: Apache-2.0
"""Installs of real Blenders as people have them: blender.org's layout, links, launchers, upgrades.

Fixtures of conftest.py:
- blenders: dict of version to an object with .version, .root (the root's directory) and .wrapper (a program that is this
  Blender seen from outside);
- scenes_of(version): the directory of scenes that tests/scenes/make made with that version;
- start(*arguments, blender=PATH): a started tests/support/daemon.Daemon, stopped in order at the end.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

import blender_layouts
from daemon import processes_of_group, program, wait_for

SANDBOXES = ("landlock", "bwrap")
FULL = {"2.83": "2.83.5", "3.4": "3.4.1", "4.3": "4.3.2", "5.2": "5.2.2 LTS"}


@pytest.fixture(scope="session")
def tarball_of(blenders, tmp_path_factory):
    """The executable of blender.org's layout for a version, on this machine itself."""
    made = {}
    with contextlib.ExitStack() as until_the_end:
        def of(version):
            if version not in blenders:
                pytest.skip(f"Blender {version} is not here: tests/support/blenders make {version}")
            if version not in made:
                directory = tmp_path_factory.mktemp("opt") / f"blender-{version}-linux-x64"
                made[version] = until_the_end.enter_context(blender_layouts.tarball(version, blenders[version].root, directory))
                until_the_end.callback(shutil.rmtree, directory, True)
            return made[version]
        yield of


def post(d, blend, **fields):
    made = d.ask("POST", "/v1/jobs", json.dumps({"blend": blend, "frames": "1", **fields}), {"Content-Type": "application/json"})
    assert made.status == 202, made
    return made.headers["location"]


def until_over(d, location):
    return wait_for(lambda: (lambda j: j if j["state"] not in ("queued", "running") else None)(d.get(location).json()), f"{location} ends")


def render(d, blend="tiny.blend", **fields):
    return until_over(d, post(d, blend, **fields))


def versions(d):
    return {one["name"]: one["version"] for one in d.get("/v1/blenders").json()["blenders"]}


def check(tmp_path, *arguments):
    done = subprocess.run([program("KILND"), "--check", "--project-root", tmp_path, "--output", tmp_path / "f", "--state", tmp_path / "s",
                           *map(str, arguments)], capture_output=True, text=True, timeout=200)
    return done.returncode, done.stdout + done.stderr


def processes_below(directory):
    """Pids of the processes that work below a directory."""
    found = set()
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and os.readlink(entry / "cwd").startswith(f"{directory}/"):
                found.add(int(entry.name))
    return found


def pixels(file):
    import zlib
    data, at, packed = file.read_bytes(), 8, b""
    while at < len(data):
        size, kind = int.from_bytes(data[at:at + 4], "big"), data[at + 4:at + 8]
        packed += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    return zlib.decompress(packed)


@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.parametrize("version", FULL)
def test_the_layout_of_blender_org_behind_a_link(tarball_of, scenes_of, start, tmp_path, version, sandbox):
    executable = tarball_of(version)
    link = tmp_path / "bin/blender"
    link.parent.mkdir()
    link.symlink_to(executable)
    d = start("--blend", scenes_of("2.83") / "tiny.blend", "--sandbox", sandbox, blender=link)
    assert versions(d) == {"default": FULL[version]}
    assert "blender default:" not in d.log()  # nothing is between kilnd and Blender
    for process in ("own", "session", "session"):
        job = render(d, process=process)
        assert (job["state"], job["file"]["version"]) == ("succeeded", FULL[version]), job
        frame = d.output / job["id"] / "blender-render_0001.png"
        by_hand = tmp_path / "hand_0001.png"
        if not by_hand.exists():
            subprocess.run([executable, "-b", "--factory-startup", "-noaudio", scenes_of("2.83") / "tiny.blend", "-o", tmp_path / "hand_####",
                            "-F", "PNG", "-x", "1", "-f", "1"], check=True, stdout=subprocess.DEVNULL)
        assert pixels(frame) == pixels(by_hand)


@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.parametrize("kind", ["exec", "no_exec", "settings"])
def test_a_launcher_that_lies_elsewhere_works_in_the_sandbox(tarball_of, scenes_of, start, tmp_path, kind, sandbox):
    executable = tarball_of("4.3")
    path = blender_layouts.launcher(tmp_path / "bin/blender", blender_layouts.LAUNCHERS[kind].format(executable))
    (path.parent / "settings.sh").write_text("export KILN_TEST_SETTING=1\n")
    d = start("--blend", scenes_of("3.4") / "tiny.blend", "--sandbox", sandbox, blender=path)
    assert ("as a second process" in d.log()) == (kind == "no_exec"), d.log()
    for process in ("own", "session", "session"):
        job = render(d, process=process)
        assert (job["state"], job["file"]["version"]) == ("succeeded", "4.3.2"), job


@pytest.mark.parametrize("kind", ["snap", "flatpak"])
def test_a_launcher_that_no_sandbox_can_hold_is_named(tarball_of, tmp_path, kind):
    executable = tarball_of("4.3")
    path = blender_layouts.launcher(tmp_path / "bin/blender", blender_layouts.LAUNCHERS[kind].format(executable))
    status, said = check(tmp_path, f"--blender=packed={path}", "--sandbox", "landlock")
    assert status == 3 and f"name the program itself: --blender packed={executable}" in said, said
    status, said = check(tmp_path, f"--blender=packed={path}", "--blender", executable)
    assert status == 0 and "sandbox  off" not in said, said
    assert "blender packed does not work in it, so its jobs will fail" in said, said
    assert check(tmp_path, f"--blender=packed={path}", "--sandbox", "off")[0] == 0


def test_a_launcher_with_a_file_system_of_its_own_is_named(blenders, tmp_path):
    version = next(iter(blenders))
    status, said = check(tmp_path, "--blender", blenders[version].wrapper, "--sandbox", "landlock")
    assert status == 3 and "runs in a file system of its own" in said, said


@pytest.mark.parametrize("kind", ["exec", "no_exec", "flatpak"])
def test_the_pid_of_a_job_means_the_job(tarball_of, scenes_of, start, tmp_path, kind):
    path = blender_layouts.launcher(tmp_path / "bin/blender", blender_layouts.LAUNCHERS[kind].format(tarball_of("4.3")))
    d = start("--blend", scenes_of("3.4") / "tiny.blend", "--sandbox", "off", blender=path)

    # A signal to it ends the job, and all of its processes.
    answer = d.post_job(1, 5000)
    pid = answer.json()["pid"]
    wait_for(lambda: len(processes_of_group(pid)) >= (1 if kind == "exec" else 2), "Blender runs")
    os.kill(pid, signal.SIGTERM)
    ended = d.until_final(answer.headers["location"])
    assert (ended.status, ended.text) == (200, "Job canceled"), ended
    assert not processes_of_group(pid)

    # So does a cancellation.
    location = post(d, "tiny.blend", frames="1-5000", process="own")
    wait_for(lambda: processes_below(d.output), "Blender runs")
    d.ask("POST", f"{location}/cancel")
    assert until_over(d, location)["state"] == "canceled"
    wait_for(lambda: not processes_below(d.output), "no process is left")

    # After a crash of kilnd the next one takes the same processes up.
    answer = d.post_job(1, 1000)
    pid = answer.json()["pid"]
    wait_for(lambda: len(d.frames(answer.json()["id"])) > 1, "frames come")
    before = processes_of_group(pid)
    d.process.kill()
    d.process.wait()
    d.start()
    assert set(before) == set(processes_of_group(pid)), d.log()
    assert d.get(answer.headers["location"]).status == 202
    os.kill(pid, signal.SIGTERM)
    d.until_final(answer.headers["location"])
    assert not processes_of_group(pid)

    # A stop of kilnd ends a render and a warm session.
    assert render(d, process="session")["state"] == "succeeded"
    post(d, "tiny.blend", frames="1-5000", process="own")
    assert d.stop() == 0
    assert not processes_below(d.output)


def test_a_link_that_leads_to_another_version_while_sessions_are_warm(tarball_of, scenes_of, start, tmp_path):
    link = tmp_path / "bin/blender"
    link.parent.mkdir()

    def lead_to(version):
        new = link.with_name("new")
        new.symlink_to(tarball_of(version))
        new.rename(link)

    lead_to("4.3")
    d = start("--blend", scenes_of("3.4") / "tiny.blend", "--sandbox", "landlock", blender=link)
    for _ in range(2):
        assert render(d)["file"]["version"] == "4.3.2"
    warm = processes_below(d.output)
    assert warm
    for version in ("5.2", "4.3"):
        lead_to(version)
        for process in ("session", "session", "own"):
            job = render(d, process=process)
            assert (job["state"], job["file"]["version"]) == ("succeeded", FULL[version]), job
        assert versions(d) == {"default": FULL[version]}
        wait_for(lambda: not warm & processes_below(d.output), "the session of the other version ends")
        warm = processes_below(d.output)


def test_a_program_that_is_replaced_in_place(tarball_of, scenes_of, start, tmp_path):
    path = blender_layouts.launcher(tmp_path / "bin/blender", f'exec {tarball_of("4.3")} "$@"')
    d = start("--blend", scenes_of("3.4") / "tiny.blend", "--sandbox", "bwrap", blender=path)
    assert render(d)["file"]["version"] == "4.3.2"
    blender_layouts.launcher(path, f'exec {tarball_of("3.4")} "$@"')
    assert render(d)["file"]["version"] == "3.4.1"
    assert versions(d) == {"default": "3.4.1"}


def test_two_versions_take_turns_on_one_blend(tarball_of, scenes_of, start):
    d = start("--blend", scenes_of("3.4") / "tiny.blend", "--sandbox", "landlock", "--blender", f"new={tarball_of('5.2')}", "--slots", "2",
              blender=f"old={tarball_of('4.3')}")
    names = {"old": "4.3.2", "new": "5.2.2 LTS"}
    locations = [(name, post(d, "tiny.blend", blender=name)) for _ in range(50) for name in names]
    pictures = {name: set() for name in names}
    for name, location in locations:
        job = until_over(d, location)
        assert (job["state"], job["file"]["version"], job["attempts"]) == ("succeeded", names[name], 1), job
        pictures[name].add(pixels(d.output / job["id"] / "blender-render_0001.png"))
    assert {name: len(found) for name, found in pictures.items()} == {"old": 1, "new": 1}
