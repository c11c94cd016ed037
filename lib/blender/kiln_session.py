# SPDX-License-Identifier: Apache-2.0
"""Run by a session's Blender (2.8 to 5.x): it renders attempts, one after the other, frame by frame.

    blender -b -noaudio -Y -t THREADS -P kiln_session.py        (the other scripts next to it)

Standard input is a socket (SOCK_SEQPACKET) for JSON objects in both directions, one per message. kilnd sends:

    {"do":"begin","blend":PATH,"settings":{},"strict":false,"job_frames":[[first,last,step],...],
     "workspace":DIR,"frames":[[first,last,step],...],"open":false}
                            an attempt, with the frames of its job and those that it renders; the descriptor of its
                            log is attached. "open": more frames may follow
    {"do":"frames","frames":[...],"open":true}      more frames for it
    {"do":"cancel"}         end it after the current frame
    {"do":"load","blend":PATH}                      an attempt with this .blend is likely soon

and this script sends: ready; begun; loaded (seconds, reused); frame; saved (frame, memory in bytes); ended (status:
0 through, 1 failed, 2 cancelled; reason). Between attempts nothing is printed to a job's log, and within one nothing
elsewhere.

When kilnd exits, the frames of the attempt are still rendered, for the next kilnd to find; then Blender exits.
"""
import array
import json
import os
import select
import socket
import sys
import time
import traceback

import bpy

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kiln_animation  # noqa: E402
import kiln_frames  # noqa: E402
import kiln_properties  # noqa: E402
import kiln_report  # noqa: E402
import kiln_sequence  # noqa: E402
import kiln_setup  # noqa: E402
import kiln_walk  # noqa: E402

LONGEST_MESSAGE = 1 << 17
THROUGH, FAILED, CANCELED = 0, 1, 2

class Gone(Exception):
    """The other end is closed."""


class Channel:
    def __init__(self):
        kept = os.dup(0)  # not inherited, and no code in Blender reads the socket by accident
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        self.socket = socket.socket(fileno=kept)

    def say(self, what, **more):
        more["said"] = what
        try:
            self.socket.send(json.dumps(more).encode())
        except OSError:  # the peer is gone: the attempt continues
            pass

    def receive(self):
        for _ in range(2):
            try:
                return self.socket.recvmsg(LONGEST_MESSAGE, socket.CMSG_LEN(4))[:2]
            except ConnectionResetError:  # raised once, if kilnd has not read all messages (unix(7))
                pass
        return b"", []

    def hear(self, wait):
        """The next command, with its descriptor if attached; None if there is none and `wait` is not set.

        Commands sent before kilnd exited are still returned."""
        if not (wait or select.select([self.socket], [], [], 0)[0]):
            return None
        try:
            data, attached = self.receive()
        except OSError:
            data, attached = b"", []
        if not data:
            if wait:
                raise Gone
            return None
        command = json.loads(data.decode("utf-8", "surrogateescape"))
        command["log"] = None
        for level, kind, raw in attached:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                command["log"] = array.array("i", raw[:4])[0]
        return command


class Output:
    """Standard output and error: the log of the current attempt, or discarded."""

    def __init__(self):
        own = os.path.join(os.path.dirname(os.path.abspath(__file__)), "blender.log")
        self.own = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def flush(self):
        kiln_report.flush()

    def turn_to(self, fd):
        self.flush()
        os.dup2(fd, 1)
        os.dup2(fd, 2)


def identity(path):
    """None: there is no such file."""
    try:
        facts = os.stat(path)
        return [facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns]
    except OSError:
        return None


def is_pattern(path):
    """Whether a name denotes many files or a directory: neither has an identity."""
    return "#" in os.path.basename(path) or os.path.isdir(path)


def is_tiled(path):
    """The walk follows such a name to its files."""
    return "<UDIM>" in path or "<UVTILE>" in path


def subdivides_adaptively(scene):
    """Whether the camera determines how finely a surface is subdivided. Up to 4.5 that is experimental and set on the
    object; in 5.2 it is on the modifier."""
    is_old = kiln_properties.find(scene, "cycles_feature_set") is not None
    if is_old and kiln_properties.read(scene, "cycles_feature_set") == "EXPERIMENTAL":
        return True
    # Without either property it is unknown: then it may.
    return any(modifier.type == "SUBSURF" and kiln_properties.read(modifier, "adaptive_subdivision", not is_old)
               for thing in bpy.data.objects for modifier in thing.modifiers)


def keep_data(scene, warn):
    """Lets Cycles keep prepared data for the next frame. From 3.0 on the images are the same, except with simulations
    (3.4), with animated render settings that change the prepared data, such as simplification, and with adaptive
    subdivision, which keeps using the camera of another frame."""
    if any(path.startswith("render.") for path in kiln_animation.animated(scene)):
        return
    if scene.render.engine == "CYCLES" and bpy.app.version >= (3, 0, 0) and not subdivides_adaptively(scene):
        kiln_properties.write(scene, "persistent_data", True, "each frame is prepared from its beginning", warn)


def open_blend(path):
    """Opens a .blend as Blender's command line does. Returns the text of an error reported although the file is open:
    2.83 does so with a file of 3.4, which the command line renders. RuntimeError if it is not open."""
    mark = bpy.data.texts.new("kiln " + os.urandom(8).hex()).name  # removed with the previous file
    try:
        bpy.ops.wm.open_mainfile(filepath=path, load_ui=True, use_scripts=False)
    except RuntimeError as wrong:
        if mark in bpy.data.texts:
            raise
        return str(wrong).strip()
    if mark in bpy.data.texts:
        raise RuntimeError(f"Error: Cannot read file '{path}': Blender has not opened it")
    return ""


class Loaded:
    """The open file, and how it was changed."""

    def __init__(self, blend):
        self.blend, self.settings, self.setup, self.shown, self.sequence = blend, None, None, None, None
        self.blend_identity = identity(blend)
        self.complaint = open_blend(blend)
        self.files = {}
        self.note(set(bpy.utils.blend_paths(absolute=True, packed=False, local=False)))
        self.can_be_kept, self.workspace = False, None

    def note(self, paths):
        """Inputs that must be unchanged for this to be reused."""
        for path in paths:
            self.files.setdefault(path, identity(path))

    def is_identified(self, setup):
        """Whether each input has an identity, for any frames. An input without one always counts as changed."""
        if any(file.varies for file in setup.files) or any(map(kiln_walk.uses_sequencer, setup.walk.scenes)):
            return False
        walked = {file.path for file in setup.files}
        self.note(walked)
        return all(is_tiled(path) or not is_pattern(path) for path in self.files)

    def set_up(self, settings, progressions=None):
        self.settings = settings
        self.setup = setup = kiln_setup.Setup(settings, progressions)
        if self.complaint:
            setup.warn(f"Blender opened the .blend with an error: {self.complaint}", "opened_with_error")
        if setup.has_failed:
            return
        in_sequence = setup.find_sequence()
        self.can_be_kept = not in_sequence and setup.files is not None and self.is_identified(setup)
        if bpy.context.window:
            bpy.context.window.scene = setup.scene
        self.shown = kiln_frames.Range(setup.scene, setup.frames)
        if in_sequence:
            self.sequence = kiln_sequence.Sequence(self.shown, setup.frames, self.reopen)
        else:
            keep_data(setup.scene, setup.warn)

    def use_for(self, progressions):
        """Another job with the same settings and its own frames."""
        if progressions is not None and self.shown is not None:
            self.shown.end()
            self.setup.frames = kiln_frames.Frames(progressions, self.setup.scene)
            self.shown = kiln_frames.Range(self.setup.scene, self.setup.frames)

    def render_into(self, workspace):
        self.workspace = workspace
        self.setup.place(workspace)

    def reopen(self):
        self.shown.end()
        open_blend(self.blend)
        setup = kiln_setup.Setup(self.settings, self.setup.frames.progressions)
        setup.find_sequence()
        setup.place(self.workspace)
        self.shown = kiln_frames.Range(setup.scene, setup.frames)
        return self.shown

    @property
    def report(self):
        return self.setup.report

    def is_as_on_disk(self, blend):
        return blend == self.blend and self.blend_identity is not None and identity(blend) == self.blend_identity \
            and all(identity(path) == known for path, known in self.files.items())

    def is_fresh(self, blend):
        """Loaded early, and not used since."""
        return self.settings is None and self.is_as_on_disk(blend)

    def is_still(self, blend, settings):
        """Whether loading it again would give the same result."""
        return self.can_be_kept and settings == self.settings and self.is_as_on_disk(blend)


class Session:
    def __init__(self):
        self.channel = Channel()
        self.output = Output()
        self.loaded = None

    def run(self):
        self.channel.say("ready", version=bpy.app.version_string)
        try:
            while True:
                command = self.channel.hear(wait=True)
                if command["do"] == "begin":
                    self.attempt(command)
                elif command["do"] == "load":
                    self.load_early(command["blend"])
        except Gone:
            pass

    def load_early(self, blend):
        try:
            self.loaded = Loaded(blend)
        except Exception:  # the attempt will report it in its own log
            self.loaded = None

    def attempt(self, command):
        self.channel.say("begun")
        self.output.turn_to(command["log"])
        os.close(command["log"])
        status, reason = FAILED, ""
        try:
            status = self.render(command)
        except Gone:
            raise
        except Exception as wrong:
            # Blender prints on a line what went wrong, as it does when it renders by itself.
            print(str(wrong).strip(), flush=True)
            if not isinstance(wrong, RuntimeError):  # of an operator: its message is sufficient
                traceback.print_exc()
            reason = traceback.format_exc()[-600:]
        if status == FAILED:
            self.loaded = None
        self.output.turn_to(self.output.own)
        self.channel.say("ended", status=status, reason=reason, memory=memory())

    def render(self, command):
        began = time.monotonic()
        blend, settings = command["blend"], command["settings"]
        reused = self.loaded is not None and self.loaded.is_still(blend, settings)
        if not reused:
            if self.loaded is None or not self.loaded.is_fresh(blend):
                self.loaded = None
                self.loaded = Loaded(blend)
            self.loaded.set_up(settings, command.get("job_frames"))
        else:
            self.loaded.use_for(command.get("job_frames"))
        if command.get("strict"):
            self.loaded.setup.refuse_warnings()
        kiln_report.say(self.loaded.report)
        if self.loaded.setup.has_failed:
            return FAILED
        self.channel.say("loaded", seconds=time.monotonic() - began, reused=reused)
        self.loaded.render_into(command["workspace"])
        output = os.path.join(command["workspace"], "blender-render_####")
        frames, more = list(expand(command["frames"])), command["open"]
        at = 0
        while True:
            news = self.channel.hear(wait=at == len(frames) and more)
            while news:
                if news["do"] == "cancel":
                    return CANCELED
                if news["do"] == "frames":
                    frames += expand(news["frames"])
                    more = news["open"]
                news = self.channel.hear(wait=at == len(frames) and more)
            if at == len(frames):
                return THROUGH
            if self.loaded.sequence:
                self.loaded.sequence.render(frames[at:], output, self.begun, self.saved)
                at = len(frames)
            else:
                self.render_frame(frames[at], output)
                at += 1

    def render_frame(self, frame, output):
        self.begun(frame)
        self.loaded.shown.render(frame, frame, output)
        self.saved(frame)

    def begun(self, frame):
        self.channel.say("frame", frame=frame)

    def saved(self, frame):
        self.output.flush()
        self.channel.say("saved", frame=frame, memory=memory())


def expand(progressions):
    for first, last, step in progressions:
        yield from range(first, last + 1, step)


def memory():
    """Resident bytes of this process."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def main():
    kiln_report.take_any_bytes()
    session = Session()
    session.run()
    session.output.flush()
    os._exit(0)  # nothing to save, and a large scene takes long to free


if __name__ == "__main__":
    main()
