# SPDX-License-Identifier: Apache-2.0
"""Run by Blender in a test, in the place of a scene that has found a way to run code: a process of its group that does
something to frames as they are written, and again once they are published. hostile_frames.json beside it says what. The file
hostile_DEED in its directory says how often it did so, and what kept it from that."""
import ctypes
import glob
import json
import mmap
import os
import pathlib
import sys
import time

deed = json.loads((pathlib.Path(__file__).parent / "hostile_frames.json").read_text())["deed"]
libc = ctypes.CDLL(None, use_errno=True)
JUNK = b"this is no image at all"


def frames():
    return glob.glob("blender-render_*.png") + glob.glob("j*/blender-render_*.png")


def exchange(name):
    """Puts another file in the frame's place, and back, without end."""
    other = name + ".other"
    pathlib.Path(other).write_bytes(JUNK)
    while libc.renameat2(-100, os.fsencode(name), -100, os.fsencode(other), 2) == 0:  # AT_FDCWD, RENAME_EXCHANGE
        pass


def hard_link(name):
    other = os.path.basename(name).replace("blender-render", "kept")  # not in the job's directory, which goes with its last frame
    os.link(name, other)
    return lambda: pathlib.Path(other).write_bytes(JUNK)


def keep_open(name):
    file = os.open(name, os.O_RDWR)
    return lambda: os.pwrite(file, JUNK, 0)


def keep_mapped(name):
    file = os.open(name, os.O_RDWR)
    memory = mmap.mmap(file, len(JUNK))
    os.close(file)

    def write():
        memory[:] = JUNK
    return write


def open_again(name):
    file = os.open(name, os.O_PATH)

    def write():
        with open(f"/proc/self/fd/{file}", "r+b") as again:
            again.write(JUNK)
    return write


def make_symbolic_link(name):
    os.symlink("/etc/hostname", name + ".link")
    os.rename(name + ".link", name)


DEEDS = {"exchange": exchange, "hard_link": hard_link, "keep_open": keep_open, "keep_mapped": keep_mapped,
         "open_again": open_again, "symbolic_link": make_symbolic_link}


def work():
    seen, later, said = set(), [], ""
    end = time.monotonic() + 20
    busy = 0.0
    while time.monotonic() < end and len(later) < 2:
        there = frames()
        if there:
            busy = time.monotonic()
        for name in there:
            if name in seen:
                continue
            try:
                act = DEEDS[deed](name)
                seen.add(name)
                later.append(act)
            except Exception as refused:
                said = f"{type(refused).__name__}: {refused}"
        # Without frames it rests: a session that does not is ended before it can do more.
        time.sleep(0.001 if time.monotonic() - busy < 0.2 else 0.005)
    # Once they are published: later ones are written by then.
    waited, written = time.monotonic() + 2, set(seen)
    while time.monotonic() < waited and len(written) < len(seen) + 3:
        written.update(frames())
        time.sleep(0.01)
    done = 0
    for act in later:
        try:
            if act:
                act()
            done += 1
        except Exception as refused:
            said = f"{type(refused).__name__}: {refused}"
    pathlib.Path("hostile_says").write_text(f"{done} {said}")
    os.rename("hostile_says", f"hostile_{deed}")  # whole


# In the background, of the same group.
if os.fork() == 0:
    try:
        work()
    finally:
        os._exit(0)
sys.stdout.flush()
