# SPDX-License-Identifier: Apache-2.0
"""Run by a Blender of kill9_attacked, in the place of a scene that has found a way to run code: a process of its group that
meddles with every frame as it is written, and makes files in the names of other jobs, until its Blender ends.
hostile_scene.json beside it lists the jobs; forged.png is what it would like to see published in their names."""
import ctypes
import glob
import json
import os
import pathlib
import random
import time

HERE = pathlib.Path(__file__).parent
JUNK = b"this is no image at all"
FORGED = (HERE / "forged.png").read_bytes()
libc = ctypes.CDLL(None, use_errno=True)


def rename(name):
    """Another file takes its place, and it comes back."""
    other = name + ".other"
    pathlib.Path(other).write_bytes(FORGED)
    for _ in range(random.randint(1, 20)):
        libc.renameat2(-100, os.fsencode(name), -100, os.fsencode(other), 2)  # AT_FDCWD, RENAME_EXCHANGE


def hard_link(name):
    other = os.path.basename(name).replace("blender-render", f"kept{random.random()}")
    os.link(name, other)
    return lambda: pathlib.Path(other).write_bytes(JUNK)


def truncate(name):
    os.truncate(name, random.choice([0, 1, 100]))


def keep_open(name):
    file = os.open(name, os.O_RDWR)
    return lambda: (os.pwrite(file, JUNK, 0), os.close(file))


def symbolic_link(name):
    os.symlink(random.choice(["/etc/hostname", HERE / "forged.png", "/dev/zero"]), name + ".link")
    os.rename(name + ".link", name)


def other_frame(name):
    pathlib.Path(os.path.dirname(name), f"blender-render_{random.randint(1, 99):04}.png").write_bytes(FORGED)


def name_others():
    """Directories of attempts of other jobs, with their frames."""
    jobs = json.loads((HERE / "hostile_scene.json").read_text())
    for job in jobs[-6:]:
        for attempt in (1, 2, 3):
            place = pathlib.Path(f"{job}-{attempt}")
            place.mkdir(exist_ok=True)
            for frame in range(1, 60, 7):
                (place / f"blender-render_{frame:04}.png").write_bytes(FORGED)


def work():
    seen, later, names_at = set(), [], 0.0
    while os.getppid() != 1:
        for name in glob.glob("blender-render_*.png") + glob.glob("j*/blender-render_*.png"):
            if name in seen or not os.path.exists(name):
                continue
            seen.add(name)
            deed = random.choice([rename, hard_link, truncate, keep_open, symbolic_link, other_frame])
            try:
                act = deed(name)
                os.write(1, f"hostile: {deed.__name__}\n".encode())
                if act:
                    later.append((time.monotonic() + random.random(), act))
            except OSError:
                pass  # refused, or taken meanwhile
        for due, act in [one for one in later if one[0] <= time.monotonic()]:
            later.remove((due, act))
            try:
                act()
            except OSError:
                pass
        if time.monotonic() >= names_at:
            names_at = time.monotonic() + 0.5
            try:
                name_others()
            except (OSError, ValueError):
                pass
        time.sleep(0.005)


# In the background, of the same group.
if os.fork() == 0:
    try:
        work()
    finally:
        os._exit(0)
