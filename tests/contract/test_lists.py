# SPDX-License-Identifier: Apache-2.0
"""Lists of jobs and frames, searched and counted; the map of frames; /v1/system; words of a job that are changed."""
import datetime
import json
import sqlite3
import urllib.parse

import pytest
from test_jobs import act, job, patch, post, submit, until
from tokens import add


def walk(d, target, name="jobs", key="id"):
    """Everything from all pages."""
    seen, pages = [], 0
    while target:
        answer = d.get(target)
        assert answer.status == 200, answer
        seen += [row[key] for row in answer.json()[name]]
        link = answer.headers.get("link")
        target = link[1:link.index(">")] if link else None
        pages += 1
    return seen, pages


def search(d, text, more=""):
    return walk(d, f"/v1/jobs?q={urllib.parse.quote(text)}{more}")[0]


def test_jobs_are_searched(start):
    d = start("frame_seconds 0")
    made = [submit(d, "1", **fields) for fields in (
        {"name": "Shot_010 sunrise"}, {"name": "100% done\\"}, {"tags": ["Nightly", "shot"]}, {"name": "x" * 200}, {"name": "äöü"})]
    for ident in made:
        until(d, ident, "succeeded")
    assert search(d, "shot_010") == [made[0]] and search(d, "SHOT_") == [made[0]], "_ is no wildcard"
    assert search(d, "shot") == [made[2], made[0]]
    assert search(d, "%") == search(d, "\\") == search(d, "0% D") == [made[1]]
    assert search(d, "nightly") == [made[2]] and search(d, "nightlyshot") == []
    assert search(d, "scene.BLEND") == made[::-1]
    assert search(d, made[3][4:]) == [made[3]] and search(d, made[3].upper()) == [made[3]]
    assert search(d, "öü") == [made[4]] and search(d, "x" * 200) == [made[3]] and search(d, "ö" * 200) == []
    assert search(d, "' OR 1=1 --") == []
    assert search(d, "") == made[::-1]
    assert walk(d, "/v1/jobs?q=s&limit=2") == (made[::-1], 3), "every .blend has it"
    assert search(d, "s", "&tag=shot") == search(d, "s", "&tag=shot&state=succeeded") == [made[2]]
    assert search(d, "s", "&state=failed,queued") == []
    for query in ("q=" + "x" * 201, "q=" + "%C3%B6" * 201, "q=%00", "q=a%0Ab", "q=a&q=b"):
        assert d.get("/v1/jobs?" + query).status == 400, query
    assert d.get("/v1/jobs?q=" + "x" * 10_000).status == 414


def test_states_order_and_pages(start, tmp_path):
    d = start("skip_frame 2")
    made = [submit(d, "2" if n % 2 else "1", retries=0, tags=["t"], name=f"shot-{n % 4}") for n in range(8)]
    for ident in made:
        until(d, ident, "succeeded", "failed")
    newest, failed = made[::-1], made[::-1][::2]
    for more in ("", "&tag=t", "&q=shot-", "&tag=t&q=shot-"):
        assert walk(d, "/v1/jobs?state=failed,succeeded,running&limit=3" + more) == (newest, 3), more
        assert walk(d, "/v1/jobs?state=failed,queued&limit=2" + more) == (failed, 2), more
        assert walk(d, "/v1/jobs?sort=created&state=failed,succeeded&limit=3" + more) == (made, 3), more
        assert walk(d, "/v1/jobs?sort=-created&limit=4" + more) == (newest, 2), more
        assert walk(d, "/v1/jobs?sort=created&state=failed&limit=3" + more) == (failed[::-1], 2), more
    assert walk(d, "/v1/jobs?state=failed,failed")[0] == failed
    assert search(d, "SHOT-3", "&sort=created") == [made[3], made[7]]
    for query in ("state=", "state=failed,", "state=,failed", "state=failed;queued", "sort=", "sort=name", "fields=", "fields=id"):
        assert d.get("/v1/jobs?" + query).status == 400, query


def seconds_between(begin, end):
    return (datetime.datetime.fromisoformat(end) - datetime.datetime.fromisoformat(begin)).total_seconds()


def test_a_row_in_short(start):
    d = start("skip_frame 2")
    made = [submit(d, "1-4", retries=0, name="shot", priority=3), submit(d, "5-6")]
    for ident in made:
        until(d, ident, "failed", "succeeded")
    rows = d.get("/v1/jobs?fields=summary").json()["jobs"]
    assert [row["id"] for row in rows] == made[::-1]
    full = job(d, made[0])
    assert rows[1] == {**{name: full[name] for name in ("id", "name", "blend", "owner", "state", "wanted", "revision", "priority", "created_at",
                                                              "finished_at")}, "warnings": len(full["warnings"]),
                       "took": pytest.approx(seconds_between(full["started_at"], full["finished_at"]), abs=0.0015),
                       "total": 4, "done": 3, "failed": 1, "progress": 0.75, "seconds_left": None, "failure": "frames_missing", "waits": False}
    assert rows[0]["name"] is None and rows[0]["failure"] is None and rows[0]["progress"] == 1
    assert len(json.dumps(rows[1])) < 400


def test_jobs_are_counted(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}")
    none = dict.fromkeys(("queued", "running", "paused", "succeeded", "failed", "canceled"), 0)
    assert d.get("/v1/jobs/summary").json() == {"jobs": none, "total": 0}
    made = [submit(d, "1") for _ in range(4)]
    until(d, made[0], "running")
    act(d, made[1], "cancel")
    patch(d, made[2], {"paused": True})
    counted = {**none, "queued": 1, "running": 1, "paused": 1, "canceled": 1}
    assert d.get("/v1/jobs/summary").json() == {"jobs": counted, "total": 4}
    (tmp_path / "go").touch()
    until(d, made[3], "succeeded")
    assert d.ask("DELETE", f"/v1/jobs/{made[1]}").status == 204
    counted = {**none, "paused": 1, "succeeded": 2}
    assert d.get("/v1/jobs/summary").json() == {"jobs": counted, "total": 3}
    assert d.get("/v1/jobs/summary?owner=ann").json() == {"jobs": none, "total": 0}
    assert d.get("/v1/jobs/summary?state=queued").status == 400
    refused = d.ask("DELETE", "/v1/jobs/summary")
    assert refused.status == 405 and refused.headers["allow"] == "GET, HEAD, OPTIONS", "it is not the id of a job"


def test_owners_are_counted_and_searched(start, tmp_path):
    secrets = {name: add(tmp_path / "state", name, role) for name, role in (("ann", "submit"), ("bob", "submit"), ("eve", "read"))}
    d = start("frame_seconds 0")
    for name in ("ann", "ann", "bob"):
        made = post(d, {"blend": "scene.blend", "frames": "1"}, Authorization=f"Bearer {secrets[name]}")
        assert made.status == 202, made
    eve = {"Authorization": f"Bearer {secrets['eve']}"}
    assert d.get("/v1/jobs/summary").status == 401 and d.get("/v1/system").status == 401
    assert d.get("/v1/jobs/summary", **eve).json()["total"] == 3
    assert d.get("/v1/jobs/summary?owner=ann", **eve).json()["total"] == 2
    found = d.get("/v1/jobs?q=ANN&fields=summary&limit=1", **eve)
    assert [row["owner"] for row in found.json()["jobs"]] == ["ann"] and "q=ANN&fields=summary&limit=1&cursor=" in found.headers["link"]
    assert len(d.get("/v1/jobs?q=n&owner=ann&sort=created", **eve).json()["jobs"]) == 2
    assert d.get("/v1/jobs?q=bob&owner=ann", **eve).json()["jobs"] == []


def test_a_map_of_frames(start, tmp_path):
    d = start("skip_frame 4", "skip_frame 7")
    ident = submit(d, "1-10x3,20-22", retries=0)  # 1, 4, 7, 10, 20, 21, 22
    until(d, ident, "failed")
    for _ in range(2):  # read, and then known
        shown = d.get(f"/v1/jobs/{ident}/frames/map").json()
        assert shown["total"] == 7 and shown["runs"] == [["1", "done"], ["4-7", "failed"], ["10-22", "done"]]
    assert [b["frames"] for b in shown["bins"]] == ["1", "4", "7", "10", "20", "21", "22"]
    assert [b.get("failed") for b in shown["bins"]] == [None, 1, 1, None, None, None, None]
    assert [b["median_seconds"] is None for b in shown["bins"]] == [False, True, True, False, False, False, False]
    assert walk(d, f"/v1/jobs/{ident}/frames?state=failed", "frames", "frame") == ([4, 7], 1)
    assert walk(d, f"/v1/jobs/{ident}/frames?state=failed,done&limit=3", "frames", "frame") == ([1, 4, 7, 10, 20, 21, 22], 3)
    assert walk(d, f"/v1/jobs/{ident}/frames?state=done&limit=2", "frames", "frame") == ([1, 10, 20, 21, 22], 3)
    assert walk(d, f"/v1/jobs/{ident}/frames?state=pending,rendering", "frames", "frame") == ([], 1)
    for query in ("state=", "state=failed,", "state=queued", "limit=0"):
        assert d.get(f"/v1/jobs/{ident}/frames?{query}").status == 400, query
    for other in ("x", "j00000000000000000z"):
        assert d.get(f"/v1/jobs/{other}/frames/map").status == 404


def test_a_map_while_it_renders(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}")
    ident = submit(d, "1-3", process="own")
    until(d, ident, "running")
    shown = d.get(f"/v1/jobs/{ident}/frames/map").json()
    assert {state for _, state in shown["runs"]} <= {"pending", "rendering"} and shown["bins"][0]["median_seconds"] is None
    assert len(walk(d, f"/v1/jobs/{ident}/frames?state=pending,rendering", "frames", "frame")[0]) == 3
    (tmp_path / "go").touch()
    until(d, ident, "succeeded")
    assert d.get(f"/v1/jobs/{ident}/frames/map").json()["runs"] == [["1-3", "done"]]
    assert walk(d, f"/v1/jobs/{ident}/frames?state=done", "frames", "frame")[0] == [1, 2, 3]


def of_many_frames(d, ident, rows):
    """Gives a job that has ended rows for its frames, as kilnd would have written them."""
    assert d.stop() == 0
    with sqlite3.connect(d.state / "kiln.db") as database:
        database.execute("DELETE FROM frame WHERE job = ?", [ident])
        database.executemany("INSERT INTO frame VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)", ([ident, *row] for row in rows))
        failed = database.execute("SELECT count(*) FROM frame WHERE job = ? AND state = 'failed'", [ident]).fetchone()[0]
        done = database.execute("SELECT count(*) FROM frame WHERE job = ? AND state = 'done'", [ident]).fetchone()[0]
        database.execute("UPDATE job SET frames_done = ?, frames_failed = ? WHERE id = ?", [done, failed, ident])
    database.close()
    d.start()


def test_a_hundred_thousand_frames(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}")
    ident = submit(d, "1-100000")
    act(d, ident, "cancel")
    until(d, ident, "canceled")
    failed = lambda n: (n, "failed", 3, 0, 0, "crashed", "it has crashed " * 200)
    done = lambda n: (n, "done", 0, n / 1000, 5000, None, None)
    of_many_frames(d, ident, (failed(n) if n in (4101, 70_000) else done(n) for n in range(1, 100_001)))
    shown = d.get(f"/v1/jobs/{ident}/frames/map")
    assert len(shown.body) < 50_000
    assert shown.json()["runs"] == [["1-4100", "done"], ["4101", "failed"], ["4102-69999", "done"], ["70000", "failed"], ["70001-100000", "done"]]
    bins = shown.json()["bins"]
    assert len(bins) == 100 and bins[1] == {"frames": "1001-2000", "done": 1000, "median_seconds": 1.501}
    assert walk(d, f"/v1/jobs/{ident}/frames?state=failed", "frames", "frame") == ([4101, 70_000], 1)
    of_many_frames(d, ident, (failed(n) if n % 2 else done(n) for n in range(1, 100_001)))
    shown = d.get(f"/v1/jobs/{ident}/frames/map")
    assert len(shown.body) < 50_000 and shown.json()["runs"] is None and shown.json()["bins"][99]["failed"] == 500
    target, seen = f"/v1/jobs/{ident}/frames?limit=1000&state=failed", []
    for _ in range(3):  # each message of 3 KB: a page ends early
        answer = d.get(target)
        assert len(answer.body) < 1_000_100
        seen += [f["frame"] for f in answer.json()["frames"]]
        target = answer.headers["link"][1:answer.headers["link"].index(">")]
    assert seen == list(range(1, 2 * len(seen), 2)) and 500 < len(seen) < 1000


def test_words_of_a_job_are_changed(start, tmp_path):
    d = start(f"wait_file {tmp_path / 'go'}")
    ident = submit(d, "1", name="before-", tags=["a", "b"], note="one\ntwo")
    assert job(d, ident)["note"] == "one\ntwo"
    changed = patch(d, ident, {"name": "after-", "tags": ["b", "c"], "priority": 7})
    assert changed.status == 200
    assert {**changed.json(), "note": 0}.items() >= {"name": "after-", "tags": ["b", "c"], "priority": 7}.items()
    assert search(d, "before") == search(d, "a&tag=x") == [] and search(d, "after-") == [ident]
    assert walk(d, "/v1/jobs?tag=a")[0] == [] and walk(d, "/v1/jobs?tag=c")[0] == [ident]
    (tmp_path / "go").touch()
    done = until(d, ident, "succeeded")
    assert done["name"] == "after-" and done["note"] == "one\ntwo"
    changed = patch(d, ident, {"name": None, "note": "approved", "tags": None})
    assert changed.status == 200 and changed.json()["note"] == "approved"
    assert "name" not in changed.json() and "tags" not in changed.json() and changed.json()["revision"] > done["revision"]
    assert changed.json()["state"] == "succeeded" and search(d, "after-") == [] and search(d, ident) == [ident]
    assert patch(d, ident, {"priority": 1}).status == 409
    assert patch(d, ident, {"priority": 1, "name": "no"}).status == 409 and "name" not in job(d, ident), "all or nothing"
    assert d.stop() == 0
    d.start()
    assert job(d, ident)["note"] == "approved" and job(d, ident)["frames"]["done"] == 1


@pytest.mark.parametrize("body, pointer", [
    ({"name": "x" * 201}, "/name"), ({"name": "a\nb"}, "/name"), ({"name": 1}, "/name"), ({"note": "x" * 4001}, "/note"), ({"note": "\0"}, "/note"),
    ({"tags": "a"}, "/tags"), ({"tags": ["a", 1]}, "/tags/1"), ({"tags": [""]}, "/tags/0"), ({"tags": ["x"] * 21}, "/tags")])
def test_wrong_words_change_nothing(start, body, pointer):
    d = start("frame_seconds 0")
    ident = submit(d, "1", name="before", tags=["a"])
    before = until(d, ident, "succeeded")
    answer = patch(d, ident, body)
    assert answer.status == 422 and answer.json()["errors"][0]["pointer"] == pointer
    assert job(d, ident) == before


def test_only_its_owner_changes_a_jobs_words(start, tmp_path):
    ann, bob = (add(tmp_path / "state", name, "submit") for name in ("ann", "bob"))
    d = start("frame_seconds 0")
    made = post(d, {"blend": "scene.blend", "frames": "1"}, Authorization=f"Bearer {ann}").json()["id"]
    for secret, status in ((bob, 403), (ann, 200)):
        answer = d.ask("PATCH", f"/v1/jobs/{made}", '{"name":"mine"}', {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"})
        assert answer.status == status, answer


def retry(d, ident, body):
    return d.ask("POST", f"/v1/jobs/{ident}/retry", json.dumps(body), {"Content-Type": "application/json"})


def test_some_of_what_failed_is_tried_again(start, blend):
    d = start("skip_frame 2", "skip_frame 4")
    ident = submit(d, "1-5", retries=0)
    until(d, ident, "failed")
    for body, status in (({"frames": "1"}, 422), ({"frames": "2-3"}, 422), ({"frames": "9"}, 422), ({"frames": ""}, 422), ({"frames": 2}, 422),
                         ({"other": 1}, 422), ([], 422)):
        answer = retry(d, ident, body)
        assert answer.status == status and answer.json()["errors"][0]["pointer"] == "/frames", (body, answer)
    assert d.ask("POST", f"/v1/jobs/{ident}/retry", '{"frames":"2"}', {"Content-Type": "text/plain"}).status == 415
    blend()  # it skips none now
    assert retry(d, ident, {"frames": "2"}).status == 202
    ended = until(d, ident, "failed")
    assert ended["frames"]["failed"] == 1 and ended["frames"]["done"] == 4 and ended["failure"]["kind"] == "frames_missing"
    assert d.get(f"/v1/jobs/{ident}/frames/map").json()["runs"] == [["1-3", "done"], ["4", "failed"], ["5", "done"]]
    assert retry(d, ident, {}).status == 202
    until(d, ident, "succeeded")


def copy(d, ident, body, **headers):
    return d.ask("POST", f"/v1/jobs/{ident}/copies", json.dumps(body), {"Content-Type": "application/merge-patch+json", **headers})


def test_the_same_job_again(start):
    d = start("frame_seconds 0")
    ident = submit(d, {"from": 1, "to": 3}, name="first", tags=["a"], samples=16, priority=2, resolution=[64, 32], resolution_percentage=50)
    first = until(d, ident, "succeeded")
    same = copy(d, ident, {})
    assert same.status == 202 and same.headers["location"] == "/v1/jobs/" + same.json()["id"]
    given = ("name", "tags", "samples", "priority", "resolution", "resolution_percentage", "blend")
    assert same.json()["copy_of"] == ident and "copy_of" not in first and same.json()["id"] != ident
    assert {name: same.json()[name] for name in given} == {name: first[name] for name in given}
    assert same.json()["frames"]["set"] == first["frames"]["set"] == "1-3"
    other = copy(d, same.json()["id"], {"samples": None, "name": "finer", "frames": {"from": 5, "to": 6}, "tags": ["b"]}).json()
    assert other["copy_of"] == same.json()["id"] and other["name"] == "finer" and other["tags"] == ["b"] and "samples" not in other
    assert other["frames"]["set"] == "5,6" and other["priority"] == 2
    until(d, other["id"], "succeeded")
    assert d.stop() == 0
    d.start()
    assert job(d, other["id"])["copy_of"] == same.json()["id"]
    for body, pointer in (([], ""), ({"blend": None}, "/blend"), ({"frames": None}, "/frames"), ({"samples": 0}, "/samples"), ({"colour": 1}, "/colour"),
                          ({"copy_of": ident}, "/copy_of"), ({"frames": {"from": 1}}, "/frames")):
        answer = copy(d, ident, body)
        assert answer.status == 422 and answer.json()["errors"][0]["pointer"] == pointer, (body, answer)
    assert d.ask("POST", f"/v1/jobs/{ident}/copies", "{}", {"Content-Type": "text/plain"}).status == 415
    assert copy(d, "j00000000000000000z", {}).status == 404


def test_who_copies_owns_the_copy(start, tmp_path):
    secrets = {name: add(tmp_path / "state", name, role) for name, role in (("ann", "submit"), ("bob", "submit"), ("eve", "read"))}
    d = start("frame_seconds 0")
    made = post(d, {"blend": "scene.blend", "frames": "1"}, Authorization=f"Bearer {secrets['ann']}").json()["id"]
    again = copy(d, made, {}, Authorization=f"Bearer {secrets['bob']}")
    assert again.status == 202 and again.json()["owner"] == "bob" and again.json()["copy_of"] == made
    assert copy(d, made, {}, Authorization=f"Bearer {secrets['eve']}").status == 403


def test_the_system(start, tmp_path):
    secrets = {name: add(tmp_path / "state", name, name) for name in ("read", "submit", "admin")}
    secrets["inside"] = add(tmp_path / "state", "inside", "submit", "--project", str(tmp_path))
    d = start("frame_seconds 0", arguments=["--slots", "3"])
    seen = {name: d.get("/v1/system", Authorization=f"Bearer {secret}").json() for name, secret in secrets.items()}
    assert {name: of["you"] for name, of in seen.items()} == {
        "read": {"name": "read", "role": "read"}, "submit": {"name": "submit", "role": "submit"},
        "admin": {"name": "admin", "role": "admin"}, "inside": {"name": "inside", "role": "submit"}}
    assert seen["read"]["roots"] == [] and len(seen["submit"]["roots"]) > 0 and seen["submit"]["roots"] == seen["admin"]["roots"]
    assert seen["inside"]["roots"] == [str(tmp_path)]
    of = seen["read"]
    assert of["version"] and len(of["build"]) >= 16 and of["build"] == seen["admin"]["build"]
    assert of["features"]["tokens"] is True and of["features"]["tutorial"] is True and of["features"]["autorun"] == "never"
    assert of["queued"] == 0 and of["slots"]["taken"] == 0 and of["slots"]["total"] > 0 and of["waits_for"] is None
    assert of["disk"]["output_free_bytes"] > 0 and of["disk"]["reserve_bytes"] > 0 and of["limits"]["frames"] == 100_000
    assert str(tmp_path) not in json.dumps(of), "who may only read is told no paths"
