# SPDX-License-Identifier: Apache-2.0
"""GET /v1/blenders."""
import concurrent.futures
import os
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


def test_a_stop_does_not_wait_for_it(start, tmp_path):
    blender = tmp_path / "blender"
    blender.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] && exec {program('FAKE_BLENDER')} --version\n: > {tmp_path}/asked\nexec sleep 1000\n")
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
