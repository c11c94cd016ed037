# SPDX-License-Identifier: Apache-2.0
"""Run by a Blender (2.93 to 5.x) that stays: it renders attempts, one after the other, frame by frame.

    blender -b -noaudio -Y -t THREADS -P kiln_session.py        (kiln_setup.py beside it)

Standard input is a socket (SOCK_SEQPACKET) on which both sides speak in JSON objects, one a message. kilnd says:

    {"do":"begin","blend":PATH,"settings":{},"workspace":DIR,"frames":[[first,last,step],...],"open":false}
                            an attempt; the descriptor of its log comes along. "open": more frames may follow
    {"do":"frames","frames":[...],"open":true}      more frames for it
    {"do":"cancel"}         end it after the frame that renders
    {"do":"load","blend":PATH}                      an attempt with this .blend is likely to come

and this script: ready; begun; loaded (seconds, reused); frame; saved (frame, memory in bytes); ended (status: 0 through,
1 failed, 2 cancelled; reason). Between attempts nothing is printed to a job's log, and within one nothing elsewhere.

When kilnd goes away, what an attempt was given is still rendered, for the next kilnd to find; then Blender ends.
"""
import array
import ctypes
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
import kiln_setup  # noqa: E402

LONGEST_MESSAGE = 1 << 17
THROUGH, FAILED, CANCELED = 0, 1, 2
# What these compute of one frame they need for the next.
SIMULATIONS = {"CLOTH", "SOFT_BODY", "FLUID", "DYNAMIC_PAINT", "EXPLODE", "SMOKE"}


class Gone(Exception):
    """Nobody is at the other end."""


class Channel:
    def __init__(self):
        kept = os.dup(0)  # not inherited; and nothing that runs in Blender reads the socket by accident
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        self.socket = socket.socket(fileno=kept)

    def say(self, what, **more):
        more["said"] = what
        try:
            self.socket.send(json.dumps(more).encode())
        except OSError:  # nobody listens: the attempt goes on
            pass

    def receive(self):
        for _ in range(2):
            try:
                return self.socket.recvmsg(LONGEST_MESSAGE, socket.CMSG_LEN(4))[:2]
            except ConnectionResetError:  # told once, when kilnd has not read all that was said to it (unix(7))
                pass
        return b"", []

    def hear(self, wait):
        """The next command, with a descriptor where one came along; None when there is none and `wait` is not set.

        What kilnd had said before it went is still heard."""
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
    """Standard output and error: of the attempt that renders, or of nobody's."""

    def __init__(self):
        own = os.path.join(os.path.dirname(os.path.abspath(__file__)), "blender.log")
        self.own = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self.c_library = ctypes.CDLL(None)
        except OSError:
            self.c_library = None

    def flush(self):
        sys.stdout.flush()
        sys.stderr.flush()
        if self.c_library:
            self.c_library.fflush(None)

    def turn_to(self, fd):
        self.flush()
        os.dup2(fd, 1)
        os.dup2(fd, 2)


def identity(path):
    try:
        facts = os.stat(path)
        return [facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns]
    except OSError:
        return None


def needs_sequence():
    """Whether a frame depends on those that were rendered before it."""
    for scene in bpy.data.scenes:
        if scene.rigidbody_world:
            return True
    for thing in bpy.data.objects:
        for modifier in thing.modifiers:
            if modifier.type in SIMULATIONS:
                return True
        for system in thing.particle_systems:
            if system.settings.type != "HAIR" or system.use_hair_dynamics:
                return True
    for tree in bpy.data.node_groups:
        if any(node.bl_idname.startswith("GeometryNodeSimulation") for node in tree.nodes):
            return True
    return False


def reads_while_rendering():
    """Whether files are read anew for each frame, so that nobody can say that they are as they were."""
    for image in bpy.data.images:
        if image.users and image.source in {"SEQUENCE", "MOVIE"}:
            return True
    return any(len(getattr(bpy.data, collection, [])) for collection in ("cache_files", "volumes", "movieclips"))


class Loaded:
    """The file that is open, and what was made of it."""

    def __init__(self, blend):
        self.blend, self.settings = blend, None
        self.blend_identity = identity(blend)
        bpy.ops.wm.open_mainfile(filepath=blend, load_ui=True, use_scripts=False)
        paths = sorted(set(bpy.utils.blend_paths(absolute=True, packed=False, local=False)))
        self.files = [[path, identity(path)] for path in paths]
        self.scene_name, self.report = None, None
        self.can_be_kept = False

    def set_up(self, settings):
        self.settings = settings
        scene, self.report = kiln_setup.set_up(settings)
        if "failure" in self.report:
            return
        self.scene_name = scene.name
        in_sequence = needs_sequence()
        self.report["sequential"] = in_sequence
        self.can_be_kept = not in_sequence and not reads_while_rendering()
        if bpy.context.window:
            bpy.context.window.scene = scene
        # Simulations then come out differently (3.4), and adaptive subdivision keeps to the camera of another frame.
        if scene.render.engine == "CYCLES" and bpy.app.version >= (3, 0, 0) and not in_sequence \
                and scene.cycles.feature_set != "EXPERIMENTAL":
            scene.render.use_persistent_data = True

    def is_as_on_disk(self, blend):
        return blend == self.blend and self.blend_identity is not None and identity(blend) == self.blend_identity \
            and all(identity(path) == known for path, known in self.files)

    def is_fresh(self, blend):
        """Loaded early, and nothing was done with it."""
        return self.settings is None and self.is_as_on_disk(blend)

    def is_still(self, blend, settings):
        """Whether loading it again would give the same."""
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
        except Exception:  # the attempt will say it, in its own log
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
            # Blender says on a line what went wrong, as it does when it renders by itself.
            print(str(wrong).strip(), flush=True)
            if not isinstance(wrong, RuntimeError):  # of an operator: its message says all
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
            self.loaded.set_up(settings)
        kiln_setup.say(self.loaded.report)
        if "failure" in self.loaded.report:
            return FAILED
        self.channel.say("loaded", seconds=time.monotonic() - began, reused=reused)
        output = os.path.join(command["workspace"], "blender-render_####")
        frames, more = list(expand(command["frames"])), command["open"]
        if self.loaded.report["sequential"]:
            frames.sort()
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
            self.render_frame(frames[at], output)
            at += 1

    def render_frame(self, frame, output):
        scene = bpy.data.scenes[self.loaded.scene_name]
        scene.frame_start = scene.frame_end = frame
        scene.frame_step = 1
        scene.render.filepath = output
        self.channel.say("frame", frame=frame)
        bpy.ops.render.render(animation=True, scene=scene.name)
        self.output.flush()
        self.channel.say("saved", frame=frame, memory=memory())


def expand(progressions):
    for first, last, step in progressions:
        yield from range(first, last + 1, step)


def memory():
    """Bytes of this process that are in memory."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def main():
    session = Session()
    session.run()
    session.output.flush()
    os._exit(0)  # nothing is to be saved, and a large scene takes its time to be freed


if __name__ == "__main__":
    main()
