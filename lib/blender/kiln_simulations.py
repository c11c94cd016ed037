# SPDX-License-Identifier: Apache-2.0
"""What makes a frame depend on those before it: simulations that are not baked."""
import bpy
from kiln_properties import read

# Modifiers that need their result for one frame for the next. A particle system has a modifier too.
SIMULATIONS = {"CLOTH", "SOFT_BODY", "FLUID", "DYNAMIC_PAINT", "PARTICLE_SYSTEM"}


def unbaked(walk):
    """Those of the job's scenes: "Cloth of Grid". Empty: frames are independent."""
    found = [f"rigid bodies of {scene.name}" for scene in walk.of(bpy.types.Scene)
             if not is_baked(read(scene, "rigid_bodies"))]
    for thing in simulated(walk):
        found += [f"{name} of {thing.name}" for name, is_done in of_object(thing) if not is_done]
    found += [f"inverse kinematics (iTaSC) of {thing.name}" for thing in walk.objects if goes_on(thing.pose)]
    for tree in walk.of(bpy.types.NodeTree):
        if any(node.bl_idname.startswith("GeometryNodeSimulation") for node in tree.nodes):
            found.append(f"a simulation zone of {tree.name}")
    return sorted(found)


def simulated(walk):
    """The objects with a simulation, baked or not."""
    return [thing for thing in walk.modified if any(modifier.type in SIMULATIONS for modifier in thing.modifiers)]


def of_object(thing):
    """Names of its simulations, each with whether it is baked."""
    for modifier in thing.modifiers:
        if modifier.type in {"CLOTH", "SOFT_BODY"}:
            yield modifier.name, is_baked(modifier)
        elif modifier.type == "FLUID" and modifier.fluid_type == "DOMAIN":
            yield modifier.name, getattr(modifier.domain_settings, "has_cache_baked_data", False)
        elif modifier.type == "DYNAMIC_PAINT":
            for surface in surfaces_of(modifier):
                yield modifier.name, is_baked(surface)
    for system in thing.particle_systems:
        if system.settings.type != "HAIR" or system.use_hair_dynamics:
            yield system.name, is_baked(system)


def goes_on(pose):
    """Whether its solver continues from the last frame."""
    return pose is not None and pose.ik_solver == "ITASC" and getattr(pose.ik_param, "mode", "") == "SIMULATION"


def surfaces_of(modifier):
    canvas = modifier.canvas_settings
    return [surface for surface in canvas.canvas_surfaces if surface.is_active] if canvas else []


def is_baked(owner):
    if owner is None:
        return True
    cache = getattr(owner, "point_cache", None)
    return cache is not None and cache.is_baked


def caches_of(thing):
    """Its point caches."""
    owners = [*thing.modifiers, *thing.particle_systems]
    owners += [surface for modifier in thing.modifiers if modifier.type == "DYNAMIC_PAINT" for surface in surfaces_of(modifier)]
    return list(filter(None, (getattr(owner, "point_cache", None) for owner in owners)))


def keep_in_memory(walk):
    """Caches that Blender would write next to the .blend, which the sandbox does not allow. Existing files are read."""
    caches = [cache for thing in simulated(walk) for cache in caches_of(thing)]
    caches += [world.point_cache for world in (read(scene, "rigid_bodies") for scene in walk.of(bpy.types.Scene)) if world]
    for cache in caches:
        if cache.use_disk_cache and not cache.is_baked and not cache.use_external:
            cache.use_disk_cache = False
