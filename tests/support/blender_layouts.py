# SPDX-License-Identifier: Apache-2.0
"""Installs of Blender as people have them, made from the real files of a root (tests/support/blenders).

make_tarball() makes the layout of blender.org's archive, which runs on this machine as it is: no chroot, no namespace. So it
is the way to try kilnd's sandbox with a Blender that is not this machine's own. The launchers are programs that start a
Blender in the ways that wrapper scripts, snap and flatpak do."""
import contextlib
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import tempfile

BLENDERS = pathlib.Path(__file__).with_name("blenders")
LOADER = "ld-linux-x86-64.so.2"


def run_in_root(version, *command):
    done = subprocess.run([BLENDERS, "run", version, "--", *command], capture_output=True, text=True, cwd="/tmp")
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} in the root of Blender {version}: {done.stderr[-500:]}")
    return done.stdout


def resolve(root, path):
    """The file of a path as seen inside a root, whose absolute links lead to the root again."""
    path = pathlib.PurePosixPath("/") / path
    for _ in range(40):
        seen = pathlib.Path(root)
        for i, part in enumerate(path.parts[1:], 1):
            seen /= part
            if seen.is_symlink():
                rest = path.parts[i + 1:]
                path = pathlib.PurePosixPath(os.path.normpath(pathlib.PurePosixPath("/", *path.parts[1:i], os.readlink(seen), *rest)))
                break
        else:
            return seen
    raise RuntimeError(f"{path} in {root} is a loop of links")


def place(source, target):
    """A hard link where the file system allows it: such files are not changed later."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target)


def place_tree(source, target):
    shutil.copytree(source, target, copy_function=place, symlinks=False, ignore_dangling_symlinks=True,
                    ignore=shutil.ignore_patterns("__pycache__", "EXTERNALLY-MANAGED"))


@contextlib.contextmanager
def tarball(version, root, directory):
    """DIRECTORY/blender, DIRECTORY/lib/*.so and DIRECTORY/VERSION/{scripts,datafiles,python} from the Blender of `root` and all
    that it loads, with its own libc; the path of the executable. Needs root and patchelf.

    blender.org's Blender looks for VERSION beside itself, Debian's in /usr/share/blender. The copy looks in a directory
    below /tmp instead, in which a link leads to DIRECTORY/VERSION."""
    alias = pathlib.Path(f"/tmp/k{secrets.token_hex(2)}")  # as long as /usr/share, whose place it takes
    alias.mkdir()
    try:
        (alias / "blender").symlink_to(pathlib.Path(directory).absolute() / version)
        yield make_tarball(version, pathlib.Path(root), pathlib.Path(directory).absolute(), alias)
    finally:
        shutil.rmtree(alias)


def make_tarball(version, root, directory, alias):
    libraries = directory / "lib"
    libraries.mkdir(parents=True)
    python = max(root.glob("usr/lib/python3.*"), key=lambda p: int(p.name.split(".")[1]))
    own_files = directory / version
    own_files.mkdir()
    for part in ("scripts", "datafiles", "extensions"):
        if (root / "usr/share/blender" / part).exists():
            place_tree(resolve(root, f"/usr/share/blender/{part}"), own_files / part)
    place_tree(python, own_files / "python/lib" / python.name)
    if (root / "usr/lib/python3/dist-packages").is_dir():  # NumPy
        place_tree(root / "usr/lib/python3/dist-packages", own_files / "python/lib/python3/dist-packages")

    modules = [f"/{p.relative_to(root)}" for place_of in (python / "lib-dynload", root / "usr/lib/python3/dist-packages")
               for p in place_of.rglob("*.so")]
    found = set(re.findall(r"=> (/\S+)", run_in_root(version, "ldd", "/usr/bin/blender", *modules)))
    for path in sorted(found):
        target = libraries / pathlib.PurePosixPath(path).name
        if not target.exists():
            place(resolve(root, path), target)
    place(resolve(root, f"/lib64/{LOADER}"), libraries / LOADER)
    # A library with a search path of its own ignores the executable's.
    for target in sorted(libraries.iterdir()):
        if target.name != LOADER and patchelf("--print-rpath", target).strip():
            patch(target, "--set-rpath", "$ORIGIN")
    executable = directory / "blender"
    executable.write_bytes(look_in(alias, (root / "usr/bin/blender").read_bytes()))
    executable.chmod(0o755)
    patch(executable, "--set-interpreter", libraries / LOADER, "--force-rpath", "--set-rpath", "$ORIGIN/lib")
    return executable


def look_in(alias, program):
    """The program with /usr/share/blender replaced: /usr/share is a string of its own, or an operand of x86-64 instructions."""
    new = os.fsencode(alias)
    pattern = rb"(?s)(\x00|H\xb8)/usr/sha(.{0,24}?\xb8|)re(\x00)"
    changed, count = re.subn(pattern, lambda m: m[1] + new[:8] + m[2] + new[8:] + m[3], program)
    if count != 1:
        raise RuntimeError(f"Blender names /usr/share in {count} places, not in one")
    return changed


def patchelf(*arguments):
    return subprocess.run(["patchelf", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def patch(file, *arguments):
    """Changes a copy, which takes the place of the file: the file may be a hard link to a root's."""
    with tempfile.TemporaryDirectory(dir=file.parent) as at:
        copy = pathlib.Path(at) / file.name
        shutil.copy2(file, copy)
        patchelf(*arguments, copy)
        os.replace(copy, file)


def launcher(path, text):
    """A launcher in sh at `path`, as a new file."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(f"#!/bin/sh\n{text}\n")
    new.chmod(0o755)
    new.rename(path)
    return path


# What a launcher does with Blender, as a line of sh: {} is Blender's path.
LAUNCHERS = {
    "exec": 'exec {} "$@"',
    # A process stays between kilnd and Blender.
    "no_exec": '{} "$@"\nexit $?',
    # Its own directory has the files that it reads.
    "settings": '. "$(dirname "$0")/settings.sh"\nexec {} "$@"',
    # snap-confine makes a mount namespace, with privileges that a sandbox takes away.
    "snap": 'exec unshare --mount -- {} "$@"',
    # flatpak run becomes a bwrap, which stays and starts Blender in a PID namespace.
    "flatpak": 'exec bwrap --bind / / --dev-bind /dev /dev --unshare-pid --proc /proc -- {} "$@"',
}
