# SPDX-License-Identifier: Apache-2.0
"""The content of directories after a loss of power; power_cut.cpp describes the model and its limits.

    disk = power_cut.Disk(library, [state, output], mirror)
    process = subprocess.Popen(command, env=os.environ | disk.environment())
    ... process.kill(); process.wait()
    disk.cut(random.Random(seed))    # the directories are now as a machine finds them that starts again
    process = subprocess.Popen(...)  # and so on: the files found are durable
"""
import ctypes
import os
import pathlib
import shutil
import stat
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_BASIC_STATS_AND_BTIME = 0xFFF
_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW = 0x100


def _key(path):
    """The name of an inode in the mirror, as power_cut.cpp makes it; None for neither file nor directory."""
    found = ctypes.create_string_buffer(256)  # struct statx
    if _libc.statx(_AT_FDCWD, os.fsencode(path), _AT_SYMLINK_NOFOLLOW, _BASIC_STATS_AND_BTIME, found) != 0:
        raise OSError(ctypes.get_errno(), "statx", str(path))
    mode, = struct.unpack_from("=H", found, 28)
    number, = struct.unpack_from("=Q", found, 32)
    seconds, nanoseconds = struct.unpack_from("=qI", found, 80)
    kind = "d" if stat.S_ISDIR(mode) else "f" if stat.S_ISREG(mode) else None
    return kind and f"{kind}-{number}-{seconds}-{nanoseconds}"


class Disk:
    """Existing directories, and a mirror of their durable content: a directory outside of them, emptied
    here; in memory (/dev/shm) it is faster. Strict: as in power_cut.cpp. In the code a name is a pair: the key of
    the directory, and the name in it."""

    def __init__(self, library, roots, mirror, strict=False):
        self.library = pathlib.Path(library)
        self.roots = [pathlib.Path(root).resolve() for root in roots]
        self.mirror = pathlib.Path(mirror).resolve()
        self.strict = strict
        self.settle()

    def environment(self):
        """What a process needs in its environment to be watched."""
        return {"LD_PRELOAD": str(self.library), "POWER_CUT_ROOTS": ":".join(map(str, self.roots)),
                "POWER_CUT_MIRROR": str(self.mirror), "POWER_CUT_STRICT": str(int(self.strict))}

    def cut(self, rng=None):
        """Rebuilds the roots as after a loss of power; no watched process may run any more, nor a child of it.
        Without rng nothing survives but what is durable. With it, later changes survive by chance: a name made,
        moved or removed since, and of each file all, nothing, or any sectors and any length of what was written
        since."""
        names, paths = self._present()
        left = self._left(names, rng)
        roots = {root: _key(root) for root in self.roots}
        for root, key in roots.items():
            fresh = root.with_name(root.name + ".after_power_cut")
            self._build(fresh, key, left, paths, rng)
            shutil.rmtree(root)
            fresh.rename(root)
        self.settle()

    def settle(self):
        """All that is there now is durable. To be called when an unwatched process (this one, with sqlite3) has
        changed something below the roots, before the next watched one starts."""
        shutil.rmtree(self.mirror, ignore_errors=True)
        for directory in ("content", "entries"):
            (self.mirror / directory).mkdir(parents=True)
        names, paths = self._present()
        for key, path in paths.items():
            if key.startswith("f-"):
                shutil.copy(path, self.mirror / "content" / key)
            else:
                self._write_entries(key, {name: inode for (at, name), inode in names.items() if at == key})

    def _write_entries(self, key, entries):
        data = b"".join(os.fsencode(name) + b"\0" + inode.encode() + b"\0" for name, inode in entries.items())
        (self.mirror / "entries" / key).write_bytes(data)

    def _present(self):
        """The names that are there now, with their inodes, and a path of each inode."""
        names, paths = {}, {}

        def walk(path, key):
            paths[key] = path
            for name in sorted(os.listdir(path)):
                inode = _key(path / name)
                if inode:
                    names[key, name] = inode
                    paths[inode] = path / name
                    if inode.startswith("d-"):
                        walk(path / name, inode)

        for root in self.roots:
            walk(root, _key(root))
        return names, paths

    def _durable(self, present):
        """The names in the mirror. An inode that was moved may be in two directories, since the note of the old one is
        written anew with each of its files: where it really is counts, else the later note."""
        names, where = {}, {}
        for file in sorted((self.mirror / "entries").iterdir(), key=lambda file: file.stat().st_mtime_ns):
            fields = file.read_bytes().split(b"\0")[:-1]
            for name, inode in zip(map(os.fsdecode, fields[::2]), map(bytes.decode, fields[1::2])):
                if inode in where and present.get(where[inode]) == inode:
                    continue
                names.pop(where.get(inode), None)
                names[file.name, name] = inode
                where[inode] = file.name, name
        return names

    def _left(self, present, rng):
        """The names after the cut, with their inodes."""
        durable = self._durable(present)
        left, where = dict(durable), {inode: name for name, inode in durable.items()}
        chance = rng.choice((0.0, 0.5, 1.0)) if rng else 0.0

        def happened():
            return chance and rng.random() < chance

        for name, inode in present.items():
            if durable.get(name) != inode and happened():  # created or moved here; the previous owner of the name is gone with it
                old = where.get(inode)
                if left.get(old) == inode:
                    del left[old]
                left[name] = inode
        still_there = set(present.values())
        for name, inode in durable.items():
            if name not in present and inode not in still_there and left.get(name) == inode and happened():
                del left[name]
        return left

    def _build(self, path, key, left, paths, rng):
        path.mkdir()
        for (at, name), inode in left.items():
            if at != key:
                continue
            if inode.startswith("d-"):
                self._build(path / name, inode, left, paths, rng)
            else:
                self._build_file(path / name, inode, paths.get(inode), rng)
        if key in paths:
            shutil.copymode(paths[key], path)

    def _build_file(self, path, key, present, rng):
        kept = self.mirror / "content" / key
        synced = kept.read_bytes() if kept.exists() else b""
        if rng and present:
            now = present.read_bytes()
            path.write_bytes(rng.choice((lambda: synced, lambda: now, lambda: _mixed(synced, now, rng)))())
        else:
            path.write_bytes(synced)
        if present or kept.exists():
            shutil.copymode(present or kept, path)


def _mixed(synced, now, rng):
    """Any of the sectors written since the sync, with any length between; unwritten sectors are zeros."""
    sector = rng.choice((512, 4096))
    shorter, longer = sorted((len(synced), len(now)))
    size = rng.choice((len(synced), len(now), rng.randint(shorter, longer)))
    mixed = bytearray(synced[:size].ljust(size, b"\0"))
    for at in range(0, min(size, len(now)), sector):
        if rng.random() < 0.5:
            part = now[at:min(at + sector, size)]
            mixed[at:at + len(part)] = part
    return bytes(mixed)
