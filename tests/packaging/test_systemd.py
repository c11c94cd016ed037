# SPDX-License-Identifier: Apache-2.0
"""The unit under a real systemd, booted as a container."""
import json
import re

import pytest
import system as systems
from system import wait_for


@pytest.fixture(scope="module")
def booted(deb, scenes):
    s = systems.System(systemd=True)
    try:
        s.network_up()
        s.copy_in(deb, "/root/kilnd.deb")
        s.install("/root/kilnd.deb")
        for scene in scenes.values():
            s.copy_in(scene, f"/var/lib/kiln/projects/{scene.name}")
        yield s
    finally:
        s.close()


def show(system, *properties):
    said = system.run("systemctl", "show", "kilnd", *[f"-p{p}" for p in properties]).stdout
    return dict(line.split("=", 1) for line in said.splitlines())


def main_pid(system):
    return int(show(system, "MainPID")["MainPID"])


def blenders(system):
    return [pid for pid, command in system.processes().items() if command.startswith("/usr/bin/blender ")]


def start_slow_job(system):
    job = system.post("/v1/jobs", {"blend": "slow.blend", "frames": "1-3", "samples": 40})
    return job["id"], wait_for(lambda: (system.job(job["id"])["current"] or {}).get("pid"), "Blender runs")


def test_installed_it_is_enabled_ready_and_renders(booted):
    facts = show(booted, "ActiveState", "SubState", "UnitFileState", "Type", "StatusText", "WatchdogUSec", "User")
    assert facts["ActiveState"] == "active" and facts["UnitFileState"] == "enabled" and facts["User"] == "kiln", facts
    assert facts["StatusText"] == "Listening on 127.0.0.1:3000" and facts["WatchdogUSec"] == "1min"
    done = booted.until_final(booted.post("/v1/jobs", {"blend": "tiny.blend", "frames": "1-2"})["id"])
    assert done["state"] == "succeeded", done


def test_the_hardening_is_there(booted):
    status = booted.run("cat", f"/proc/{main_pid(booted)}/status").stdout
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M) and re.search(r"^Seccomp:\t2$", status, re.M)
    assert re.search(r"^CapBnd:\t0+$", status, re.M)


def test_reload(booted):
    pid = main_pid(booted)
    booted.run("systemctl", "reload", "kilnd")
    assert main_pid(booted) == pid and show(booted, "ActiveState")["ActiveState"] == "active"


def test_a_restart_leaves_renders_and_a_stop_ends_them(booted):
    job, blender = start_slow_job(booted)
    before = main_pid(booted)
    booted.run("systemctl", "restart", "kilnd")
    assert main_pid(booted) != before and blenders(booted) == [blender]
    assert booted.job(job)["current"]["pid"] == blender
    done = booted.until_final(job)
    assert done["state"] == "succeeded" and done["attempts"] == 1, done
    job, blender = start_slow_job(booted)
    booted.run("systemctl", "stop", "kilnd")
    assert not booted.processes() and show(booted, "Result")["Result"] == "success"
    booted.run("systemctl", "start", "kilnd")
    assert booted.until_final(job)["state"] == "succeeded"


def test_killed_it_is_started_again_and_takes_up_what_renders(booted):
    job, blender = start_slow_job(booted)
    before = main_pid(booted)
    booted.sh(f"kill -KILL {before}")
    wait_for(lambda: main_pid(booted) not in (0, before) and show(booted, "ActiveState")["ActiveState"] == "active", "it is back")
    assert blenders(booted) == [blender]
    done = booted.until_final(job)
    assert done["state"] == "succeeded" and done["attempts"] == 1, done


def test_a_loop_that_is_stuck_is_ended_by_the_watchdog(booted):
    booted.sh("mkdir -p /run/systemd/system/kilnd.service.d; printf '[Service]\\nWatchdogSec=2\\n' > /run/systemd/system/kilnd.service.d/w.conf; "
              "systemctl daemon-reload; systemctl restart kilnd")
    before = main_pid(booted)
    booted.sh(f"kill -STOP {before}")
    wait_for(lambda: main_pid(booted) not in (0, before) and show(booted, "ActiveState")["ActiveState"] == "active", "it is back")
    assert int(show(booted, "NRestarts")["NRestarts"]) >= 1
    booted.sh("rm /run/systemd/system/kilnd.service.d/w.conf; systemctl daemon-reload; systemctl restart kilnd")


def test_a_wrong_configuration_is_not_tried_again(booted):
    booted.sh("sed -i 's/^#slots = .*/slots = 0/' /etc/kiln/kilnd.toml")
    assert booted.run("systemctl", "restart", "kilnd", check=False).returncode != 0
    facts = show(booted, "ActiveState", "ExecMainStatus")
    assert facts == {"ActiveState": "failed", "ExecMainStatus": "2"}
    booted.sh("sed -i 's/^slots = .*/#slots = 1/' /etc/kiln/kilnd.toml; systemctl start kilnd")


def test_socket_activation(booted):
    booted.sh("systemctl stop kilnd; systemctl start kilnd.socket")
    assert show(booted, "ActiveState")["ActiveState"] == "inactive"
    assert booted.curl("/livez")[0] == 200, "the first connection starts it"
    assert show(booted, "ActiveState")["ActiveState"] == "active"
    booted.sh("systemctl stop kilnd.socket kilnd; systemctl start kilnd")


def test_the_score(booted):
    said = booted.run("systemd-analyze", "security", "--json=short", "kilnd", check=False).stdout
    assert json.loads(said)
    scored = booted.run("systemd-analyze", "security", "kilnd", check=False).stdout
    assert float(re.search(r"Overall exposure level for kilnd\.service: ([\d.]+)", scored).group(1)) <= 2.5, scored
