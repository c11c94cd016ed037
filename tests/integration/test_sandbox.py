# SPDX-License-Identifier: Apache-2.0
"""Blender in its sandbox: what a scene tries against the machine fails, and what scenes need works. With each mechanism
that this machine has; of one that it lacks, the tests say so and are skipped."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import deeds
import pytest
from daemon import DEADLINE, processes_of_group, wait_for
from real_blender import hooked
from test_jobs import ENDLESS, frame, render, submit, until_final
from test_render import decode_png, until_rendering

HERE = pathlib.Path(__file__).parent


def available(mechanism, blender, directory):
    """Nothing, or why kilnd cannot have it here."""
    checked = subprocess.run([blender.kilnd(), "--check", "--sandbox", mechanism, "--blender", blender.path,
                              "--project-root", directory, "--state", directory / "state"], capture_output=True, text=True,
                             timeout=DEADLINE)
    return None if checked.returncode == 0 else checked.stderr


@pytest.fixture(scope="module")
def missing(blender, tmp_path_factory):
    """Mechanism: nothing, or why kilnd cannot have it here."""
    return {one: available(one, blender, tmp_path_factory.mktemp("check")) for one in ("landlock", "bwrap")}


@pytest.fixture(params=["landlock", "bwrap"])
def sandbox(request, missing):
    wrong = missing[request.param]
    if wrong:
        pytest.skip(f"this machine has no {request.param}: {wrong}")
    return request.param


@pytest.fixture
def project(scenes, tmp_path):
    """A project of this test only, with a directory beside it for files that escape."""
    directory = tmp_path / "work" / "project"
    directory.mkdir(parents=True)
    for name in ("hostile.blend", "assets.blend", "tiny.blend", "slow.blend"):
        shutil.copy(scenes / name, directory)
    shutil.copytree(scenes / "assets", directory / "assets")
    return directory


def escaped(project):
    return sorted(path.name for path in project.parent.glob("escaped_*"))


@pytest.mark.feature("code in a scene is kept in")
@pytest.mark.parametrize("autorun", [False, True])
def test_a_hostile_scene_writes_nothing_outside(start, sandbox, project, blender, autorun):
    d = start(project / "tiny.blend", "--sandbox", sandbox, *(["--autorun", "roots"] if autorun else []))
    assert d.get("/readyz").json()["sandbox"] == sandbox
    assert "sandbox: scenes can list the names in" not in d.log()
    done = render(d, "hostile", "1-2", **({"autorun": True} if autorun else {}))
    assert done["state"] == "succeeded", done.get("failure")
    refused = re.findall(r"escaped_(\w+)", d.get(done["links"]["log"]).text) if autorun else []
    assert set(refused) >= ({"text", "driver"} if autorun else set()), "they run, and are kept from it"
    assert any(one["kind"] == "autorun_refused" for one in done["warnings"]) != autorun
    assert decode_png(frame(d, done, 2))[:2] == (32, 32)
    assert escaped(project) == []
    # The same scene, by hand and with its scripts run: it is not harmless.
    blender.run("-b", "-noaudio", "-y", project / "hostile.blend", "-o", project / "out_", "-f", "1", check=True,
                capture_output=True, timeout=DEADLINE)
    assert escaped(project) == ["escaped_driver", "escaped_node_0001.png", "escaped_text"]


@pytest.mark.feature("code in a scene is kept in")
@pytest.mark.parametrize("process", ["own", "session"])
@pytest.mark.parametrize("walls", [True, False])
def test_even_code_that_runs_in_blender_is_kept_in(start, sandbox, project, blender, tmp_path, walls, process):
    if not walls and sandbox != "landlock":
        pytest.skip("once is enough without walls")
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_ed25519").write_text("secret")
    output = project / "frames"  # below the project root
    others = [output / "j0000000000000000000", output / ".kiln" / "j0000000000000000000-1"]
    configuration, victim = project / "kilnd.toml", project / "victim.txt"
    configuration.write_text("slots = 1\n")
    victim.write_text("a file of the project")
    (tmp_path / "outside").mkdir()
    targets = {"outside": str(tmp_path / "outside"), "project": str(project), "victim": str(victim), "output": str(output),
               "other_frame": str(others[0] / "blender-render_0001.png"), "other_workspace": str(others[1]),
               "configuration": str(configuration), "home": str(home), "socket": str(tmp_path / "socket"),
               "service": str(tmp_path / "service"), "abstract": f"kiln-deeds-{os.getpid()}"}
    wrapper = hooked(tmp_path / "bin", blender, HERE / "deeds.py", targets)
    with (socket.socket(socket.AF_UNIX) as local, socket.socket(socket.AF_UNIX) as abstract,
          socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service):
        service.bind(targets["service"])
        for door, name in ((local, targets["socket"]), (abstract, "\0" + targets["abstract"])):
            door.bind(name)
            door.listen()
        d = start(project / "tiny.blend", "--sandbox", sandbox if walls else "off", "--blender", wrapper,
                  "--config", configuration, output=output)
        is_told = f"sandbox: scenes can list the names in {output}" in d.log()
        assert is_told == (walls and sandbox == "landlock"), d.log()
        for directory in others:
            directory.mkdir(parents=True)
            (directory / "blender-render_0001.png").write_text("another's")
        sent = d.ask("POST", "/v1/blends", (project / "tiny.blend").read_bytes(), {"Content-Type": "application/octet-stream"})
        targets |= {"kilnd": d.process.pid, "group": os.getpgid(d.process.pid), "port": d.port, "state": str(d.state),
                    "upload": str(d.state / "blends" / sent.json()["id"].removeprefix("sha256:") / "upload.blend")}
        (tmp_path / "bin" / "deeds.json").write_text(json.dumps(targets))
        done = render(d, "tiny", "1-2", process=process)
        assert done["state"] == "succeeded", done.get("failure")
    log = (d.state / "logs" / f"{done['id']}-1.log").read_text(errors="replace")
    said = dict(re.findall(r"^deed (\w+): (.*)$", log, re.M))
    assert set(said) == set(deeds.DEEDS), log
    for pid in processes_in_workspaces(d):  # without walls, one survives
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    came = {name for name, how in said.items() if how.startswith("done")}
    if walls:
        expected = deeds.LET_THROUGH[sandbox] - (deeds.KEPT_FROM_ROOT if os.geteuid() == 0 else set())
        assert came == expected, {name: said[name] for name in came ^ expected}
        assert victim.read_text() == "a file of the project" and list((tmp_path / "outside").iterdir()) == []
    else:  # the deeds are real: it is the sandbox that keeps them above
        least = deeds.NEED_NO_RIGHTS if os.environ.get("RUN_AS") else deeds.NEED_NO_PRIVILEGE
        assert len(came) >= least, {name: said[name] for name in set(said) - came}
        if os.environ.get("RUN_AS"):  # then the user is what keeps the rest
            assert victim.read_text() == "a file of the project" and list((tmp_path / "outside").iterdir()) == []
            assert not came & {*deeds.GROUPS["gain privileges"], "shadow", "store", "logs", "upload", "configuration_written"}


def processes_in_workspaces(d):
    """Whoever works in a workspace of this kilnd."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "cwd").startswith(str(d.output / ".kiln")):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.mark.feature("textures, libraries, fonts in the sandbox")
def test_what_scenes_need_works(start, sandbox, project):
    d = start(project / "tiny.blend", "--sandbox", sandbox)
    done = render(d, "assets", "1-2", format="OPEN_EXR")
    assert done["state"] == "succeeded", done.get("failure")
    png = render(d, "assets", "1")
    rows = decode_png(frame(d, png, 1))[2]
    assert len(set(rows)) > 10


def test_a_python_that_is_first_in_path_and_outside_does_no_harm(start, sandbox, project, tmp_path, monkeypatch):
    """As with pyenv, conda or a virtual environment: Blender would take the library beside it."""
    python = tmp_path / "python"
    (python / "bin").mkdir(parents=True)
    (python / "lib/python3.11/lib-dynload").mkdir(parents=True)
    (python / "lib/python3.11/os.py").touch()
    shutil.copy("/usr/bin/python3.11", python / "bin")
    monkeypatch.setenv("PATH", f"{python}/bin:{os.environ['PATH']}")
    d = start(project / "tiny.blend", "--sandbox", sandbox)
    assert render(d, "tiny", "1-2")["state"] == "succeeded", d.log()


def test_a_texture_outside_is_named_and_can_be_allowed(start, sandbox, project, tmp_path):
    outside = tmp_path / "work" / "library"
    shutil.move(project / "assets", outside)
    (project / "assets").symlink_to(outside)  # a link leads nowhere
    d = start(project / "tiny.blend", "--sandbox", sandbox)
    failed = render(d, "assets", "1")
    assert failed["state"] == "failed" and failed["failure"]["kind"] == "missing_files", failed
    message = failed["failure"]["message"]
    assert f"{project}/assets/wood.png (outside of the project roots)" in message and "--sandbox-read" in message
    assert failed["attempts"] == 1, "it would end the same way"
    assert d.stop() == 0
    d = start(project / "tiny.blend", "--sandbox", sandbox, "--sandbox-read", outside)
    assert render(d, "assets", "1")["state"] == "succeeded"


@pytest.mark.feature("kill, crash, stop and adoption in the sandbox")
def test_it_is_cancelled_killed_and_adopted_as_ever(start, sandbox, project):
    d = start(project / "slow.blend", "--sandbox", sandbox)

    def current(ident):
        return wait_for(lambda: (d.get(f"/v1/jobs/{ident}").json()["current"] or {}).get("pid"), "Blender runs")

    job = submit(d, "slow", "1", samples=ENDLESS)
    pid = current(job)
    until_rendering(d, job)
    os.kill(pid, signal.SIGTERM)
    assert until_final(d, job)["state"] == "canceled"
    assert processes_of_group(pid) == []

    job = submit(d, "slow", "1", retries=0, samples=ENDLESS)
    pid = current(job)
    until_rendering(d, job)
    blenders = [p for p in processes_of_group(pid) if pathlib.Path(f"/proc/{p}/comm").read_text().strip() == "blender"]
    os.kill(blenders[-1], signal.SIGSEGV)  # Blender itself, also where bwrap is the leader
    failure = until_final(d, job)["failure"]
    assert (failure["kind"], failure["signal"]) == ("crashed", signal.SIGSEGV), failure

    job = submit(d, "slow", "1", samples=ENDLESS)
    pid = current(job)
    until_rendering(d, job)
    d.process.kill()
    d.process.wait()
    d.start()
    assert current(job) == pid, "it is adopted"
    assert d.get(f"/v1/jobs/{job}").json()["attempts"] == 1
    d.ask("POST", f"/v1/jobs/{job}/cancel")
    assert until_final(d, job)["state"] == "canceled"
    wait_for(lambda: processes_of_group(pid) == [], "nothing is left of it")


@pytest.mark.once
@pytest.mark.parametrize("asked, words", [("bwrap", "install bubblewrap"), ("landlock", None)])
def test_what_cannot_be_had_is_refused_with_advice(blender, project, tmp_path, missing, asked, words):
    """auto chooses the available sandbox: this PATH has only Blender."""
    if asked == "landlock" and not missing["landlock"]:
        pytest.skip("this kernel has Landlock")
    environment = {**os.environ, "PATH": str(tmp_path)}
    command = [blender.kilnd(), "--check", "--blend", project / "tiny.blend", "--blender", blender.path, "--state",
               tmp_path / "state"]
    refused = subprocess.run([*command, "--sandbox", asked], env=environment, capture_output=True, text=True, timeout=DEADLINE)
    assert refused.returncode == 3 and (words or "Linux 5.13") in refused.stderr, refused
    auto = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE)
    assert auto.returncode == 0 and re.search(r"^sandbox  (landlock|off)$", auto.stdout, re.M), auto
    assert ("none works here" in auto.stderr) == ("sandbox  off" in auto.stdout)


@pytest.mark.once
def test_off_is_said_aloud(start, project):
    d = start(project / "tiny.blend", "--sandbox", "off")
    assert d.get("/readyz").json()["sandbox"] == "off"
    assert "sandbox: off" in d.log()
