# SPDX-License-Identifier: Apache-2.0
"""Which feature works with which Blender: noted from the outcome of the tests that have the mark `feature`, for the table of
docs/blenders.md (tests/blenders/table)."""
import json
import os
import pathlib

# Parameters of a test that name the mode in which it ran.
MODES = ("process", "mode", "sandbox", "engine", "format", "packing")

_cells = {}


def cell_of(item):
    """(feature, mode) of a test; None for one without the mark."""
    mark = item.get_closest_marker("feature")
    if not mark:
        return None
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    values = [str(parameters[name]) for name in MODES if name in parameters]
    return mark.args[0], mark.kwargs.get("mode", ", ".join(values))


def note(item, report):
    """A test that fails decides its cell, then one that passes; the reason of one that is skipped stands where none ran."""
    cell = cell_of(item)
    if not cell or (report.when != "call" and report.passed):
        return
    if report.failed:
        outcome = "FAILED"
    elif report.skipped:
        outcome = report.longrepr[2].removeprefix("Skipped: ")
    else:
        outcome = "y"
    known = _cells.get(cell)
    if known is None or outcome == "FAILED" or (outcome == "y" and known != "FAILED"):
        _cells[cell] = outcome


def write(version):
    """Into the directory $FEATURES, where there is one: VERSION.json, a list of [feature, mode, outcome]."""
    directory = os.environ.get("FEATURES")
    if directory and _cells:
        pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
        rows = [[feature, mode, outcome] for (feature, mode), outcome in _cells.items()]
        (pathlib.Path(directory) / f"{version}.json").write_text(json.dumps(rows, indent=1) + "\n")
