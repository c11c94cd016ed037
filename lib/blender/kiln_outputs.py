# SPDX-License-Identifier: Apache-2.0
"""The files that File Output nodes of the compositor write besides a frame. Wherever the .blend has them, they go to the
workspace of the attempt as NODE--SLOT_0001.EXT, where kilnd takes them with the frame (output_name.hpp). Blender adds the
number of the frame. In a scene that a strip shows that is one of the scene's own, so it comes after the number of the
job's frame: NODE--SLOT_0001_0071.EXT.

No keyframe or driver can lead them elsewhere: Blender animates none of the properties that make up their paths.
"""
import os
import re

import bpy
import kiln_checks
import kiln_properties
import kiln_views
import kiln_walk
from kiln_properties import read

LONGEST = 80  # characters of the name of a node or a slot


class Outputs:
    """The nodes that the frames reach. Warns about files that cannot be delivered."""

    def __init__(self, walk, warn):
        self.nodes, self.workspace, self.frame = [], None, None
        self.scene = walk.scene.name if walk.has_strips else None
        names, seen = {kiln_views.FURTHER}, set()
        for scene in walk.composited:
            for node in kiln_walk.nodes_below(kiln_walk.used_compositor(scene), seen):
                if node.bl_idname == "CompositorNodeOutputFile":
                    self.nodes += named(scene, node, names, warn)

    def place(self, workspace):
        """From now on, files go there. Another job with the same file may have been placed elsewhere."""
        self.workspace, self.frame = workspace, None
        handlers = bpy.app.handlers
        for place in (handlers.render_pre, handlers.render_write):
            for handler in [one for one in place if isinstance(getattr(one, "__self__", None), Outputs)]:
                place.remove(handler)
        if self.scene is None:
            self.name_files("_")
        elif self.nodes:
            handlers.render_pre.append(self.begin)
            handlers.render_write.append(self.end)

    def begin(self, scene, *_):
        """Blender calls this for the frame, and then for each strip's scene, which may be the same one."""
        if self.frame is None and scene.name == self.scene:
            self.frame = scene.frame_current
            self.name_files(f"_{self.frame:04}_")

    def end(self, *_):
        self.frame = None

    def name_files(self, number):
        for node in self.nodes:
            node.name_files(self.workspace, number)


class Node:
    """`layers`: the name of a single file with many layers, or "". `slots`: the others, each with the name of its file."""

    def __init__(self, node, layers, slots):
        self.node, self.layers, self.slots = node, layers, slots

    def name_files(self, workspace, number):
        layers, base = self.layers and self.layers + number, kiln_properties.find(self.node, "output_base")
        if base:
            setattr(*base, os.path.join(workspace, layers))
        else:
            setattr(*kiln_properties.find(self.node, "output_directory"), os.path.join(workspace, ""))
            setattr(*kiln_properties.find(self.node, "output_file"), layers)
        for slot, name in self.slots:
            setattr(*kiln_properties.find(slot, "output_name"), name + number)


def named(scene, node, names, warn):
    """The node with the names of its files, in a list, which is empty if there are none to deliver."""
    is_muted, layers, slots, delivered = node.mute, "", [], False
    if not can_be_placed(node):
        if not is_muted:
            warn(f'files of the node "{node.name}" are not delivered: this Blender does not let Kiln say where they go',
                 "extra_outputs")
        node.mute = True
        return []
    obstacle = obstacle_to(scene)
    for slot, asked, form in files_of(node):
        why = obstacle or kiln_checks.complaint_about(form)
        if why and not is_muted:
            warn(f'files of the node "{node.name}" are not delivered: {why}', "extra_outputs")
        # One that is not delivered has a name that kilnd does not take.
        name = unique(f"{safe(node.name) or 'node'}{'_' if why else '--'}{safe(asked) or 'slot'}", names)
        delivered = delivered or not why
        if slot is None:
            layers = name
        else:
            slots.append((slot, name))
    extension = kiln_properties.find(node, "output_extension")
    if extension:
        setattr(*extension, True)
    if not delivered:
        node.mute = True  # they would only fill the disk
    return [Node(node, layers, slots)] if delivered else []


def can_be_placed(node):
    """Whether this Blender has the properties that make up the paths of a node."""
    has_base = kiln_properties.find(node, "output_base") is not None
    has_parts = None not in (kiln_properties.find(node, "output_directory"), kiln_properties.find(node, "output_file"))
    return (has_base or has_parts) and kiln_properties.find(node, "output_items") is not None and \
        all(kiln_properties.find(slot, "output_name") for slot in read(node, "output_items", ()))


def obstacle_to(scene):
    """Why no file of a scene can be delivered; None if nothing is in the way."""
    for view in kiln_views.used(scene):
        if not kiln_views.SUFFIX.fullmatch(view.file_suffix):
            return f'the suffix of the view "{view.name}" is no part of a file name: it may have letters, digits, and ' \
                   '".", "_" or "-", and begins with no digit'
    return None


def files_of(node):
    """The slot of each file, the name that the .blend has for it, and its format. With many layers in a single file the
    slot is None: the names of its slots are those of the layers, and stay."""
    if node.format.file_format == "OPEN_EXR_MULTILAYER":
        yield None, "layers", node.format
        return
    for slot in read(node, "output_items", ()):
        has_own = read(slot, "output_own_format", not read(slot, "output_node_format", True))
        yield slot, read(slot, "output_name", ""), slot.format if has_own else node.format


def safe(name):
    """Letters, digits and single hyphens: "_" separates the frame's number, and "--" the node from its slot."""
    return re.sub("[^A-Za-z0-9]+", "-", name).strip("-")[:LONGEST].strip("-")


def unique(name, names):
    made, number = name, 1
    while made in names:
        number += 1
        made = f"{name}-{number}"
    names.add(made)
    return made
