# SPDX-License-Identifier: Apache-2.0
"""The frames of a job, and rendering one of them as the scene would see it with `blender -a`."""
import bpy

MOST_LISTED = 5000  # frames whose files are checked one by one


class Frames:
    """`progressions` are [first, last, step] in ascending order; without any, the frames of the scene."""

    def __init__(self, progressions, scene):
        self.of_file = (scene.frame_start, scene.frame_end, scene.frame_step)
        self.progressions = [tuple(one) for one in progressions or [self.of_file]]

    @property
    def first(self):
        return self.progressions[0][0]

    @property
    def last(self):
        return max(last for _, last, _ in self.progressions)

    def __iter__(self):
        for first, last, step in self.progressions:
            yield from range(first, last + 1, step)

    def some(self):
        """All frames, or as many as are worth a check each."""
        return [frame for frame, _ in zip(self, range(MOST_LISTED))]

    def meets(self, first, last):
        """Whether one of them is between two frames."""
        return any(begin <= last and max(begin, first) + (begin - max(begin, first)) % step <= min(end, last)
                   for begin, end, step in self.progressions)

    def between(self, first, last):
        """Those between two frames, as progressions."""
        cut = [(begin + max(0, -((begin - first) // step)) * step, min(end, last), step)
               for begin, end, step in self.progressions]
        return [one for one in cut if one[0] <= one[1]]

    def shown_range(self):
        """The equivalents of -s, -e and -j."""
        return self.progressions[0] if len(self.progressions) == 1 else (self.first, self.last, 1)


class Range:
    """Keeps the job's frame range in the scene while Blender renders a part of it: drivers, metadata and stamps
    read it. A handler can do so, since Blender reads its own range before it calls handlers."""

    def __init__(self, scene, frames):
        self.name, self.shown = scene.name, frames.shown_range()
        bpy.app.handlers.render_init.append(self.restore)

    def restore(self, *_):
        scene = bpy.data.scenes.get(self.name)
        if scene is not None:
            scene.frame_start, scene.frame_end, scene.frame_step = self.shown

    def render(self, first, last, path):
        """Frames as a part of an animation; all of them at once, as -a does."""
        scene = bpy.data.scenes[self.name]
        scene.frame_start, scene.frame_end, scene.frame_step = first, last, 1
        scene.render.filepath = path
        try:
            bpy.ops.render.render(animation=True, scene=self.name)
        finally:
            self.restore()

    def end(self):
        if self.restore in bpy.app.handlers.render_init:
            bpy.app.handlers.render_init.remove(self.restore)
