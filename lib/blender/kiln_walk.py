# SPDX-License-Identifier: Apache-2.0
"""Everything that the frames of a job reach: the scenes that make their images, and the data-blocks that these use.

One walk serves all users: checks for missing or unrenderable data (kiln_checks), for frames that depend on each other
(kiln_sequence), and for changed inputs (kiln_session).
"""
import bpy
import kiln_properties
from kiln_properties import read


class Walk:
    """`frames` are the frames of the job (kiln_frames.Frames). `data`: the reached data-blocks. `renders`:
    the scenes whose objects are rendered, each with the camera of its strip or None. `scenes`: these, and those that
    show them. `composited`: the scenes whose compositor runs."""

    def __init__(self, scene, frames):
        self.scene, self.frames = scene, frames
        self.renders, self.scenes, self.composited = [], [], []
        self.look_at(scene)
        self.users = bpy.data.user_map()
        self.data = self.reach(uses(self.users))
        self.objects = self.of(bpy.types.Object)

    def look_at(self, scene, camera=None, is_strip=False):
        """Follows strips and the compositor as Blender does: the sequencer replaces both of the others."""
        if (scene, camera) in self.renders or (not is_strip and scene in self.scenes):
            return
        if scene not in self.scenes:
            self.scenes.append(scene)
        if not is_strip and uses_sequencer(scene):
            for strip in shown_strips(scene, self.frames):
                if strip.type == "SCENE" and strip.scene:
                    sequencer = getattr(strip, "scene_input", "CAMERA") == "SEQUENCER"
                    self.look_at(strip.scene, strip.scene_camera, is_strip=not sequencer)
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

    def reach(self, used):
        reached, left = set(self.scenes), list(self.scenes)
        while left:
            user = left.pop()
            kind = type(user)
            for target in used.get(user, ()):
                if target not in reached and (not isinstance(target, SPECIAL) or follows(user, kind, target)):
                    reached.add(target)
                    left.append(target)
        return reached

    def of(self, kind):
        return [data for data in self.data if isinstance(data, kind)]

    def trees(self):
        """Node trees with the data-block that each is part of, or is."""
        holders = {}  # class → whether it has a tree, or is one
        for data in self.data:
            kind = type(data)
            if kind not in holders:
                holders[kind] = hasattr(data, "node_tree") or issubclass(kind, bpy.types.NodeTree)
            if not holders[kind]:
                continue
            tree = data if issubclass(kind, bpy.types.NodeTree) else data.node_tree
            if tree is not None and (not isinstance(data, bpy.types.Scene) or used_compositor(data) is not None):
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
    return read(scene, "sequencer", True) and any(is_on(scene, strip) and strip.type != "SOUND"
                                                  for strip in read(scene, "strips") or ())


def is_on(scene, strip):
    """Neither the strip nor its channel is muted."""
    channels = read(scene, "channels") or ()
    return not strip.mute and not (strip.channel < len(channels) and channels[strip.channel].mute)


def shown_strips(scene, frames):
    """The strips that some frame of the job may show."""
    for strip in read(scene, "strips") or ():
        if is_on(scene, strip) and frames.meets(*span(strip)):
            yield strip


def span(strip):
    """The first and the last frame of a strip."""
    return read(strip, "strip_first", -(1 << 30)), read(strip, "strip_end", 1 << 30) - 1


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
    left = [node.name for node in tree.nodes if not node.outputs]
    found = set(left)
    while left:
        for name in sources.get(left.pop(), ()):
            if name not in found:
                found.add(name)
                left.append(name)
    return found
