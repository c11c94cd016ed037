# SPDX-License-Identifier: Apache-2.0
"""Scripts and Python drivers of a .blend run where both the operator (autorun) and the job ("autorun":true) say so."""
import re
import subprocess

import pytest
import tokens
from conftest import ON_SLURM
from daemon import program, wait_for
from test_blenders import warm_sessions
from test_blends import scene, sent
from test_jobs import FINAL, job, post, submit, until

pytestmark = pytest.mark.skipif(ON_SLURM, reason="test_slurm.py has those of a cluster")


@pytest.fixture(scope="module", autouse=True)
def sandbox(tmp_path_factory):
    checked = subprocess.run([program("KILND"), "--check", "--autorun", "roots", "--listen", "127.0.0.1:0", "--blender", program("FAKE_BLENDER"),
                              "--project-root", "/tmp", "--state", tmp_path_factory.mktemp("state")], capture_output=True, text=True, timeout=60)
    if "scripts of scenes run in a sandbox only" in checked.stderr:
        pytest.skip("this machine has no sandbox for scripts")


def flags_of(d, done):
    """Blender's flags about scripts, attempt by attempt."""
    return re.findall(r"^argument: (-[yY])$", d.get(f"/v1/jobs/{done['id']}/log").text, re.M)


def refused(d, **fields):
    answer = post(d, {"blend": "scene.blend", "frames": "1", "autorun": True, **fields})
    assert answer.status == 422, answer
    return {e["pointer"]: e["detail"] for e in answer.json()["errors"]}


def test_nothing_runs_unless_the_operator_allows_it(start):
    d = start("print_arguments")
    assert refused(d).keys() == {"/autorun"} and "autorun = " in refused(d)["/autorun"]
    ident = sent(d, scene("print_arguments"))
    assert refused(d, blend=ident).keys() == {"/autorun"}
    assert refused(d, blend="nowhere.blend", samples=0).keys() == {"/blend", "/autorun", "/samples"}, "all at once"
    done = until(d, submit(d, "1", autorun=False), *FINAL)
    assert done["state"] == "succeeded" and "autorun" not in done and done["process"] == "session"


def test_scripts_of_project_roots(start, tmp_path):
    d = start("print_arguments", arguments=["--autorun", "roots"], writable=False)  # state and output lie below the root
    done = until(d, submit(d, "1-2", autorun=True), *FINAL)
    assert done["state"] == "succeeded" and done["autorun"] is True and done["process"] == "own"
    assert flags_of(d, done) == ["-y"]
    other = until(d, submit(d, "1-2", process="own"), *FINAL)
    assert flags_of(d, other) == ["-Y"], "each job for itself"
    ident = sent(d, scene("print_arguments"))
    kept = d.state / "blends" / ident.removeprefix("sha256:") / "upload.blend"
    (tmp_path / "link.blend").symlink_to(kept)
    for name in (ident, str(kept), str(kept.relative_to(tmp_path)), "link.blend"):
        assert refused(d, blend=name).keys() == {"/autorun"} and "upload" in refused(d, blend=name)["/autorun"], name
    made = d.output / done["id"] / "made.blend"  # as if a render had left it
    made.write_bytes(scene())
    assert refused(d, blend=str(made)).keys() == {"/autorun"}
    assert until(d, submit(d, "1", blend=ident), *FINAL)["state"] == "succeeded", "without scripts"


def test_a_place_where_blender_can_write_is_not_trusted(start, tmp_path):
    d = start(arguments=["--autorun", "roots"])  # tmp_path is sandbox_write as well
    assert refused(d).keys() == {"/autorun"} and "Blender can write" in refused(d)["/autorun"]


def test_scripts_of_uploads(start):
    d = start(arguments=["--autorun", "always"])
    ident = sent(d, scene("print_arguments"))
    done = until(d, submit(d, "1", blend=ident, autorun=True), *FINAL)
    assert done["state"] == "succeeded" and flags_of(d, done) == ["-y"]


def test_it_shares_no_blender_with_another_job(start):
    d = start("print_arguments", arguments=["--autorun", "roots"], writable=False)
    assert refused(d, process="session").keys() == {"/process"} and refused(d, processes=2).keys() == {"/processes"}
    until(d, submit(d, "1"), *FINAL)
    waiting = wait_for(lambda: warm_sessions(d), "a session waits for more of this file")
    for _ in range(2):
        done = until(d, submit(d, "1", autorun=True), *FINAL)
        assert done["state"] == "succeeded" and flags_of(d, done) == ["-y"]
        assert warm_sessions(d) == waiting, "it was neither taken nor joined by one whose scripts have run"
    assert flags_of(d, until(d, submit(d, "1"), *FINAL)) == ["-Y"] and warm_sessions(d) == waiting


def test_what_was_allowed_when_the_job_came_is_asked_again_before_it_renders(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}", arguments=["--autorun", "roots"], writable=False)
    first = submit(d, "1-2")
    second = submit(d, "1-2", autorun=True)
    assert job(d, second)["state"] == "queued"
    assert d.stop() == 0
    d.command[d.command.index("--autorun") + 1] = "never"
    d.start()
    go.touch()
    assert until(d, first, *FINAL)["state"] == "succeeded"
    done = until(d, second, *FINAL)
    assert done["state"] == "failed" and done["failure"]["kind"] == "invalid_setting" and "autorun" in done["failure"]["message"]
    assert done["attempts"] == 0 and d.frames(second) == []
    assert d.stop() == 0
    d.command[d.command.index("--autorun") + 1] = "roots"
    d.start()
    assert d.ask("POST", f"/v1/jobs/{second}/retry").status == 202
    assert until(d, second, *FINAL)["state"] == "succeeded", "once it is allowed again"


def test_the_tutorials_job_runs_none(start):
    d = start("print_arguments", arguments=["--autorun", "always"])
    location = d.post_job(1, 1).headers["location"]
    assert d.until_final(location).status == 200
    [made] = d.get("/v1/jobs").json()["jobs"]
    assert flags_of(d, made) == ["-Y"]


def test_each_role_that_makes_jobs_may_ask(start, tmp_path):
    d = start(arguments=["--autorun", "roots"], writable=False)
    secrets = {role: tokens.add(d.state, role, role) for role in ("read", "submit", "admin")}
    wait_for(lambda: d.get("/v1/jobs").status == 401, "the tokens hold")
    body = {"blend": "scene.blend", "frames": "1", "autorun": True}
    assert {role: post(d, body, **tokens.bearer(secret)).status for role, secret in secrets.items()} == \
        {"read": 403, "submit": 202, "admin": 202}
