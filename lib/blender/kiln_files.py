# SPDX-License-Identifier: Apache-2.0
"""The files that a job's frames need, by name, and whether each is available: pure paths, no setting is changed.

Sequences, tiles and strips are resolved to the files of the job's frames. Data-blocks of unknown kinds count by each of
their properties that holds the path of a file.
"""
import functools
import json
import os
import re

import bpy
import kiln_animation
import kiln_simulations
import kiln_strips
import kiln_walk
from kiln_properties import read

SEQUENCE = r"(.*?)(\d+)([^\d/]*)"  # the last number of a name
MOST_OPENED = 200  # images opened in Blender, if their first bytes are not recognized
BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\x76\x2f\x31\x01", b"II*\0", b"MM\0*", b"BM", b"#?", b"8BPS",
              b"SDPX", b"XPDS", b"\x80\x2a\x5f\xd7", b"\x01\xda", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"DDS ")


class File:
    """`shown`: a frame of the job may show it, if kiln_shown agrees that one shows `data`, its data-block. `is_image`: it
    has to be one. `varies`: other frames have other files."""

    def __init__(self, path, shown=True, is_image=False, varies=False, data=None):
        self.path, self.shown, self.is_image, self.varies, self.data = path, shown, is_image, varies, data


def files_of(walk):
    """All files, including those that no frame shows; unordered."""
    found = libraries(walk)
    for image in bpy.data.images:
        if image.users or image.use_fake_user:
            found += of_image(walk, image, image in walk.data)
    for collection in ("fonts", "volumes", "cache_files", "movieclips", "sounds"):
        for data in getattr(bpy.data, collection, ()):
            path = getattr(data, "filepath", "")
            if path and path != "<builtin>" and data.users and not getattr(data, "packed_file", None):
                is_sequence = getattr(data, "is_sequence", False) or getattr(data, "source", "") == "SEQUENCE"
                found.append(File(absolute(path, data), shown=data in walk.data and not is_sequence, data=data,
                                  varies=is_sequence or collection in {"cache_files", "volumes", "movieclips"}))
    for thing in walk.modified:
        for modifier in thing.modifiers:
            found += of_modifier(thing, modifier)
    for thing in kiln_simulations.simulated(walk):
        for cache in kiln_simulations.caches_of(thing):
            found += of_cache(thing, cache)
    for owner, tree in walk.trees():
        for node in tree.nodes:
            kind = type(node)
            if kind not in NODES:
                NODES[kind] = bool(paths_in(node)) or node.bl_idname.startswith("GeometryNodeImport")
            if NODES[kind]:
                found += of_node(owner, tree, node)
    for scene in bpy.data.scenes:
        for one in kiln_strips.of(scene):
            found += of_strip(walk, scene, one)
    return found


def absolute(path, data=None):
    path = bpy.path.abspath(path, library=getattr(data, "library", None))
    return path.replace("\\", "/") if "\\" in path and not os.path.exists(path) else path


def libraries(walk):
    if not bpy.data.libraries:
        return []
    shown = {data.library for data in walk.data}
    return [File(absolute(library.filepath), shown=library in shown or library.parent is None)
            for library in bpy.data.libraries if not read(library, "library_packed_file")]


def of_image(walk, image, shown):
    if image.source not in {"FILE", "SEQUENCE", "MOVIE", "TILED"} or not image.filepath or image.packed_file or \
            read(image, "image_packed_files"):
        return []
    path = absolute(image.filepath, image)
    if image.source == "TILED":
        return [File(tile, shown=shown, is_image=True, data=image) for tile in tiles(path, image.tiles)]
    if image.source == "SEQUENCE":
        return [File(one, shown=shown, varies=True, data=image) for one in of_sequence(walk, image, path)] or \
            [File(path, shown=False, varies=True)]
    return [File(path, shown=shown, is_image=image.source == "FILE", varies=image.source == "MOVIE", data=image)]


def tiles(path, numbered):
    """Their names: from 3.1 by a mark in the name, before by its last number, as those of a sequence."""
    match = re.fullmatch(SEQUENCE, path)
    if bpy.app.version < (3, 1):
        return [f"{match[1]}{tile.number:0{len(match[2])}}{match[3]}" for tile in numbered] if match else [path]
    for mark, form in (("<UDIM>", "{0}"), ("<UVTILE>", "u{1}_v{2}")):
        if mark in path:
            return [path.replace(mark, form.format(tile.number, (tile.number - 1001) % 10 + 1,
                                                   (tile.number - 1001) // 10 + 1)) for tile in numbered]
    return [path]


def of_sequence(walk, image, path):
    """The files of the frames of the job, for each place where the sequence is used."""
    match = re.fullmatch(SEQUENCE, path)
    if not match:
        return [path]
    head, digits, tail = match.groups()
    numbers = set()
    frames = walk.some_times()
    for owner, tree in walk.trees():
        linked = None
        for node in tree.nodes:
            if getattr(node, "image", None) == image and not node.mute:
                linked = kiln_walk.upstream(tree) if linked is None else linked
                if node.name in linked and not is_animated(tree, node):
                    numbers |= numbers_of(getattr(node, "image_user", node), frames)
    for texture in walk.of(bpy.types.ImageTexture):
        if texture.image == image and not kiln_animation.animated(texture):
            numbers |= numbers_of(texture.image_user, frames)
    return [f"{head}{number:0{len(digits)}}{tail}" for number in sorted(numbers)]


def is_animated(tree, node):
    """Whether the choice of its file may be keyed or driven: then it is unknown which files the frames show."""
    begin = f'nodes["{node.name}"].'
    return any(path.startswith(begin) and "frame" in path for path in kiln_animation.animated(tree))


def numbers_of(user, frames):
    """As BKE_image_user_frame_get() of Blender 2.8 to 5.x computes them."""
    length = user.frame_duration
    if not length:
        return set()
    if not user.use_auto_refresh and hasattr(user, "frame_current"):
        return {user.frame_current}
    found = set()
    for frame in frames:
        number = frame - user.frame_start + 1
        if user.use_cyclic:
            number = number % length or length
        found.add(min(max(number, 1), length) + user.frame_offset)
    return found


NODES = {}  # class → whether such a node can name a file: most cannot, and there may be very many
PATHS = {}  # class → names of its properties that hold the path of a file


def paths_in(thing):
    kind = type(thing)
    if kind not in PATHS:
        PATHS[kind] = [one.identifier for one in thing.bl_rna.properties
                       if one.type == "STRING" and one.subtype == "FILE_PATH"]
    return PATHS[kind]


def of_modifier(thing, modifier):
    for name in paths_in(modifier):
        path = getattr(modifier, name)
        if path and getattr(modifier, "is_cached", True):  # an ocean names its files before they exist
            yield File(absolute(path, thing), shown=modifier.show_render, varies=modifier.type != "MESH_CACHE", data=thing)


def of_cache(thing, cache):
    """Those of a baked simulation, by the name of the first one; if it has none, Blender shows what is not simulated."""
    if not cache.is_baked or not (cache.use_disk_cache or cache.use_external):
        return
    name = cache.name or "".join(f"{byte:02X}" for byte in thing.name.encode())
    home, blend = os.path.split(bpy.data.filepath)
    directory = absolute(cache.filepath, thing) if cache.use_external else \
        os.path.join(home, f"blendcache_{os.path.splitext(blend)[0]}")
    try:
        names = [one for one in os.listdir(directory) if one.startswith(f"{name}_")]
    except OSError:
        names = []
    yield File(os.path.join(directory, min(names, default=f"{name}_{cache.frame_start:06}_00.bphys")), varies=True, data=thing)


def of_node(owner, tree, node):
    if node.bl_idname == "CompositorNodeOutputFile":
        return
    for name in paths_in(node):
        path = getattr(node, name)
        if path and getattr(node, "mode", "EXTERNAL") == "EXTERNAL":
            yield File(absolute(path, owner), shown=not node.mute and node.name in kiln_walk.upstream(tree), data=owner)
    if node.bl_idname.startswith("GeometryNodeImport"):  # from 4.5
        for socket in node.inputs:
            if "Path" in socket.bl_idname and not socket.is_linked and socket.default_value:
                yield File(absolute(socket.default_value, owner), shown=not node.mute, data=owner)


def of_strip(walk, scene, one):
    strip, at = one.strip, walk.strips.get(one.strip)
    if strip.type == "MOVIE":
        yield File(absolute(strip.filepath, scene), shown=bool(at), varies=True)
    elif strip.type == "SOUND" and strip.sound and not strip.sound.packed_file:
        yield File(absolute(strip.sound.filepath, strip.sound), shown=False)
    elif strip.type == "IMAGE":
        directory, elements = absolute(strip.directory, scene), strip.elements
        numbers = elements_of(one, at) if at else range(min(len(elements), 1))
        for number in numbers:
            yield File(os.path.join(directory, elements[number].filename), shown=bool(at), is_image=True,
                       varies=len(elements) > 1)


def elements_of(one, at):
    """The files of an image strip shown at some frames; all, unless it advances by one per frame."""
    most = len(one.strip.elements) - 1
    if most < 1 or not one.advances_by_one():
        return range(most + 1)
    return sorted({min(max(frame - int(one.begin), 0), most) for frames in at for frame in frames.some()
                   if one.first <= frame <= one.last})


@functools.lru_cache(maxsize=None)
def walls():
    """The places that the sandbox shows and hides, without links; None without a sandbox."""
    listed = json.loads(os.environ.get("KILN_SANDBOX", "null"))
    return listed and {key: [os.path.realpath(place) for place in listed[key]] for key in ("read", "hidden")}


def depth_of(path, places):
    """The depth of the nearest place that the path is at or below; 0: none."""
    return max((len(place) for place in places if path == place or path.startswith(place.rstrip("/") + "/")), default=0)


def is_outside(path):
    """Whether the sandbox hides this path: KILN_SANDBOX lists visible and hidden places, and the nearer counts."""
    places = walls()
    if places is None:
        return False
    real = os.path.realpath(path)  # a link does not lead out
    shown = depth_of(real, places["read"])
    return shown == 0 or shown < depth_of(real, places["hidden"])


OUTSIDE = "(outside of the project roots)"


def complaints_about(files):
    """path → why it cannot be used."""
    found, opened = {}, 0
    images = {one.path for one in files if one.is_image and one.shown}
    for path in dict.fromkeys(one.path for one in files):
        why = complaint_about(path)
        if why is None and path in images and looks_broken(path) and opened < MOST_OPENED:
            opened += 1
            why = None if can_open(path) else f"{path} (no image that Blender can read)"
        if why:
            found[path] = why
    return found


def complaint_about(path):
    if is_outside(path):
        return f"{path} {OUTSIDE}"
    if not os.path.exists(path):
        return path
    if not os.access(path, os.R_OK):
        return f"{path} (may not be read)"
    return None


def looks_broken(path):
    """From its first and last bytes. False if they show no defect."""
    try:
        with open(path, "rb") as file:
            begin = file.read(16)
            file.seek(max(file.seek(0, os.SEEK_END) - 4096, 0))
            end = file.read()
    except OSError:
        return True
    if begin.startswith(BEGINNINGS[0]):
        return b"IEND" not in end
    if begin.startswith(BEGINNINGS[1]):
        return b"\xff\xd9" not in end
    return not begin.startswith(BEGINNINGS) and begin[:4] + begin[8:12] != b"RIFFWEBP"


def can_open(path):
    try:
        image = bpy.data.images.load(path)
    except RuntimeError:
        return False
    try:
        return tuple(image.size) != (0, 0)
    finally:
        bpy.data.images.remove(image)
