# SPDX-License-Identifier: Apache-2.0
"""Detects frames that depend on earlier ones, and renders such a job: in ascending order, from the beginning of the
scene, computing each frame in between."""
import bpy
import kiln_properties
from kiln_properties import read
from kiln_settings import SAMPLES

# Their result for one frame is needed for the next.
SIMULATIONS = {"CLOTH", "SOFT_BODY", "FLUID", "DYNAMIC_PAINT", "EXPLODE", "SMOKE"}


def simulated(walk):
    """The simulations in the job's scenes that are not baked: "Cloth of Grid". Empty: frames are independent."""
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
    """Point caches of simulations."""
    owners = [read(scene, "rigid_bodies") for scene in walk.of(bpy.types.Scene)]
    for thing in walk.objects:
        owners += [*thing.modifiers, *thing.particle_systems]
    return list(filter(None, (getattr(owner, "point_cache", None) for owner in owners)))


def keep_in_memory(walk):
    """Caches that Blender would write next to the .blend, which the sandbox does not allow. Existing files are read.
    True if there was one."""
    found = False
    for cache in caches(walk):
        if cache.use_disk_cache and not cache.is_baked and not cache.use_external:
            cache.use_disk_cache = False
            found = True
    return found


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
