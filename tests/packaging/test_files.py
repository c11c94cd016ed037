# SPDX-License-Identifier: Apache-2.0
"""What is shipped, by itself: quick, without root, part of tests/run."""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
KILND = os.environ.get("KILND", "")
KILN = os.environ.get("KILN", "")
needs_kiln = pytest.mark.skipif(not KILN, reason="KILN is not set: run by ctest")
needs_kilnd = pytest.mark.skipif(not KILND, reason="KILND is not set: run by ctest")


def run(*command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, **more)


def options(*arguments):
    done = run(PACKAGING / "options", KILND, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def flags_of_help():
    """Found without packaging/options: all words that look like flags at the beginning of a line."""
    return set(re.findall(r"^ +(?:-\w,)?--([\w-]+)", run(KILND, "--help").stdout, re.M))


def keys_of_help():
    return {f.replace("-", "_") for f in flags_of_help() - {"help", "version", "config", "check"}}


@needs_kilnd
def test_no_flag_is_missed():
    assert set(options("names").split()) == flags_of_help() and len(flags_of_help()) > 30


@needs_kilnd
def test_the_example_configuration_has_every_key_and_its_default(tmp_path):
    text = options("config")
    assert set(re.findall(r"^#?(\w+) = ", text, re.M)) == keys_of_help()
    as_shipped = tomllib.loads(text)
    assert set(as_shipped) == {"project_root", "output", "state"}
    everything = re.sub(r"^#(\w+ = )", r"\1", text, flags=re.M)
    values = tomllib.loads(everything)
    assert values["slots"] == 1 and values["listen"] == "127.0.0.1:3000" and values["allow_open_network"] is False
    # kilnd takes it, at other places; and with every key that has a default, at this default.
    fake = tmp_path / "blender"
    fake.write_text("#!/bin/sh\necho Blender 3.4.1\n")
    fake.chmod(0o755)
    (tmp_path / "projects").mkdir()
    defaults = "\n".join(line[1:] if re.match(r"#\w+ = ", line) and not re.search(r'= \[?"[A-Z:…]+"', line) else line
                         for line in text.splitlines())
    for content in (text, defaults):
        (tmp_path / "kilnd.toml").write_text(content.replace("/var/lib/kiln", str(tmp_path)))
        checked = run(KILND, "--config", tmp_path / "kilnd.toml", "--check", "--blender", fake)
        assert checked.returncode == 0, checked.stderr


@needs_kilnd
@pytest.mark.skipif(not shutil.which("scdoc"), reason="there is no scdoc")
@pytest.mark.parametrize("page", ["kilnd.8", "kilnd.toml.5"])
def test_man_pages_are_well_formed_and_whole(page, tmp_path):
    source = options("man", PACKAGING / f"man/{page}.scd")
    assert "@" not in source
    made = subprocess.run(["scdoc"], input=source, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    file = tmp_path / page
    file.write_text(made.stdout)
    shown = run("man", "--warnings", "-E", "UTF-8", "-l", file, env={**os.environ, "MANWIDTH": "100", "MANPAGER": "cat", "PAGER": "cat"})
    assert shown.returncode == 0 and not shown.stderr, shown.stderr
    text = re.sub(r".\x08", "", shown.stdout)
    names = flags_of_help() if page == "kilnd.8" else keys_of_help()
    for name in names:
        assert (f"--{name}" if page == "kilnd.8" else name) in text, name
    if page == "kilnd.8":
        for command in ("kilnd backup", "kilnd token add", "kilnd token list", "kilnd token remove"):
            assert command in text, command


def complete(tmp_path, *words):
    """What bash offers for the last word."""
    script = tmp_path / "completion"
    script.write_text(options("bash"))
    quoted = " ".join(f"'{w}'" for w in words)
    done = run("bash", "-c", f"compopt() {{ :; }}; . {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _kilnd; "
               'printf "%s\\n" "${COMPREPLY[@]}"', cwd=tmp_path)
    assert not done.stderr, done.stderr
    return set(done.stdout.split())


@needs_kilnd
def test_completion(tmp_path):
    assert {f"--{f}" for f in flags_of_help()} <= complete(tmp_path, "kilnd", "--")
    assert complete(tmp_path, "kilnd", "--max-qu") == {"--max-queued"}
    assert complete(tmp_path, "kilnd", "--on-stop", "") == {"stop", "leave"}
    assert complete(tmp_path, "kilnd", "--on-stop", "=", "l") == {"leave"}
    (tmp_path / "scene.blend").touch()
    (tmp_path / "frames").mkdir()
    assert "scene.blend" in complete(tmp_path, "kilnd", "--blend", "sc")
    assert complete(tmp_path, "kilnd", "--output", "") == {"frames"}
    assert complete(tmp_path, "kilnd", "--slots", "") == set()


@needs_kilnd
def test_completion_of_commands(tmp_path):
    (tmp_path / "jobs.db").touch()
    assert {"backup", "token"} <= complete(tmp_path, "kilnd", "")
    assert complete(tmp_path, "kilnd", "backup", "jo") == {"jobs.db"}
    assert complete(tmp_path, "kilnd", "token", "") == {"add", "list", "remove"}
    assert complete(tmp_path, "kilnd", "token", "add", "shop", "--ro") == {"--role"}
    assert complete(tmp_path, "kilnd", "token", "add", "shop", "--role", "") == {"read", "submit", "admin"}


# ---- The command kiln


def of_command(*arguments):
    done = run(PACKAGING / "command", KILN, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands_of_kiln():
    """Found without packaging/command: each command of --help, with the words of its --help that look like flags."""
    listed = run(KILN, "--help").stdout.split("Subcommands:")[1].split("\n\n")[0]
    return {name: set(re.findall(r"^ +(?:-\w,)?--([\w-]+)", run(KILN, name, "--help").stdout, re.M))
            for name in re.findall(r"^ {2,4}(\w+)", listed, re.M)}


@needs_kiln
def test_no_flag_of_kiln_is_missed():
    commands = commands_of_kiln()
    assert {"render", "ls", "watch", "show", "wait", "cancel", "pause", "resume", "retry", "rm", "log", "get", "frames"} == set(commands)
    named = of_command("names").splitlines()
    assert {f"{c} --{f}" for c, flags in commands.items() for f in flags} == {n for n in named if not n.startswith("--")}
    assert {"--url", "--json", "--token-file", "--patience"} <= set(named)


@needs_kiln
@pytest.mark.skipif(not shutil.which("scdoc"), reason="there is no scdoc")
def test_the_man_page_of_kiln_is_well_formed_and_whole(tmp_path):
    source = of_command("man", PACKAGING / "man/kiln.1.scd")
    assert "@FLAGS@" not in source and "@COMMANDS@" not in source
    made = subprocess.run(["scdoc"], input=source, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    file = tmp_path / "kiln.1"
    file.write_text(made.stdout)
    shown = run("man", "--warnings", "-E", "UTF-8", "-l", file, env={**os.environ, "MANWIDTH": "100", "MANPAGER": "cat", "PAGER": "cat"})
    assert shown.returncode == 0 and not shown.stderr, shown.stderr
    text = re.sub(r".\x08", "", shown.stdout)
    for command, flags in commands_of_kiln().items():
        assert f"kiln {command}" in text, command
        for flag in flags - {"help"}:
            assert f"--{flag}" in text, flag


def complete_kiln(tmp_path, *words):
    script = tmp_path / "completion"
    script.write_text(of_command("bash"))
    quoted = " ".join(f"'{w}'" for w in words)
    done = run("bash", "-c", f"compopt() {{ :; }}; kiln() {{ printf 'j1\\tx\\nj2\\ty\\n'; }}; . {script}; COMP_WORDS=({quoted}); "
               f'COMP_CWORD={len(words) - 1}; _kiln; printf "%s\\n" "${{COMPREPLY[@]}}"', cwd=tmp_path)
    assert not done.stderr, done.stderr
    return set(done.stdout.split())


@needs_kiln
def test_completion_of_kiln(tmp_path):
    commands = commands_of_kiln()
    assert set(commands) | {"--url", "--version"} <= complete_kiln(tmp_path, "kiln", "")
    assert complete_kiln(tmp_path, "kiln", "re") == {"render", "resume", "retry"}
    for command, flags in commands.items():
        assert {f"--{f}" for f in flags - {"help"}} | {"--url"} <= complete_kiln(tmp_path, "kiln", command, "--"), command
    (tmp_path / "scene.blend").touch()
    (tmp_path / "home").mkdir()
    assert "scene.blend" in complete_kiln(tmp_path, "kiln", "render", "sc")
    assert complete_kiln(tmp_path, "kiln", "render", "scene.blend", "--download", "h") == {"home"}
    assert complete_kiln(tmp_path, "kiln", "ls", "--state", "ca") == {"canceled"}
    assert complete_kiln(tmp_path, "kiln", "--url", "x", "show", "") == {"@last", "j1", "j2"}
    assert complete_kiln(tmp_path, "kiln", "cancel", "j1", "j2") == {"j2"}
    assert "home" in complete_kiln(tmp_path, "kiln", "get", "@last", "ho")


# ---- zsh and fish, the real ones

ZSH = r"""
fpath=(functions $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  local -a hits
  builtin compadd -A hits "$@"
  print -l -- $hits >>offered
  builtin compadd "$@"
}
finish() { print -r -- "= end" >>offered }
comppostfuncs=(finish)
"""


def offered_by_zsh(directory, line, environment):
    """What the completion of an interactive zsh adds, once it has ended."""
    (directory / "setup.zsh").write_text(ZSH)
    (directory / "offered").unlink(missing_ok=True)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(directory)
        os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
    os.write(terminal, f"source ./setup.zsh\n{line}\t".encode())
    shown = b""
    text = ""
    try:
        while "= end" not in text:
            if select.select([terminal], [], [], 0.05)[0]:
                shown += os.read(terminal, 65536)
            text = (directory / "offered").read_text() if (directory / "offered").exists() else ""
    except OSError:
        raise AssertionError(f"zsh ended: {shown!r}")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    return {word for word in text.splitlines() if word not in ("", "= end", "setup.zsh")}


def offered_by_fish(directory, line, environment):
    done = run("fish", "--no-config", "-c", f'source functions/{line.split()[0]}.fish; complete -C "{line}"', cwd=directory, env=environment)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return {word.split("\t")[0].rstrip("/") for word in done.stdout.splitlines()}


@needs_kilnd
@needs_kiln
@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_of_other_shells(shell, tmp_path):
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    offered = {"zsh": offered_by_zsh, "fish": offered_by_fish}[shell]
    for name in ("functions", "bin", "frames"):
        (tmp_path / name).mkdir()
    (tmp_path / "scene.blend").touch()
    for program, made in (("kilnd", options), ("kiln", of_command)):
        name = f"_{program}" if shell == "zsh" else f"{program}.fish"
        (tmp_path / "functions" / name).write_text(made(shell))
    (tmp_path / "bin/kiln").write_text("#!/bin/sh\nprintf 'j1\\tx\\nj2\\ty\\n'\n")
    (tmp_path / "bin/kiln").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "dumb"}

    def of(line):
        return offered(tmp_path, line, environment)

    assert set(commands_of_kiln()) <= of("kiln ")
    assert of("kiln re") == {"render", "resume", "retry"}
    assert "scene.blend" in of("kiln render s")
    assert {"--frames", "--url", "--download"} <= of("kiln render --")
    assert {"@last", "j1", "j2"} <= of("kiln --url x show ") and {"@last", "j1", "j2"} <= of("kiln cancel j1 ")
    assert "frames" in of("kiln get j1 ")
    assert of("kiln ls --state ") == {"queued", "running", "paused", "succeeded", "failed", "canceled"}
    assert of("kilnd --max-qu") == {"--max-queued"}
    assert of("kilnd --on-stop ") == {"stop", "leave"}
    directories = of("kilnd --output ")
    assert "frames" in directories and "scene.blend" not in directories
    assert of("kilnd ") == {"backup", "token"}
    assert "scene.blend" in of("kilnd backup ")
    assert of("kilnd token ") == {"add", "list", "remove"}
    assert of("kilnd token add x --role ") == {"read", "submit", "admin"}
    assert {"--role", "--expires", "--project"} <= of("kilnd token add x --") and "--role" not in of("kilnd token list --")


SCRIPTS = [p for p in sorted([*PACKAGING.rglob("*"), *(ROOT / "tests/packaging").rglob("*")])
           if p.is_file() and re.match(rb"#!/(bin|usr/bin/env) ?(ba)?sh", p.read_bytes()[:40])]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_shell_scripts_are_sound(script):
    shell = "bash" if b"bash" in script.read_bytes()[:40] else "dash"
    assert run(shell, "-n", script).returncode == 0
    if shutil.which("shellcheck"):
        checked = run("shellcheck", "-s", shell, "-S", "warning", script)
        assert checked.returncode == 0, checked.stdout


def test_the_init_script_has_an_lsb_header():
    text = (PACKAGING / "sysvinit/kilnd").read_text()
    header = re.search(r"^### BEGIN INIT INFO\n(.*?)^### END INIT INFO$", text, re.M | re.S).group(1)
    fields = dict(re.findall(r"^# ([\w-]+):\s+(.*)$", header, re.M))
    assert {"Provides", "Required-Start", "Required-Stop", "Default-Start", "Default-Stop", "Short-Description"} <= set(fields)
    assert fields["Provides"] == "kilnd" and "$network" not in fields["Required-Start"], "it starts before the network"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_the_units_are_sound_and_hardened(tmp_path):
    for unit in ("kilnd.service", "kilnd.socket"):
        text = (PACKAGING / "systemd" / unit).read_text()
        (tmp_path / unit).write_text(text.replace("/usr/bin/kilnd", "/bin/true").replace("Documentation=man:", "#"))
    verified = run("systemd-analyze", "verify", "--recursive-errors=no", tmp_path / "kilnd.service", tmp_path / "kilnd.socket")
    ours = [line for line in verified.stderr.splitlines() if "kilnd" in line and "DelegateSubgroup" not in line]  # new in 254
    assert not ours, ours
    scored = run("systemd-analyze", "security", "--offline=true", tmp_path / "kilnd.service")
    score = float(re.search(r"Overall exposure level for kilnd\.service: ([\d.]+)", scored.stdout).group(1))
    assert score <= 3.0, "docs/service.md says it"


def test_conffiles_are_all_of_etc():
    listed = set((PACKAGING / "debian/conffiles").read_text().split())
    assert listed == {"/etc/init.d/kilnd", "/etc/default/kilnd", "/etc/kiln/kilnd.toml", "/etc/logrotate.d/kilnd"}


def test_compose_says_what_the_image_needs():
    yaml = pytest.importorskip("yaml")
    service = yaml.safe_load((PACKAGING / "docker/compose.yaml").read_text())["services"]["kilnd"]
    assert service["read_only"] is True and service["ports"] == ["127.0.0.1:3000:3000"]
    assert {v.rsplit(":", 1)[-1] if not v.endswith(":ro") else v.split(":")[-2] for v in service["volumes"]} >= {"/frames", "/state"}


def kubernetes_objects():
    yaml = pytest.importorskip("yaml")
    return list(yaml.safe_load_all((PACKAGING / "kubernetes/kiln.yaml").read_text()))


def test_the_manifests_fit_the_image():
    by_kind = {}
    for one in kubernetes_objects():
        by_kind.setdefault(one["kind"], []).append(one)
    (deployment,), (service,) = by_kind["Deployment"], by_kind["Service"]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    image = (PACKAGING / "docker/Dockerfile").read_text()
    assert deployment["spec"]["replicas"] == 1 and deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert f"USER {pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" in image
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert f"EXPOSE {container['ports'][0]['containerPort']}" in image
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    assert {v["mountPath"] for v in container["volumeMounts"]} == {"/opt/blender", "/projects", "/frames", "/state", "/tmp"}
    claims = {v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "persistentVolumeClaim" in v}
    assert claims == {c["metadata"]["name"] for c in by_kind["PersistentVolumeClaim"]}
    assert pod["terminationGracePeriodSeconds"] > int(re.search(r"KILN_STOP_GRACE=(\d+)", image).group(1))


@needs_kilnd
def test_kilnd_starts_with_the_environment_that_kubernetes_sets(tmp_path):
    """The manifest's own variables, and those that the cluster adds for a service that is called kiln."""
    (container,) = next(o for o in kubernetes_objects() if o["kind"] == "Deployment")["spec"]["template"]["spec"]["containers"]
    of_cluster = {"KILN_SERVICE_HOST": "10.0.0.7", "KILN_SERVICE_PORT": "3000", "KILN_SERVICE_PORT_HTTP": "3000", "KILN_PORT": "tcp://10.0.0.7:3000",
                  "KILN_PORT_3000_TCP": "tcp://10.0.0.7:3000", "KILN_PORT_3000_TCP_PROTO": "tcp", "KILN_PORT_3000_TCP_PORT": "3000",
                  "KILN_PORT_3000_TCP_ADDR": "10.0.0.7", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    blender = tmp_path / "blender"
    blender.write_text("#!/bin/sh\necho Blender 3.4.1\n")
    blender.chmod(0o755)
    own = {e["name"]: e["value"] for e in container["env"]} | {"KILN_PROJECT_ROOT": str(tmp_path), "KILN_STATE": str(tmp_path / "state")}
    done = run(KILND, "--check", "--blender", blender, env={"PATH": os.environ["PATH"], **of_cluster, **own})
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("npm"), reason="there is no npm")
def test_the_manifests_fit_the_schema_of_kubernetes(tmp_path):
    objects = kubernetes_objects()
    for file in (ROOT / "tests/packaging/kubernetes").glob("*.*"):
        shutil.copy(file, tmp_path)
    installed = run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", cwd=tmp_path)
    assert installed.returncode == 0, installed.stdout + installed.stderr

    def check():
        (tmp_path / "objects.json").write_text(json.dumps(objects))
        return run("node", "check.mjs", "objects.json", cwd=tmp_path)

    found = check()
    assert found.returncode == 0, found.stdout + found.stderr
    spec = next(o for o in objects if o["kind"] == "Deployment")["spec"]["template"]["spec"]["containers"][0]
    spec["readinessProbe"]["timeoutSecond"] = 5
    spec["ports"][0]["containerPort"] = "http"
    found = check()
    assert found.returncode == 1 and "timeoutSecond" in found.stdout and "containerPort" in found.stdout


# ---- What the image runs before kilnd, with a kilnd that says what it was given


def enter(tmp_path, *arguments, files=(), **environment):
    text = (PACKAGING / "docker/entrypoint").read_text()
    for path in ("/opt/blender", "/blender", "/usr/bin/kilnd"):
        text = re.sub(rf"(?<![\w/]){path}(?=[/ '\n}}]|$)", f"{tmp_path}{path}", text)
    (tmp_path / "entrypoint").write_text(text)
    for directory in ("opt/blender", "blender", "usr/bin", "state"):
        (tmp_path / directory).mkdir(parents=True, exist_ok=True)
    kilnd = tmp_path / "usr/bin/kilnd"
    kilnd.write_text("""#!/bin/sh
if [ "$1 $2" = "token add" ]; then echo "$3" >>"$KILN_STATE/tokens"; echo "secret"; echo "more words" >&2; exit; fi
echo "kilnd $* blender=${KILN_BLENDER-}"
""")
    kilnd.chmod(0o755)
    return run("bash", tmp_path / "entrypoint", *arguments, env={"PATH": os.environ["PATH"], "KILN_STATE": str(tmp_path / "state"), **environment})


def test_a_container_is_closed_by_default(tmp_path):
    first = enter(tmp_path)
    assert first.returncode == 0 and first.stderr.count("secret") == 1 and first.stdout.startswith("kilnd "), first.stderr
    again = enter(tmp_path)
    assert again.returncode == 0 and not again.stderr, "the token is printed once"
    (tmp_path / "state/tokens").unlink()
    for arguments, variables in (((), {"KILN_ALLOW_OPEN_NETWORK": "true"}), ((), {"KILN_TOKENS_FILE": "/x"}), (("--allow-open-network",), {}),
                                 (("--listen", "127.0.0.1:1"), {}), (("--tokens-file=/x",), {}), (("--version",), {}), (("token", "list"), {})):
        done = enter(tmp_path, *arguments, **variables)
        assert done.returncode == 0 and not done.stderr and not (tmp_path / "state/tokens").exists(), (arguments, done.stderr)
        assert done.stdout.startswith(f"kilnd {' '.join(arguments)}")


def test_a_blender_that_is_mounted_as_an_archive_is_unpacked_once(tmp_path):
    (tmp_path / "made/blender-4.2.0-linux-x64").mkdir(parents=True)
    (tmp_path / "made/blender-4.2.0-linux-x64/blender").write_text("#!/bin/sh\n")
    (tmp_path / "made/blender-4.2.0-linux-x64/blender").chmod(0o755)
    (tmp_path / "opt/blender").mkdir(parents=True)
    run("tar", "-cJf", tmp_path / "opt/blender/blender-4.2.0-linux-x64.tar.xz", "-C", tmp_path / "made", "blender-4.2.0-linux-x64")
    unpacked = tmp_path / "blender/blender-4.2.0-linux-x64/blender"
    first = enter(tmp_path, KILN_ALLOW_OPEN_NETWORK="true", KILN_BLENDER=f"{tmp_path}/opt/blender/blender")
    assert first.returncode == 0 and "unpacking" in first.stderr and f"blender={unpacked}" in first.stdout and unpacked.exists()
    again = enter(tmp_path, KILN_ALLOW_OPEN_NETWORK="true", KILN_BLENDER=f"{tmp_path}/opt/blender/blender")
    assert "unpacking" not in again.stderr and f"blender={unpacked}" in again.stdout
    other = enter(tmp_path, KILN_ALLOW_OPEN_NETWORK="true", KILN_BLENDER="/elsewhere/blender")
    assert "blender=/elsewhere/blender" in other.stdout
    (tmp_path / "opt/blender/blender-4.2.0-linux-x64.tar.xz").write_bytes(b"half")
    shutil.rmtree(tmp_path / "blender")
    broken = enter(tmp_path, KILN_ALLOW_OPEN_NETWORK="true", KILN_BLENDER=f"{tmp_path}/opt/blender/blender")
    assert broken.returncode == 3 and not broken.stdout


def packages_to_build(tmp_path, names, default_boost=None):
    """What install-deps would install where apt has packages of these names, and what it says. No names: a system without apt."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for program in ("awk", "bash", "cat", "env", "grep", "head", "id", "sed", "sh", "sort", "tail"):
        (tools / program).symlink_to(shutil.which(program))
    if names:
        (tmp_path / "names").write_text("".join(f"{n}\n" for n in names))
        fake = tools / "apt-cache"
        fake.write_text(f"""#!/bin/sh
case $1 in
  pkgnames) grep "^$2" {tmp_path}/names ;;
  depends) echo "libboost-dev"; echo "  Depends: libboost{default_boost}-dev" ;;
esac
""")
        fake.chmod(0o755)
    return run(PACKAGING / "install-deps", "--build", "--list", env={"PATH": str(tools)})


def boosts(*versions, parts=("", "-json", "-filesystem", "-url")):
    return [f"libboost{part}{version}-dev" for version in versions for part in parts]


OTHERS = re.findall(r"^build (\S+) ", (PACKAGING / "install-deps").read_text(), re.M)


@pytest.mark.parametrize("default, packaged, taken", [
    ("1.74", ["1.74", "1.81"], "1.81"),  # Debian 12
    ("1.83", ["1.83", "1.88"], "1.83"),  # 13
    ("1.100", ["1.92", "1.100"], "1.100"),
    ("1.74", ["1.9", "1.81", "1.100"], "1.100"),
])
def test_boost_is_the_default_of_the_release_or_the_newest(tmp_path, default, packaged, taken):
    done = packages_to_build(tmp_path, [*OTHERS, "pkg-config", *boosts(*packaged)], default)
    assert done.returncode == 0, done.stderr
    assert {p for p in done.stdout.split() if p.startswith("libboost")} == set(boosts(taken))
    assert {"g++", "pkg-config"} <= set(done.stdout.split())


def test_boost_process_is_taken_where_it_is_a_library(tmp_path):
    parts = ("", "-json", "-filesystem", "-url", "-process")
    done = packages_to_build(tmp_path, OTHERS + ["pkgconf"] + boosts("1.92", parts=parts), "1.92")
    assert set(boosts("1.92", parts=parts)) <= set(done.stdout.split()) and "pkgconf" in done.stdout


def test_what_has_no_package_is_named_by_its_library(tmp_path):
    done = packages_to_build(tmp_path, [n for n in OTHERS if n != "libcli11-dev"] + ["pkgconf"] + boosts("1.74"), "1.74")
    assert done.returncode == 1
    said = re.findall(r"^  (.*)$", done.stderr, re.M)
    assert said[1:] == ["CLI11"] and said[0].startswith("Boost 1.81 or newer")


def test_a_system_without_apt_gets_a_list_of_libraries(tmp_path):
    done = packages_to_build(tmp_path, [])
    assert done.returncode == 1 and "toml++" in done.stderr and "-dev" not in done.stderr
