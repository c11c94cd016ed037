# SPDX-License-Identifier: Apache-2.0
"""Tokens that expire, and tokens that are limited to some projects."""
import datetime
import http.client
import json
import os

import pytest
from daemon import stays_asleep, wait_for
from tokens import add, bearer, token

JSON = {"Content-Type": "application/json"}
SCENE = "BLENDER-v304\nframe_seconds 0.01\n"


def in_seconds(seconds):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def submit(d, secret, blend):
    return d.ask("POST", "/v1/jobs", json.dumps({"blend": str(blend), "frames": "1"}), {**JSON, **bearer(secret)})


def test_a_token_expires_and_its_streams_end(start, tmp_path):
    state = tmp_path / "state"
    kept = add(state, "kept", "read")
    until = in_seconds(6)
    secret = add(state, "short", "read", "--expires", until)
    d = start("frame_seconds 0.01")
    streams, connections = {}, []
    for name, value in (("short", secret), ("kept", kept)):
        connections.append(http.client.HTTPConnection("127.0.0.1", d.port, timeout=60))
        connections[-1].request("GET", "/v1/events", headers=bearer(value))
        streams[name] = connections[-1].getresponse()
        assert streams[name].status == 200 and streams[name].readline()
    while streams["short"].readline():  # until the stream ends
        pass
    assert until <= in_seconds(0), "not before its time"
    refused = d.ask("GET", "/v1/jobs", headers=bearer(secret))
    assert refused.status == 401 and "token short has expired" in refused.json()["detail"] and until in refused.json()["detail"]
    assert refused.headers["www-authenticate"] == 'Bearer realm="kiln", error="invalid_token"'
    assert d.ask("GET", "/livez", headers=bearer(secret)).status == 200
    for _ in range(50):  # does not count as a wrong token
        assert d.ask("GET", "/v1/jobs", headers=bearer(secret)).status == 401
    assert d.ask("GET", "/v1/jobs", headers=bearer("kiln_wrong")).status == 401
    assert not streams["kept"].isclosed() and d.ask("GET", "/v1/jobs", headers=bearer(kept)).status == 200
    assert d.log().count("a token has expired, and is refused from now on token=short") == 1
    listed = {line.split()[0]: line for line in token("list", state=state).stdout.splitlines()}
    assert listed["short"].endswith(f"  expired {until}") and "expire" not in listed["kept"]
    for connection in connections:
        connection.close()
    d.stop()
    d.start()
    assert "a token has expired, and is refused token=short" in d.log()
    assert d.ask("GET", "/v1/jobs", headers=bearer(secret)).status == 401


def test_its_time_may_be_changed(start, tmp_path):
    state = tmp_path / "state"
    secret = add(state, "ci", "submit", "--expires", "30d")
    d = start("frame_seconds 0.01")
    assert d.ask("GET", "/v1/jobs", headers=bearer(secret)).status == 200
    assert "  expires " in token("list", state=state).stdout
    text = (state / "tokens").read_text()
    expiry = text.split("expires=")[1].split()[0]
    for when, status in (("2026-01-01T00:00:00Z", 401), (in_seconds(3600), 200), ("2026-01-02T00:00:00Z", 401), ("9999-12-31T23:59:59Z", 200)):
        (state / "tokens").write_text(text.replace(expiry, when))
        wait_for(lambda: d.ask("GET", "/v1/jobs", headers=bearer(secret)).status == status, when)
    wait_for(lambda: stays_asleep(d.process.pid, 1), "a year far away does not keep it awake")


@pytest.mark.parametrize("arguments, says", [
    (["--expires", ""], "neither a time"), (["--expires", "tomorrow"], "30d"), (["--expires", "2020-01-01T00:00:00Z"], "over already"),
    (["--expires", "0d"], "neither"), (["--expires", "-1d"], "neither"), (["--expires", "99999999999d"], "neither"),
    (["--expires", "2999-01-01T00:00:00Z"], "100 years"), (["--expires", "1d\n"], "neither"),
    (["--project", ""], "cannot be a project"), (["--project", "/a:/b"], "without ':'"), (["--project", "/a\nx admin"], "cannot be"),
    (["--project", "/" + "a" * 5000], "cannot be"), (["--project", "/a", "--project", ""], "cannot be a project"),
])
def test_wrong_limits_make_no_token(tmp_path, arguments, says):
    made = token("add", "x", "--role", "submit", *arguments, state=tmp_path)
    assert made.returncode == 2 and says in made.stderr and made.stdout == "", made
    assert not (tmp_path / "tokens").exists()


@pytest.fixture
def tree(tmp_path):
    """Three projects below one root, each with a file of the same name."""
    for place in ("a", "b", "ab"):
        (tmp_path / "projects" / place).mkdir(parents=True)
        (tmp_path / "projects" / place / "scene.blend").write_text(SCENE)
    (tmp_path / "projects/b/secret.blend").write_text(SCENE)
    return tmp_path / "projects"


@pytest.fixture
def limited(start, tree, tmp_path):
    """A kilnd with that root, whose POST /job renders a file of `b`, and the secrets of its tokens."""
    made = {"a": add(tmp_path / "state", "a", "submit", "--project", f"{tree}/a/"),
            "both": add(tmp_path / "state", "both", "submit", "--project", tree / "a", "--project", tree / "b"),
            "chief": add(tmp_path / "state", "chief", "admin", "--project", tree / "a"),
            "all": add(tmp_path / "state", "all", "admin")}
    return start(file=tree / "b/scene.blend", arguments=["--project-root", tree]), made


def test_only_files_of_its_projects_are_rendered(limited, tree):
    d, secrets = limited
    os.symlink(tree / "b/secret.blend", tree / "a/link.blend")
    os.symlink(tree / "b", tree / "a/dir")
    os.symlink(tree / "a/scene.blend", tree / "b/back.blend")
    for name in ("a/scene.blend", tree / "a/scene.blend", "./b/../a//scene.blend", "b/back.blend"):
        assert submit(d, secrets["a"], name).status == 202, name
    not_there = submit(d, secrets["a"], "a/nothing.blend").json()["errors"][0]
    assert "that this token may use" in not_there["detail"] and str(tree / "a") in not_there["detail"]
    for name in ("b/scene.blend", tree / "b/secret.blend", "a/../b/secret.blend", "a/link.blend", "a/dir/secret.blend", "ab/scene.blend",
                 "b/nothing.blend", "/etc/passwd", "a/scene.blend/../../b/scene.blend", "../projects/b/scene.blend"):
        refused = submit(d, secrets["a"], name)
        assert refused.status == 422 and refused.json()["errors"] == [not_there], (name, refused)
    for name in ("a/scene.blend", "b/secret.blend"):
        assert submit(d, secrets["both"], name).status == 202
    assert submit(d, secrets["chief"], "b/scene.blend").status == 422, "whatever its role"
    assert submit(d, secrets["all"], "b/scene.blend").status == 202


def test_the_tutorials_file_is_of_a_project_too(limited):
    d, secrets = limited
    for name, status in (("a", 403), ("chief", 403), ("both", 202), ("all", 202)):
        given = d.ask("POST", "/job", '{"from":1,"to":1}', {**JSON, **bearer(secrets[name])})
        assert given.status == status, (name, given)
        assert status == 202 or (given.headers["content-type"].startswith("text/plain") and "of these projects" in given.text)


def test_what_was_taken_stays_and_is_not_rendered_again(limited, tmp_path, tree):
    d, secrets = limited
    job = submit(d, secrets["both"], "b/scene.blend").json()["id"]
    wait_for(lambda: d.ask("GET", f"/v1/jobs/{job}", headers=bearer(secrets["all"])).json()["state"] == "succeeded", "it is done")
    again = d.ask("POST", f"/v1/jobs/{job}/retry", headers=bearer(secrets["chief"]))
    assert again.status == 403 and "of these projects" in again.json()["detail"]
    tokens = tmp_path / "state/tokens"
    tokens.write_text(tokens.read_text().replace(f"projects={tree}/a:{tree}/b", f"projects={tree}/a"))
    wait_for(lambda: submit(d, secrets["both"], "b/scene.blend").status == 422, "the token has one project less")
    again = d.ask("POST", f"/v1/jobs/{job}/retry", headers=bearer(secrets["both"]))
    assert again.status == 403 and str(tree / "a") in again.json()["detail"]
    assert d.ask("POST", f"/v1/jobs/{job}/retry", headers=bearer(secrets["all"])).status == 409, "all of it is rendered"
    assert d.ask("DELETE", f"/v1/jobs/{job}", headers=bearer(secrets["both"])).status == 204, "it is its owner's still"


def test_the_list_shows_projects(tree, tmp_path):
    add(tmp_path, "one", "submit", "--project", f"{tree}/a/")
    add(tmp_path, "all", "submit")
    far = token("add", "far", "--role", "submit", "--project", "/elsewhere", "--project-root", tree, state=tmp_path)
    assert far.returncode == 0 and "warning: /elsewhere is not below" in far.stderr
    listed = {line.split()[0]: line for line in token("list", state=tmp_path).stdout.splitlines()}
    assert listed["one"].endswith(f"  projects {tree}/a") and listed["far"].endswith("  projects /elsewhere")
    assert len(listed["all"].split()) == 3
