# SPDX-License-Identifier: Apache-2.0
"""Whether frames follow from those before them, and how such a job is rendered: in ascending order, from where the
scene begins, each frame in between computed."""
import bpy
import kiln_properties
from kiln_properties import read
from kiln_settings import SAMPLES

# What these compute of one frame they need for the next.
SIMULATIONS = {"CLOTH", "SOFT_BODY", "FLUID", "DYNAMIC_PAINT", "EXPLODE", "SMOKE"}


def simulated(walk):
    """What of the job's scenes is simulated and not baked: "Cloth of Grid". Empty: frames stand alone."""
    found = [f"rigid bodies of {scene.name}" for scene in walk.of(bpy.types.Scene)
             if not is_baked(read(scene, "rigid_bodies"))]
    for thing in walk.objects:
        found += [f"{modifier.name} of {thing.name}" for modifier in thing.modifiers
                  if modifier.type in SIMULATIONS and not is_baked(modifier)]
        found += [f"{system.name} of {thing.name}" for system in thing.particle_systems
                  if (system.settings.type != "HAIR" or system.use_hair_dynamics) and not is_baked(system)]
    for tree in walk.of(bpy.types.NodeTree):
        if any(node.bl_idname.startswith("GeometryNodeSimulation") for node in tree.nodes):
            found.append(f"a simulation zone of {tree.name}")
    return sorted(found)


def is_baked(owner):
    if owner is None:
        return True
    cache = getattr(owner, "point_cache", None)
    return cache is not None and cache.is_baked


def caches(walk):
    """Point caches of what is simulated."""
    owners = [read(scene, "rigid_bodies") for scene in walk.of(bpy.types.Scene)]
    for thing in walk.objects:
        owners += [*thing.modifiers, *thing.particle_systems]
    return list(filter(None, (getattr(owner, "point_cache", None) for owner in owners)))


def keep_in_memory(walk):
    """Caches that Blender would write beside the .blend, which the sandbox does not allow. What is in the files
    already is read. True where there was one."""
    found = False
    for cache in caches(walk):
        if cache.use_disk_cache and not cache.is_baked and not cache.use_external:
            cache.use_disk_cache = False
            found = True
    return found


def first_frame(frames):
    """From where the scene begins by hand: the file's first frame, or an earlier one of the job's."""
    return min(frames.of_file[0], frames.first)


class Sequence:
    """Renders frames that follow from each other as `blender -a` does: all of them from where the scene begins, in one go.
    Between two goes Blender would evaluate the scene at its current frame, and a cache may be emptied by that.
    `reopen` opens the .blend again: what was computed is gone."""

    def __init__(self, shown, frames, reopen=None):
        self.shown, self.begin, self.reopen, self.known = shown, first_frame(frames), reopen, set()

    def render(self, wanted, path, begun=None, saved=None):
        """Frames in between, and before the first one, are rendered with one sample, and not wanted by anybody. Those of
        an earlier go are written again, and have to be the same."""
        if self.known and self.reopen:
            self.shown = self.reopen()
        self.known |= set(wanted)
        go = Go(bpy.data.scenes[self.shown.name], self.known, set(wanted), begun, saved)
        try:
            self.shown.render(self.begin, max(wanted), path)
        finally:
            go.end()


class Go:
    """Handlers for the time of one go."""

    def __init__(self, scene, whole, wanted, begun, saved):
        self.whole, self.wanted, self.begun, self.saved = whole, wanted, begun, saved
        name = SAMPLES.get(scene.render.engine)
        self.place = kiln_properties.find(scene, name) if name else None
        self.samples = getattr(*self.place) if self.place else None
        bpy.app.handlers.render_pre.append(self.before)
        bpy.app.handlers.render_write.append(self.after)

    def before(self, scene, *_):
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
