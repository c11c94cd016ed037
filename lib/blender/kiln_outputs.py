# SPDX-License-Identifier: Apache-2.0
"""The files that File Output nodes of the compositor write besides a frame. Wherever the .blend has them, they go to the
workspace of the attempt as NODE--SLOT_0001.EXT, where kilnd takes them with the frame (output_name.hpp).

No keyframe or driver can lead them elsewhere: Blender animates none of the properties that make up their paths.
"""
import os
import re

import kiln_checks
import kiln_properties
import kiln_views
import kiln_walk
from kiln_properties import read

LONGEST = 80  # characters of the name of a node or a slot


def prepare(walk, warn):
    """Names the files of all File Output nodes that the frames reach. Returns what place() needs: each node, and the name
    of its file if it writes a single one with many layers. Warns about files that cannot be delivered."""
    found, names, seen = [], {kiln_views.FURTHER}, set()
    for scene in walk.composited:
        for node in kiln_walk.nodes_below(kiln_walk.used_compositor(scene), seen):
            if node.bl_idname == "CompositorNodeOutputFile":
                found.append((node, name_files(walk, scene, node, names, warn)))
    return [(node, layers) for node, layers in found if layers is not None]


def place(prepared, workspace):
    for node, layers in prepared:
        base = kiln_properties.find(node, "output_base")
        if base:
            setattr(*base, os.path.join(workspace, layers))
        else:
            setattr(*kiln_properties.find(node, "output_directory"), os.path.join(workspace, ""))
            setattr(*kiln_properties.find(node, "output_file"), layers)


def name_files(walk, scene, node, names, warn):
    """Returns the name of a single file with many layers, "" for a node with a file for each slot, or None if this Blender
    does not let Kiln say where they go."""
    is_muted, layers, delivered = node.mute, "", False
    if not can_be_placed(node):
        if not is_muted:
            warn(f'files of the node "{node.name}" are not delivered: this Blender does not let Kiln say where they go',
                 "extra_outputs")
        node.mute = True
        return None
    obstacle = obstacle_to(walk, scene)
    for slot, asked, form in files_of(node):
        why = obstacle or kiln_checks.complaint_about(form)
        if why and not is_muted:
            warn(f'files of the node "{node.name}" are not delivered: {why}', "extra_outputs")
        # One that is not delivered has a name that kilnd does not take.
        name = unique(f"{safe(node.name) or 'node'}{'_' if why else '--'}{safe(asked) or 'slot'}", names) + "_"
        delivered = delivered or not why
        if slot is None:
            layers = name
        else:
            setattr(*kiln_properties.find(slot, "output_name"), name)
    extension = kiln_properties.find(node, "output_extension")
    if extension:
        setattr(*extension, True)
    if not delivered:
        node.mute = True  # they would only fill the disk
    return layers


def can_be_placed(node):
    """Whether this Blender has the properties that make up the paths of a node."""
    has_base = kiln_properties.find(node, "output_base") is not None
    has_parts = None not in (kiln_properties.find(node, "output_directory"), kiln_properties.find(node, "output_file"))
    return (has_base or has_parts) and kiln_properties.find(node, "output_items") is not None and \
        all(kiln_properties.find(slot, "output_name") for slot in read(node, "output_items", ()))


def obstacle_to(walk, scene):
    """Why no file of a scene can be delivered; None if nothing is in the way."""
    if scene != walk.scene:
        return f'a strip shows the scene "{scene.name}" at frames of its own'
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
