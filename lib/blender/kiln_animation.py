# SPDX-License-Identifier: Apache-2.0
"""Removes animation and drivers from properties that a job sets: they would reset it at each frame."""


def release(scene, paths):
    """The data paths of a scene from which animation was removed."""
    data, found = scene.animation_data, set()
    if data is None:
        return []
    for path in {curve.data_path for curve in data.drivers} & set(paths):
        scene.driver_remove(path)
        found.add(path)
    actions = [data.action] + [strip.action for track in data.nla_tracks for strip in track.strips]
    for action in filter(None, actions):
        for curve in curves_of(action):
            if curve.data_path in paths and not curve.mute:
                curve.mute = True
                found.add(curve.data_path)
    return sorted(found)


def animated(owner):
    """The data paths of a data-block that are keyed or driven."""
    data = getattr(owner, "animation_data", None)
    if data is None:
        return set()
    actions = [data.action] + [strip.action for track in data.nla_tracks for strip in track.strips]
    return {curve.data_path for curve in data.drivers} | \
        {curve.data_path for action in filter(None, actions) for curve in curves_of(action)}


def curves_of(action):
    """From 4.4 on the curves are in layers; 5.0 has no other access to them."""
    for layer in getattr(action, "layers", ()):
        for strip in layer.strips:
            for bag in getattr(strip, "channelbags", ()):
                yield from bag.fcurves
    yield from getattr(action, "fcurves", ())
