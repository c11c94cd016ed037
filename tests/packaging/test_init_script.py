# SPDX-License-Identifier: Apache-2.0
"""The init script on a Debian without systemd: every verb, with the statuses that the LSB says."""
import re

import pytest
from system import wait_for

LOG = "/var/log/kiln/kilnd.log"


def main_pid(system):
    return int(system.run("cat", "/run/kilnd.pid").stdout)


def kilnds(system):
    return [pid for pid, command in system.processes().items() if command.startswith("/usr/bin/kilnd ")]


def blenders(system):
    return [pid for pid, command in system.processes().items() if command.startswith("/usr/bin/blender ")]


def start_slow_job(system, frames="1-3"):
    job = system.post("/v1/jobs", {"blend": "slow.blend", "frames": frames, "samples": 40})
    return job["id"], wait_for(lambda: (system.job(job["id"])["current"] or {}).get("pid"), "Blender runs")


def test_every_verb(system):
    verbs = lambda *all_of_them: [system.service(v).returncode for v in all_of_them]
    assert verbs("status", "start", "status") == [0, 0, 0], "it runs already"
    assert kilnds(system) == [main_pid(system)]
    before = main_pid(system)
    assert verbs("reload", "force-reload") == [0, 0] and main_pid(system) == before
    wait_for(lambda: system.run("grep", "-c", "log reopened", LOG, check=False).stdout.strip() == "2", "the log is reopened twice")
    assert verbs("restart") == [0] and main_pid(system) != before
    before = main_pid(system)
    assert verbs("try-restart") == [0] and main_pid(system) != before
    assert verbs("stop", "status", "stop") == [0, 3, 0], "stopping what does not run is no failure"
    assert not system.processes()
    assert system.run("test", "-e", "/run/kilnd.pid", check=False).returncode == 1
    assert verbs("reload", "try-restart", "status") == [7, 0, 3]
    assert verbs("restart", "status") == [0, 0], "restart starts what does not run"
    assert system.curl("/readyz")[0] == 200
    script = "/etc/init.d/kilnd"
    assert system.run(script, check=False).returncode == 2
    assert system.run(script, "nonsense", check=False).returncode == 2
    assert system.run(script, "start", "now", check=False).returncode == 2
    tested = system.run(script, "configtest")
    assert "all is well" in tested.stdout


def test_it_runs_as_its_user_with_its_umask(system):
    pid = main_pid(system)
    status = system.run("cat", f"/proc/{pid}/status").stdout
    assert re.search(r"^Umask:\t0022$", status, re.M)
    assert re.search(rf"^Uid:\t{system.run('id', '-u', 'kiln').stdout.strip()}\t", status, re.M)
    assert re.search(rf"^Groups:\t{system.run('id', '-G', 'kiln').stdout.strip()} $", status, re.M)
    assert "HOME=/var/lib/kiln\0" in system.run("cat", f"/proc/{pid}/environ").stdout
    assert system.run("stat", "-c", "%U:%G %a", LOG).stdout.strip() == "kiln:adm 640"


def test_without_root_and_without_the_program(system):
    as_nobody = lambda verb: system.run("runuser", "-u", "nobody", "--", "/etc/init.d/kilnd", verb, check=False).returncode
    assert [as_nobody(v) for v in ("status", "start", "stop", "restart", "reload")] == [0, 4, 4, 4, 4]
    system.service("stop")
    system.run("mv", "/usr/bin/kilnd", "/usr/bin/kilnd.away")
    assert [system.service(v).returncode for v in ("start", "stop", "status", "restart")] == [5, 0, 4, 5]


def test_two_starts_at_once(system):
    system.service("stop")
    both = system.sh("/etc/init.d/kilnd start & a=$!; /etc/init.d/kilnd start & b=$!; wait $a && wait $b")
    assert both.returncode == 0
    assert kilnds(system) == [main_pid(system)]


@pytest.mark.parametrize("left_over", ["a number that nobody has", "another process", "a process of the same user", "rubbish", "nothing"])
def test_a_pid_file_that_is_left_over(system, left_over):
    system.service("stop")
    if left_over in ("another process", "a process of the same user"):
        user = "root" if left_over == "another process" else "kiln"
        number = system.sh(f"runuser -u {user} -- sh -c 'sleep 300 >/dev/null 2>&1 & echo $!'").stdout.strip()
    else:
        number = {"a number that nobody has": "4194000", "rubbish": "rubbish", "nothing": ""}[left_over]
    system.write("/run/kilnd.pid", f"{number}\n")
    assert system.service("status").returncode in (1, 3, 4)
    assert system.service("stop").returncode == 0
    if number.isdigit():
        system.write("/run/kilnd.pid", f"{number}\n")
    assert system.service("start").returncode == 0
    assert system.service("status").returncode == 0 and kilnds(system) == [main_pid(system)]
    if left_over in ("another process", "a process of the same user"):
        assert "sleep" in system.run("cat", f"/proc/{number}/cmdline").stdout, "it was not touched"


def test_killed_then_started_it_takes_up_what_renders(system):
    job, blender = start_slow_job(system)
    system.sh("kill -KILL $(cat /run/kilnd.pid)")
    # Its pid is there until init has reaped it.
    wait_for(lambda: not kilnds(system) and system.service("status").returncode == 1, "kilnd is dead")
    assert system.service("start").returncode == 0
    assert system.job(job)["current"]["pid"] == blender, "the same Blender goes on"
    done = system.until_final(job)
    assert done["state"] == "succeeded" and done["attempts"] == 1


def test_stop_ends_renders_and_restart_does_not(system):
    job, blender = start_slow_job(system)
    assert system.service("restart").returncode == 0
    assert blenders(system) == [blender] and system.job(job)["current"]["pid"] == blender
    assert system.service("stop").returncode == 0
    assert not system.processes()
    assert system.service("start").returncode == 0
    done = system.until_final(job)
    assert done["state"] == "succeeded" and done["attempts"] == 2


def test_stop_leaves_renders_when_configured(system):
    system.sh("sed -i 's/^#on_stop = .*/on_stop = \"leave\"/' /etc/kiln/kilnd.toml")
    system.service("restart")
    job, blender = start_slow_job(system)
    assert system.service("stop").returncode == 0
    assert blenders(system) == [blender] and not kilnds(system)
    assert system.service("start").returncode == 0
    done = system.until_final(job)
    assert done["state"] == "succeeded" and done["attempts"] == 1


def test_a_wrong_configuration_is_told_and_does_not_stop_what_runs(system):
    before = main_pid(system)
    system.sh("sed -i 's/^#slots = .*/slots = 0/' /etc/kiln/kilnd.toml")
    told = system.service("restart")
    assert told.returncode == 6 and "slots" in told.stderr
    assert main_pid(system) == before and system.curl("/livez")[0] == 200
    system.service("stop")
    system.sh("echo START_TIMEOUT=86400 >> /etc/default/kilnd")  # it does not wait after a failure
    told = system.service("start")
    assert told.returncode == 1 and "slots" in told.stderr
    assert system.service("status").returncode == 3


def test_without_blender_it_says_so(system):
    system.service("stop")
    system.run("mv", "/usr/bin/blender", "/usr/bin/blender.away")
    system.sh("echo START_TIMEOUT=86400 >> /etc/default/kilnd")
    told = system.service("start")
    assert told.returncode == 1 and "blender" in told.stderr
    assert system.service("status").returncode == 3 and not system.processes()


def test_started_before_the_network(bare, deb, scenes):
    """lo itself is down: no address is anybody's."""
    bare.copy_in(deb, "/root/kilnd.deb")
    bare.install("/root/kilnd.deb")
    assert bare.service("status").returncode == 0
    assert bare.curl("/readyz")[0] == 0
    bare.network_up()
    assert bare.curl("/readyz")[0] == 200
    bare.copy_in(scenes["tiny"], "/var/lib/kiln/projects/tiny.blend")
    assert bare.until_final(bare.post("/v1/jobs", {"blend": "tiny.blend", "frames": "1"})["id"])["state"] == "succeeded"


def test_logrotate(system):
    """Debian's logrotate is not in the root: the test does the work of its configuration, and kilnd writes to the new file."""
    rotation = system.run("cat", "/etc/logrotate.d/kilnd").stdout
    script = rotation.split("postrotate")[1].split("endscript")[0]
    system.run("mv", LOG, f"{LOG}.1")
    system.run("install", "-o", "kiln", "-g", "adm", "-m", "640", "/dev/null", LOG)
    system.sh(script)
    wait_for(lambda: "log reopened" in system.run("cat", LOG).stdout, "kilnd writes to the new file")


def test_syslog(system):
    system.run("sh", "-c", "echo LOG_FILE=syslog >> /etc/default/kilnd")
    system.sh("cat > /tmp/syslogd && chmod +x /tmp/syslogd", input="""#!/usr/bin/python3
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
import os
os.chmod("/dev/log", 0o666)
while True:
    open("/tmp/heard", "ab").write(s.recv(4096) + b"\\n")
""")
    system.sh("/tmp/syslogd >/dev/null 2>&1 & while [ ! -e /dev/log ]; do sleep 0.1; done")
    assert system.service("restart").returncode == 0
    wait_for(lambda: re.search(r"^<30>kilnd\[\d+\]: listening on 127\.0\.0\.1:3000$",
                               system.run("cat", "/tmp/heard", check=False).stdout, re.M), "syslogd hears it")
