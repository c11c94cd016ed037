# SPDX-License-Identifier: Apache-2.0
"""Jobs that pause themselves after test frames; the log of one frame."""
import pytest
from test_jobs import FINAL, patch, post, submit, until


def done(d, ident):
    return [f["frame"] for f in d.get(f"/v1/jobs/{ident}/frames?state=done").json()["frames"]]


@pytest.mark.local
@pytest.mark.parametrize("fields", [{}, {"process": "own"}, {"processes": 2}, {"order": "spread"}])
def test_a_job_pauses_itself_after_its_test_frames(start, fields):
    d = start("frame_seconds 0.01")
    ident = submit(d, "1-9", hold_after="9,1,4", **fields)
    held = until(d, ident, "paused")
    assert done(d, ident) == [1, 4, 9]
    assert held["hold_after"] == "1,4,9" and held["wanted"] == "pause" and held["frames"]["done"] == 3
    assert d.stop() == 0
    d.start()
    assert until(d, ident, "paused")["hold_after"] == "1,4,9", "a restart is not told to go on"
    assert patch(d, ident, {"paused": False}).status == 200
    over = until(d, ident, *FINAL)
    assert over["state"] == "succeeded" and "hold_after" not in over and len(done(d, ident)) == 9


@pytest.mark.local
def test_it_holds_also_if_they_fail_or_it_was_paused_before(start, tmp_path):
    d = start("skip_frame 5", "frame_seconds 0.01")
    ident = submit(d, "1-9", hold_after="5", retries=0)
    assert until(d, ident, "paused")["frames"]["failed"] == 1
    patch(d, ident, {"paused": False})
    over = until(d, ident, *FINAL)
    assert over["state"] == "failed" and done(d, ident) == [1, 2, 3, 4, 6, 7, 8, 9]


@pytest.mark.local
def test_a_pause_before_the_test_frames_does_not_lift_it(start, tmp_path):
    go = tmp_path / "go"
    d = start(f"wait_file {go}")
    first = submit(d, "1")  # has the only slot
    ident = submit(d, "1-3", hold_after="2")
    patch(d, ident, {"paused": True})
    until(d, ident, "paused")
    patch(d, ident, {"paused": False})
    go.touch()
    assert until(d, first, *FINAL)["state"] == "succeeded"
    assert until(d, ident, "paused")["hold_after"] == "2" and done(d, ident) == [2]
    copied = d.ask("POST", f"/v1/jobs/{ident}/copies", "{}", {"Content-Type": "application/json"}).json()
    assert "hold_after" not in copied and until(d, copied["id"], *FINAL)["state"] == "succeeded"
    d.ask("POST", f"/v1/jobs/{ident}/cancel")
    assert until(d, ident, *FINAL)["state"] == "canceled"


@pytest.mark.local
def test_all_frames_as_test_frames_are_a_job(start):
    d = start("frame_seconds 0.01")
    assert until(d, submit(d, "1-3", hold_after="1-3"), *FINAL)["state"] == "succeeded"


@pytest.mark.local
@pytest.mark.parametrize("wrong", ["4", "0-3", "x", "", "3-1", 7, None, [1], {"from": 1, "to": 2}, "1," * 50_000])
def test_wrong_test_frames_are_refused(start, wrong):
    d = start()
    answer = post(d, {"blend": "scene.blend", "frames": "1-3", "hold_after": wrong})
    assert answer.status == 422 and answer.json()["errors"][0]["pointer"] == "/hold_after", answer


@pytest.mark.local
def test_the_log_of_a_frame(start, tmp_path):
    d = start("samples 2", "print before all", "raise 11 at 2", f"once {tmp_path / 'mark'}", "frame_seconds 0.01")
    ident = submit(d, "1-3", process="own")
    assert until(d, ident, *FINAL)["state"] == "succeeded"
    log = d.get(f"/v1/jobs/{ident}/log")
    parts = {n: d.get(f"/v1/jobs/{ident}/log?frame={n}") for n in (1, 2, 3)}
    for n, part in parts.items():
        assert part.status == 200 and part.headers["content-type"] == "text/plain; charset=utf-8"
        assert f"Fra:{n} " in part.text and f"blender-render_000{n}" in part.text and "before all" not in part.text
        assert not [m for m in (1, 2, 3) if m != n and (f"Fra:{m} " in part.text or f"blender-render_000{m}" in part.text)]
        assert set(part.text.split("\n")) <= set(log.text.replace("\r", "\n").split("\n"))
    for query, expected in (("frame=4", 404), ("frame=x", 400), ("frame=", 400), ("frame=-1", 400), ("frame=01", 400),
                            ("frame=1&frame=2", 400), ("frame=99999999999999999999", 400), ("x=1", 400)):
        assert d.get(f"/v1/jobs/{ident}/log?{query}").status == expected, query
    assert d.get("/v1/jobs/j0123456789abcdefgh/log?frame=1").status == 404
