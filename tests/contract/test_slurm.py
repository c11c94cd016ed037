# SPDX-License-Identifier: Apache-2.0
"""kilnd in front of a simulated Slurm that does wrong whatever a site, a node or an operator can. What a real one does
is in tests/cluster."""
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess

import pytest
from daemon import stays_asleep, wait_for

JSON = {"Content-Type": "application/json"}
FINAL = ("succeeded", "failed", "canceled")


def post(d, frames="1-3", **fields):
    return d.ask("POST", "/v1/jobs", json.dumps({"blend": "scene.blend", "frames": frames, **fields}), JSON)


def submit(d, frames="1-3", **fields):
    answer = post(d, frames, **fields)
    assert answer.status == 202, answer
    assert int(answer.headers["retry-after"]) >= 1
    return answer.json()["id"]


def job(d, ident):
    return d.get(f"/v1/jobs/{ident}").json()


def until(d, ident, *states):
    return wait_for(lambda: (lambda j: j if j["state"] in states else None)(job(d, ident)), f"{ident} is {states}: {d.log()[-2000:]}", 30)


def until_waits(d, ident, text):
    return wait_for(lambda: (lambda j: j if text in (j["waits_for"] or "") else None)(job(d, ident)),
                    lambda_text(d, ident, text), 30)


def lambda_text(d, ident, text):
    return f"{ident} waits for {text}: {job(d, ident)['waits_for']}"


def one_running(slurm):
    return wait_for(slurm.running, "a task runs")[0]


def kill_9(d):
    os.kill(d.process.pid, signal.SIGKILL)
    d.process.wait()


def asked(slurm, program):
    return [arguments for name, arguments in slurm.asked if name == program]


def all_frames(d, ident, count):
    return d.frames(ident) == [f"blender-render_{n:04}.png" for n in range(1, count + 1)]


@pytest.fixture
def go(tmp_path):
    return tmp_path / "go"


def test_a_job_goes_through_slurm(slurm, start):
    d = start("frame_seconds 0.05", "samples 2", 'print kiln: {"version":"3.4.1"}')
    answer = post(d, "1-5")
    made = answer.json()
    assert answer.status == 202 and made["state"] == "queued" and made["waits_for"], "it does not wait for Slurm's answer"
    done = until(d, made["id"], *FINAL)
    assert done["state"] == "succeeded" and done["attempts"] == 1 and done["progress"] == 1
    assert done["file"] == {"version": "3.4.1"}
    assert all_frames(d, made["id"], 5)
    frames = d.get(f"/v1/jobs/{made['id']}/frames").json()["frames"]
    assert [(f["state"], f["tries"]) for f in frames] == [("done", 0)] * 5
    assert all(0 < f["seconds"] < 10 for f in frames), "each its own time, though several render at once"
    log = d.get(f"/v1/jobs/{made['id']}/log").text
    assert log.count("--- frames ") == 5 and log.count("Saved: '") == 5
    [arguments] = asked(slurm, "sbatch")
    assert f"--job-name=kiln-{made['id']}-1-1" in arguments and "--array=1-5%300" in arguments and "--requeue" in arguments


def test_an_idle_daemon_asks_nothing(slurm, start):
    d = start()
    until(d, submit(d), "succeeded")
    wait_for(lambda: not os.listdir(d.output / ".kiln"), "it is over")
    wait_for(lambda: stays_asleep(d.process.pid, 1), "it sleeps, for ten polls at least")
    before = len(slurm.asked)
    for _ in range(20):
        d.get("/readyz")
    assert len(slurm.asked) <= before + 1


def test_fields_of_the_job_become_arguments(slurm, start):
    d = start()
    fields = {"partition": "gpu", "account": "studio", "qos": "high", "constraint": "a100|h100", "gres": "gpu:1", "mem": "4G",
              "time_seconds": 90}
    done = until(d, submit(d, "1", slurm=fields, priority=40, threads=3), *FINAL)
    assert done["state"] == "succeeded" and done["slurm"] == fields
    [arguments] = asked(slurm, "sbatch")
    for expected in ("--partition=gpu", "--account=studio", "--qos=high", "--constraint=a100|h100", "--gres=gpu:1", "--mem=4G",
                     "--time=2", "--nice=60", "--cpus-per-task=3"):
        assert expected in arguments
    assert d.stop() == 0
    d.start()
    assert job(d, done["id"])["slurm"] == fields, "they are kept"


@pytest.mark.parametrize("fields, pointers", [
    ("gpu", ["/slurm"]), ({"partition": 7}, ["/slurm/partition"]), ({"partition": "a b"}, ["/slurm/partition"]),
    ({"account": "x;rm -rf /"}, ["/slurm/account"]), ({"qos": "$(id)"}, ["/slurm/qos"]), ({"qos": "--wrap=id"}, ["/slurm/qos"]),
    ({"gres": "gpu:1\n#SBATCH -w n1"}, ["/slurm/gres"]), ({"constraint": "`id`"}, ["/slurm/constraint"]),
    ({"mem": "16 G"}, ["/slurm/mem"]), ({"time_seconds": 0}, ["/slurm/time_seconds"]), ({"time_seconds": "1:00"}, ["/slurm/time_seconds"]),
    ({"nodes": 2}, ["/slurm/nodes"]), ({"partition": "x" * 200}, ["/slurm/partition"])])
def test_bad_fields_are_named(slurm, start, fields, pointers):
    d = start()
    answer = post(d, "1", slurm=fields)
    assert answer.status == 422 and [e["pointer"] for e in answer.json()["errors"]] == pointers
    assert not asked(slurm, "sbatch")


def test_a_kilnd_without_a_cluster_says_so(start):
    d = start()
    if "slurm" in d.command:
        pytest.skip("it has one")
    answer = post(d, "1", slurm={"partition": "gpu"})
    [error] = answer.json()["errors"]
    assert answer.status == 422 and error["pointer"] == "/slurm" and "executor" in error["detail"]
    assert until(d, submit(d, "1", slurm={}), *FINAL)["state"] == "succeeded"


def test_fields_of_one_machine(slurm, start):
    d = start()
    answer = post(d, "1-4", processes=4)
    [error] = answer.json()["errors"]
    assert answer.status == 422 and error["pointer"] == "/processes" and "Slurm" in error["detail"] and "slurm_tasks" in error["detail"]
    assert not asked(slurm, "sbatch")
    for fields in ({"processes": "auto"}, {"process": "own"}, {"process": "session"}):
        done = until(d, submit(d, "1-4", **fields), *FINAL)
        assert done["state"] == "succeeded" and done["attempts"] == 1 and all_frames(d, done["id"], 4), fields


def test_frames_are_spread(slurm, start):
    d = start("frame_seconds 0.05")
    done = until(d, submit(d, "1-9", order="spread"), *FINAL)
    assert done["state"] == "succeeded" and done["attempts"] == 1 and done["order"] == "spread"
    tasks = re.findall(r"--- frames (\d+): Slurm task (\d+)_(\d+)", d.get(f"/v1/jobs/{done['id']}/log").text)
    assert [int(frame) for frame, _, _ in sorted(tasks, key=lambda t: int(t[2]))] == [1, 9, 5, 3, 7, 2, 4, 6, 8], "Slurm starts them so"


def test_a_sandbox_on_nodes_is_not_promised(slurm, start):
    d = start()
    assert d.get("/readyz").json()["sandbox"] == "off" and "a scene that runs code can do there" in d.log()
    refused = subprocess.run([*d.command, "--check", "--sandbox", "landlock"], env=d.environment, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 3 and re.search("the nodes of a cluster.*slurm_template", refused.stderr), refused


def test_scripts_of_scenes_run_on_nodes_where_the_operator_allows_it(slurm, start):
    d = start("print_arguments", arguments=["--autorun", "roots"], writable=False)
    assert "autorun: scripts of scenes run on the nodes" in d.log()
    for autorun, expected in ((True, {"-y"}), (False, {"-Y"})):
        done = until(d, submit(d, "1-2", autorun=autorun), *FINAL)
        assert done["state"] == "succeeded" and done.get("autorun", False) is autorun and all_frames(d, done["id"], 2)
        said = re.findall(r"^argument: (-[yY])$", d.get(f"/v1/jobs/{done['id']}/log").text, re.M)
        assert len(said) == 2 and set(said) == expected, "of each task"


def deletes(directory):
    """Whatever others make there meanwhile."""
    def try_it():
        shutil.rmtree(directory, ignore_errors=True)
        return not directory.exists()
    wait_for(try_it, f"{directory} is deleted")


def test_what_somebody_deletes_before_slurm_has_it_is_made_again(slurm, start):
    d = start()
    slurm.is_down = True
    ident = submit(d)
    until_waits(d, ident, "Slurm")
    wait_for(lambda: asked(slurm, "sbatch"), "sbatch was tried")
    deletes(d.output / ".kiln" / f"{ident}-1")
    slurm.is_down = False
    done = until(d, ident, *FINAL)
    assert done["state"] == "succeeded" and done["attempts"] == 1 and all_frames(d, ident, 3), done


def test_what_somebody_deletes_while_it_renders_is_rendered_again(slurm, start, go):
    d = start(f"wait_file {go}")
    ident = submit(d, retries=1)
    one_running(slurm)
    deletes(d.output / ".kiln" / f"{ident}-1")
    go.touch()
    done = until(d, ident, *FINAL)
    assert done["state"] == "succeeded" and all_frames(d, ident, 3), done


@pytest.mark.parametrize("said", ["Invalid partition name specified", "Invalid account or account/partition combination specified",
                                  "Requested node configuration is not available"])
def test_what_slurm_refuses_fails_with_its_words(slurm, start, said):
    slurm.refuse = said
    d = start()
    done = until(d, submit(d), *FINAL)
    assert done["state"] == "failed" and done["failure"]["kind"] == "invalid_setting" and said in done["failure"]["message"]
    slurm.refuse = None
    assert d.ask("POST", f"/v1/jobs/{done['id']}/retry").status == 202
    assert until(d, done["id"], *FINAL)["state"] == "succeeded"


def test_a_full_queue_takes_fewer_tasks_at_a_time(slurm, start):
    slurm.submit_limit = 4
    d = start()
    ident = submit(d, "1-10")
    assert until(d, ident, *FINAL)["state"] == "succeeded" and all_frames(d, ident, 10)


def test_arrays_are_as_long_as_the_site_lets_them(slurm, start):
    slurm.max_array = 5
    d = start()
    ident = submit(d, "1-10")
    assert until(d, ident, *FINAL)["state"] == "succeeded" and all_frames(d, ident, 10)


def test_slurmctld_is_away(slurm, start, go):
    d = start(f"wait_file {go}")
    ident = submit(d)
    one_running(slurm)
    slurm.is_down = True
    assert "Unable to contact slurm controller" in wait_for(
        lambda: (lambda a: a.json()["detail"] if a.status == 503 else None)(d.get("/readyz")), "it says so")
    waiting = submit(d)
    go.touch()
    wait_for(lambda: d.frames(ident), "what runs goes on")
    until_waits(d, waiting, "Unable to contact slurm controller") if "--slots" not in d.command else None
    slurm.is_down = False
    for each in (ident, waiting):
        assert until(d, each, *FINAL)["state"] == "succeeded"
    assert d.get("/readyz").status == 200
    assert len(asked(slurm, "sbatch")) >= 2


@pytest.mark.parametrize("is_killed, squeue_seconds", [(False, 0), (False, 1), (True, 0)])
def test_a_slurmctld_that_forgot_that_a_task_has_ended_frees_its_node(slurm, start, is_killed, squeue_seconds):
    slurm.squeue_seconds = squeue_seconds
    d = start()
    slurm.forgets_ends = 1
    ident = submit(d)
    if is_killed:
        wait_for(lambda: d.frames(ident), "its frame is there")
        kill_9(d)
        d.start()
    done = until(d, ident, *FINAL)
    assert done["state"] == "succeeded" and done["attempts"] == 1 and all_frames(d, ident, 3), done
    # Twice if the order came before Slurm began to forget.
    assert asked(slurm, "scancel") in ([["1_1"]], [["1_1"], ["1_1"]])


def test_its_node_is_freed_also_when_its_job_is_over(slurm, start):
    d = start()
    slurm.forgets_ends = 1
    assert until(d, submit(d, "1"), *FINAL)["state"] == "succeeded"
    wait_for(lambda: not slurm.running(), "its node is free")
    assert asked(slurm, "scancel") == [["1_1"]]


def test_an_answer_that_is_lost_is_found_by_its_name(slurm, start):
    slurm.loses_answer = True
    d = start()
    ident = submit(d)
    assert until(d, ident, *FINAL)["state"] == "succeeded"
    assert len(slurm.arrays) == 1, "it is not submitted twice"


@pytest.mark.parametrize("wrap", [
    lambda program, text: "Welcome to the cluster!\n" + text + "Have a nice day\n",
    lambda program, text: "Submitted batch job " + text if program == "sbatch" else text,
    lambda program, text: text.strip() + ";cluster\n" if program == "sbatch" else text])
def test_wrappers_may_say_more(slurm, start, wrap):
    slurm.wrap = wrap
    d = start()
    assert until(d, submit(d), *FINAL)["state"] == "succeeded"
    assert len(slurm.arrays) == 1


@pytest.mark.parametrize("wrap", [
    lambda program, text: "" if program == "squeue" else text,
    lambda program, text: text.replace("|", " ") if program == "squeue" else text])
def test_a_squeue_that_answers_something_else_is_not_believed(slurm, start, go, wrap):
    slurm.wrap = wrap
    d = start(f"wait_file {go}")
    ident = submit(d)
    until_waits(d, ident, "squeue does not print what it is asked for")
    assert d.get("/readyz").status == 503
    go.touch()
    wait_for(lambda: len(d.frames(ident)) == 3, "frames count nevertheless")
    slurm.wrap = lambda program, text: text
    assert until(d, ident, *FINAL)["state"] == "succeeded"
    assert len(slurm.arrays) == 1


def test_a_kilnd_that_is_killed_finds_its_array(slurm, start, go):
    d = start(f"wait_file {go}")
    ident = submit(d, "1-4")
    one_running(slurm)
    for _ in range(2):
        kill_9(d)
        d.start()
    go.touch()
    done = until(d, ident, *FINAL)
    assert done["state"] == "succeeded" and done["attempts"] == 1 and all_frames(d, ident, 4)
    assert len(slurm.arrays) == 1
    log = d.get(f"/v1/jobs/{ident}/log").text
    assert log.count("Saved: '") == 4, "no frame is rendered twice"


def test_a_kilnd_that_is_killed_before_sbatch_has_answered(slurm, start):
    slurm.loses_answer = True
    slurm.is_held = True
    d = start()
    ident = submit(d)
    wait_for(lambda: slurm.arrays, "Slurm has it")
    kill_9(d)
    slurm.loses_answer = slurm.is_held = False
    d.start()
    assert until(d, ident, *FINAL)["state"] == "succeeded"
    assert len(slurm.arrays) == 1, "it is not submitted twice"


def test_what_ended_while_kilnd_was_away(slurm, start, go):
    d = start(f"wait_file {go}", "skip_frame 3")
    ident = submit(d, "1-3", retries=0)
    one_running(slurm)
    kill_9(d)
    go.touch()
    wait_for(lambda: slurm.count("COMPLETED") == 3, "all tasks end")
    slurm.forget()
    d.start()
    done = until(d, ident, *FINAL)
    assert done["state"] == "failed" and done["failure"]["kind"] == "frames_missing" and done["frames"]["done"] == 2
    assert {f["frame"]: f["tries"] for f in d.get(f"/v1/jobs/{ident}/frames").json()["frames"]}[3] == 1
    assert len(slurm.arrays) == 1


@pytest.mark.parametrize("squeue_seconds", [0, 1])
def test_a_stop_leaves_the_cluster_alone_when_it_shall(slurm, start, go, squeue_seconds):
    slurm.squeue_seconds = squeue_seconds
    d = start(f"wait_file {go}", arguments=["--on-stop", "leave"])
    ident = submit(d)
    one_running(slurm)
    assert d.stop() == 0
    assert slurm.count("CANCELLED") == 0 and slurm.running()
    d.start()
    go.touch()
    assert until(d, ident, *FINAL)["state"] == "succeeded" and len(slurm.arrays) == 1


def test_jobs_that_nobody_knows_are_cancelled(slurm, start, go):
    d = start(f"wait_file {go}")
    submit(d)
    one_running(slurm)
    kill_9(d)
    for file in d.state.glob("kiln.db*"):
        file.unlink()
    d.start()
    wait_for(lambda: slurm.count("CANCELLED") == 3, "they are cancelled")
    assert not os.listdir(d.output / ".kiln")


def test_a_node_is_lost_and_its_task_goes_on_unseen(slurm, start, go):
    d = start(f"wait_file {go}")
    ident = submit(d, "1")
    task = one_running(slurm)
    lost = task.process
    slurm.requeue(task, kill=False)
    wait_for(lambda: task.state == "RUNNING", "it runs elsewhere")
    go.touch()
    done = until(d, ident, *FINAL)
    assert done["state"] == "succeeded" and done["frames"]["done"] == 1
    assert d.get(f"/v1/jobs/{ident}/frames").json()["frames"][0]["tries"] == 0, "it is nobody's fault"
    lost.wait(30)
    assert all_frames(d, ident, 1)


@pytest.mark.parametrize("state", ["NODE_FAIL", "PREEMPTED"])
def test_what_is_nobodys_fault_is_rendered_again(slurm, start, go, state):
    d = start(f"wait_file {go}")
    ident = submit(d, "1-2", retries=0)
    slurm.end(one_running(slurm), state, signal.SIGKILL)
    wait_for(lambda: len(slurm.arrays) == 2, "a new array takes its frame")
    go.touch()
    assert until(d, ident, *FINAL)["state"] == "succeeded" and all_frames(d, ident, 2)


def test_a_time_limit_is_raised(slurm, start, go):
    d = start(f"wait_file {go}")
    ident = submit(d, "1", slurm={"time_seconds": 60})
    slurm.end(one_running(slurm), "TIMEOUT")
    wait_for(lambda: len(slurm.arrays) == 2, "it is tried again")
    go.touch()
    assert until(d, ident, *FINAL)["state"] == "succeeded"
    assert ["--time=1" in a or "--time=2" in a for a in asked(slurm, "sbatch")] == [True, True]
    assert "--time=2" in asked(slurm, "sbatch")[1]
    failure = d.get(f"/v1/jobs/{ident}/frames").json()["frames"][0]["failure"]
    assert "time limit" in failure["message"]


def test_memory_is_raised(slurm, start, go):
    d = start(f"wait_file {go}")
    ident = submit(d, "1", slurm={"mem": "2G"})
    slurm.end(one_running(slurm), "OUT_OF_MEMORY", signal.SIGKILL)
    wait_for(lambda: len(slurm.arrays) == 2, "it is tried again")
    go.touch()
    assert until(d, ident, *FINAL)["state"] == "succeeded"
    assert "--mem=4G" in asked(slurm, "sbatch")[1]


def test_an_operator_cancels_the_array(slurm, start, go):
    d = start(f"wait_file {go}")
    ident = submit(d)
    one_running(slurm)
    slurm._scancel([str(min(slurm.arrays))], None)
    done = until(d, ident, *FINAL)
    assert done["state"] == "canceled" and done["attempts"] == 1


def test_an_operator_cancels_one_task(slurm, start, go):
    d = start(f"wait_file {go}")
    ident = submit(d, "1-3")
    task = one_running(slurm)
    slurm.end(task, "CANCELLED")
    wait_for(lambda: len(slurm.arrays) == 2, "its frame is tried again")
    go.touch()
    assert until(d, ident, *FINAL)["state"] == "succeeded"
    frames = {f["frame"]: f for f in d.get(f"/v1/jobs/{ident}/frames").json()["frames"]}
    assert frames[task.index]["tries"] == 1 and "scancel" in frames[task.index]["failure"]["message"]


def test_a_task_that_is_held_says_so(slurm, start):
    slurm.is_held = True
    d = start()
    ident = submit(d)
    wait_for(lambda: slurm.arrays, "Slurm has it")
    for task in slurm._tasks():
        task.reason = "JobHeldAdmin"
    until_waits(d, ident, "an operator of the cluster holds it (JobHeldAdmin)")
    for task in slurm._tasks():
        task.reason = "launch failed requeued held"
    slurm.is_held = False
    assert until(d, ident, *FINAL)["state"] == "succeeded", "this one is released by kilnd"
    assert any(a[0] == "release" for a in asked(slurm, "scontrol"))


def test_cancel_and_pause_reach_the_cluster(slurm, start, go):
    d = start(f"wait_file {go}")
    ident = submit(d)
    one_running(slurm)
    assert d.ask("POST", f"/v1/jobs/{ident}/cancel").status == 202
    assert until(d, ident, *FINAL)["state"] == "canceled"
    wait_for(lambda: slurm.count("CANCELLED") == 3 and not slurm.running(), "nothing is left in Slurm")


def test_the_priority_reaches_the_cluster(slurm, start, go):
    d = start(f"wait_file {go}")
    ident = submit(d, priority=10)
    one_running(slurm)
    assert d.ask("PATCH", f"/v1/jobs/{ident}", '{"priority":90}', JSON).status == 200
    wait_for(lambda: ["update", "JobId=1", "Nice=10"] in asked(slurm, "scontrol"), "Slurm is told")
    go.touch()
    until(d, ident, "succeeded")


def test_a_priority_reaches_a_cluster_that_was_away(slurm, start, go):
    d = start(f"wait_file {go}")
    ident = submit(d, priority=10)
    one_running(slurm)
    slurm.is_down = True
    assert d.ask("PATCH", f"/v1/jobs/{ident}", '{"priority":90}', JSON).status == 200
    wait_for(lambda: asked(slurm, "scontrol"), "it was tried")
    slurm.is_down, tried = False, len(asked(slurm, "scontrol"))
    wait_for(lambda: ["update", "JobId=1", "Nice=10"] in asked(slurm, "scontrol")[tried:], "Slurm is told again")
    go.touch()
    assert until(d, ident, "succeeded")["warnings"] == []


def test_a_priority_that_the_cluster_refuses_is_told(slurm, start, go):
    slurm.refuse_update = "Access/permission denied"
    d = start(f"wait_file {go}")
    ident = submit(d, priority=10)
    one_running(slurm)
    assert d.ask("PATCH", f"/v1/jobs/{ident}", '{"priority":90}', JSON).status == 200
    warning = wait_for(lambda: d.get(f"/v1/jobs/{ident}").json()["warnings"], "the job says so")
    assert warning[0]["kind"] == "priority_kept" and "Access/permission denied" in warning[0]["message"]
    go.touch()
    until(d, ident, "succeeded")


def test_a_template_of_the_site_wraps_blender(slurm, start, tmp_path):
    template = tmp_path / "site template.sh"
    template.write_text('echo "site: $KILN_TASK of $KILN_WORKSPACE"\nexport FROM_SITE="a b"\nexec "$@"\n')
    d = start("print_env", "print_arguments", arguments=["--slurm-template", str(template), "--slurm-option=--exclusive"])
    ident = submit(d, "1", scene="$(touch /tmp/x); 'quoted' \"x\"")
    assert until(d, ident, *FINAL)["state"] == "succeeded"
    log = d.get(f"/v1/jobs/{ident}/log").text
    assert "site: 1 of " in log and "FROM_SITE=a b" in log
    assert "argument: $(touch /tmp/x); 'quoted' \"x\"\n" in log, "it is a value, never text of a script"
    assert "--exclusive" in asked(slurm, "sbatch")[0]


def test_a_blender_that_is_not_on_the_node(slurm, start):
    d = start(blender="/nowhere/blender")
    done = until(d, submit(d), *FINAL)
    assert done["state"] == "failed" and done["failure"]["kind"] == "blender_missing" and "n1" in done["failure"]["message"]


def test_a_bad_exit_is_a_failure_though_all_frames_are_there(slurm, start):
    d = start("exit 3")
    done = until(d, submit(d, "1-2"), *FINAL)
    assert done["state"] == "failed" and done["frames"]["done"] >= 1 and done["failure"]["exit_status"] == 3


def test_a_node_that_cannot_write_is_explained(slurm, start, monkeypatch):
    d = start("frame_seconds 0", arguments=["--slurm-lag", "0.3"])
    slurm.is_held = True
    ident = submit(d, "1", retries=0)
    array = wait_for(lambda: list(slurm.arrays.values()), "Slurm has it")[0]
    pathlib.Path(array.script_copy).write_text('echo "mkdir: Read-only file system" >&2; exit 125\n')
    slurm.is_held = False
    done = until(d, ident, *FINAL)
    assert done["state"] == "failed" and done["failure"]["kind"] == "internal"
    assert "Read-only file system" in done["failure"]["message"]


def test_retry_after_comes_from_many_tasks_at_once(slurm, start):
    d = start("frame_seconds 0.2")
    ident = submit(d, "1-40")
    left = wait_for(lambda: job(d, ident)["eta_seconds"], "an estimate")
    assert 0 < left["low"] <= left["likely"] <= left["high"] < 60
    current = wait_for(lambda: (lambda c: c if c["tasks"]["running"] else None)(job(d, ident)["current"]), "a task runs")
    assert current["pid"] is None
    assert 1 <= int(d.get(f"/v1/jobs/{ident}").headers["retry-after"]) <= 60
    assert until(d, ident, *FINAL)["state"] == "succeeded"
