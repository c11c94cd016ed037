# SPDX-License-Identifier: Apache-2.0
"""What a run has seen of each scene and mode, for docs/pictures.md (tests/pictures/report)."""
import json
import os
import pathlib

_seen = {}


def note(case, mode, outcome):
    _seen.setdefault(case, {})[mode] = outcome


def write(version):
    """Into the directory $PICTURES, where there is one: VERSION.json, scene → mode → outcome."""
    directory = os.environ.get("PICTURES")
    if directory and _seen:
        pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
        (pathlib.Path(directory) / f"{version}.json").write_text(json.dumps(_seen, indent=1) + "\n")
