# SPDX-License-Identifier: Apache-2.0
"""A Debian system of a test's own: an overlay over the root of make_root, in mount, pid and network namespaces of its own.

What happens there stays there: the host sees neither its mounts, nor its processes' pids, nor its ports, and all of it
ends with the process that is pid 1 inside.
"""
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).parent
CACHE = pathlib.Path(os.environ.get("PACKAGING_CACHE", pathlib.Path.home() / ".cache/kiln"))
DEADLINE = 120.0
# Reaps orphans of daemons, as every init does.
INIT = r"""
set -eu
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
mount -t proc proc "$2/root/proc"
mount -t tmpfs -o mode=755 run "$2/root/run"
mkdir -p "$2/root/dev/shm" "$2/root/dev/pts"
mount -t tmpfs shm "$2/root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$2/root/dev/pts"
echo up > "$2/up"
exec chroot "$2/root" bash -c 'mkfifo /run/never; while :; do read -r _ <>/run/never; done'
"""


def wait_for(condition, what, deadline=DEADLINE):
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {deadline:.0f} s: {what}")


class System:
    def __init__(self, systemd=False):
        lower = CACHE / "debian-12"
        subprocess.run([HERE / "make_root", lower], check=True)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="system-", dir=CACHE))
        for name in ("upper", "work", "root"):
            (self.directory / name).mkdir()
        self.systemd = systemd
        if systemd:
            self._install_systemd(lower)
            boot = ["unshare", "--mount", HERE / "boot_systemd", lower, self.directory]
        else:
            boot = ["unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child", "bash", "-c", INIT, "init",
                    lower, self.directory]
        self.unshare = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *boot], stdin=subprocess.DEVNULL)
        wait_for(lambda: (self.directory / "up").exists() or self.unshare.poll() is not None, "the system is up")
        self.init = self._child()
        if systemd:
            wait_for(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"), "systemd has booted")
        else:
            wait_for(self.path("/run/never").exists, "pid 1 has its own root")  # before that, its files are the host's
            # What init notes of a booted system (utmp(5)): runlevel 2, from N. invoke-rc.d starts nothing without it.
            self.path("/run/utmp").write_bytes(struct.pack("=h2xi32s4s32s256s", 1, ord("2") + 256 * ord("N"), b"~", b"~~", b"runlevel", b"")
                                               .ljust(384, b"\0"))

    def _install_systemd(self, lower):
        script = """mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"; mount -t proc proc "$2/root/proc"
            DEBIAN_FRONTEND=noninteractive chroot "$2/root" apt-get install -y -q --no-install-recommends systemd systemd-sysv dbus"""
        done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "bash", "-euc", script, "install", lower, self.directory],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stdout + done.stderr

    def _child(self):
        path = f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children"
        return int(wait_for(lambda: pathlib.Path(path).read_text().split(), "pid 1 is there")[0])

    def close(self):
        self.unshare.kill()  # and pid 1 with it, and all in its namespace
        self.unshare.wait()
        wait_for(lambda: not pathlib.Path(f"/proc/{self.init}").exists(), "pid 1 has gone")
        if self.systemd:  # its control groups, which are empty now
            group = f"{self.directory}/groups"
            subprocess.run(["unshare", "--mount", "bash", "-c", 'mount -t cgroup2 cgroup2 "$1" && find "$1/$2" -depth -type d -exec rmdir {} +',
                            "clean", group, self.directory.name], check=False)
        shutil.rmtree(self.directory)

    def enter(self, *namespaces):
        return ["nsenter", "--target", str(self.init), *namespaces]

    def run(self, *command, check=True, input=None, environment=None, network="own"):
        """A command inside, as root. `network`: "host" to download packages."""
        namespaces = ["--mount", "--pid", "--ipc", "--uts", "--root", "--wd"] + (["--cgroup"] if self.systemd else []) + (["--net"] if network == "own" else [])
        done = subprocess.run([*self.enter(*namespaces), "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
                               "DEBIAN_FRONTEND=noninteractive", "HOME=/root", "TERM=dumb",
                               *[f"{k}={v}" for k, v in (environment or {}).items()], *map(str, command)],
                              capture_output=True, text=True, errors="replace", timeout=600, input=input or "")
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def sh(self, script, arguments=(), **more):
        """`arguments`: $0, $1, …"""
        return self.run("sh", "-ec", script, *arguments, **more)

    def service(self, verb, *more):
        """`service kilnd VERB`; its result."""
        return self.run("service", "kilnd", verb, *more, check=False)

    def path(self, inside):
        """The path outside of a file inside: through pid 1, whose mounts they are."""
        return pathlib.Path(f"/proc/{self.init}/root{inside}")

    def write(self, inside, text):
        # A new file: pid 1's root is the overlay, so this goes to the upper layer.
        self.run("sh", "-c", f"cat > {inside}", input=text or "")

    def copy_in(self, file, inside):
        self.run("mkdir", "-p", str(pathlib.PurePath(inside).parent))
        shutil.copy(file, self.path(inside))

    def install(self, deb):
        """Like apt with a file: first its dependencies, with the host's network, then the package itself, inside."""
        planned = self.run("apt-get", "-s", "--no-install-recommends", "install", deb, network="host").stdout
        needed = [name for name in re.findall(r"^Inst (\S+)", planned, re.M) if name != "kilnd"]
        if needed:
            self.run("apt-get", "-q", "-y", "--no-install-recommends", "install", *needed, network="host")
        return self.run("dpkg", "-i", deb)

    def network_up(self):
        subprocess.run([*self.enter("--net"), "ip", "link", "set", "lo", "up"], check=True)

    def curl(self, target, *more):
        """With the host's curl, in the system's network: (status, header, body)."""
        done = subprocess.run([*self.enter("--net"), "curl", "-sS", "-i", "--max-time", "60", *more, f"http://127.0.0.1:3000{target}"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            return 0, done.stderr, ""
        head, _, body = done.stdout.partition("\n\n")  # text=True makes newlines of CR LF
        return int(head.split()[1]), head, body

    def post(self, target, body):
        status, head, text = self.curl(target, "-H", "Content-Type: application/json", "-d", json.dumps(body))
        assert status == 202, (status, head, text)
        return json.loads(text)

    def job(self, id):
        status, head, text = self.curl(f"/v1/jobs/{id}")
        assert status == 200, (head, text)
        return json.loads(text)

    def until_final(self, id):
        return wait_for(lambda: (lambda j: j if j["state"] in ("succeeded", "failed", "canceled") else None)(self.job(id)),
                        f"job {id} is final")

    def processes(self, user="kiln"):
        """{pid: command line} of a user's processes, zombies left out."""
        listed = self.sh(r"""number=$(id -u "$0" 2>/dev/null) || exit 0
            for d in /proc/[0-9]*; do
              awk -v n="$number" '/^State:/ { s = $2 } /^Uid:/ { exit !($2 == n && s != "Z") }' "$d/status" 2>/dev/null || continue
              printf '%s %s\n' "${d#/proc/}" "$(tr '\0' ' ' <"$d/cmdline" 2>/dev/null)"
            done""", arguments=[user]).stdout
        return {int(line.split()[0]): line.split(" ", 1)[1] for line in listed.splitlines()}

    def files(self):
        """All files except those kept by the packages' own tools."""
        kept_by_tools = r"^/(proc|run|dev|tmp|sys|root|var/(cache|lib/(dpkg|apt|systemd/deb-systemd-helper-enabled)|log/(apt|dpkg\.log|alternatives\.log)))"
        return {f for f in self.run("find", "/", "-xdev").stdout.splitlines() if not re.match(kept_by_tools, f)}


def make_scene(name, to):
    """A .blend of tests/scenes, made with the host's Blender."""
    subprocess.run([HERE.parent / "scenes/make", to, name], check=True, capture_output=True)
    return pathlib.Path(to) / f"{name}.blend"
