# SPDX-License-Identifier: Apache-2.0
"""Whether a frame can show a data-block whose file is missing, more closely than the walk: an object that no view layer
renders, and nodes that lead to no output, are no reason to refuse a job. Only looked into once a file is missing."""
import bpy
import kiln_animation
import kiln_walk


class Shown:
    def __init__(self, walk):
        self.walk = walk
        self.data = walk.reach(walk.used, [*walk.scenes, *rendered_objects(walk)], is_pruned)

    def __contains__(self, data):
        """None is what no single data-block has: then the walk knows best."""
        return data is None or data in self.data and (not isinstance(data, NODE_DATA) or self.is_linked(data, set()))

    def is_linked(self, target, seen):
        """Whether anything shown uses it, other than nodes that lead to no output."""
        if target in seen:
            return False
        seen.add(target)
        return any(user in self.data and self.is_linked_by(user, target, seen)
                   for user in self.walk.users.get(target, ()))

    def is_linked_by(self, user, target, seen):
        tree = tree_of(user)
        if tree == target:
            return True
        if tree is None or not getattr(user, "use_nodes", True):
            return tree is None and not isinstance(user, bpy.types.Scene)
        naming = [node for node in tree.nodes if target in (getattr(node, "image", None), getattr(node, "node_tree", None))]
        if naming:
            linked = kiln_walk.upstream(tree)
            if not any(node.name in linked and not node.mute for node in naming):
                return False
        return tree != user or self.is_linked(user, seen)


NODE_DATA = (bpy.types.Image, bpy.types.NodeTree)  # of which nodes may lead to no output


def tree_of(user):
    if isinstance(user, bpy.types.Scene):
        return kiln_walk.used_compositor(user)
    if isinstance(user, bpy.types.NodeTree):
        return user
    if getattr(user, "grease_pencil", None):  # its strokes show images without nodes
        return None
    return getattr(user, "node_tree", None)


def is_pruned(user, kind, target):
    """Whether the objects behind what it uses are known: those of a scene, and of a collection of which it is an instance."""
    if kind is bpy.types.Scene:
        return isinstance(target, (bpy.types.Object, bpy.types.Collection))
    return kind is bpy.types.Object and user.instance_collection == target


def rendered_objects(walk):
    """The objects of the scenes and their instances, without those that only other objects use."""
    found, layers, collections = set(), [], []
    for scene in {scene for scene, _ in walk.renders}:
        layers += [layer.layer_collection for layer in scene.view_layers if layer.use]
        collections += [data.collection for data in sets_behind(scene)]
    known = set(collections)

    def add(things):
        for thing in things:
            if not is_hidden(thing):
                found.add(thing)
                take([thing.instance_collection] if thing.instance_collection else [])

    def take(further):
        new = set(further) - known
        known.update(new)
        collections.extend(new)

    while layers:
        one = layers.pop()
        if not one.exclude and not is_hidden(one.collection):
            add(one.collection.objects)
            layers += one.children
    while collections:
        one = collections.pop()
        add(one.objects)
        take([child for child in one.children if not is_hidden(child)])
    return found


def sets_behind(scene):
    found, behind = [], scene.background_set
    while behind and behind not in found:
        found.append(behind)
        behind = behind.background_set
    return found


def is_hidden(thing):
    return thing.hide_render and "hide_render" not in kiln_animation.animated(thing)
