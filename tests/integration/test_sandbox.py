# SPDX-License-Identifier: Apache-2.0
"""Blender in its sandbox: what a scene tries against the machine fails, and what scenes need works. With each mechanism
that this machine has; of one that it lacks, the tests say so and are skipped."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import pytest
from daemon import DEADLINE, processes_of_group, program, wait_for
from test_jobs import frame, render, submit, until_final
from test_render import decode_png

HERE = pathlib.Path(__file__).parent


def available(mechanism, blender, directory):
    """Nothing, or why kilnd cannot have it here."""
    checked = subprocess.run([program("KILND"), "--check", "--sandbox", mechanism, "--blender", blender,
                              "--project-root", directory, "--state", directory / "state"], capture_output=True, text=True,
                             timeout=DEADLINE)
    return None if checked.returncode == 0 else checked.stderr


@pytest.fixture(params=["landlock", "bwrap"])
def sandbox(request, blender, tmp_path_factory):
    wrong = available(request.param, blender, tmp_path_factory.mktemp("check"))
    if wrong:
        pytest.skip(f"this machine has no {request.param}: {wrong}")
    return request.param


@pytest.fixture
def project(scenes, tmp_path):
    """A project of the test's own, with room beside it for what escapes."""
    directory = tmp_path / "work" / "project"
    directory.mkdir(parents=True)
    for name in ("hostile.blend", "assets.blend", "tiny.blend", "slow.blend"):
        shutil.copy(scenes / name, directory)
    shutil.copytree(scenes / "assets", directory / "assets")
    return directory


def escaped(project):
    return sorted(path.name for path in project.parent.glob("escaped_*"))


def test_a_hostile_scene_writes_nothing_outside(start, sandbox, project, blender):
    d = start(project / "tiny.blend", "--sandbox", sandbox)
    assert d.get("/readyz").json() == {"status": "ok", "sandbox": sandbox}
    done = render(d, "hostile", "1-2")
    assert done["state"] == "succeeded", done
    assert decode_png(frame(d, done, 2))[:2] == (32, 32)
    assert escaped(project) == []
    # The same scene, by hand and with its scripts run: it is not harmless.
    subprocess.run([blender, "-b", "-noaudio", "-y", project / "hostile.blend", "-o", project / "out_", "-f", "1"],
                   check=True, capture_output=True, timeout=DEADLINE)
    assert escaped(project) == ["escaped_driver", "escaped_node_0001.png", "escaped_text"]


def blender_that_trespasses(directory, blender, targets):
    """A Blender that runs trespass.py after the .blend is loaded, or as a session begins."""
    directory.mkdir()
    shutil.copy(HERE / "trespass.py", directory)
    (directory / "trespass.json").write_text(json.dumps(targets))
    script = directory / "blender"
    script.write_text(f"""#!/bin/sh
[ "$1" = --version ] && exec {blender} --version
first="$1 $2 $3"; shift 3
case "$*" in
  *kiln_session.py*) exec {blender} $first -P {directory}/trespass.py "$@" ;;
esac
file=$1; shift
exec {blender} $first "$file" -P {directory}/trespass.py "$@"
""")
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("process", ["own", "session"])
@pytest.mark.parametrize("walls", [True, False])
def test_even_code_that_runs_in_blender_is_kept_in(start, sandbox, project, blender, tmp_path, walls, process):
    if not walls and sandbox != "landlock":
        pytest.skip("once is enough without walls")
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_ed25519").write_text("secret")
    other = project / "frames" / "j0000000000000000000" / "blender-render_0001.png"  # below the project root
    other.parent.mkdir(parents=True)
    other.write_text("another's")
    targets = {"outside": str(tmp_path / "planted"), "project": str(project), "other_frame": str(other),
               "home": str(home), "socket": str(tmp_path / "socket"), "abstract": f"kiln-trespass-{os.getpid()}"}
    wrapper = blender_that_trespasses(tmp_path / "bin", blender, targets)
    with socket.socket(socket.AF_UNIX) as local, socket.socket(socket.AF_UNIX) as abstract:
        for door, name in ((local, targets["socket"]), (abstract, "\0" + targets["abstract"])):
            door.bind(name)
            door.listen()
        d = start(project / "tiny.blend", "--sandbox", sandbox if walls else "off", "--blender", wrapper,
                  output=project / "frames")
        targets |= {"kilnd": d.process.pid, "port": d.port, "state": str(d.state)}
        (tmp_path / "bin" / "trespass.json").write_text(json.dumps(targets))
        done = render(d, "tiny", "1-2", process=process)
        assert done["state"] == "succeeded", done
    log = (d.state / "logs" / f"{done['id']}-1.log").read_text(errors="replace")
    said = dict(re.findall(r"^trespass (\w+): (.*)$", log, re.M))
    assert len(said) == 18, log
    for pid in processes_in_workspaces(d):  # without walls, one survives
        os.kill(pid, signal.SIGKILL)
    pathlib.Path("/tmp/kiln-trespass").unlink(missing_ok=True)
    done_deeds = {name for name, came in said.items() if came == "done"}
    if walls:
        assert done_deeds == {"write_workspace"}, said
        assert not (tmp_path / "planted").exists() and not (project / "planted").exists()
    else:
        allowed_anyway = {"read_shadow", "ptrace_kilnd"}  # by the user, or the kernel's settings
        assert set(said) - done_deeds <= allowed_anyway, said


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


def test_what_scenes_need_works(start, sandbox, project):
    d = start(project / "tiny.blend", "--sandbox", sandbox)
    done = render(d, "assets", "1-2", format="OPEN_EXR")
    assert done["state"] == "succeeded", done
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


def test_it_is_cancelled_killed_and_adopted_as_ever(start, sandbox, project):
    d = start(project / "slow.blend", "--sandbox", sandbox)

    def current(ident):
        return wait_for(lambda: (d.get(f"/v1/jobs/{ident}").json()["current"] or {}).get("pid"), "Blender runs")

    def wait_for_samples(ident, attempt=1):
        log = d.state / "logs" / f"{ident}-{attempt}.log"
        wait_for(lambda: log.exists() and "Sample" in log.read_text(errors="replace"), "Blender renders")

    job = submit(d, "slow", "1")
    pid = current(job)
    wait_for_samples(job)
    os.kill(pid, signal.SIGTERM)
    assert until_final(d, job)["state"] == "canceled"
    assert processes_of_group(pid) == []

    job = submit(d, "slow", "1", retries=0)
    pid = current(job)
    wait_for_samples(job)
    blenders = [p for p in processes_of_group(pid) if pathlib.Path(f"/proc/{p}/comm").read_text().strip() == "blender"]
    os.kill(blenders[-1], signal.SIGSEGV)  # Blender itself, also where bwrap is the leader
    failure = until_final(d, job)["failure"]
    assert (failure["kind"], failure["signal"]) == ("crashed", signal.SIGSEGV), failure

    job = submit(d, "slow", "1")
    pid = current(job)
    wait_for_samples(job)
    d.process.kill()
    d.process.wait()
    d.start()
    assert current(job) == pid, "it is adopted"
    assert d.get(f"/v1/jobs/{job}").json()["attempts"] == 1
    d.ask("POST", f"/v1/jobs/{job}/cancel")
    assert until_final(d, job)["state"] == "canceled"
    wait_for(lambda: processes_of_group(pid) == [], "nothing is left of it")


@pytest.mark.parametrize("asked, words", [("bwrap", "install bubblewrap"), ("landlock", None)])
def test_what_cannot_be_had_is_refused_with_advice(blender, project, tmp_path, asked, words):
    """And auto takes what there is: nothing is on this PATH but Blender."""
    if asked == "landlock" and not available("landlock", blender, tmp_path):
        pytest.skip("this kernel has Landlock")
    environment = {**os.environ, "PATH": str(tmp_path)}
    command = [program("KILND"), "--check", "--blend", project / "tiny.blend", "--blender", blender, "--state",
               tmp_path / "state"]
    refused = subprocess.run([*command, "--sandbox", asked], env=environment, capture_output=True, text=True, timeout=DEADLINE)
    assert refused.returncode == 3 and (words or "Linux 5.13") in refused.stderr, refused
    auto = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE)
    assert auto.returncode == 0 and re.search(r"^sandbox  (landlock|off)$", auto.stdout, re.M), auto
    assert ("none works here" in auto.stderr) == ("sandbox  off" in auto.stdout)


def test_off_is_said_aloud(start, project):
    d = start(project / "tiny.blend", "--sandbox", "off")
    assert d.get("/readyz").json()["sandbox"] == "off"
    assert "sandbox: off" in d.log()
