# SPDX-License-Identifier: Apache-2.0
"""What a restart finds: after a crash of kilnd, after an orderly stop, with a broken store, with the clock set back."""
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import stat
import subprocess
import time

import pytest
from conftest import ON_SLURM
from daemon import chances, wait_for
from test_jobs import act, job, patch, submit, until


def crash(d):
    """kill -9; Blender goes on."""
    os.kill(d.process.pid, signal.SIGKILL)
    d.process.wait()


def again(d):
    d.log_path.write_text("")
    return d.start()


def workspaces(d):
    """All that lies in OUTPUT/.kiln but sessions that wait for work."""
    found = []
    for path in sorted((d.output / ".kiln").iterdir()) if (d.output / ".kiln").exists() else []:
        found += sorted(path.glob("j*")) if path.name.startswith("session-") else [path]
    return [path.name for path in found]


def workspace(d, attempt):
    """Of an attempt, in a directory of its own or in its session's."""
    return next(iter((d.output / ".kiln").glob(f"session-*/{attempt}")), d.output / ".kiln" / attempt)


def working_in(directory):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "cwd").startswith(str(directory)):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def rendering(d, ident):
    """The processes that render, once they do."""
    until(d, ident, "running")
    return wait_for(lambda: working_in(d.output), "somebody renders")


def test_blender_goes_on_and_is_adopted(start, tmp_path):
    go = tmp_path / "go"
    d = start("samples 2", f"wait_file {go}")
    ident = submit(d, "1-4")
    waiting = submit(d, "1-2")
    renders = rendering(d, ident)
    pid = job(d, ident)["current"]["pid"]
    crash(d)
    assert set(renders) <= set(working_in(d.output))
    again(d)
    adopted = until(d, ident, "running")
    assert adopted["current"]["pid"] == pid and adopted["attempts"] == 1
    assert ON_SLURM or d.get(f"/job/{pid}").status == 202
    go.touch()
    done = until(d, ident, "succeeded", "failed")
    assert done["state"] == "succeeded" and done["attempts"] == 1, done
    assert d.frames(ident) == [f"blender-render_{n:04}.png" for n in range(1, 5)]
    until(d, waiting, "succeeded")
    wait_for(lambda: not workspaces(d), "no workspace is left")


def test_what_blender_finished_while_kilnd_was_away_counts(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}")
    ident = submit(d, "1-4")
    rendering(d, ident)
    crash(d)
    go.touch()
    wait_for(lambda: not working_in(d.output), "Blender has ended")
    again(d)
    done = until(d, ident, "succeeded", "failed")
    assert done["attempts"] == 1 and done["frames"]["done"] == 4


@pytest.mark.local
def test_what_was_lost_is_rendered_again_and_nothing_else(start, tmp_path):
    """Power loss: daemon and Blender go together; half a frame is left."""
    go = tmp_path / "go"
    d = start("frame_seconds 0.2", "samples 1")
    ident = submit(d, "1-8", retries=0)
    wait_for(lambda: job(d, ident)["frames"]["done"] >= 2, "two frames are done")
    pid = job(d, ident)["current"]["pid"]
    crash(d)
    os.killpg(pid, signal.SIGKILL)
    published = d.frames(ident)
    before = {name: (d.output / ident / name).stat().st_mtime_ns for name in published}
    space = workspace(d, f"{ident}-1")
    (space / "blender-render_0008.png").write_bytes((d.output / ident / published[0]).read_bytes()[:20])
    again(d)
    done = until(d, ident, "succeeded", "failed")
    assert done["state"] == "succeeded" and done["attempts"] == 2, done
    assert {name: (d.output / ident / name).stat().st_mtime_ns for name in published} == before
    assert len(d.frames(ident)) == 8 and not workspaces(d)


def test_an_acknowledged_cancel_holds(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}", "ignore TERM", arguments=["--stop-grace", "60"])
    running, waiting, paused = submit(d), submit(d), submit(d)
    rendering(d, running)
    assert act(d, waiting, "cancel").status == 202
    assert patch(d, paused, {"paused": True}).status == 200
    assert act(d, running, "cancel").status == 202
    crash(d)
    d.command[d.command.index("60")] = "0.2"
    again(d)
    until(d, running, "canceled")
    wait_for(lambda: not working_in(d.output), "Blender has ended")
    assert job(d, waiting)["state"] == "canceled" and job(d, paused)["state"] == "paused"


@pytest.mark.local
def test_leave_on_stop_renders_no_frame_twice(start, tmp_path):
    go = tmp_path / "go"
    d = start("frame_seconds 0.1", f"wait_file {go}", arguments=["--on-stop", "leave"])
    ident = submit(d, "1-40")
    rendering(d, ident)
    space = workspace(d, f"{ident}-1")

    def written():
        return len(d.frames(ident)) + len(list(space.glob("blender-render_*")))

    def render_some():
        """A frame more at least, and the next in the making; then it is held, however slow this machine is."""
        before = written()
        go.touch()
        wait_for(lambda: written() > before, "one frame more is written")
        go.unlink()

    for _ in range(3):
        render_some()
        assert d.stop() == 0
        assert working_in(d.output), "Blender goes on"
        render_some()
        again(d)
    go.touch()
    done = until(d, ident, "succeeded", "failed")
    assert done["state"] == "succeeded" and done["attempts"] == 1
    log = (d.state / "logs" / f"{ident}-1.log").read_text()
    assert log.count("Saved: ") == 40


def leave(d):
    """SIGUSR2; Blender goes on."""
    d.process.send_signal(signal.SIGUSR2)
    assert d.process.wait(60) == 0


@pytest.mark.local
@pytest.mark.parametrize("process", ["own", "session"])
@pytest.mark.parametrize("go_away", [crash, leave], ids=["kill -9", "SIGUSR2"])
def test_frames_in_the_name_of_another_job_are_not_believed(start, tmp_path, go_away, process):
    """The code of a scene can make any name in the directory of its session."""
    go = tmp_path / "go"
    (tmp_path / "hostile.blend").write_text(f"BLENDER-v304\nwait_file {go}\n")
    d = start(f"wait_file {go}", arguments=["--slots", "2"])
    go.touch()
    sample = submit(d, "9")
    until(d, sample, "succeeded")
    forged = (d.output / sample / "blender-render_0009.png").read_bytes()
    go.unlink()
    hostile = submit(d, "1-3", blend="hostile.blend")
    victim = submit(d, "1-3", process=process)
    pids = {ident: until(d, ident, "running")["current"]["pid"] for ident in (hostile, victim)}
    planted = wait_for(lambda: workspace(d, f"{hostile}-1").exists(), "the session has its workspace") and (
        workspace(d, f"{hostile}-1").parent / f"{victim}-1")
    assert planted.parent.name.startswith("session-")
    wait_for(lambda: workspace(d, f"{victim}-1").exists(), "the other has its own")
    go_away(d)
    planted.mkdir()
    for frame in range(1, 4):
        (planted / f"blender-render_{frame:04}.png").write_bytes(forged)
    again(d)
    for ident in (hostile, victim):
        adopted = until(d, ident, "running")
        assert adopted["current"]["pid"] == pids[ident] and adopted["frames"]["done"] == 0
    go.touch()
    for ident in (hostile, victim):
        done = until(d, ident, "succeeded", "failed")
        assert done["state"] == "succeeded" and done["attempts"] == 1, done
        assert forged not in [path.read_bytes() for path in (d.output / ident).iterdir()]
    wait_for(lambda: not workspaces(d), "no workspace is left")
    assert os.listdir(d.state / "attempts") == []
    assert all(name.startswith("session-") for name in os.listdir(d.state / "processes")), "of sessions that wait"


@pytest.mark.local
@pytest.mark.parametrize("process", ["own", "session"])
def test_a_process_in_the_name_of_another_job_is_not_taken_for_its_blender(start, tmp_path, process):
    """The code of a scene can change the working directory and the environment of its own process."""
    go = tmp_path / "go"
    d = start(f"wait_file {go}")
    ident = submit(d, "1-2", process=process, retries=0)
    pid = until(d, ident, "running")["current"]["pid"]
    space = wait_for(lambda: (lambda s: s if s.exists() else None)(workspace(d, f"{ident}-1")), "it has a workspace")
    directory = space if process == "own" else space.parent
    crash(d)
    os.killpg(pid, signal.SIGKILL)
    impostor = subprocess.Popen(["sleep", "1000"], cwd=directory, start_new_session=True,
                                env={**os.environ, "TMPDIR": str(directory / "tmp")})
    try:
        go.touch()
        again(d)
        done = until(d, ident, "succeeded", "failed")
        assert done["state"] == "succeeded" and done["attempts"] == 2, done
        assert impostor.poll() is None, "it is nobody's to end"
    finally:
        impostor.kill()
        impostor.wait()


def test_an_orderly_stop_keeps_the_jobs(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}")
    running, waiting = submit(d), submit(d)
    assert d.stop() == 0
    assert not working_in(d.output)
    again(d)
    go.touch()
    for ident in (running, waiting):
        assert until(d, ident, "succeeded", "failed", "canceled")["state"] == "succeeded"


@pytest.mark.local
def test_a_pid_that_another_has_now_is_not_taken_for_blender(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}")
    ident = submit(d)
    pid = job(d, ident)["current"]["pid"]
    crash(d)
    os.killpg(pid, signal.SIGKILL)
    with sqlite3.connect(d.state / "kiln.db") as store:  # as if the kernel had given it to us
        store.execute("UPDATE job SET pid = ?", (os.getpid(),))
        store.execute("UPDATE attempt SET pid = ?", (os.getpid(),))
    go.touch()
    again(d)
    assert until(d, ident, "succeeded", "failed")["attempts"] == 2


@pytest.mark.local
def test_strangers_in_the_workspaces_are_swept_out(start, tmp_path):
    d = start()
    d.stop()
    stray = d.output / ".kiln" / "j000000000000000000-1"
    stray.mkdir(parents=True)
    (d.output / ".kiln" / "what is this").write_text("x")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    (d.output / ".kiln" / "link").symlink_to(outside)
    left = subprocess.Popen(["sleep", "1000"], cwd=stray, start_new_session=True,
                            env={**os.environ, "TMPDIR": str(stray / "tmp")})
    somebody = subprocess.Popen(["sleep", "1000"], cwd=stray, start_new_session=True)
    again(d)
    assert left.wait(30) == -signal.SIGKILL
    assert somebody.poll() is None, "a person's shell in that directory is not ours to end"
    somebody.kill()
    somebody.wait()
    wait_for(lambda: not workspaces(d), "the workspaces are gone")
    assert (outside / "kept").exists()


def test_the_store_is_for_one_daemon(start, tmp_path):
    d = start()
    second = subprocess.run([*d.command], capture_output=True, text=True, timeout=60)
    assert second.returncode == 3
    assert f"another kilnd (process {d.process.pid})" in second.stderr
    assert d.get("/livez").status == 200


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("inside", [False, True], ids=["output beside the state", "output below the state"])
def test_the_state_is_for_its_user_alone(start, tmp_path, inside):
    """Also where a kilnd before has made it. Frames stay readable."""
    frames = tmp_path / ("state/output" if inside else "frames")
    arguments = ["--output", frames] if inside else []  # the later one counts
    expected = 0o711 if inside else 0o700
    mask = os.umask(0o022)
    try:
        d = start(arguments=arguments)
    finally:
        os.umask(mask)
    d.output = frames
    private = ["kiln.db", "kiln.db-wal", "kiln.db-shm", "kilnd.lock", "logs", "blends"]

    def check():
        assert mode(d.state) == expected
        assert {name: mode(d.state / name) & 0o077 for name in private} == dict.fromkeys(private, 0)

    check()
    assert "other users" not in d.log()
    job = submit(d)
    until(d, job, "succeeded")
    published = frames / job / "blender-render_0001.png"
    assert mode(published) & 0o044 == 0o044 and mode(published.parent) & 0o055 == 0o055
    d.stop()
    (d.state / "kiln.db.v1").touch()
    for name in ("kiln.db", "kiln.db.v1", "logs", "blends"):
        (d.state / name).chmod(0o755)
    d.state.chmod(0o755)
    again(d)
    check()
    assert mode(d.state / "kiln.db.v1") == 0o700
    assert f"{d.state / 'kiln.db'}: its mode was 755 and is 700 now" in d.log()
    assert f"{d.state}: its mode was 755 and is {expected:o} now" in d.log()
    backup = tmp_path / "backup"
    subprocess.run([d.command[0], "backup", backup, "--state", d.state], check=True, timeout=60)
    assert mode(backup) == 0o600


def test_the_output_is_for_one_daemon(start, tmp_path):
    d = start()
    command = [*d.command]
    command[command.index("--state") + 1] = str(tmp_path / "another state")
    second = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert second.returncode == 3
    assert f"output: another kilnd (process {d.process.pid}) uses {d.output}" in second.stderr
    assert "--output" in second.stderr


def test_backup_of_a_running_daemon(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}")
    idents = [submit(d) for _ in range(20)]
    copy = tmp_path / "copy.db"
    backup = [d.command[0], "backup", str(copy), "--state", str(d.state)]
    assert subprocess.run(backup, timeout=60).returncode == 0
    refused = subprocess.run(backup, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 3 and "already" in refused.stderr
    crash(d)
    for name in os.listdir(d.state):
        if name.startswith("kiln.db"):
            os.unlink(d.state / name)
    shutil.copy(copy, d.state / "kiln.db")
    again(d)
    assert {j["id"] for j in d.get("/v1/jobs").json()["jobs"]} == set(idents)


def refused_start(d):
    done = subprocess.run(d.command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def test_a_broken_store_is_refused_and_left_alone(start, tmp_path):
    d = start()
    for _ in range(30):
        submit(d, "1", tags=["x" * 60])
    wait_for(lambda: all(j["state"] == "succeeded" for j in d.get("/v1/jobs?limit=1000").json()["jobs"]), "all are done")
    assert d.stop() == 0
    store = d.state / "kiln.db"
    whole = store.read_bytes()
    chance = chances(1)
    broken = [b"", b"x", os.urandom(5000), b"SQLite format 3\0" + os.urandom(9000)]
    broken += [whole[:n] for n in chance.sample(range(1, len(whole) - 1), 50)]
    for data in broken:
        store.write_bytes(data)
        status, said = refused_start(d)
        assert status == 3 and "Move it away" in said and str(store) in said, (len(data), said)
        assert store.read_bytes() == data, "it is left as it was"
        for extra in ("-wal", "-shm"):
            (d.state / f"kiln.db{extra}").unlink(missing_ok=True)
    store.write_bytes(whole)
    again(d)
    assert len(d.get("/v1/jobs").json()["jobs"]) == 30


def test_bytes_that_changed_never_make_a_crash(start, tmp_path):
    """SQLite does not detect each changed byte; but kilnd starts and answers, or reports the fault."""
    d = start()
    for _ in range(10):
        submit(d, "1")
    wait_for(lambda: all(j["state"] == "succeeded" for j in d.get("/v1/jobs?limit=1000").json()["jobs"]), "all are done")
    assert d.stop() == 0
    store = d.state / "kiln.db"
    whole = store.read_bytes()
    chance = chances(2)
    outcomes = set()
    for _ in range(30):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 5, 200])):
            data[chance.randrange(100, len(data))] = chance.randrange(256)
        for extra in ("-wal", "-shm"):
            (d.state / f"kiln.db{extra}").unlink(missing_ok=True)
        store.write_bytes(data)
        d.log_path.write_text("")
        try:
            d.start()
        except AssertionError:
            assert d.process.returncode == 3, d.log()
            outcomes.add("refused")
            continue
        assert d.get("/v1/jobs").status in (200, 500) and d.get("/livez").status == 200
        assert d.stop() == 0
        outcomes.add("started")
    assert outcomes >= {"refused"}
    for extra in ("", "-wal", "-shm"):
        (d.state / f"kiln.db{extra}").unlink(missing_ok=True)
    store.write_bytes(whole)
    again(d)
    assert len(d.get("/v1/jobs").json()["jobs"]) == 10


def test_a_newer_or_foreign_store_is_refused(start, tmp_path):
    d = start()
    assert d.stop() == 0
    store = d.state / "kiln.db"
    whole = store.read_bytes()
    for statement, words in [("PRAGMA user_version = 99", "run the newer kilnd"),
                             ("PRAGMA application_id = 7", "not a database of Kiln")]:
        with sqlite3.connect(store) as changed:
            changed.execute(statement)
        changed.close()
        status, said = refused_start(d)
        assert status == 3 and words in said
        store.write_bytes(whole)
    store.unlink()
    store.mkdir()
    assert refused_start(d)[0] == 3
    store.rmdir()
    again(d)


def mounted(directory, *options):
    directory.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", directory], capture_output=True).returncode:
        pytest.skip("a small file system can be mounted by root only")


def test_a_state_that_cannot_be_written(start, tmp_path):
    d = start()
    assert d.stop() == 0
    mounted(tmp_path / "ro", "size=8m")
    try:
        shutil.copytree(d.state, tmp_path / "ro" / "state")
        subprocess.run(["mount", "-o", "remount,ro", tmp_path / "ro"], check=True)
        command = [str(tmp_path / "ro" / "state") if word == str(d.state) else word for word in d.command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 3 and "state" in done.stderr, done.stderr
    finally:
        subprocess.run(["umount", tmp_path / "ro"], check=True)


def test_a_state_on_a_full_disk_refuses_jobs_and_goes_on(start, tmp_path):
    mounted(tmp_path / "state", "size=600k")
    d = None
    try:
        d = start("samples 1", f"wait_file {tmp_path / 'go'}", arguments=["--look-again", "0.1"])
        first = submit(d, "1-3")
        ballast = tmp_path / "state" / "ballast"
        try:
            ballast.write_bytes(b"x" * 600_000)
        except OSError:
            pass  # that is the point
        statuses = {d.ask("POST", "/v1/jobs", json.dumps({"blend": "scene.blend", "frames": "1"}),
                          {"Content-Type": "application/json"}).status for _ in range(200)}
        assert 503 in statuses and statuses <= {202, 503}
        assert d.get("/livez").status == 200
        (tmp_path / "go").touch()
        ballast.unlink()
        assert until(d, first, "succeeded", "failed")["state"] == "succeeded"
        accepted = [j["id"] for j in d.get("/v1/jobs?limit=1000").json()["jobs"]]
        for ident in accepted:
            until(d, ident, "succeeded")
        assert d.stop() == 0
    finally:
        if d:
            d.stop()
        subprocess.run(["umount", tmp_path / "state"], check=True)


@pytest.mark.local
@pytest.mark.parametrize("what", ["delete", "link", "directory", "unreadable"])
def test_a_workspace_that_others_change_during_a_render(start, tmp_path, what):
    go = tmp_path / "go"
    d = start(f"wait_file {go}")
    ident = submit(d, "1-3", retries=1)
    space = wait_for(lambda: (lambda found: found if found.exists() else None)(workspace(d, f"{ident}-1")), "a workspace")
    outside = tmp_path / "precious"
    outside.write_text("precious")
    frame = space / "blender-render_0002.png"
    if what == "delete":
        shutil.rmtree(space)
    elif what == "link":
        frame.symlink_to(outside)
        (space / "blender-render_0003.png").symlink_to("/dev/zero")
    elif what == "directory":
        frame.mkdir()
    elif what == "unreadable":
        with open(os.open(frame, os.O_CREAT | os.O_WRONLY, 0), "w") as file:  # kilnd takes it as soon as it is closed
            file.write("x")
    go.touch()
    done = until(d, ident, "succeeded", "failed")
    if done["state"] == "succeeded":
        assert len(d.frames(ident)) == 3
        for name in d.frames(ident):
            path = d.output / ident / name
            assert not path.is_symlink() and path.read_bytes().startswith(b"\x89PNG")
    else:
        assert done["failure"]["message"]
    assert outside.exists() and (what == "link" or outside.read_text() == "precious")


def test_a_job_directory_that_is_a_link_is_not_followed(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}")
    ident = submit(d, "1-2", retries=0)
    outside = tmp_path / "outside"
    outside.mkdir()
    directory = d.output / ident
    wait_for(directory.exists, "the directory is there")
    directory.rmdir()
    directory.symlink_to(outside)
    go.touch()
    assert until(d, ident, "succeeded", "failed")["failure"]["kind"] == "output_unwritable"
    assert os.listdir(outside) == []


def test_a_clock_that_was_set_back_does_not_disturb_the_order(start):
    d = start()
    first = submit(d, "1")
    until(d, first, "succeeded")
    assert d.stop() == 0
    with sqlite3.connect(d.state / "kiln.db") as store:  # as if it had been made tomorrow
        tomorrow = "jz" + first[2:]
        store.execute("PRAGMA foreign_keys = OFF")
        for table, column in (("job", "id"), ("frame", "job"), ("attempt", "job")):
            store.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (tomorrow, first))
    store.close()
    again(d)
    second = submit(d, "1")
    assert second > tomorrow
    assert [j["id"] for j in d.get("/v1/jobs").json()["jobs"]] == [second, tomorrow]


def test_crashes_never_leave_a_frame_without_its_further_files(start):
    d = start("frame_seconds 0.02", "further Out--beauty", "further Out--depth", arguments=["--slots", "2"])
    chance = chances(5)
    idents = []
    for _ in range(8):
        idents += [submit(d, f"1-{chance.randint(2, 9)}") for _ in range(2)]
        time.sleep(chance.random() * 0.3)  # any moment
        crash(d)
        for ident in idents:
            numbers = {name[-8:-4] for name in d.frames(ident) if name.startswith("blender-render_")}
            assert {f"Out--{slot}_{n}.png" for slot in ("beauty", "depth") for n in numbers} <= set(d.frames(ident))
        again(d)
    for ident in idents:
        done = until(d, ident, "succeeded", "failed", "canceled")
        assert done["state"] == "succeeded", done
        assert len(d.frames(ident)) == 3 * done["frames"]["total"]
    wait_for(lambda: not workspaces(d), "no workspace is left")


def test_crashes_at_random_moments_lose_nothing(start, tmp_path):
    """A short form of tests/reliability: there it is real Blender."""
    d = start("frame_seconds 0.02", "samples 1", arguments=["--slots", "2"])
    chance = chances(3)
    idents = []
    for _ in range(12):
        idents += [submit(d, f"1-{chance.randint(2, 9)}") for _ in range(3)]
        time.sleep(chance.random() * 0.3)  # any moment
        crash(d)
        again(d)
    for ident in idents:
        done = until(d, ident, "succeeded", "failed", "canceled")
        assert done["state"] == "succeeded", done
        assert len(d.frames(ident)) == done["frames"]["total"]
    wait_for(lambda: not workspaces(d), "no workspace is left")
    assert d.stop() == 0 and not working_in(d.output)
