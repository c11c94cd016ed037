# SPDX-License-Identifier: Apache-2.0
"""Everything that the frames of a job reach: the scenes that make their images, and the data-blocks that these use.

One walk serves all users: checks for missing or unrenderable data (kiln_checks), for frames that depend on each other
(kiln_sequence), and for changed inputs (kiln_session).
"""
import bpy
import kiln_properties
import kiln_strips
from kiln_properties import read


class Walk:
    """`frames` are the frames of the job (kiln_frames.Frames). `data`: the reached data-blocks. `renders`:
    the scenes whose objects are rendered, each with the camera of its strip or None. `scenes`: these, and those that
    show them. `composited`: the scenes whose compositor runs. `has_strips`: the sequencer makes the pictures, so all of
    these are scenes of strips, at frames of their own. `strips`: each strip that is shown → the frames of its scene, a list.
    `times`: the frames at which scenes are rendered. `modified`: objects with modifiers."""

    def __init__(self, scene, frames):
        self.scene, self.frames = scene, frames
        self.renders, self.scenes, self.composited, self.strips, self.times = [], [], [], {}, []
        self.has_strips, self.seen = uses_sequencer(scene), set()
        self.look_at(scene, frames)
        self.users = bpy.data.user_map()
        self.used = uses(self.users)
        self.data = self.reach(self.used)
        self.by_kind = {}
        for data in self.data:
            self.by_kind.setdefault(type(data), []).append(data)
        self.objects = self.of(bpy.types.Object)
        self.modified = [thing for thing in self.objects if len(thing.modifiers)]  # a particle system is a modifier too

    def look_at(self, scene, frames, camera=None, is_strip=False, within=()):
        """Follows strips and the compositor as Blender does: the sequencer replaces both of the others."""
        way = scene, camera, is_strip, tuple(frames.progressions)
        if way in self.seen:
            return
        self.seen.add(way)
        if scene not in self.scenes:
            self.scenes.append(scene)
        if not is_strip and uses_sequencer(scene):
            if scene in within:  # it shows itself
                return
            for one in kiln_strips.shown(scene, frames):
                self.strips.setdefault(one.strip, []).append(frames)
                if one.strip.type == "SCENE" and one.strip.scene:
                    self.look_at(one.strip.scene, kiln_strips.frames_within(one, frames), one.strip.scene_camera,
                                 not kiln_strips.shows_sequencer(one.strip), (*within, scene))
            return
        self.times.append(frames)
        if (scene, camera) in self.renders:
            return
        tree = used_compositor(scene)
        if tree is None:
            self.renders.append((scene, camera))
            return
        if scene not in self.composited:
            self.composited.append(scene)
        for node in nodes_below(tree):
            if node.type == "R_LAYERS" and not node.mute and node.scene:
                if node.scene not in self.scenes:
                    self.scenes.append(node.scene)
                if (node.scene, None) not in self.renders:
                    self.renders.append((node.scene, camera if node.scene == scene else None))

    def reach(self, used, begin=None, is_pruned=None):
        """All that is used from the scenes on, or from others."""
        left = list(begin or self.scenes)
        reached = set(left)
        special = {}  # class → whether it is one of SPECIAL
        while left:
            user = left.pop()
            kind = type(user)
            for target in used.get(user, ()):
                if target in reached:
                    continue
                of = type(target)
                if of not in special:
                    special[of] = issubclass(of, SPECIAL)
                if special[of] and not follows(user, kind, target) or is_pruned and is_pruned(user, kind, target):
                    continue
                reached.add(target)
                left.append(target)
        return reached

    def some_times(self):
        """Frames at which scenes are rendered: all of them, or as many as are worth a check each."""
        return sorted({frame for frames in self.times for frame in frames.some()})

    def of(self, kind):
        return [data for known, those in self.by_kind.items() if issubclass(known, kind) for data in those]

    def trees(self):
        """Node trees with the data-block that each is part of, or is."""
        for kind, those in self.by_kind.items():
            is_tree = issubclass(kind, bpy.types.NodeTree)
            if not is_tree and not hasattr(those[0], "node_tree"):
                continue
            for data in those:
                tree = data if is_tree else data.node_tree
                if tree is not None and (kind is not bpy.types.Scene or used_compositor(data) is not None):
                    yield data, tree


# Data-blocks that an image need not show although something in it uses them.
SPECIAL = (bpy.types.Sound, bpy.types.Brush, bpy.types.Text, bpy.types.Scene, bpy.types.Image, bpy.types.MovieClip,
           bpy.types.NodeTree)


def follows(user, kind, target):
    """Whether an image of the user can show the target, which is one of SPECIAL."""
    if isinstance(target, SPECIAL[:3]):
        return False
    if isinstance(target, bpy.types.Scene):  # muted strips name scenes too
        return kind is not bpy.types.Scene or target == user.background_set
    if isinstance(target, bpy.types.NodeTree):
        return kind is not bpy.types.Scene or used_compositor(user) is not None
    # An image or a clip: as a camera background or a reference it is only shown in the viewport.
    is_reference = kind is bpy.types.Object and user.type == "EMPTY" and user.data == target
    return kind is not bpy.types.Camera and not is_reference


def uses(users):
    """data-block → those it uses, as Blender counts users: trees that are part of a data-block count as that one."""
    found = {}
    for target, those in users.items():
        for user in those:
            known = found.get(user)
            if known is None:
                found[user] = [target]
            else:
                known.append(target)
    return found


def uses_sequencer(scene):
    return kiln_strips.is_used(scene)


def used_compositor(scene):
    """The node tree that makes the image; None if there is none, or it is off."""
    place = kiln_properties.find(scene, "compositor")
    if place is None or not read(scene, "compositing", True):
        return None
    if place[1] == "node_tree" and not read(scene, "compositor_in_use", True):
        return None
    return getattr(*place)


def nodes_below(tree, seen=None):
    """Nodes of a tree and of its groups."""
    seen = seen if seen is not None else set()
    if tree in seen:
        return
    seen.add(tree)
    for node in tree.nodes:
        yield node
        inner = getattr(node, "node_tree", None)
        if inner is not None:
            yield from nodes_below(inner, seen)


def upstream(tree):
    """The names of the nodes of a tree from which links lead to an output."""
    sources = {}
    for link in tree.links:
        sources.setdefault(link.to_node.name, []).append(link.from_node.name)
    left = [node.name for node in ends(tree)]
    found = set(left)
    while left:
        for name in sources.get(left.pop(), ()):
            if name not in found:
                found.add(name)
                left.append(name)
    return found


def ends(tree):
    """The nodes at which links end. Of several outputs of one kind only the active one counts."""
    last = [node for node in tree.nodes if not node.outputs]
    active = {kind_of(node) for node in last if getattr(node, "is_active_output", False)}
    return [node for node in last if getattr(node, "is_active_output", True) or kind_of(node) not in active]


def kind_of(output):
    return output.bl_idname, getattr(output, "target", "")
