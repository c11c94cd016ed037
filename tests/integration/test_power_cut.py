# SPDX-License-Identifier: Apache-2.0
"""The simulation of a loss of power: it keeps synced data, and loses other data."""
import contextlib
import os
import random
import sqlite3
import subprocess
import sys

import daemon as support
import power_cut
import pytest

# Commits rows without end, and prints the number of each after its commit.
COMMIT = """
import os, sqlite3, sys
path, journal, synchronous = sys.argv[1:]
db = sqlite3.connect(path, isolation_level=None)
db.execute(f"PRAGMA journal_mode={journal}")
db.execute(f"PRAGMA synchronous={synchronous}")
db.execute("PRAGMA wal_autocheckpoint=20")
db.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, data BLOB)")
n = db.execute("SELECT coalesce(max(n), 0) FROM t").fetchone()[0]
while True:
    n += 1
    db.execute("INSERT INTO t VALUES (?, ?)", (n, os.urandom(n % 7 * 1000)))
    os.write(1, b"%d\\n" % n)
"""

# Publishes 40 frames one after the other: write, sync or not, rename, sync of the directory or not.
PUBLISH = """
import os, sys
output, sync_file, sync_directory = sys.argv[1], sys.argv[2] == "True", sys.argv[3] == "True"
os.mkdir(f"{output}/work")
os.mkdir(f"{output}/shot")
directory = os.open(f"{output}/shot", os.O_RDONLY)
for n in range(40):
    with open(f"{output}/work/{n}.tmp", "wb", buffering=0) as file:
        file.write(bytes([n + 1]) * 30000)
        if sync_file:
            os.fsync(file.fileno())
    os.rename(f"{output}/work/{n}.tmp", f"{output}/shot/{n}.png")
    if sync_directory:
        os.fsync(directory)
"""

pytestmark = pytest.mark.once


@pytest.fixture
def disk(tmp_path):
    def make(strict=False):
        root = tmp_path / "root"
        root.mkdir()
        return power_cut.Disk(support.program("POWER_CUT"), [root], tmp_path / "mirror", strict)

    return make


def run(disk, script, *arguments):
    return subprocess.Popen([sys.executable, "-S", "-c", script, *map(str, arguments)], stdout=subprocess.PIPE,
                            env=os.environ | disk.environment())


def acknowledged_then_lost(disk, rounds, journal, synchronous, cut_rng):
    """Runs, kills and cuts; how many rounds lost a row that was acknowledged. The database must stay whole."""
    rng = random.Random(5)
    path = disk.roots[0] / "jobs.db"
    lost = 0
    for _ in range(rounds):
        process = run(disk, COMMIT, path, journal, synchronous)
        acknowledged = [process.stdout.readline() for _ in range(rng.randint(1, 60))]
        process.kill()
        acknowledged += process.stdout.readlines()
        process.communicate()
        last = int(acknowledged[-1])
        disk.cut(cut_rng)
        with contextlib.closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            rows = {n for n, in db.execute("SELECT n FROM t")} if tables else set()
        disk.settle()  # this look at the database has changed it
        assert rows == set(range(1, len(rows) + 1))
        lost += len(rows) < last
    return lost


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("journal, synchronous, rounds", [("WAL", "FULL", 50), ("DELETE", "EXTRA", 10)])
def test_a_synced_commit_survives(disk, journal, synchronous, rounds, strict):
    assert acknowledged_then_lost(disk(strict), rounds, journal, synchronous, random.Random(7)) == 0


def test_a_synced_commit_survives_when_nothing_else_does(disk):
    assert acknowledged_then_lost(disk(), 30, "WAL", "FULL", None) == 0


def test_a_commit_without_sync_is_lost(disk):
    assert acknowledged_then_lost(disk(), 10, "WAL", "NORMAL", random.Random(7)) > 0


def test_a_database_without_any_sync_breaks(disk):
    with pytest.raises((AssertionError, sqlite3.DatabaseError)):
        acknowledged_then_lost(disk(), 60, "WAL", "OFF", random.Random(7))


def published(disk, rng, sync_file, sync_directory):
    """After the cut: how many frames of 40 are there, and how many of them are whole."""
    output = disk.roots[0]
    assert run(disk, PUBLISH, output, sync_file, sync_directory).wait() == 0
    disk.cut(rng)
    frames = list(output.glob("shot/*.png"))
    whole = [frame for frame in frames if frame.read_bytes() == bytes([int(frame.stem) + 1]) * 30000]
    return len(frames), len(whole)


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_a_frame_published_with_both_syncs_is_there_and_whole(disk, seed):
    assert published(disk(), seed and random.Random(seed), True, True) == (40, 40)


def test_a_frame_published_without_sync_of_the_file_may_be_broken(disk):
    frames, whole = published(disk(), random.Random(1), False, True)
    assert frames == 40
    assert 0 < whole < 40


def test_a_frame_never_synced_is_empty_at_worst(disk):
    assert published(disk(), None, False, True) == (40, 0)


def test_a_frame_published_without_sync_of_the_directory_is_whole_but_may_be_missing(disk):
    frames, whole = published(disk(), None, True, False)
    assert frames == whole == 0


def test_strict_loses_a_directory_whose_name_was_not_synced(disk):
    assert published(disk(strict=True), None, True, True) == (0, 0)


def test_modes_survive_and_what_is_there_at_the_start_is_durable(disk):
    d = disk()
    secret = d.roots[0] / "secret"
    secret.write_bytes(b"x")
    secret.chmod(0o600)
    d.roots[0].chmod(0o700)
    again = power_cut.Disk(d.library, d.roots, d.mirror)
    secret.write_bytes(b"changed")
    again.cut()
    assert secret.read_bytes() == b"x"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert d.roots[0].stat().st_mode & 0o777 == 0o700
