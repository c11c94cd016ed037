# SPDX-License-Identifier: Apache-2.0
"""Blender as a user of its own, under a kilnd that runs as root."""
import hashlib
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile

import pytest
from conftest import ON_SLURM
from daemon import processes_of_group, program, wait_for
from test_blends import render, sent
from test_jobs import act, job, submit, until
from test_restart import again, crash, working_in, workspace, workspaces

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes of another user"),
    pytest.mark.skipif(ON_SLURM, reason="jobs on a cluster belong to the user of kilnd"),
]

USER, GROUP = 54321, 54322
AS = ["--run-as", f"{USER}:{GROUP}"]
NAME = f"the user {USER}"


@pytest.fixture
def tmp_path():
    """A directory that other users can pass through, unlike pytest's own."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="kiln-run-as-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def run(start):
    def begin(*commands, arguments=(), **more):
        return start(*commands, arguments=[*AS, *arguments], writable=False, **more)
    return begin


def readable_to_others():
    blender = pathlib.Path(program("FAKE_BLENDER")).resolve()
    return all(p.stat().st_mode & stat.S_IXOTH for p in [blender, *blender.parents])


if not readable_to_others():
    pytestmark.append(pytest.mark.skip(reason="other users cannot read fake_blender"))


def ids_of(pid):
    """Real, effective, saved and file system uid, the same for gid, and the supplementary groups."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return [set(map(int, re.search(rf"^{key}:(.*)$", text, re.M).group(1).split())) for key in ("Uid", "Gid", "Groups")]


def renders(d, ident):
    """Its pid, once it renders."""
    return wait_for(lambda: (job(d, ident).get("current") or {}).get("pid"), f"{ident} renders")


def owner_and_mode(path):
    facts = path.lstat()
    return facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode)


def is_published(d, ident, frames):
    done = until(d, ident, "succeeded", "failed")
    assert done["state"] == "succeeded", (done, d.log())
    names = d.frames(ident)
    assert names == [f"blender-render_{n:04}.png" for n in range(1, frames + 1)]
    for name in names:
        assert owner_and_mode(d.output / ident / name) == (0, 0, 0o644), name
    assert owner_and_mode(d.output / ident)[0] == 0


SANDBOXES = ["landlock", "bwrap", "off"]


@pytest.mark.parametrize("sessions", [[], ["--sessions", "0"]])
@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_blender_is_another_user(run, tmp_path, sandbox, sessions):
    go = tmp_path / "go"
    try:
        d = run("samples 2", f"wait_file {go}", arguments=["--sandbox", sandbox, *sessions])
    except AssertionError as refused:
        if "sandbox:" in str(refused) and sandbox != "off":
            pytest.skip(f"no {sandbox} for other users here: {refused}")
        raise
    ident = submit(d, "1-3")
    pid = renders(d, ident)
    for member in processes_of_group(pid):
        assert ids_of(member) == [{USER}, {GROUP}, set()]
    space = workspace(d, f"{ident}-1")
    assert owner_and_mode(space) == (USER, GROUP, 0o700)
    own = [path for path in (d.output / ".kiln").iterdir() if path.name.startswith(("session-", ident))]
    assert own and all(owner_and_mode(path) == (USER, GROUP, 0o700) for path in own)
    assert owner_and_mode(own[0] / "tmp")[0] == USER
    for name in ("printed", "taken"):
        assert owner_and_mode(d.output / ".kiln" / f"{name}-{ident}-1")[0] == 0
    if sandbox != "bwrap":
        environment = wait_for(lambda: pathlib.Path(f"/proc/{pid}/environ").read_bytes(), "the environment is there").split(b"\0")
        assert f"USER={USER}".encode() in environment and b"HOME=/" in environment
    go.touch()
    is_published(d, ident, 3)
    wait_for(lambda: not workspaces(d), "no workspace is left")
    assert f"sandbox={sandbox} user={USER}" in d.log() and "ROOT" not in d.log()


@pytest.mark.parametrize("sessions", [[], ["--sessions", "0"]])
def test_adoption_after_a_crash(run, tmp_path, sessions):
    go = tmp_path / "go"
    d = run("samples 1", f"wait_file {go}", arguments=sessions)
    ident = submit(d, "1-4")
    pid = renders(d, ident)
    crash(d)
    # A process of the same user that looks like the Blender of the attempt, except for the entry in STATE.
    space = next(path for path in (d.output / ".kiln").iterdir() if path.name.startswith(("session-", ident)))
    false = subprocess.Popen(["setpriv", "--reuid", str(USER), "--clear-groups", "sleep", "1000"], cwd=space, start_new_session=True,
                             env={"PATH": os.environ["PATH"], "TMPDIR": str(space / "tmp")})
    try:
        again(d)
        until(d, ident, "running")
        assert renders(d, ident) == pid and job(d, ident)["attempts"] == 1
        go.touch()
        is_published(d, ident, 4)
        assert job(d, ident)["attempts"] == 1
    finally:
        false.kill()
        false.wait()
    wait_for(lambda: not workspaces(d), "no workspace is left")


def test_what_blender_finished_while_kilnd_was_away_is_published(run, tmp_path):
    go = tmp_path / "go"
    d = run(f"wait_file {go}", arguments=["--sessions", "0"])
    ident = submit(d, "1-4")
    renders(d, ident)
    crash(d)
    go.touch()
    wait_for(lambda: not working_in(d.output), "Blender has ended")
    again(d)
    is_published(d, ident, 4)
    assert job(d, ident)["attempts"] == 1


@pytest.mark.parametrize("capabilities", ["", "-sys_ptrace"])
def test_what_belongs_to_no_job_is_ended_and_removed(run, capabilities):
    d = run("hang", arguments=["--sessions", "0"])
    if capabilities: # as in a container
        d.stop()
        d.command = ["setpriv", f"--bounding-set={capabilities}", *d.command]
        again(d)
    ident = submit(d, "1")
    pid = renders(d, ident)
    crash(d)
    for name in d.state.glob("kiln.db*"):
        name.unlink()
    again(d)
    wait_for(lambda: not processes_of_group(pid), "the process of an unknown attempt is ended")
    wait_for(lambda: not workspaces(d), "its workspace is removed")


@pytest.mark.parametrize("commands", [["hang"], ["hang", "ignore TERM"], ["hang", "fork"]])
def test_cancel(run, commands):
    d = run(*commands)
    ident = submit(d, "1-2")
    pid = renders(d, ident)
    wait_for(lambda: job(d, ident)["frames"]["done"] == 2, "it hangs, and hears nothing any more")
    assert act(d, ident, "cancel").status in (200, 202)
    until(d, ident, "canceled")
    assert not processes_of_group(pid)
    wait_for(lambda: not workspaces(d), "no workspace is left")


def test_a_session_renders_the_next_job_too(run, tmp_path):
    go = tmp_path / "go"
    d = run(f"wait_file {go}")
    pids = []
    for _ in range(3):
        ident = submit(d, "1-2")
        pids.append(renders(d, ident))
        go.touch()
        is_published(d, ident, 2)
        go.unlink()
    assert len(set(pids)) == 1 and ids_of(pids[0])[0] == {USER}


def test_a_scene_that_the_user_cannot_read(run, blend):
    d = run()
    scene = blend()
    scene.chmod(0o600)
    done = until(d, submit(d, "1"), "failed")
    assert done["failure"]["kind"] == "blend_unreadable" and NAME in done["failure"]["message"], done
    assert str(scene) in done["failure"]["message"]
    scene.chmod(0o644)
    is_published(d, submit(d, "1"), 1)


def test_an_upload_is_rendered_and_closed_to_others(run, tmp_path):
    d = run()
    data = b"BLENDER-v304\nsamples 1\n"
    other = sent(d, b"BLENDER-v304\nsamples 2\n").removeprefix("sha256:")
    done = render(d, sent(d, data))
    assert done["state"] == "succeeded", done
    assert owner_and_mode(d.state / "blends") == (0, GROUP, 0o710)
    rendered = d.state / "blends" / hashlib.sha256(data).hexdigest()
    assert owner_and_mode(rendered) == (0, GROUP, 0o710)
    assert owner_and_mode(rendered / "upload.blend") == (0, GROUP, 0o440)
    assert owner_and_mode(d.state / "blends" / other) == (0, 0, 0o700)
    assert owner_and_mode(d.state / "blends" / other / "upload.blend") == (0, 0, 0o400)
    assert owner_and_mode(d.state) == (0, GROUP, 0o710)
    assert owner_and_mode(d.state / "kiln.db")[2] & 0o077 == 0
    # Without run_as, both are closed again.
    d.stop()
    d.command = [word for word in d.command if word not in AS]
    again(d)
    assert owner_and_mode(d.state)[2] == 0o700 and owner_and_mode(d.state / "blends")[2] == 0o700


def checked(tmp_path, scene, *arguments, become=()):
    return subprocess.run([*become, program("KILND"), "--blend", scene, "--blender", program("FAKE_BLENDER"), "--output", tmp_path / "frames", "--state",
                           tmp_path / "state", "--listen", "127.0.0.1:0", *arguments], capture_output=True, text=True, timeout=180)


@pytest.mark.parametrize("check", [[], ["--check"]])
def test_what_the_user_cannot_reach_is_told_at_the_start(tmp_path, blend, check):
    scene = blend()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    blender = closed / "blender"
    shutil.copy(program("FAKE_BLENDER"), blender)
    for arguments, says in (
            (["--output", closed / "frames"], ["output: ", NAME, f"enter {closed}/frames"]),
            (["--state", closed / "state"], ["state: ", NAME, f"{closed}/state"]),
            (["--project-root", closed], ["project_root: ", NAME, str(closed)]),
            (["--blender", blender], ["blender: ", NAME, str(blender)])):
        told = checked(tmp_path, scene, *AS, *arguments, *check)
        assert told.returncode == 3 and all(word in told.stderr for word in says), told.stderr
    if check:
        assert not (tmp_path / "state/blends").exists() and not (tmp_path / "frames/.kiln").exists(), "a check makes neither"
    scene.chmod(0o600)
    told = checked(tmp_path, scene, *AS, *check)
    assert told.returncode == 3 and "blend: " in told.stderr and NAME in told.stderr, told.stderr


def test_who_cannot_be_chosen(tmp_path, blend):
    scene = blend()
    for wrong in ("nobody-of-this-name", "1:", "x:y", "-1:1"):
        told = checked(tmp_path, scene, f"--run-as={wrong}", "--check")
        assert told.returncode == 2 and "run-as" in told.stderr and wrong in told.stderr, told.stderr
    (tmp_path / "kilnd.toml").write_text('run_as = "nobody-of-this-name"\n')
    told = checked(tmp_path, scene, "--config", tmp_path / "kilnd.toml", "--check")
    assert told.returncode == 2 and "run_as" in told.stderr and "kilnd.toml" in told.stderr, told.stderr
    told = checked(tmp_path, scene, *AS, "--executor", "slurm", "--check")
    assert told.returncode == 2 and "jobs on a Slurm cluster belong to the user of kilnd" in told.stderr, told.stderr
    for name in ("state", "frames"):
        (tmp_path / name).mkdir(exist_ok=True)
        os.chown(tmp_path / name, USER, GROUP)
    become = ["setpriv", "--reuid", str(USER), "--regid", str(GROUP), "--clear-groups"]
    told = checked(tmp_path, scene, "--run-as", "root", "--check", become=become)
    assert told.returncode == 2 and "run_as: only a kilnd that runs as root" in told.stderr, told.stderr
    for itself in ([], AS):
        told = checked(tmp_path, scene, *itself, "--check", become=become)
        assert told.returncode == 0 and "run_as" not in told.stderr, told.stderr


class with_user_kiln:
    """A view of /etc/passwd and /etc/group that has, or lacks, a user kiln: nothing of this machine changes."""

    def __init__(self, tmp_path, entry):
        for name, line in (("passwd", f"kiln:x:{USER}:{GROUP}::/nonexistent:/bin/false"), ("group", f"kiln:x:{GROUP}:")):
            lines = [one for one in pathlib.Path(f"/etc/{name}").read_text().splitlines() if not one.startswith("kiln:")]
            (tmp_path / name).write_text("\n".join([*lines, *([line] if entry else [])]) + "\n")
            (tmp_path / name).chmod(0o644)
        mounts = "; ".join(f"mount --bind {tmp_path}/{name} /etc/{name}" for name in ("passwd", "group"))
        self.command = ["unshare", "--mount", "sh", "-ec", f'{mounts}; exec "$@"', "sh"]
        if subprocess.run([*self.command, "true"], capture_output=True).returncode != 0:
            pytest.skip("no mount namespace here")


def test_the_user_kiln_is_the_default(start, tmp_path, blend):
    as_kiln = with_user_kiln(tmp_path, True).command
    d = start(writable=False)
    d.stop()
    d.command = [*as_kiln, *d.command]
    again(d)
    assert " user=kiln" in d.log() and "ROOT" not in d.log() and "warnings" not in d.get("/readyz").json(), d.log()
    is_published(d, submit(d, "1-2"), 2)
    told = checked(tmp_path, blend(), "--check", become=as_kiln)
    assert "user     kiln, which Blender runs as" in told.stdout and "run_as" not in told.stderr, told


def test_a_default_that_is_not_possible_is_a_warning(tmp_path, blend):
    """A kilnd that nobody has configured starts as before, and says what keeps Blender root."""
    as_kiln = with_user_kiln(tmp_path, True).command
    scene = blend()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "projects").mkdir()
    blender = closed / "blender"
    shutil.copy(program("FAKE_BLENDER"), blender)
    no_chown = ["setpriv", "--bounding-set=-chown"]
    for arguments, become, why in (
            (["--output", closed / "frames"], [], f"the user kiln cannot enter {closed}: Permission denied"),
            (["--state", closed / "state"], [], f"the user kiln cannot enter {closed}: Permission denied"),
            (["--project-root", closed / "projects"], [], f"the user kiln cannot enter {closed}/projects: Permission denied"),
            (["--blender", blender], [], f"the user kiln cannot run {blender}: Permission denied"),
            ([], no_chown, "kilnd lacks CAP_CHOWN")):
        told = checked(tmp_path, scene, "--check", *arguments, become=[*as_kiln, *become])
        assert told.returncode == 0 and f"run_as: Blender runs as ROOT, since kilnd does and {why}" in told.stderr, told
    told = checked(tmp_path, scene, "--check", *AS, become=no_chown)
    assert told.returncode == 2 and f"{USER}, since it lacks CAP_CHOWN" in told.stderr, told
    scene.chmod(0o600)
    told = checked(tmp_path, scene, "--check", become=as_kiln)
    assert told.returncode == 0 and f"the user kiln cannot read {scene}" in told.stderr, told


def test_a_gpu_that_is_closed_is_told(tmp_path, blend):
    scene = blend()
    gpu = tmp_path / "renderD128"
    gpu.touch(mode=0o600)
    here = ["unshare", "--mount", "sh", "-ec", f'mount -t tmpfs none /dev; mkdir /dev/dri; '
            f'mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/urandom c 1 9; mount --bind {tmp_path} /dev/dri; exec "$@"', "sh"]
    told = checked(tmp_path, scene, *AS, "--check", "--sandbox", "off", become=here)
    assert f"the user {USER}, which Blender runs as, cannot use the GPU at /dev/dri/renderD128" in told.stderr, told
    gpu.chmod(0o666)
    told = checked(tmp_path, scene, *AS, "--check", "--sandbox", "off", become=here)
    assert "GPU" not in told.stderr, told


def test_root_is_a_warning_unless_it_is_meant(start, tmp_path, blend):
    if subprocess.run(["getent", "passwd", "kiln"], capture_output=True).returncode == 0:
        pytest.skip("there is a user kiln here, which is the default")
    scene = blend()
    told = checked(tmp_path, scene, "--check")
    assert told.returncode == 0 and "warning: run_as: Blender runs as ROOT" in told.stderr, told.stderr
    for meant in ("root", "0", "0:0"):
        told = checked(tmp_path, scene, "--check", "--run-as", meant)
        assert told.returncode == 0 and "run_as" not in told.stderr, told.stderr
    d = start()
    assert re.search(r"warn.*Blender runs as ROOT.*there is no user kiln", d.log()), d.log()
    assert "Blender runs as ROOT" in d.get("/readyz").json()["warnings"][0]
    d.stop()
    d.command += ["--run-as", "root"]
    again(d)
    assert "run_as" not in d.log() and "ROOT" not in d.log(), d.log()
    assert "warnings" not in d.get("/readyz").json()
