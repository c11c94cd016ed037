# SPDX-License-Identifier: Apache-2.0
"""The scripts of lib/blender on each Blender: as they are, and without each property that a Blender may lack."""
import array
import ast
import concurrent.futures
import json
import pathlib
import re
import shutil
import socket
import struct
import zlib

import pytest

ROOT = pathlib.Path(__file__).parents[2]
SCRIPTS = ROOT / "lib/blender"
ALL = sorted(path.name for path in SCRIPTS.glob("kiln_*.py"))
ASKED = {"samples": 3, "seed": 7, "device": "CPU", "format": "PNG", "camera": "Camera", "resolution": [24, 16],
         "engine": "CYCLES"}
# What the report has to name when it was asked for and cannot be had.
WARNED = {"cycles_samples": "samples", "cycles_seed": "seed", "cycles_animated_seed": "seed", "cycles_device": "device",
          "markers": "camera", "overwrite": "skipped", "placeholder": "empty files", "file_extension": "extension"}
SECONDS = 300


@pytest.fixture(scope="module")
def made_scenes(tmp_path_factory):
    return tmp_path_factory.mktemp("scenes"), {}


@pytest.fixture
def tiny(blender, made_scenes):
    """tests/scenes/make_tiny.py, made by this Blender."""
    directory, made = made_scenes
    if blender.version not in made:
        path = directory / f"tiny-{blender.version}.blend"
        done = run(blender, ["-b", "-noaudio", "--factory-startup", "--python-exit-code", "1", "--python",
                            str(ROOT / "tests/scenes/make_tiny.py"), "--", str(path)], timeout=SECONDS)
        assert path.is_file(), said(done)
        made[blender.version] = path
    return made[blender.version]


def run(blender, arguments, **options):
    return blender.run(*arguments, capture_output=True, text=True, **options)


def said(done):
    return (done.stdout or "") + (done.stderr or "")


def objects_behind(mark, text):
    return [json.loads(line[len(mark):]) for line in text.splitlines() if line.startswith(mark)]


def pixels(path):
    """The header of a PNG and its filtered lines: equal for equal pictures of one Blender."""
    data, at, packed, header = path.read_bytes(), 8, b"", b""
    assert data.startswith(b"\x89PNG"), path
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            header = data[at + 8:at + 8 + length]
        if kind == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += length + 12
    return header, zlib.decompress(packed)


def arguments_of_own_process(blend, output, settings, frames=(1, 1)):
    """Those of lib/blender/command_line.cpp."""
    return ["-b", "-noaudio", "-Y", str(blend), "--python-exit-code", "97", "-P", str(SCRIPTS / "kiln_setup.py"),
            "-o", str(output / "blender-render_####"), "-x", "1", "-t", "1", "-j", "1", "-s", str(frames[0]),
            "-e", str(frames[1]), "-a", "--", json.dumps(settings)]


class Session:
    """A Blender that stays, and kilnd's end of its socket."""

    def __init__(self, blender, directory):
        directory.mkdir()
        for script in ALL:
            shutil.copy(SCRIPTS / script, directory)
        self.blender, self.directory = blender, directory

    def render(self, *orders):
        """Carries out orders (.blend, settings, frames), one after the other. A workspace and the messages for each."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(SECONDS)
        attempts = []

        def talk():
            for number, order in enumerate(orders):
                workspace = self.directory / f"attempt-{number}"
                workspace.mkdir()
                attempts.append((workspace, []))
                begin(ours, workspace, *order)
                while not attempts[-1][1] or attempts[-1][1][-1]["said"] != "ended":
                    attempts[-1][1].append(json.loads(ours.recv(1 << 17)))
            ours.shutdown(socket.SHUT_WR)  # then Blender ends

        with ours, theirs, concurrent.futures.ThreadPoolExecutor(1) as beside:
            talked = beside.submit(talk)
            done = run(self.blender, arguments_of_session(self.directory / "kiln_session.py"), stdin=theirs,
                                    timeout=SECONDS)
            theirs.close()
            talked.result()
        assert done.returncode == 0, said(done)
        return attempts


def begin(channel, workspace, blend, settings, frames, job_frames=None):
    order = {"do": "begin", "blend": str(blend), "settings": settings, "workspace": str(workspace), "frames": frames,
             "job_frames": job_frames or frames, "strict": False, "open": False}
    with open(workspace / "log", "ab") as log:
        channel.sendmsg([json.dumps(order).encode()],
                        [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [log.fileno()]))])


def arguments_of_session(script):
    """Those of lib/blender/session_protocol.cpp."""
    return ["-b", "-noaudio", "--log", "render", "--log-level", "0", "-Y", "--python-exit-code", "97", "-t", "1", "-P",
            str(script)]


def ends(attempts):
    return [messages[-1]["status"] for _, messages in attempts]


def report_of(workspace):
    return objects_behind("kiln: ", (workspace / "log").read_text())[0]


def messages(report):
    return " ".join(warning["message"] for warning in report["warnings"])


@pytest.mark.parametrize("script", ALL)
def test_scripts_are_python_3_7(script):
    """Blender 2.80 to 2.92 as blender.org builds them have no newer one."""
    ast.parse((SCRIPTS / script).read_text(), feature_version=(3, 7))


def test_without_each_property(blender, tiny, tmp_path):
    done = run(blender, ["-b", "-noaudio", "-Y", "-P", str(ROOT / "tests/blenders/without_properties.py"), "--",
                        str(SCRIPTS), str(tiny), str(tmp_path), json.dumps(ASKED)], timeout=SECONDS)
    tried = objects_behind("tried: ", said(done))
    assert done.returncode == 0 and len(tried) >= 2 * (2 + len(WARNED)), said(done)
    assert {tuple(one["hidden"]) for one in tried} >= {(name,) for name in WARNED}, "a property has another name"
    expected = pixels(pathlib.Path(tried[0]["picture"]))
    for one in tried:
        report, hidden = one["report"], one["hidden"]
        assert "raised" not in report and "failure" not in report, one
        assert report["engine"] == "CYCLES" and report["camera"] == "Camera", one
        header, picture = pixels(pathlib.Path(one["picture"]))
        assert header == expected[0], one
        if not {"cycles_samples", "cycles_seed"} & set(hidden):
            assert picture == expected[1], one
        warnings = messages(report)
        for name in hidden:
            assert WARNED.get(name, "") in warnings, one
        if not hidden:
            assert not report["warnings"], one
        if "persistent_data" in hidden and one["mode"] == "session" and blender.version != "2.83":
            assert "persistent" in warnings or len(hidden) > 1, one


def test_file_output_nodes_without_each_property(blender, tmp_path):
    """Without one that makes up the paths of a node, its files are not delivered, and the job says so."""
    made = run(blender, ["-b", "-noaudio", "--factory-startup", "--python-exit-code", "1", "-P",
                         str(ROOT / "tests/pictures/scenes/make.py"), "--", str(tmp_path), "outputs.file_output"], timeout=SECONDS)
    blend = tmp_path / "file_output/file_output.blend"
    assert blend.is_file(), said(made)
    done = run(blender, ["-b", "-noaudio", "-Y", "-P", str(ROOT / "tests/blenders/without_properties.py"), "--",
                        str(SCRIPTS), str(blend), str(tmp_path), json.dumps({"samples": 1})], timeout=SECONDS)
    paths = {"output_directory", "output_file"} if int(blender.version.split(".")[0]) >= 5 else {"output_base"}
    tried = [one for one in objects_behind("tried: ", said(done)) if len(one["hidden"]) <= 1]
    assert {name for one in tried for name in one["hidden"]} >= paths, said(done)
    for one in tried:
        assert "raised" not in one["report"] and "failure" not in one["report"], one
        is_told = "not delivered" in messages(one["report"])
        assert is_told == bool({*paths, "output_items", "output_name"} & set(one["hidden"])), one


def test_properties_are_those_that_the_scripts_look_for():
    """A name that the table and a script spell differently would never be found."""
    text = "".join((SCRIPTS / script).read_text() for script in ALL)
    constants = {statement.targets[0].id: statement.value for statement in ast.parse(text).body
                 if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)}
    names, samples = (ast.literal_eval(constants[name]) for name in ("PROPERTIES", "SAMPLES"))
    assert set(names) == set(re.findall(r'(?:find|read|write)\([\w.]+, "(\w+)"', text)) | set(samples.values())


def test_a_device_that_is_not_there(blender, tiny, tmp_path):
    device = "OPTIX"
    done = run(blender, ["-b", "-noaudio", "-Y", "-P", str(ROOT / "tests/blenders/without_properties.py"), "--",
                        str(SCRIPTS), str(tiny), str(tmp_path), json.dumps({"device": device, "samples": 1})],
                       timeout=SECONDS)
    tried = objects_behind("tried: ", said(done))
    assert tried and done.returncode == 0, said(done)
    for one in tried:
        report, hidden = one["report"], one["hidden"]
        assert "raised" not in report, one
        if not {"device_type", "find_devices", "devices"} & set(hidden):
            assert report["failure"]["kind"] == "engine_unavailable" and device in report["failure"]["message"], one
        else:
            assert "failure" in report or f"not {device}" in messages(report), one


@pytest.mark.parametrize("engine", ["BLENDER_EEVEE", "BLENDER_EEVEE_NEXT", "BLENDER_WORKBENCH", "CYCLES", "NOPE"])
def test_engines(blender, tiny, tmp_path, engine):
    """Both names of EEVEE mean the one that this Blender has. No frame: not each machine has a display."""
    arguments = arguments_of_own_process(tiny, tmp_path, {"engine": engine, "samples": 5})
    at = arguments.index("-j")
    del arguments[at:arguments.index("--")]
    done = run(blender, arguments, timeout=SECONDS)
    report = objects_behind("kiln: ", said(done))[0]
    if engine == "NOPE":
        assert done.returncode == 1 and report["failure"]["kind"] == "engine_unavailable", report
        assert '"NOPE"' in report["failure"]["message"]
        return
    assert done.returncode == 0 and "failure" not in report, report
    if engine == "BLENDER_WORKBENCH":
        assert report["engine"] == engine and "samples" in messages(report)
        return
    assert report["samples"] == 5 and report["warnings"] == []
    assert report["engine"].startswith("BLENDER_EEVEE") if "EEVEE" in engine else report["engine"] == engine


def test_own_process_and_session_render_what_blender_renders_by_hand(blender, tiny, tmp_path):
    settings = {"samples": 3, "seed": 5, "format": "PNG"}
    by_hand, own = tmp_path / "by-hand", tmp_path / "own"
    for directory in (by_hand, own):
        directory.mkdir()
    script = tmp_path / "set.py"
    script.write_text("import bpy\nbpy.context.scene.cycles.samples = 3\nbpy.context.scene.cycles.seed = 5\n")
    assert run(blender, ["-b", "-noaudio", "-Y", str(tiny), "-P", str(script), "-o", str(by_hand / "blender-render_####"),
                        "-F", "PNG", "-x", "1", "-s", "1", "-e", "4", "-a"], timeout=SECONDS).returncode == 0
    done = run(blender, arguments_of_own_process(tiny, own, settings, (1, 4)), timeout=SECONDS)
    assert done.returncode == 0 and re.search(r"Fra: ?2\b.*Sample \d/3", said(done)), said(done)

    attempts = Session(blender, tmp_path / "session").render(
        (tiny, settings, [[1, 2, 1]]), (tiny, settings, [[3, 3, 1]]), (tiny, {**settings, "samples": 1}, [[4, 4, 1]]),
        (tiny, settings, [[4, 4, 1]]))
    cold, warm, other, again = (workspace for workspace, _ in attempts)
    assert ends(attempts) == [0, 0, 0, 0], attempts
    messages = [message for _, of_one in attempts for message in of_one]
    assert [message["reused"] for message in messages if message["said"] == "loaded"] == [False, True, False, False]
    assert [message["frame"] for message in messages if message["said"] == "saved"] == [1, 2, 3, 4, 4]

    for frame, workspace in ((1, cold), (2, cold), (3, warm), (4, again)):
        name = f"blender-render_{frame:04}.png"
        assert pixels(own / name) == pixels(by_hand / name) == pixels(workspace / name), name
    assert pixels(other / "blender-render_0004.png") != pixels(own / "blender-render_0004.png")
    for workspace, frames in ((cold, {1, 2}), (warm, {3}), (other, {4})):
        log = (workspace / "log").read_text()
        assert {int(n) for n in re.findall(r"Fra: ?(\d+)\b", log)} == frames, log
        assert re.search(r"Sample \d/\d", log), log
        assert report_of(workspace)["warnings"] == []


def test_frames_that_follow_from_each_other(blender, tmp_path):
    """Whatever was rendered before, and in whatever order they are asked for: those of the whole, by hand."""
    made = run(blender, ["-b", "-noaudio", "--factory-startup", "--python-exit-code", "1", "-P",
                         str(ROOT / "tests/pictures/scenes/make.py"), "--", str(tmp_path), "simulations.cloth_lit"], timeout=SECONDS)
    cloth = tmp_path / "cloth_lit/cloth_lit.blend"
    assert cloth.is_file(), said(made)
    by_hand, own = tmp_path / "by-hand", tmp_path / "own"
    for directory in (by_hand, own):
        directory.mkdir()
    run(blender, ["-b", "-noaudio", "-Y", str(cloth), "-o", str(by_hand / "blender-render_####"), "-x", "1", "-a"], timeout=SECONDS)
    arguments = arguments_of_own_process(cloth, own, {"frames": [[1, 10, 1]]})
    at = arguments.index("-j")
    frames = [word for frame in (9, 3, 6) for word in ("-j", "1", "-s", str(frame), "-e", str(frame), "-a")]
    done = run(blender, [*arguments[:at], *frames, *arguments[arguments.index("--"):]], timeout=SECONDS)
    assert done.returncode == 0, said(done)
    report = objects_behind("kiln: ", said(done))[0]
    assert report["sequential"] and [one["kind"] for one in report["warnings"]] == ["simulation_not_baked"], report

    attempts = Session(blender, tmp_path / "session").render((cloth, {}, [[6, 7, 1], [9, 9, 1]], [[1, 10, 1]]),
                                                             (cloth, {}, [[3, 3, 1]], [[1, 10, 1]]))
    (later, _), (earlier, _) = attempts
    assert ends(attempts) == [0, 0], attempts
    assert [[message["frame"] for message in said if message["said"] == "saved"] for _, said in attempts] == [[6, 7, 9], [3]]
    for directory, numbers in ((own, (3, 6, 9)), (later, (6, 7, 9)), (earlier, (3,))):
        for name in (f"blender-render_{number:04}.png" for number in numbers):
            assert pixels(directory / name) == pixels(by_hand / name), name


def with_next_version(blend, made):
    """A copy of which the header says that the next version wrote it (3.4 → 3.5). Before 4.0 its block GLOB says too that
    an older Blender loses data; newer Blenders refuse such a file."""
    data = bytearray(blend.read_bytes())
    header = re.match(rb"BLENDER(?:[-_][vV](\d{3})|17-01v(\d{4}))", data)
    assert header, data[:20]
    version = int(header[1] or header[2]) + 1
    data[header.end() - 3:header.end()] = b"%03d" % version
    if version < 400:
        content = data.index(b"GLOB") + 24  # FileGlobal: char[4], subversion, minversion
        struct.pack_into("<h", data, content + 6, version)
    made.write_bytes(data)
    return made


def test_a_file_of_a_newer_blender(blender, tiny, tmp_path):
    """What Blender's command line opens with an error or without one, a session renders too; both warn."""
    blend = with_next_version(tiny, tmp_path / "newer.blend")
    own = tmp_path / "own"
    own.mkdir()
    done = run(blender, arguments_of_own_process(blend, own, {}), timeout=SECONDS)
    attempts = Session(blender, tmp_path / "session").render((blend, {}, [[1, 1, 1]]))
    workspace = attempts[0][0]
    assert ends(attempts) == [0], (workspace / "log").read_text()
    assert pixels(own / "blender-render_0001.png") == pixels(workspace / "blender-render_0001.png")
    for report in (objects_behind("kiln: ", said(done))[0], report_of(workspace)):
        assert "wrote the .blend" in messages(report), report


def test_a_file_that_is_broken_never_shows_what_was_open_before(blender, tiny, tmp_path):
    """2.83 keeps the former file and runs its handlers, as if it had loaded another one."""
    cut, junk = tmp_path / "cut.blend", tmp_path / "junk.blend"
    cut.write_bytes(tiny.read_bytes()[:tiny.stat().st_size // 2])
    junk.write_text("junk")
    attempts = Session(blender, tmp_path / "session").render(
        *((path, {}, [[1, 1, 1]]) for path in (tiny, cut, tiny, junk, tmp_path / "none.blend", tiny)))
    assert ends(attempts) == [0, 1, 0, 1, 1, 0]
    rendered = [(workspace / "blender-render_0001.png").exists() for workspace, _ in attempts]
    assert rendered == [True, False, True, False, False, True]


def test_too_many_warnings_are_shortened_and_say_so(blender, tmp_path):
    """A line of a report is at most 7000 bytes: what cannot be said whole is not left out in silence."""
    script = tmp_path / "warn.py"
    script.write_text(f"""
import sys
sys.path.insert(0, {str(SCRIPTS)!r})
import kiln_report
report = {{"version": "x", "warnings": []}}
for number in range(20):
    kiln_report.add_warning(report, f"{{number:03}} " + "ü" * 400, "some_kind")
kiln_report.say(report)
""")
    done = run(blender, ["-b", "--factory-startup", "--python-exit-code", "1", "-P", str(script)], timeout=SECONDS)
    lines = [line for line in done.stdout.splitlines() if line.startswith("kiln: ")]
    assert len(lines) == 1 and len(lines[0]) <= 7006, said(done)
    warnings = json.loads(lines[0][len("kiln: "):])["warnings"]
    assert len(warnings) > 1 and warnings[0]["message"].startswith("000 ") and warnings[-1]["kind"] == "warnings_left_out"
