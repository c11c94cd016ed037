# SPDX-License-Identifier: Apache-2.0
"""/v1/files: the .blend files below the project roots."""
import json
import os
import re

import pytest
from tokens import add, bearer


def names(answer):
    assert answer.status == 200, answer.text
    return [(entry["path"], entry["type"]) for entry in answer.json()["files"]]


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    for name in ("main.blend", "shots/010.blend", "shots/B.BLEND", "shots/notes.txt", "shots/old/x.blend", ".hidden.blend", ".git/y.blend"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"BLENDER-v304\n")
    return root


def test_directories_and_blends_are_listed(start, project):
    d = start(arguments=["--project-root", str(project)])
    assert names(d.get("/v1/files")) == [("main.blend", "blend"), ("shots", "directory")]
    assert names(d.get("/v1/files?path=shots")) == [("shots/010.blend", "blend"), ("shots/B.BLEND", "blend"), ("shots/old", "directory")]
    assert names(d.get("/v1/files?path=shots/")) == names(d.get("/v1/files?path=shots"))
    [first, *_] = d.get("/v1/files").json()["files"]
    assert first["bytes"] == 13 and re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", first["modified_at"])
    job = d.ask("POST", "/v1/jobs", f'{{"blend":"{names(d.get("/v1/files?path=shots"))[0][0]}","frames":"1"}}', {"Content-Type": "application/json"})
    assert job.status == 202, job.text


def test_pages(start, project):
    for number in range(25):
        (project / "many" / f"Ä {number:02}&=.blend").parent.mkdir(exist_ok=True)
        (project / "many" / f"Ä {number:02}&=.blend").write_bytes(b"BLENDER")
    d = start(arguments=["--project-root", str(project)])
    seen, target = [], "/v1/files?path=many&limit=10"
    while target:
        page = d.get(target)
        assert len(names(page)) <= 10
        seen += names(page)
        link = page.headers.get("link")
        target = link and re.fullmatch(r'<(.*)>; rel="next"', link).group(1)
    assert seen == [(f"many/Ä {number:02}&=.blend", "blend") for number in range(25)]


def test_no_way_leads_out(start, project, tmp_path):
    (tmp_path / "outside/deep").mkdir(parents=True)
    (tmp_path / "outside/secret.blend").write_bytes(b"BLENDER")
    (project / "away").symlink_to(tmp_path / "outside")
    (project / "away.blend").symlink_to(tmp_path / "outside/secret.blend")
    (project / "here.blend").symlink_to(project / "main.blend")
    (project / "loop").symlink_to(project / "loop")
    os.mkfifo(project / "pipe.blend")
    (project / os.fsdecode(b"not-utf-8-\xff.blend")).write_bytes(b"BLENDER")
    d = start(arguments=["--project-root", str(project)])
    assert names(d.get("/v1/files")) == [("here.blend", "blend"), ("main.blend", "blend"), ("shots", "directory")]
    for path in ("away", "..", "shots/../..", "main.blend", "gone", "loop", "away/deep", "/etc", "%2F", "a%0Ab", "shots%00x", "x" * 4000):
        assert d.get(f"/v1/files?path={path}").status == 404, path
    for query in ("limit=0", "limit=1001", "other=1", "path=a&path=b"):
        assert d.get(f"/v1/files?{query}").status == 400, query


def test_of_several_roots_the_first_counts(start, project, tmp_path):
    other = tmp_path / "other"
    (other / "shots").mkdir(parents=True)
    (other / "shots/020.blend").write_bytes(b"BLENDER")
    (other / "main.blend").write_bytes(b"BLENDER, another")
    d = start(arguments=["--project-root", f"{project}:{other}"])
    assert names(d.get("/v1/files")) == [("main.blend", "blend"), ("shots", "directory")]
    assert d.get("/v1/files").json()["files"][0]["bytes"] == 13
    assert ("shots/020.blend", "blend") in names(d.get("/v1/files?path=shots"))


def test_who_may_look(start, project, tmp_path):
    readers = add(tmp_path / "state", "reader", "read")
    limited = add(tmp_path / "state", "ann", "submit", "--project", str(project / "shots/old"))
    d = start(arguments=["--project-root", str(project)])
    assert d.get("/v1/files").status == 401
    assert d.get("/v1/files", **bearer(readers)).status == 403
    assert names(d.get("/v1/files", **bearer(limited))) == [("shots", "directory")]
    assert names(d.get("/v1/files?path=shots", **bearer(limited))) == [("shots/old", "directory")]
    assert names(d.get("/v1/files?path=shots/old", **bearer(limited))) == [("shots/old/x.blend", "blend")]
