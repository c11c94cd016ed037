# SPDX-License-Identifier: Apache-2.0
"""Which files a job may name: those below a project root, when it is taken and again when its attempt begins."""
import os
import pathlib
import subprocess

import pytest
from test_jobs import act, post, until

SCRIPT = "BLENDER-v304\n"
NOT_THERE = "no such file below a project root"


@pytest.fixture
def tree(tmp_path):
    """A project, and a place beside it with the same names."""
    for place in ("project", "outside"):
        (tmp_path / place / "shots").mkdir(parents=True)
        (tmp_path / place / "shots/a.blend").write_text(SCRIPT)
    return tmp_path


@pytest.fixture
def kilnd(start, tree):
    def run(*more):
        return start(arguments=["--project-root", tree / "project", *more])
    return run


def refused(d, name):
    answer = post(d, {"blend": name, "frames": "1"})
    assert answer.status == 422 and answer.json()["errors"][0]["pointer"] == "/blend", (name, answer)
    return answer.json()["errors"][0]["detail"]


def renders(d, name):
    answer = post(d, {"blend": name, "frames": "1"})
    assert answer.status == 202, (name, answer)
    done = until(d, answer.json()["id"], "succeeded", "failed")
    assert done["state"] == "succeeded", done
    return done


def test_files_below_a_root(kilnd, tree):
    d = kilnd()
    shots = tree / "project/shots"
    for name in ("#.blend", "a b.blend", "-o.blend", "é💾.blend", "a'\";$(reboot).blend", "%2e%2e.blend", "..blend", "x" * 249 + ".blend",
                 "sha256:x.blend"):
        (shots / name).write_text(SCRIPT)
        renders(d, f"shots/{name}")
    renders(d, str(shots / "a.blend"))
    renders(d, "./shots/../shots//a.blend")
    (tree / "project/sha256:x").write_text(SCRIPT)
    assert "./" in refused(d, "sha256:x")
    renders(d, "./sha256:x")


def test_links_within_a_root(kilnd, tree):
    d = kilnd()
    project = tree / "project"
    (project / "relative.blend").symlink_to("shots/a.blend")
    (project / "absolute.blend").symlink_to(project / "shots/a.blend")
    (project / "chain.blend").symlink_to("relative.blend")
    (project / "directory").symlink_to("shots")
    (project / "shots/up.blend").symlink_to("../absolute.blend")
    for name in ("relative.blend", "absolute.blend", "chain.blend", "directory/a.blend", "shots/up.blend"):
        renders(d, name)


def test_a_root_may_be_a_link_itself(start, tree):
    (tree / "link").symlink_to("project")
    d = start(arguments=["--project-root", tree / "link"])
    renders(d, "shots/a.blend")
    renders(d, str(tree / "link/shots/a.blend"))
    renders(d, str(tree / "project/shots/a.blend"))


def test_names_that_lead_out(kilnd, tree):
    d = kilnd()
    project, outside = tree / "project", tree / "outside"
    (project / "file.blend").symlink_to("../outside/shots/a.blend")
    (project / "absolute.blend").symlink_to(outside / "shots/a.blend")
    (project / "directory").symlink_to("../outside/shots")
    (project / "proc").symlink_to("/proc/self/root")
    (project / "loop.blend").symlink_to("loop.blend")
    (project / "there-and-back").symlink_to(tree)
    (tree / "project-2").mkdir()
    (tree / "project-2/a.blend").write_text(SCRIPT)
    os.link(outside / "shots/a.blend", project / "hard.blend")
    for name in ("../outside/shots/a.blend", "shots/../../outside/shots/a.blend", str(outside / "shots/a.blend"), "file.blend",
                 "absolute.blend", "directory/a.blend", f"proc{outside}/shots/a.blend", "loop.blend", "there-and-back/outside/shots/a.blend",
                 "../project-2/a.blend", str(tree / "project-2/a.blend"), "/etc/passwd", "../../../../../../../../etc/passwd",
                 "/proc/self/root/etc/passwd", f"/proc/self/cwd/../{outside}/shots/a.blend", "~/a.blend", "file:///etc/passwd",
                 "shots\\..\\..\\outside"):
        assert NOT_THERE in refused(d, name), name
    renders(d, "there-and-back/project/shots/a.blend")  # it ends below the root
    renders(d, "hard.blend")  # a user who can make hard links can also copy


def test_what_is_there_and_what_is_not_are_refused_in_the_same_words(kilnd, tree):
    d = kilnd()
    assert refused(d, str(tree / "outside/shots/a.blend")) == refused(d, str(tree / "outside/shots/none.blend"))
    assert refused(d, "../outside/shots/a.blend") == refused(d, "../outside/shots/none.blend")
    (tree / "project/there").symlink_to(tree / "outside/shots/a.blend")
    (tree / "project/not-there").symlink_to(tree / "outside/shots/none.blend")
    assert refused(d, "there") == refused(d, "not-there")


def test_what_is_no_file_or_no_name(kilnd, tree):
    d = kilnd()
    project = tree / "project"
    os.mkfifo(project / "fifo.blend")
    (project / "directory.blend").mkdir()
    with_socket = subprocess.run(["python3", "-c", "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])",
                                  project / "socket.blend"])
    assert with_socket.returncode == 0
    special = ["fifo.blend", "directory.blend", "socket.blend", "shots"]
    if subprocess.run(["mknod", project / "device.blend", "c", "1", "5"], capture_output=True).returncode == 0:  # /dev/zero
        special.append("device.blend")
    for name in special:
        assert "not a regular file" in refused(d, name), name
    (project / "line\nend.blend").write_text(SCRIPT)
    for name in ("line\nend.blend", "a\0.blend", "shots/a.blend\0.png", "\x1b[2J", "a\x7f", "a\x85b"):
        assert "control characters" in refused(d, name), name
    assert "longer than a path" in refused(d, "x/" * 3000)
    assert NOT_THERE in refused(d, "y" * 300) and NOT_THERE in refused(d, "/".join(["z" * 200] * 15))
    assert "must be the path" in refused(d, "")
    assert "not a regular file" in refused(d, ".")
    assert d.get("/livez").status == 200


def waiting_job(d, tmp_path, first="shots/go.blend"):
    """A job that waits while another one has the slot; the other waits for the file go."""
    other = post(d, {"blend": first, "frames": "1"}).json()["id"]
    until(d, other, "running")
    return post(d, {"blend": "shots/a.blend", "frames": "1"}).json()["id"]


@pytest.mark.parametrize("swap", ["file", "directory", "fifo", "gone", "root"])
def test_what_is_exchanged_while_the_job_waits(kilnd, tree, swap):
    """The outside has a .blend of the same name, which must not be rendered."""
    d = kilnd("--slots", "1")
    project, outside = tree / "project", tree / "outside"
    go = tree / "go"
    (project / "shots/go.blend").write_text(f"{SCRIPT}wait_file {go}\n")
    ident = waiting_job(d, tree)
    if swap == "directory":
        (project / "shots").rename(project / "before")
        (project / "shots").symlink_to(outside / "shots")
    elif swap == "root":
        project.rename(tree / "before")
        project.symlink_to(outside)
    else:
        (project / "shots/a.blend").unlink()
        if swap == "file":
            (project / "shots/a.blend").symlink_to(outside / "shots/a.blend")
        elif swap == "fifo":
            os.mkfifo(project / "shots/a.blend")
    go.touch()
    done = until(d, ident, "succeeded", "failed")
    assert done["state"] == "failed" and done["failure"]["kind"] == "blend_unreadable", done
    why = {"file": "link", "directory": "link", "fifo": "not a regular file", "gone": "No such file", "root": "not below a project root"}
    assert why[swap] in done["failure"]["message"]
    assert done["current"] is None and d.frames(ident) == []


def test_a_retry_is_checked_as_well(kilnd, tree):
    d = kilnd()
    project, outside = tree / "project", tree / "outside"
    (project / "shots/a.blend").write_text(f"{SCRIPT}skip_frame 1\n")
    ident = post(d, {"blend": "shots/a.blend", "frames": "1", "retries": 0}).json()["id"]
    until(d, ident, "failed")
    (project / "shots/a.blend").unlink()
    (project / "shots/a.blend").symlink_to(outside / "shots/a.blend")
    assert act(d, ident, "retry").status == 202
    assert "link" in until(d, ident, "succeeded", "failed")["failure"]["message"]
    (project / "shots/a.blend").unlink()
    (project / "shots/a.blend").write_text(SCRIPT)
    assert act(d, ident, "retry").status == 202
    assert until(d, ident, "succeeded", "failed")["state"] == "succeeded", "what is right again renders"


def test_a_root_that_is_no_longer_one(kilnd, tree):
    d = kilnd("--slots", "1")
    (tree / "project/shots/go.blend").write_text(f"{SCRIPT}wait_file {tree / 'go'}\n")
    ident = waiting_job(d, tree)
    assert d.stop() == 0
    (tree / "go").touch()
    d.command[d.command.index("--project-root") + 1] = str(tree / "outside")
    d.start()
    done = until(d, ident, "succeeded", "failed")
    assert done["state"] == "failed" and "any more" in done["failure"]["message"]


def test_the_file_of_the_tutorial_may_lie_anywhere(start, tree):
    """Whoever sets kilnd up has named it, and may name a link."""
    (tree / "link.blend").symlink_to(tree / "outside/shots/a.blend")
    d = start(file=tree / "link.blend", arguments=["--project-root", tree / "project"])
    location = d.post_job(1, 2).headers["location"]
    assert d.until_final(location).text == "Job completed"
    assert pathlib.Path(tree / "link.blend").is_symlink()
