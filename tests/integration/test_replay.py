# SPDX-License-Identifier: Apache-2.0
"""The simulator of Retry-After replays a recorded job as kilnd saw it: it gives the same answers at the same moments."""
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import subprocess

import pytest

import daemon

ROOT = pathlib.Path(__file__).resolve().parents[2]


def recorder():
    loader = importlib.machinery.SourceFileLoader("record", str(ROOT / "tests/benchmark/traces/record"))
    made = importlib.util.module_from_spec(importlib.util.spec_from_loader("record", loader))
    loader.exec_module(made)
    return made


@pytest.mark.once
@pytest.mark.skipif(not os.environ.get("RETRY_SIM"), reason="kiln-retry-sim is not built: KILN_BENCHMARKS is off")
@pytest.mark.parametrize("mode", ["session", "own"])
def test_the_replay_answers_as_kilnd_did(tmp_path, blender, mode):
    record = recorder()
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    said = tmp_path / "said"
    wrapper = tmp_path / "blender"
    record.write_wrapper(wrapper, blender.path, said, blender.version)
    kiln = daemon.Daemon(tmp_path, wrapper, None, ["--project-root", scenes, "--sandbox", "off"]).start()
    try:
        record.make_scene(blender.path, scenes, "heavy")
        body = {"blend": "heavy.blend", "frames": "1-4", "process": mode, "samples": 12}
        made = {"scene": "heavy", "blender": blender.version, "mode": mode, "engine": "CYCLES", "cores": 2, "frames": "1-4",
                **record.record(kiln, body, said, 0.1)}
    finally:
        kiln.stop()
    assert made["events"][-1][2] == "succeeded"
    file = tmp_path / "recording.jsonl"
    file.write_text(json.dumps(made) + "\n")
    compared = subprocess.run([daemon.program("RETRY_SIM"), "--recordings", "--answers", file], capture_output=True, text=True)
    print(compared.stdout)
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert int(compared.stdout.split()[0]) >= 5, compared.stdout
