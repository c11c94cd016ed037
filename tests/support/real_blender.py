# SPDX-License-Identifier: Apache-2.0
"""Real Blenders for tests: the one on the PATH, or one of another age in its root (tests/support/blenders), where kilnd runs
as well, so that its sandbox is tried on that system too."""
import contextlib
import fcntl
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest
from daemon import program

ROOT = pathlib.Path(__file__).parents[2]
TOOL = ROOT / "tests/support/blenders"


def status():
    """version → "ready", or why its root is missing."""
    printed = subprocess.run([TOOL, "status"], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in printed.splitlines():
        version, state, rest = line.split(" ", 2)
        found[version] = state if state == "ready" else rest
    return found


def require(*versions):
    """Skips the test when a root is missing. In CI it fails: there each Blender must be tried."""
    known = status()
    missing = [f"Blender {v} cannot be tried here: {known[v]}" for v in versions if known[v] != "ready"]
    if missing and os.environ.get("CI"):
        pytest.fail("; ".join(missing))
    if missing:
        pytest.skip("; ".join(missing))


ABILITIES = """
import bpy, json, _cycles
render, engines = bpy.context.scene.render, []
for name in ("CYCLES", "BLENDER_EEVEE", "BLENDER_EEVEE_NEXT", "BLENDER_WORKBENCH"):
    try:
        render.engine = name
        engines.append(name)
    except TypeError:
        pass
print("abilities", json.dumps({"engines": engines, "denoiser": getattr(_cycles, "with_openimagedenoise", True)}))
"""


class RealBlender:
    """What both kinds share."""

    @functools.cached_property
    def abilities(self):
        """"engines": the names that it knows; "denoiser": whether it was built with OpenImageDenoise."""
        printed = self.run("-b", "--factory-startup", "-noaudio", "--python-expr", ABILITIES, check=True, capture_output=True,
                           text=True).stdout
        return json.loads(re.search("^abilities (.*)$", printed, re.M).group(1))

    def engine_name(self, candidates):
        """The one of an engine's names that this Blender uses."""
        return next(name for name in candidates if name in self.abilities["engines"])

    @contextlib.contextmanager
    def display(self):
        """Arguments of kilnd and the environment with which EEVEE and Workbench can draw; skips where they cannot."""
        yield [], {}

    def run(self, *arguments, **options):
        """Runs it to its end; as subprocess.run()."""
        return subprocess.run([self.wrapper, *map(str, arguments)], **{"stdin": subprocess.DEVNULL, **options})


class PathBlender(RealBlender):
    """Debian's Blender, or another, on the PATH of this machine."""

    def __init__(self):
        self.path = shutil.which("blender")
        assert self.path, "there is no Blender on the PATH: packaging/install-deps --blender installs Debian's"
        printed = subprocess.run([self.path, "--version"], check=True, capture_output=True, text=True).stdout
        self.version = re.search(r"^Blender (\d+\.\d+)", printed, re.M).group(1)
        self.wrapper = self.path

    def kilnd(self):
        return program("KILND")


class RootBlender(RealBlender):
    """The Blender of a version, in its root. `directory` is for its wrappers, and lies where temporary files do: its root shows that."""

    def __init__(self, version, directory):
        require(version)
        self.version = version
        self.directory = pathlib.Path(directory)
        self.root = pathlib.Path(subprocess.run([TOOL, "path", version], check=True, capture_output=True, text=True).stdout.strip())
        self.path = "/usr/bin/blender"  # in the root
        self.wrapper = str(self.directory / f"blender-{version}")  # from outside
        self.binds = ["--bind", str(ROOT), "--bind", tempfile.gettempdir()]
        subprocess.run([TOOL, "wrapper", version, self.wrapper, *self.binds], check=True)

    def kilnd(self):
        """A program that runs kilnd in the root. kilnd brings the libraries of the system that it was built on."""
        launcher = self.directory / f"kilnd-{self.version}"
        if not launcher.exists():
            portable = make_portable(pathlib.Path(program("KILND")), self.directory / "portable")
            # A test may set PATH for kilnd.
            launcher.write_text(f"""#!/bin/sh
exec /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin {TOOL} run {self.version} {" ".join(self.binds)} -- /usr/bin/env "PATH=$PATH" {portable} "$@"
""")
            launcher.chmod(0o755)
        return str(launcher)

    @contextlib.contextmanager
    def display(self):
        if self.version != "2.83":  # from 3.x on these engines draw without one, by EGL
            yield [], {}
            return
        read, write = os.pipe()
        server = subprocess.Popen([TOOL, "run", self.version, "--", "Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x24",
                                   "-nolisten", "tcp"], pass_fds=[write], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        with open(read) as number:
            display = number.readline().strip()
        assert display, "Xvfb does not start"
        try:
            yield ["--sandbox-display"], {"DISPLAY": f":{display}"}
        finally:
            server.terminate()
            server.wait()


def hooked(directory, blender, script, settings):
    """A Blender that runs `script` after the .blend is loaded, or as a session begins; not where kilnd asks it something.
    `settings` lie beside the script, as JSON under its name."""
    directory.mkdir()
    shutil.copy(script, directory)
    (directory / script.with_suffix(".json").name).write_text(json.dumps(settings))
    copy = directory / script.name
    wrapper = directory / "blender"
    wrapper.write_text(f"""#!/bin/sh
case "$*" in
  *kiln_session.py*) exec {blender.path} -P {copy} "$@" ;;
  *kiln_setup.py*) ;;
  *) exec {blender.path} "$@" ;;
esac
first="$1 $2 $3"; shift 3
file=$1; shift
exec {blender.path} $first "$file" -P {copy} "$@"
""")
    wrapper.chmod(0o755)
    return wrapper


def make_portable(kilnd, directory):
    """Copies kilnd and kiln-image with their libraries and their loader, so that they run on a system with others."""
    with open(f"{directory}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        copied = directory / kilnd.name
        if copied.exists():
            return copied
        libraries = directory / "lib"
        libraries.mkdir(parents=True, exist_ok=True)
        for name in ("kiln-image", kilnd.name):
            new = directory / f"{name}.new"
            shutil.copy(kilnd.parent / name, new)
            needed = subprocess.run(["ldd", new], check=True, capture_output=True, text=True).stdout
            paths = re.findall(r"(/\S+) \(0x", needed)
            for path in paths:
                shutil.copy(path, libraries)
            loader = next(path for path in paths if "/ld-linux" in path)
            subprocess.run(["patchelf", "--set-interpreter", libraries / pathlib.Path(loader).name, "--set-rpath", libraries,
                            "--force-rpath", new], check=True)
            new.rename(directory / name)
        return copied


def carry(tool, directory):
    """Copies a program with its libraries and its loader, so that it runs in a root. In `directory` it has its own name."""
    libraries = directory / "lib"
    libraries.mkdir(exist_ok=True)
    needed = subprocess.run(["ldd", tool], check=True, capture_output=True, text=True).stdout
    for path in re.findall(r"(/\S+) \(0x", needed):
        if not (libraries / pathlib.Path(path).name).exists():
            shutil.copy(path, libraries)
    loader = next(libraries.glob("ld-linux*"))
    name = pathlib.Path(tool).name
    shutil.copy(tool, libraries / name)
    (directory / name).write_text(f'#!/bin/sh\nexec {loader} --library-path {libraries} {libraries / name} "$@"\n')
    (directory / name).chmod(0o755)


def scenes(blender, directory, names):
    """A directory below `directory` with scenes of tests/scenes, made by this Blender. They are kept beside the build for the
    next test run."""
    kept = pathlib.Path(os.environ.get("SCENES") or directory) / blender.version
    kept.mkdir(parents=True, exist_ok=True)
    with open(kept / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([ROOT / "tests/scenes/make", "--blender", blender.wrapper, kept, *names], check=True)
        copy = directory / "own"  # a test may change its copy
        shutil.copytree(kept, copy, ignore=shutil.ignore_patterns("lock", "*.log"))
    return copy
