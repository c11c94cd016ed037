# SPDX-License-Identifier: Apache-2.0
"""Renders frames that depend on earlier ones: in ascending order, from the beginning of the scene, computing each frame
in between."""
import bpy
import kiln_properties
from kiln_settings import SAMPLES


def first_frame(frames):
    """The beginning of the scene: the file's first frame, or an earlier one of the job's."""
    return min(frames.of_file[0], frames.first)


class Sequence:
    """Renders dependent frames as `blender -a` does: all of them from the beginning of the scene, in one pass.
    Between two passes Blender would evaluate the scene at its current frame, which may clear a cache. `reopen` opens
    the .blend again, discarding all results."""

    def __init__(self, shown, frames, reopen=None):
        self.shown, self.begin, self.reopen, self.known = shown, first_frame(frames), reopen, set()

    def render(self, wanted, path, begun=None, saved=None):
        """Frames in between, and before the first one, are rendered with one sample and discarded. Frames of an earlier
        pass are written again, and must be the same."""
        if self.known and self.reopen:
            self.shown = self.reopen()
        self.known |= set(wanted)
        go = Go(bpy.data.scenes[self.shown.name], self.known, set(wanted), begun, saved)
        try:
            self.shown.render(self.begin, max(wanted), path)
        finally:
            go.end()


class Go:
    """Handlers during one pass."""

    def __init__(self, scene, whole, wanted, begun, saved):
        self.scene, self.whole, self.wanted, self.begun, self.saved = scene.name, whole, wanted, begun, saved
        name = SAMPLES.get(scene.render.engine)
        self.place = kiln_properties.find(scene, name) if name else None
        self.samples = getattr(*self.place) if self.place else None
        bpy.app.handlers.render_pre.append(self.before)
        bpy.app.handlers.render_write.append(self.after)

    def before(self, scene, *_):
        if scene.name != self.scene:  # that of a strip
            return
        if self.place:
            setattr(*self.place, self.samples if scene.frame_current in self.whole else 1)
        if scene.frame_current in self.wanted and self.begun:
            self.begun(scene.frame_current)

    def after(self, scene, *_):
        if scene.frame_current in self.wanted and self.saved:
            self.saved(scene.frame_current)

    def end(self):
        bpy.app.handlers.render_pre.remove(self.before)
        bpy.app.handlers.render_write.remove(self.after)
        if self.place:
            setattr(*self.place, self.samples)
