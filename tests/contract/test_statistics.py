# SPDX-License-Identifier: Apache-2.0
"""/v1/statistics: what was rendered, by day or by owner."""
import datetime
import json
import sqlite3

import pytest
from daemon import wait_for
from tokens import add, bearer


def today():
    return datetime.datetime.now(datetime.timezone.utc).date()


def rendered(d, frames, **headers):
    made = d.ask("POST", "/v1/jobs", json.dumps({"blend": "scene.blend", "frames": frames}), {"Content-Type": "application/json", **headers})
    assert made.status == 202, made.text
    ident = made.json()["id"]
    wait_for(lambda: d.get(f"/v1/jobs/{ident}", **headers).json()["state"] in ("succeeded", "failed"), "it ends")
    return ident


def rows(d, query="", **headers):
    answer = d.get(f"/v1/statistics{query}", **headers)
    assert answer.status == 200, answer.text
    return answer.json()["rows"]


def end_on(d, ident, day):
    """Moves the end of a job, while kilnd is away."""
    with sqlite3.connect(d.state / "kiln.db") as store:
        ms = int(datetime.datetime.combine(day, datetime.time(23, 59, 59), datetime.timezone.utc).timestamp() * 1000)
        assert store.execute("UPDATE job SET finished_ms = ? WHERE id = ?", (ms, ident)).rowcount == 1


def test_days(start):
    d = start()
    assert rows(d) == []
    first, second = rendered(d, "1-3"), rendered(d, "1-2")
    assert d.stop() == 0
    end_on(d, first, today() - datetime.timedelta(29))
    end_on(d, second, today() - datetime.timedelta(30))
    d.start()
    rendered(d, "5")
    [old, new] = rows(d)
    assert old["day"] == str(today() - datetime.timedelta(29)) and new["day"] in (str(today()), str(today() - datetime.timedelta(1)))
    assert old["jobs"] == {"succeeded": 1, "failed": 0, "canceled": 0} and old["frames"] == 3 and old["render_seconds"] > 0
    assert new["frames"] == 1
    day = today() - datetime.timedelta(30)
    assert [row["frames"] for row in rows(d, f"?from={day}&to={day}")] == [2]
    assert d.get(f"/v1/statistics?to={day}").json()["from"] == str(day - datetime.timedelta(29))
    assert [row["frames"] for row in rows(d, f"?from={day}")] == [2, 3] + [1] * (new["day"] == str(today() - datetime.timedelta(1)))
    assert d.ask("DELETE", f"/v1/jobs/{first}").status == 204
    assert [row["frames"] for row in rows(d)] == [1]


def test_owners(start, tmp_path):
    ann, ben = (bearer(add(tmp_path / "state", name, "submit")) for name in ("ann", "ben"))
    d = start()
    rendered(d, "1-2", **ann)
    rendered(d, "1", **ben)
    assert [(row["owner"], row["frames"]) for row in rows(d, "?by=owner", **ann)] == [("ann", 2), ("ben", 1)]
    assert [row["frames"] for row in rows(d, "?owner=ben", **ann)] == [1]
    assert rows(d, "?owner=nobody&by=owner", **ann) == []


@pytest.mark.parametrize("query", ["from=yesterday", "from=2026-02-30", "from=2026-1-1", "from=1969-12-31", "to=2026-13-01", "to=", "by=month",
                                   "from=2026-11-02&to=2026-11-01", "from=2020-01-01&to=2026-01-01", "other=1", "from=2026-11-0x",
                                   "from=2026-01-01&from=2026-01-01", "from=99999-01-01", "from=2026-00-10", "to=+202-01-01"])
def test_what_is_no_range(start, query):
    refused = start().get(f"/v1/statistics?{query}")
    assert refused.status == 400 and refused.json()["detail"]
