# SPDX-License-Identifier: Apache-2.0
"""Every command in README and docs is run, in order, against a real kilnd with real Blender; CONTRIBUTING says how blocks are marked."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[2]
KILND = os.environ["KILND"]
KILN = os.environ.get("KILN", "")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
PID, JOB = "4716", "j06h0nhrgvkx9ez8bgq"  # the pages' example: in commands it stands for the newest pid and job
# In place of kilnd: goes to the background and returns when it listens, so that the page's next command finds it.
WRAPPER = r"""#!/bin/bash
case " $* " in *" --check "*|*" --help "*|*" --version "*|" backup "*|" token "*) KILN_STATE="$HERE/state" exec "$KILND_REAL" "$@" ;; esac
if [[ -e $HERE/pid ]]; then kill "$(<"$HERE/pid")"; tail -s 0.1 --pid="$(<"$HERE/pid")" -f /dev/null; fi
"$KILND_REAL" --listen "127.0.0.1:$PORT" --state "$HERE/state" "$@" </dev/null >>"$HERE/log" 2>&1 9>&- &
echo $! >"$HERE/pid"
until curl -s -o /dev/null "http://127.0.0.1:$PORT/livez"; do kill -0 $! || { cat "$HERE/log" >&2; exit 1; }; sleep 0.05; done
"""


def blocks(page):
    """(line, language, marks, text) of each fenced block."""
    lines = page.read_text(encoding="utf-8").splitlines()
    opened = None
    for number, line in enumerate(lines, 1):
        fence = re.match(r"```(.*)$", line)
        if not fence:
            continue
        if opened is None:
            opened = (number, fence.group(1).split())
        else:
            assert not fence.group(1), f"{page.name}:{number}: a fence within a fence"
            start, info = opened
            yield start, info[0] if info else "", info[1:], "\n".join(lines[start:number - 1]) + "\n"
            opened = None
    assert opened is None, f"{page.name}: a block without an end"


def commands_of(transcript):
    """(command, the first line that is shown) of each "$ " of a transcript; a command goes on after a backslash."""
    found = []
    for line in transcript.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], None])
        elif found and found[-1][1] is None and found[-1][0].endswith("\\"):
            found[-1][0] += "\n" + line
        elif found and found[-1][1] is None and line:
            found[-1][1] = line
    return found


VARIABLE = {r" ?… ?": ".*", PID: r"\d+", JOB: "j[a-z0-9]+", "/var/lib/kiln/": r"\S*/", "sha256:[0-9a-f]{64}": "sha256:[0-9a-f]{64}", r"\d{4}-\d\d-\d\dT[\d:.]+Z": r"\d{4}-\d\d-\d\dT[\d:.]+Z"}


def pattern_of(shown):
    """… stands for anything; pid, job, state directory and time are others each time."""
    parts = re.split("|".join(f"({pattern})" for pattern in VARIABLE), shown)
    columns = len(VARIABLE) + 1  # of split's result: the text between, then one column for each variable
    stands_for = list(VARIABLE.values())
    return "".join(re.escape(part) if i % columns == 0 else stands_for[i % columns - 1] for i, part in enumerate(parts) if part)


def script_of(page, port):
    """The page as one bash script."""
    parts = ["set -eEuo pipefail; trap 'echo \"$PAGE:$at: this command failed\" >&2' ERR"]
    for line, language, marks, text in blocks(page):
        text = text.replace("127.0.0.1:3000", f"127.0.0.1:{port}")
        if "not-run" in marks or any(m.startswith("needs:") and not shutil.which(m[6:]) for m in marks):
            continue
        parts.append(f"at={line}")
        if language in ("sh", "bash"):
            parts.append(text)
        for command, shown in commands_of(text) if language == "console" else []:
            command = command.replace(PID, "$newest_pid").replace(JOB, "$newest_job")
            parts.append(f"said=$({command} 2>&1)\nprintf '%s\\n' \"$said\"")
            if shown:
                parts.append(f"grep -qP -- {shell_quote(pattern_of(shown))} <<<\"$said\"")
            parts.append("""newest_pid=$(grep -oP '"pid":\\K\\d+' <<<"$said" | head -n 1 || echo "${newest_pid-}")""")
            parts.append("""newest_job=$(grep -oP '"id":"\\Kj[a-z0-9]+' <<<"$said" | head -n 1 || echo "${newest_job-}")""")
    return "\n".join(parts) + "\n"


def shell_quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


@pytest.fixture(scope="session")
def scene(tmp_path_factory):
    directory = tmp_path_factory.mktemp("scene")
    subprocess.run([ROOT / "tests/scenes/make", directory, "tiny"], check=True, capture_output=True)
    return directory / "tiny.blend"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_blocks_are_marked_and_well_formed(page):
    for line, language, marks, text in blocks(page):
        where = f"{page.relative_to(ROOT)}:{line}"
        assert language in ("sh", "bash", "console", "json", "js", "ini", "toml", "text", "yaml", "nginx", "apache", "caddy"), f"{where}: say what it is"
        assert all(m == "not-run" or m.startswith("needs:") for m in marks), f"{where}: {marks}"
        if language in ("sh", "bash"):
            checked = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
            assert checked.returncode == 0, f"{where}: {checked.stderr}"
        if language == "json" and "…" not in text:
            json.loads(text)
        if language == "toml":
            tomllib.loads(text)
        if language == "console":
            assert commands_of(text), f"{where}: a transcript without a command"


@pytest.mark.parametrize("page", [p for p in PAGES if "set -e" in script_of(p, 1) and "\nat=" in script_of(p, 1)],
                         ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_work(page, scene, tmp_path):
    shutil.copy(scene, tmp_path / "scene.blend")
    for client in (ROOT / "docs/clients").iterdir():
        shutil.copy(client, tmp_path / client.name)
    for place in ("bin", "build/quickstart/daemon/app"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "kilnd").write_text(WRAPPER)
        (tmp_path / place / "kilnd").chmod(0o755)
    if KILN:
        (tmp_path / "bin/kiln").symlink_to(KILN)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "KILN_URL": f"http://127.0.0.1:{port}", "XDG_STATE_HOME": str(tmp_path / "home-state"), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "KILND_REAL": KILND, "HERE": str(tmp_path),
                   "PORT": str(port), "PAGE": str(page.relative_to(ROOT)), "KILN_OUTPUT": str(tmp_path / "output")}
    try:
        script = "kilnd --blend scene.blend\n" + script_of(page, port)
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True,
                              errors="replace", timeout=600, stdin=subprocess.DEVNULL)
        log = (tmp_path / "log").read_text() if (tmp_path / "log").exists() else ""
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}\n{log[-3000:]}"
    finally:
        if (tmp_path / "pid").exists():
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)


@pytest.mark.parametrize("command", [["sh", "render.sh"], ["python3", "render.py"], ["node", "render.mjs"], ["go", "run", "render.go"], ["g++", "render.cpp"]],
                         ids=lambda c: c[-1])
def test_clients_wait_for_a_kilnd_that_is_not_there_yet_and_tell_of_failures(command, scene, tmp_path):
    """Started before kilnd; then a job that fails."""
    if not shutil.which(command[0]):
        pytest.skip(f"there is no {command[0]}")
    command = [*command[:-1], str(ROOT / "docs/clients" / command[-1])]
    if command[0] == "g++":
        subprocess.run([*command, "-std=c++20", "-o", tmp_path / "render", "-lboost_json", "-lboost_url"], check=True)
        command = [tmp_path / "render"]
    shutil.copy(scene, tmp_path / "scene.blend")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = subprocess.Popen([*command, f"http://127.0.0.1:{port}", "scene.blend", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    kilnd = subprocess.Popen([KILND, "--listen", f"127.0.0.1:{port}", "--project-root", tmp_path, "--state", tmp_path / "state"],
                             stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        out, wrong = client.communicate(timeout=120)
        assert client.returncode == 0 and out == "succeeded\n", wrong
        refused = subprocess.run([*command, f"http://127.0.0.1:{port}", "nowhere.blend", "1"], capture_output=True, text=True, timeout=120)
        assert refused.returncode != 0 and "there is no such file" in refused.stderr
        shutil.copy(scene, tmp_path / "damaged.blend")
        (tmp_path / "damaged.blend").write_bytes(scene.read_bytes()[:4000])
        failed = subprocess.run([*command, f"http://127.0.0.1:{port}", "damaged.blend", "1"], capture_output=True, text=True, timeout=120)
        assert failed.returncode != 0 and "blend_unreadable" in failed.stderr + failed.stdout
    finally:
        client.kill()
        kilnd.terminate()
        assert kilnd.wait(60) == 0


def test_the_table_of_deeds_is_that_of_the_catalogue():
    """tests/integration holds it against each Blender and mechanism."""
    printed = subprocess.run(["/usr/bin/python3", ROOT / "tests/integration/deeds.py"], check=True, capture_output=True, text=True).stdout
    assert printed in (ROOT / "docs/security.md").read_text(), "print it again: tests/integration/deeds.py"
