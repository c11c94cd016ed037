# SPDX-License-Identifier: Apache-2.0
"""Run by Blender in a test, in the place of a scene that has found a way to run code: tries what the sandbox should keep
from it. One line each: "trespass NAME: done", or why not. trespass.json beside it says what to try it on."""
import ctypes
import fcntl
import json
import os
import pathlib
import signal
import socket
import sys

targets = json.loads((pathlib.Path(__file__).parent / "trespass.json").read_text())


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.connect(address)


def send_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", ("127.0.0.1", targets["port"]))


def trace():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, targets["kilnd"], None, None) != 0:  # PTRACE_ATTACH
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(targets["kilnd"], 0x40000000)  # __WALL: it has stopped
    libc.ptrace(17, targets["kilnd"], None, None)  # and goes on


def change_mode_by_number():
    """fchmodat2, which is newer than the C library of most machines."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(452, -100, os.fsencode(targets["other_frame"]), 0o600, 0) != 0:  # AT_FDCWD
        raise OSError(ctypes.get_errno(), "fchmodat2")


def take_lease():
    with open(targets["project"] + "/tiny.blend", "rb") as file:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def send_through_pair():
    for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM):
        with end:
            end.sendto(b"x", targets["service"])


def survive():
    """A process that outlives the job."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            os.setsid()
        except OSError as refused:
            os.write(writer, str(refused).encode())
            os._exit(0)
        os.write(writer, b"done")
        os.close(1)
        os.close(2)
        signal.pause()
        os._exit(0)
    said = os.read(reader, 200).decode()
    if said != "done":
        raise OSError(said)


DEEDS = {
    "write_outside": lambda: pathlib.Path(targets["outside"]).write_text("x"),
    "write_project": lambda: (pathlib.Path(targets["project"]) / "planted").write_text("x"),
    "write_tmp": lambda: pathlib.Path("/tmp/kiln-trespass").write_text("x"),
    "read_shadow": lambda: pathlib.Path("/etc/shadow").read_bytes(),
    "read_store": lambda: (pathlib.Path(targets["state"]) / "kiln.db").read_bytes(),
    "write_store": lambda: open(pathlib.Path(targets["state"]) / "kiln.db", "r+b").close(),
    "read_others_output": lambda: pathlib.Path(targets["other_frame"]).read_bytes(),
    "change_kernel": lambda: open("/proc/sys/kernel/core_pattern", "r+b").close(),  # opened, and not written to
    "read_configuration": lambda: pathlib.Path(targets["configuration"]).read_bytes(),
    "read_home": lambda: pathlib.Path(targets["home"], ".ssh", "id_ed25519").read_bytes(),
    "change_mode": lambda: os.chmod(targets["other_frame"], 0o600),
    "change_mode_by_number": change_mode_by_number,
    "lease": take_lease,
    "datagram_pair": send_through_pair,
    "tcp": lambda: connect(socket.AF_INET, ("127.0.0.1", targets["port"])),
    "udp": send_datagram,
    "local": lambda: connect(socket.AF_UNIX, targets["socket"]),
    "abstract": lambda: connect(socket.AF_UNIX, "\0" + targets["abstract"]),
    "see_kilnd": lambda: pathlib.Path(f"/proc/{targets['kilnd']}/cmdline").read_bytes(),
    "ptrace_kilnd": trace,
    "signal_kilnd": lambda: os.kill(targets["kilnd"], 0),
    "survive": survive,
    "write_workspace": lambda: pathlib.Path("own").write_text("x"),  # the only one that is allowed
}

for name, deed in DEEDS.items():
    try:
        deed()
        said = "done"
    except Exception as refused:  # any kind of refusal
        said = f"{type(refused).__name__}: {refused}"
    sys.stdout.write(f"\ntrespass {name}: {said}\n")
sys.stdout.flush()
