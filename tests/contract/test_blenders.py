# SPDX-License-Identifier: Apache-2.0
"""GET /v1/blenders."""
import concurrent.futures
import json
import os
import struct
import subprocess
import time

import pytest
from daemon import program, wait_for


def test_version_devices_and_engines(start):
    d = start()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: d.get("/v1/blenders"), range(5)))
    for answer in answers:
        assert answer.status == 200
        assert answer.json() == {"blenders": [{"name": "default", "version": "3.4.1", "devices": [{"type": "CPU", "name": "a CPU"}],
                                               "engines": ["CYCLES"], "error": None}]}
    assert not (d.state / "blender-devices.log").exists()


@pytest.mark.parametrize("printed", ["nothing of use", "kiln: {", "kiln: []", 'kiln: {"error": "KeyError: cycles"}', 'kiln: {"devices": 7}'])
def test_a_blender_that_does_not_tell(start, printed):
    d = start(environment={"FAKE_BLENDER_DEVICES": printed})
    one = d.get("/v1/blenders").json()["blenders"][0]
    assert one["devices"] is None and one["engines"] is None and one["version"] == "3.4.1"
    if "error" in printed:
        assert one["error"] == "KeyError: cycles"
    elif "devices" not in printed:
        assert "did not say" in one["error"]


def test_who_did_not_tell_is_asked_again(start, tmp_path):
    blender, told = tmp_path / "blender", tmp_path / "told"
    blender.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] || [ -e {told} ] || exit 1\nexec {program('FAKE_BLENDER')} \"$@\"\n")
    blender.chmod(0o755)
    d = start(blender=blender)
    for _ in range(2):
        one = d.get("/v1/blenders").json()["blenders"][0]
        assert one["devices"] is None and "did not say" in one["error"]
    told.touch()
    one = d.get("/v1/blenders").json()["blenders"][0]
    assert one["devices"] and one["error"] is None


def pretend(directory, name, version):
    """A fake Blender of another version."""
    program_path = directory / f"blender-{name}"
    program_path.write_text(f"""#!/bin/sh
[ "$1" = --version ] && {{ echo "Blender {version}"; exit; }}
echo "this is {version}"
exec {program("FAKE_BLENDER")} "$@"
""")
    program_path.chmod(0o755)
    return program_path


def post(d, **fields):
    return d.ask("POST", "/v1/jobs", json.dumps({"frames": "1", **fields}), {"Content-Type": "application/json"})


def render(d, **fields):
    """A job that has ended, and its log."""
    made = post(d, **fields)
    assert made.status == 202, made
    end = wait_for(lambda: (lambda j: j if j["state"] not in ("queued", "running") else None)(d.get(made.headers["location"]).json()), "it ends")
    return end, d.get(end["links"]["log"]).text


@pytest.mark.local
def test_a_job_chooses_among_several_by_name(start, tmp_path, blend):
    d = start(arguments=["--blender", f"4.2={pretend(tmp_path, '4.2', '4.2.1 LTS')}"])
    found = d.get("/v1/blenders").json()["blenders"]
    assert [(one["name"], one["version"]) for one in found] == [("default", "3.4.1"), ("4.2", "4.2.1 LTS")]
    name = blend().name
    for process in ("own", "session"):
        job, log = render(d, blend=name, blender="4.2", process=process)
        assert (job["state"], job["blender"]) == ("succeeded", "4.2"), job
        assert "this is 4.2.1" in log and "blender_choice" not in job
        job, log = render(d, blend=name, process=process, blender="default")
        assert (job["state"], job["blender"]) == ("succeeded", "default") and "blender_choice" not in job
        assert "this is 4.2.1" not in log
        for any_one in ({}, {"blender": "auto"}):
            job, log = render(d, blend=name, process=process, **any_one)
            assert (job["state"], job["blender"]) == ("succeeded", "default")
            assert job["blender_choice"] == "scene.blend was written by Blender 3.4; 3.4.1 is the default here, and not older"
            assert "this is 4.2.1" not in log

    for wrong, why in (("5.0", "there is default, 4.2"), ("Default", "there is default, 4.2"), ("Auto", "no Blender of this name"),
                       (str(tmp_path / "blender-4.2"), "no Blender of this name"), (7, "must be a string")):
        refused = post(d, blend=name, blender=wrong)
        assert refused.status == 422
        assert [(e["pointer"], why in e["detail"]) for e in refused.json()["errors"]] == [("/blender", True)], refused
    for field in ("blender_choice", "blender_warning"):
        refused = post(d, blend=name, **{field: "because"})
        assert refused.status == 422 and refused.json()["errors"][0]["pointer"] == f"/{field}"


@pytest.mark.local
def test_the_only_one_is_not_chosen(start, blend):
    d = start()
    for fields in ({}, {"blender": "auto"}):
        job, _ = render(d, blend=blend().name, **fields)
        assert job["state"] == "succeeded" and "blender" not in job and "blender_choice" not in job


def file_of(directory, version, pack=lambda data: data, minimum=None):
    """A script for fake_blender with the header that this version writes, and with GLOB where `minimum` is given."""
    head = b"BLENDER17-01v%04d" % version if version >= 500 else b"BLENDER-v%03d" % version
    if minimum:
        assert version < 500
        head += b"GLOB" + struct.pack("<i8xii", 16, 0, 1) + b"   1" + struct.pack("<hhh", 1, minimum, 0) + bytes(6)
    path = directory / f"by{version}.blend"
    path.write_bytes(pack(head + b"\n"))
    return path


@pytest.fixture
def four(start, tmp_path):
    """kilnd with 3.4 (the default), 2.83, 5.2 and 4.3."""
    more = [part for name, version in (("2.83", "2.83.5"), ("5.2", "5.2.2 LTS"), ("4.3", "4.3.2"))
            for part in ("--blender", f"{name}={pretend(tmp_path, name, version)}")]
    return start(arguments=more)


@pytest.mark.local
@pytest.mark.parametrize("version, minimum, taken, why", [
    (279, None, "default", "2.79; 3.4.1 is the default here, and not older"),
    (304, 304, "default", "3.4; 3.4.1 is the default here, and not older"),
    (305, 305, "4.3", "3.5; 4.3.2 is the oldest here that is new enough"),
    (403, 306, "4.3", "4.3; 4.3.2 is the oldest here that is new enough"),
    (404, 404, "5.2", "4.4; 5.2.2 LTS is the oldest here that is new enough"),
    (502, None, "5.2", "5.2; 5.2.2 LTS is the oldest here that is new enough"),
])
def test_a_newer_file_gets_the_oldest_that_is_new_enough(four, tmp_path, version, minimum, taken, why):
    job, log = render(four, blend=file_of(tmp_path, version, minimum=minimum).name)
    assert (job["state"], job["blender"]) == ("succeeded", taken), job
    assert job["blender_choice"] == f"by{version}.blend was written by Blender {why}"
    assert ("this is" in log) == (taken != "default")


@pytest.mark.local
def test_a_file_newer_than_all_of_them(four, tmp_path):
    job, _ = render(four, blend=file_of(tmp_path, 503).name)  # the file does not state its readers: 5.2 may
    assert (job["state"], job["blender"]) == ("succeeded", "5.2"), job
    assert "5.2.2 LTS is the newest here that opens it" in job["blender_choice"]
    assert "written by Blender 5.3, which is newer than 5.2.2 LTS" in job["blender_warning"]
    assert "which is newer than 5.2.2 LTS" in four.log()


@pytest.mark.local
@pytest.mark.parametrize("process", ["own", "session"])
@pytest.mark.parametrize("named", ["default", "4.3"])
def test_one_that_is_named_and_cannot_open_it(four, tmp_path, named, process):
    job, log = render(four, blend=file_of(tmp_path, 502).name, blender=named, process=process)
    assert (job["state"], job["failure"]["kind"], job["attempts"]) == ("failed", "blend_unreadable", 1), job
    version = {"default": "3.4.1", "4.3": "4.3.2"}[named]
    assert f"by502.blend was written by Blender 5.2, and Blender {version} cannot open it" in job["failure"]["message"]
    assert "needs Blender 4.5 or newer" in job["failure"]["message"]
    assert log == ""


@pytest.mark.local
def test_job_of_the_tutorial_with_a_file_that_is_too_new(start, tmp_path):
    d = start(file=file_of(tmp_path, 502))
    end = d.until_final(d.post_job(1, 10).headers["location"])
    assert end.status == 200 and "written by Blender 5.2, and Blender 3.4.1 cannot open it" in end.text


@pytest.mark.local
def test_a_file_that_is_replaced_while_its_job_waits(start, tmp_path, blend):
    go = tmp_path / "go"
    d = start(f"wait_file {go}", arguments=["--slots", "1", "--blender", f"5.2={pretend(tmp_path, '5.2', '5.2.2')}"])
    (tmp_path / "first.blend").write_text(f"BLENDER-v304\nwait_file {go}\n")
    later = file_of(tmp_path, 304)
    post(d, blend="first.blend", process="own")
    waits = post(d, blend=later.name).json()
    assert (waits["state"], waits["blender"]) == ("queued", "default")
    file_of(tmp_path, 502).rename(later)
    go.touch()
    end = wait_for(lambda: (lambda j: j if j["state"] not in ("queued", "running") else None)(d.get(waits["links"]["self"]).json()), "it ends")
    assert (end["state"], end["blender"]) == ("succeeded", "5.2"), end


@pytest.mark.local
def test_one_of_several_that_is_missing_at_the_start(start, tmp_path, blend):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho I am no Blender\n")
    broken.chmod(0o755)
    d = start(blender=f"first={tmp_path}/nowhere",
              arguments=["--blender", f"second={program('FAKE_BLENDER')}", "--blender", f"third={broken}"])
    ready = d.get("/readyz")
    assert ready.status == 200
    told = [line.split(" cannot")[0] for line in ready.json()["warnings"] if not line.startswith("run_as: ")]
    assert told == ["Blender first", "Blender third"]
    named = {one["name"]: one for one in d.get("/v1/blenders").json()["blenders"]}
    assert named["first"]["version"] is None and f"no program at {tmp_path}/nowhere" in named["first"]["error"]
    assert named["third"]["version"] is None and "I am no Blender" in named["third"]["error"]
    assert named["second"]["version"] == "3.4.1" and named["second"]["error"] is None
    job, _ = render(d, blend=blend().name)
    assert (job["state"], job["blender"]) == ("succeeded", "second")
    assert "the default, first, cannot be used: " in job["blender_choice"]
    for name in ("first", "third"):
        job, _ = render(d, blend=blend().name, blender=name)
        assert (job["state"], job["failure"]["kind"]) == ("failed", "blender_missing"), job
        assert f"Blender {name} cannot be used" in job["failure"]["message"]
    assert "Blender first cannot be used" in d.log()


def refused_start(directory, *arguments):
    """What kilnd says as it refuses to start."""
    ended = subprocess.run([program("KILND"), "--listen", "127.0.0.1:0", "--output", directory / "out", "--state", directory / "state",
                            "--project-root", directory, *arguments], capture_output=True, text=True, timeout=60)
    assert ended.returncode in (2, 3), ended
    return ended.stderr


def test_all_of_them_missing_is_no_start(tmp_path):
    said = refused_start(tmp_path, "--blender", f"one={tmp_path}/nowhere", "--blender", f"two={tmp_path}/nothing")
    assert f"no program at {tmp_path}/nowhere" in said and f"no program at {tmp_path}/nothing" in said


@pytest.mark.local
def test_those_that_go_away(start, tmp_path, blend):
    default, other = pretend(tmp_path, "one", "3.4.1"), pretend(tmp_path, "two", "4.3.2")
    d = start(blender=f"one={default}",
              arguments=["--blender", f"two={other}", "--sandbox-read", os.path.dirname(program("FAKE_BLENDER"))])
    ready = d.get("/readyz").json()
    assert ready["status"] == "ok" and all(line.startswith("run_as: ") for line in ready.get("warnings", []))
    assert all(one["error"] is None for one in d.get("/v1/blenders").json()["blenders"])
    default.rename(tmp_path / "away")
    assert d.get("/readyz").status == 200 and "Blender one" in d.get("/readyz").json()["warnings"][0]
    one, two = d.get("/v1/blenders").json()["blenders"]
    assert "no program at" in one["error"] and one["devices"] is None and two["error"] is None
    job, log = render(d, blend=blend().name)
    assert (job["state"], job["blender"]) == ("succeeded", "two"), job
    assert "this is 4.3.2" in log
    other.rename(tmp_path / "away-too")
    assert d.get("/readyz").status == 503 and "Blender is gone" in d.get("/readyz").json()["detail"]
    job, _ = render(d, blend=blend().name)
    assert (job["state"], job["failure"]["kind"]) == ("failed", "blender_missing")
    (tmp_path / "away").rename(default)
    assert render(d, blend=blend().name)[0]["blender"] == "one"


def test_auto_is_no_name(tmp_path):
    assert "auto cannot be a name" in refused_start(tmp_path, "--blender", f"auto={program('FAKE_BLENDER')}")


def test_a_queued_job_whose_blender_is_no_longer_named_fails_and_says_so(start, tmp_path, blend):
    go = tmp_path / "go"
    d = start(f"wait_file {go}", arguments=["--blender", f"old={program('FAKE_BLENDER')}"])
    body = {"blend": blend(f"wait_file {go}").name, "frames": "1", "process": "own"}
    first = d.ask("POST", "/v1/jobs", json.dumps(body), {"Content-Type": "application/json"}).json()
    second = d.ask("POST", "/v1/jobs", json.dumps({**body, "blender": "old"}), {"Content-Type": "application/json"}).json()
    assert (first["state"], second["state"]) == ("running", "queued")
    d.stop()
    at = d.command.index(f"old={program('FAKE_BLENDER')}")
    del d.command[at - 1:at + 1]
    d.start()
    go.touch()
    for job, state in ((first, "succeeded"), (second, "failed")):
        end = wait_for(lambda: (lambda j: j if j["state"] not in ("queued", "running") else None)(d.get(job["links"]["self"]).json()), "it ends")
        assert end["state"] == state, end
    assert end["failure"]["kind"] == "blender_missing" and "named old" in end["failure"]["message"], end


def test_a_stop_does_not_wait_for_it(start, tmp_path):
    blender = tmp_path / "blender"
    blender.write_text(f"""#!/bin/sh
case "$*" in *get_devices*) : > {tmp_path}/asked; exec sleep 1000 ;; esac
exec {program('FAKE_BLENDER')} "$@"
""")
    blender.chmod(0o755)
    d = start(blender=blender)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(d.get, "/v1/blenders")
        wait_for(lambda: os.path.exists(tmp_path / "asked"), "Blender is asked")
        began = time.monotonic()
        assert d.stop() == 0
        assert time.monotonic() - began < 15  # it would be 30 s
        answer = asked.result()
        assert "did not say" in answer.json()["blenders"][0]["error"]


def script(path, text):
    """A program in sh that answers as fake_blender does where `text` does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(f'#!/bin/sh\n{text}\nexec {program("FAKE_BLENDER")} "$@"\n')
    new.chmod(0o755)
    new.rename(path)  # another file, as a package manager does it
    return path


def versions(d):
    return {one["name"]: one["version"] for one in d.get("/v1/blenders").json()["blenders"]}


def check_fails(tmp_path, *arguments):
    """What --check says of a configuration that it refuses."""
    done = subprocess.run([program("KILND"), "--check", "--project-root", tmp_path, "--output", tmp_path / "frames", "--state", tmp_path / "state", *map(str, arguments)],
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == 3, done
    return done.stderr


@pytest.mark.local
@pytest.mark.parametrize("printed, version", [
    ("Warning: region_type 'X' not found\\nALSA lib confmisc.c:767: cannot find card\\n\\nBlender 4.3.2\\n\\tbuild date: 2024", "4.3.2"),
    ("libEGL warning: failed to open\\n  Blender 5.3.0 Beta", "5.3.0 Beta"),
    ("Blender 4.2.1 LTS\\r", "4.2.1 LTS"), ("Blender 2.79 (sub 7)", "2.79 (sub 7)")])
def test_a_version_below_other_lines(start, tmp_path, printed, version):
    d = start(blender=script(tmp_path / "blender", f"""[ "$1" = --version ] && {{ sleep 0.5; printf '{printed}\\n' >&2; exit; }}"""))
    assert versions(d) == {"default": version}


@pytest.mark.local
@pytest.mark.parametrize("answer, why", [
    ("echo Blender 4.3.2; exit 3", 'printed "Blender 4.3.2" with exit status 3'), ("exit 0", "printed nothing"),
    ("echo GNU bash; exit 0", 'printed "GNU bash"'), (r"printf 'Blender \033[31m4.3\n'; exit 0", 'printed "Blender ?[31m4.3"'),
    ("kill -SEGV $$", "with signal 11"), ("echo Blender quit; exit 0", 'printed "Blender quit"')])
def test_an_answer_that_is_no_version(tmp_path, answer, why):
    path = script(tmp_path / "blender", f'[ "$1" = --version ] && {{ {answer}; }}')
    said = check_fails(tmp_path, "--blender", path)
    assert f'{path} --version is to print "Blender" and a version, and' in said and why in said, said


@pytest.mark.local
def test_blenders_that_hang_are_asked_at_the_same_time(tmp_path):
    slow = [script(tmp_path / name, '[ "$1" = --version ] && exec sleep 100') for name in ("one", "two", "three")]
    began = time.monotonic()
    said = check_fails(tmp_path, *[f"--blender={s.name}={s}" for s in slow])
    assert "did not end within 30 s and printed nothing" in said
    assert time.monotonic() - began < 60  # one after the other: 90 s


@pytest.mark.local
@pytest.mark.parametrize("text, remark", [
    ('{fake} "$@"\nexit', "starts Blender as a second process: the pid of a job is the launcher's"),
    ('setsid -w {fake} "$@"\nexit', "starts Blender in another process group, which kilnd can neither stop nor measure: name the program itself, {fake}"),
    ('cd /', "changes the working directory or TMPDIR"), ('export TMPDIR=/tmp', "changes the working directory or TMPDIR"),
    ('[ "$1" = --version ] || {{ echo no libpython; exit 4; }}', 'prints its version but does not run Python, which each job needs: it printed "no libpython" with exit status 4')])
def test_a_launcher_that_changes_something_is_named_at_the_start(start, tmp_path, text, remark):
    fake = os.path.realpath(program("FAKE_BLENDER"))
    path = script(tmp_path / "bin/blender", text.format(fake=fake))
    d = start(blender=path)
    assert f"blender default: {path} {remark.format(fake=fake)}" in d.log(), d.log()


@pytest.mark.local
def test_a_plain_launcher_is_not_remarked_on(start, tmp_path):
    d = start(blender=script(tmp_path / "bin/blender", ""))
    assert "blender default:" not in d.log()


@pytest.mark.local
def test_the_blender_that_does_not_work_in_the_sandbox_is_named(start, tmp_path):
    # A launcher that no sandbox allows, like those of snap and flatpak.
    path = script(tmp_path / "bin/launcher", "touch /var/tmp/kiln-launcher || exit 5; rm -f /var/tmp/kiln-launcher")
    d = start(arguments=["--blender", f"bad={path}"])
    fake = os.path.realpath(program("FAKE_BLENDER"))
    assert "sandbox: blender bad does not work in it, so its jobs will fail" in d.log(), d.log()
    assert f"name the program itself: --blender bad={fake}" in d.log(), d.log()
    assert "blender default does not work" not in d.log()
    assert d.get("/readyz").json()["sandbox"] != "off"
    said = check_fails(tmp_path, "--blender", program("FAKE_BLENDER"), "--blender", f"bad={path}", "--sandbox", "bwrap")
    assert "sandbox: bwrap: blender bad: it printed" in said and f"--blender bad={fake}" in said, said


@pytest.mark.local
def test_a_blender_that_is_replaced_is_asked_again_and_its_sessions_are_not_used(start, tmp_path, blend):
    def install(version):
        script(tmp_path / "bin/blender", f'[ "$1" = --version ] && {{ echo "Blender {version}"; exit; }}\necho "this is {version}"')

    install("4.3.2")
    d = start(blender=tmp_path / "bin/blender")
    for process in ("session", "session", "own"):
        job, log = render(d, blend=blend().name, process=process)
        assert job["state"] == "succeeded", job
    assert versions(d) == {"default": "4.3.2"}
    install("5.2.2 LTS")
    pids = warm_sessions(d)
    assert len(pids) == 1
    job, log = render(d, blend=blend().name, process="session")
    assert job["state"] == "succeeded" and "this is 5.2.2 LTS" in log, log
    assert versions(d) == {"default": "5.2.2 LTS"}
    assert 'blender="Blender 5.2.2 LTS"' in d.get("/metrics").text
    assert "the program of a Blender was replaced name=default version=Blender 5.2.2 LTS" in d.log()
    wait_for(lambda: len(warm_sessions(d)) == 1 and warm_sessions(d) != pids, "the warm session of the old program ends")


@pytest.mark.local
def test_a_replacement_that_does_not_work_fails_jobs_and_says_why(start, tmp_path, blend):
    path = script(tmp_path / "bin/blender", "")
    d = start(blender=path)
    script(path, "echo half an upgrade; exit 7")
    job, _ = render(d, blend=blend().name)
    assert job["state"] == "failed" and job["failure"]["kind"] == "blender_missing", job
    assert 'printed "half an upgrade" with exit status 7' in job["failure"]["message"], job
    script(path, "")
    assert render(d, blend=blend().name)[0]["state"] == "succeeded"


def warm_sessions(d):
    """Pids of the Blenders that kilnd has."""
    found = set()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                if os.readlink(f"/proc/{entry.name}/cwd").startswith(f"{d.output}/.kiln/"):
                    found.add(int(entry.name))
            except OSError:
                pass
    return found
