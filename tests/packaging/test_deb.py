# SPDX-License-Identifier: Apache-2.0
"""The package's life: install, render, upgrade while it renders, remove, purge."""
import re
import subprocess

from system import wait_for
from test_init_script import blenders, main_pid, start_slow_job


def build_next(deb, directory):
    """The package as the next version: N+1 for dpkg."""
    root = directory / "next"
    subprocess.run(["dpkg-deb", "-R", deb, root], check=True)
    control = root / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: (.*)$", r"Version: \1+next", control.read_text(), flags=re.M))
    with open(root / "usr/bin/kilnd", "ab") as f:
        f.write(b"next")  # another file, as a newer build is: the loader does not mind
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root, directory / "next.deb"], check=True, capture_output=True)
    return directory / "next.deb"


def frame_facts(system, job):
    return system.sh(f"cd /var/lib/kiln/frames/{job} && stat -c '%n %i %Y %s' *").stdout.splitlines()


def test_install_render_upgrade_remove_purge(bare, deb, scenes, tmp_path):
    before = bare.files()
    bare.network_up()
    bare.copy_in(deb, "/root/kilnd.deb")
    bare.copy_in(build_next(deb, tmp_path), "/root/next.deb")
    installed = bare.install("/root/kilnd.deb")
    without_kiln = {f for f in bare.files() if f not in before}  # its dependencies
    assert "Starting Kiln" in installed.stdout and bare.service("status").returncode == 0
    assert int(bare.run("stat", "-c", "%s", "/usr/bin/kilnd").stdout) < 4_000_000
    status, _, page = bare.curl("/docs")
    assert status == 200 and "swagger-ui-bundle.js" in page, "the reference is the page, not its plain list"
    for file in ("README.md", "docs/api.md", "docs/openapi.json", "docs/clients/render.py", "examples/kiln.rules.yml", "examples/kiln.yaml", "examples/compose.yaml"):
        assert bare.run("test", "-s", f"/usr/share/doc/kilnd/{file}").returncode == 0, file
    for file in ("bash-completion/completions/kiln", "zsh/vendor-completions/_kilnd", "fish/vendor_completions.d/kiln.fish"):
        assert bare.run("test", "-s", f"/usr/share/{file}").returncode == 0, file
    for scene in scenes.values():
        bare.copy_in(scene, f"/var/lib/kiln/projects/{scene.name}")

    first = bare.until_final(bare.post("/v1/jobs", {"blend": "tiny.blend", "frames": "1-2"})["id"])
    assert first["state"] == "succeeded"
    assert bare.run("head", "-c", "4", f"/var/lib/kiln/frames/{first['id']}/blender-render_0001.png").stdout[1:4] == "PNG"

    # An upgrade while it renders: the same Blender goes on, nothing is rendered twice.
    job, blender = start_slow_job(bare, "1-4")
    wait_for(lambda: bare.job(job)["frames"]["done"] >= 1, "a frame is done")
    frames, old = frame_facts(bare, job), main_pid(bare)
    upgraded = bare.run("dpkg", "-i", "/root/next.deb")
    assert "Restarting Kiln" in upgraded.stdout, upgraded
    assert main_pid(bare) != old and blenders(bare) == [blender]
    assert "+next" in bare.run("dpkg-query", "-W", "kilnd").stdout
    done = bare.until_final(job)
    assert done["state"] == "succeeded" and done["attempts"] == 1 and done["frames"]["done"] == 4
    assert set(frames) <= set(frame_facts(bare, job)), "what was published before is as it was"
    saved = re.findall(r"Saved: '.*_(\d+)\.png'", bare.run("cat", f"/var/lib/kiln/state/logs/{job}-1.log").stdout)
    assert saved == ["0001", "0002", "0003", "0004"], "no frame was rendered twice"

    # Removed while it renders, also when renders are left on a stop: nothing goes on, the configuration stays.
    bare.sh("sed -i 's/^#on_stop = .*/on_stop = \"leave\"/' /etc/kiln/kilnd.toml && service kilnd restart")
    start_slow_job(bare)
    bare.run("dpkg", "-r", "kilnd")
    assert not bare.processes()
    assert bare.run("test", "-e", "/etc/kiln/kilnd.toml").returncode == 0
    assert bare.service("status").returncode == 4
    purged = bare.run("dpkg", "-P", "kilnd")
    assert "kept: /var/lib/kiln/frames" in purged.stdout and "kept: /var/lib/kiln/projects" in purged.stdout
    left = bare.files() - before
    output = {f for f in left if re.match(r"/var/lib/kiln(/(frames|projects)(/.*)?)?$", f)}
    assert f"/var/lib/kiln/frames/{job}/blender-render_0004.png" in output
    of_kiln = {f for f in left - output if re.search(r"kiln", f) and not f.startswith("/root")}
    assert not of_kiln, "nothing but the output is left"
    changed = {f for f in left - output - without_kiln if not re.match(r"/(usr|etc/ld\.so|etc/rc|etc/alternatives)|/etc/(passwd|shadow|group|gshadow|subuid|subgid)-?$", f)}
    assert not changed, changed
    assert "kiln" not in bare.run("cat", "/etc/passwd", "/etc/group").stdout
    assert bare.run("find", "/var/lib/kiln", "-nouser").stdout == "", "nobody owns it"


def test_an_empty_output_goes_with_the_package(system):
    system.run("rm", "-r", "/var/lib/kiln/projects/tiny.blend", "/var/lib/kiln/projects/slow.blend")
    assert "kept" not in system.run("dpkg", "-P", "kilnd").stdout
    assert system.run("test", "-e", "/var/lib/kiln", check=False).returncode == 1


def test_installed_without_blender_it_is_installed_all_the_same(bare, deb):
    bare.run("mv", "/usr/bin/blender", "/usr/bin/blender.away")
    bare.copy_in(deb, "/root/kilnd.deb")
    told = bare.install("/root/kilnd.deb")
    assert "install Blender" in told.stderr and "service kilnd start" in told.stderr
    bare.run("mv", "/usr/bin/blender.away", "/usr/bin/blender")
    assert bare.service("start").returncode == 0


def test_changed_configuration_stays_over_an_upgrade(system, deb, tmp_path):
    system.sh("sed -i 's/^#slots = .*/slots = 3/' /etc/kiln/kilnd.toml")
    system.copy_in(build_next(deb, tmp_path), "/root/next.deb")
    system.run("dpkg", "-i", "/root/next.deb")
    assert "slots = 3" in system.run("cat", "/etc/kiln/kilnd.toml").stdout
    assert "slots    3" in system.run("service", "kilnd", "configtest").stdout


def test_lintian(bare, deb):
    bare.copy_in(deb, "/root/kilnd.deb")
    bare.run("apt-get", "-q", "-y", "--no-install-recommends", "install", "lintian", network="host")
    said = bare.run("lintian", "--fail-on", "error", "/root/kilnd.deb", check=False)
    print(said.stdout)
    assert said.returncode == 0, said.stdout + said.stderr
