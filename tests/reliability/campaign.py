# SPDX-License-Identifier: Apache-2.0
"""What the campaigns of kills share: a daemon whose published frames are noted, the kill, and the checks afterwards."""
import hashlib
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from daemon import Daemon, wait_for  # noqa: E402

FINAL = ("succeeded", "failed", "canceled")


def working_in(directory):
    """The process groups of Blenders that work below a directory."""
    groups = set()
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                if fields[0] != "Z" and os.readlink(entry / "cwd").startswith(str(directory)):
                    groups.add(int(fields[2]))
            except OSError:
                continue
    return groups


def frames_of(text):
    for term in text.split(","):
        ends, _, step = term.partition("x")
        first, _, last = ends.partition("-")
        yield from range(int(first), int(last or first) + 1, int(step or 1))


class Campaign:
    def __init__(self, options, directory, scenes, arguments=(), counts=()):
        self.options = options
        self.chance = random.Random(options.seed)
        self.directory = directory
        subprocess.run([ROOT / "tests/scenes/make", directory / "scenes", *scenes], check=True)
        os.environ["KILND"] = options.kilnd
        self.daemon = Daemon(directory, shutil.which("blender"), directory / "scenes/tiny.blend", ["--stop-grace", "2", *arguments])
        self.published = {}  # path -> (digest, inode)
        self.counts = {name: 0 for name in counts}

    def note_published(self):
        """What stands at its final path must never change again."""
        for path in self.daemon.output.glob("j*/blender-render_*"):
            now = (hashlib.sha256(path.read_bytes()).hexdigest(), path.lstat().st_ino)
            if self.published.setdefault(path, now) != now:
                self.counts["published frames that changed"] += 1
                print(f"changed: {path}", flush=True)

    def kill(self):
        d = self.daemon
        os.kill(d.process.pid, signal.SIGKILL)
        d.process.wait()
        self.counts["kills of the daemon"] += 1
        if self.chance.random() < self.options.power_loss:
            self.counts["of these with Blender (power loss)"] += 1
            for group in working_in(d.output):
                os.killpg(group, signal.SIGKILL)
            wait_for(lambda: not working_in(d.output), "Blender is gone")
        self.note_published()

    def end_of(self, ident):
        """The final job, or one that is "lost"."""
        def final():
            answer = self.daemon.get(f"/v1/jobs/{ident}")
            if answer.status == 404:
                return {"state": "lost"}
            return answer.json() if answer.json()["state"] in FINAL else None
        return wait_for(final, f"{ident} ends", 600)

    def frames_that_do_not_decode(self, paths):
        decoder = pathlib.Path(self.options.kilnd).with_name("kiln-image")
        broken = 0
        for start in range(0, len(paths), 200):
            said = subprocess.run([decoder, *paths[start:start + 200]], capture_output=True, text=True)
            broken += said.stdout.count('"ok":false')
        return broken

    def attempts_adopted(self):
        return self.daemon.log().count("attempt goes on")

    def query(self, sql):
        store = sqlite3.connect(f"file:{self.daemon.state / 'kiln.db'}?mode=ro", uri=True)
        try:
            return store.execute(sql).fetchall()
        finally:
            store.close()

    def rendered_twice(self):
        """Frames assigned to an attempt although they had been published before it began."""
        twice = 0
        for ident, number, frames, began in self.query("SELECT job, number, frames, began_ms FROM attempt"):
            for frame in frames_of(frames):
                for path in self.daemon.output.glob(f"{ident}/blender-render_{frame:04}.*"):
                    if path.stat().st_ctime_ns // 1_000_000 < began:  # the time of its rename
                        print(f"again: {ident} frame {frame} in attempt {number}", flush=True)
                        twice += 1
        return twice

    def end(self):
        """Ends whatever a campaign has left."""
        for group in working_in(self.daemon.output):
            os.killpg(group, signal.SIGKILL)
        if self.daemon.process and self.daemon.process.poll() is None:
            self.daemon.process.kill()

    def print_table(self):
        print(f"\n| seed {self.options.seed} | |\n|---|---|")
        for name, count in self.counts.items():
            print(f"| {name} | {count} |")
