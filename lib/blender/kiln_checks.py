# SPDX-License-Identifier: Apache-2.0
"""Finds what cannot be rendered as requested, before the first frame, in every scene that the frames reach."""
import ctypes
import os
import sys

import bpy
import kiln_files
import kiln_shown
from kiln_properties import Failure, read

MOVIE_FORMATS = {"AVI_JPEG", "AVI_RAW", "FFMPEG"}
# Formats that Kiln verifies, with the longest possible side in pixels (0: more than Blender renders): image_format.hpp.
FORMATS = {"PNG": 0, "OPEN_EXR": 0, "OPEN_EXR_MULTILAYER": 0, "JPEG": 65500, "TIFF": 0, "WEBP": 16383}
EXR = {"OPEN_EXR", "OPEN_EXR_MULTILAYER"}
CODECS = {"NONE", "PXR24", "ZIP", "PIZ", "RLE", "ZIPS", "B44", "B44A", "DWAA", "DWAB"}  # decoded by kiln-image

AT_FRAMES = ("frame_change_", "render_", "depsgraph_")  # handlers that are called while an animation renders


def check_camera(walk, scene, camera):
    if camera is None and scene.camera is None and not any(m.camera for m in read(scene, "markers", ())):
        raise Failure("no_camera", f'scene "{scene.name}" has no camera: add one, or set one of its cameras active')


def check_format(scene):
    settings = scene.render.image_settings
    name = settings.file_format
    if name in MOVIE_FORMATS or read(scene, "is_movie", False):
        raise Failure("movie_output", "the .blend writes a movie: ask for an image format (\"format\":\"PNG\"), and "
                                      "join the frames afterwards")
    why = complaint_about(settings)
    if why:
        raise Failure("invalid_setting", why)
    width, height = size_of(scene)
    longest = longest_side(name)
    if 0 < longest < max(width, height):
        raise Failure("invalid_setting", f"{name} has at most {longest} pixels a side, and the picture has "
                                         f"{width} by {height}: ask for another format or size")


def longest_side(name):
    if name == "PNG" and bpy.app.version >= (3, 5) and getattr(bpy.app.oiio, "version", (3,)) < (3,):
        return 65535  # by OpenImageIO 2, which this Blender writes it with
    return FORMATS[name]


def complaint_about(settings):
    """Why Kiln cannot verify files of a format; None if it can."""
    if settings.file_format not in FORMATS:
        return f"Kiln does not know how to verify {settings.file_format}: ask for one of {', '.join(FORMATS)}"
    if settings.file_format in EXR and getattr(settings, "exr_codec", "NONE") not in CODECS:
        return f"Kiln cannot verify OpenEXR with the codec {settings.exr_codec}: choose one of " \
               f"{', '.join(sorted(CODECS))} in the .blend, or another format"
    return None


def size_of(scene):
    render = scene.render
    sides = [side * render.resolution_percentage / 100 for side in (render.resolution_x, render.resolution_y)]
    if render.use_border and render.use_crop_to_border:
        sides[0] *= render.border_max_x - render.border_min_x
        sides[1] *= render.border_max_y - render.border_min_y
    return int(sides[0]), int(sides[1])


def check_engine(scene):
    name = missing_engine(scene)
    if name:
        raise Failure("engine_unavailable", f'scene "{scene.name}" renders with the engine {name}, which this Blender '
                                            "lacks: install or enable its add-on, or ask for an engine")


def missing_engine(scene):
    """The name of a missing engine. Blender reports its first engine instead, and renders with that: the name itself
    can only be read from memory."""
    shown = scene.render.engine
    if shown not in {"BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"}:
        return None
    other = bpy.data.scenes.new("kiln")
    try:
        other.render.engine = shown
        name, largest = shown.encode() + b"\0", 1 << 14
        for size in range(512, largest, 512):  # never far beyond its end
            at = ctypes.string_at(other.as_pointer(), size).find(name)
            if at >= 0:
                kept = ctypes.string_at(scene.as_pointer() + at, 32).split(b"\0")[0].decode("ascii", "replace")
                return None if kept in {"", shown} else kept
        return None
    finally:
        bpy.data.scenes.remove(other)


def check_denoiser(scene):
    if scene.render.engine != "CYCLES" or not read(scene, "cycles_denoising", False):
        return
    if not any(layer.use and read(layer, "layer_denoising", True) for layer in scene.view_layers):
        return
    import _cycles
    # A build without any denoiser has an empty name in its place.
    wanted = read(scene, "cycles_denoiser")
    if wanted in {"", "OPENIMAGEDENOISE"} and not read(_cycles, "has_openimagedenoise", True):
        raise Failure("denoiser_unavailable", f'scene "{scene.name}" asks for OpenImageDenoise, which this build of '
                                              "Blender lacks: turn denoising off in the .blend")


def check_files(walk, files, report, warn):
    complaints = kiln_files.complaints_about(files)
    lost = [data for library in bpy.data.libraries for data in read(library, "library_users", ())
            if getattr(data, "is_missing", False) and data in walk.data]
    needed = kiln_shown.Shown(walk) if complaints or lost else ()
    shown = {one.path for one in files if one.path in complaints and one.shown and one.data in needed}
    missing = [why for path, why in complaints.items() if path in shown]
    missing += [f"{data.name} of {data.library.filepath}" for data in lost if data in needed]
    report["missing"] = missing[:20]
    others = [why for path, why in complaints.items() if path not in shown]
    if others:
        warn(f"files that no frame of the job shows are missing ({len(others)}): {listed(others)}", "unreached_files")
    if missing:
        advice = ""
        if any(kiln_files.OUTSIDE in one for one in missing):
            advice = "; what lies outside has to be moved below a project root, packed into the .blend, or allowed " \
                     "to kilnd by --sandbox-read"
        raise Failure("missing_files", f"files that the .blend uses are missing or unreadable ({len(missing)}): "
                                       f"{listed(missing)}{advice}")


def listed(things):
    return ", ".join(things[:5]) + (", …" if len(things) > 5 else "")


def check_version(warn):
    """Blender opens some files of newer versions, and drops unknown data."""
    written = [("the .blend", read(bpy.data, "file_version"))]
    written += [(library.filepath, read(library, "library_version")) for library in bpy.data.libraries]
    for name, version in written:
        if version and tuple(version[:2]) > bpy.app.version[:2]:
            warn(f"Blender {version[0]}.{version[1]} wrote {name}, this is {bpy.app.version_string}: what an older "
                 f"Blender does not know is missing in the picture", "newer_file")


def check_addons(walk, warn):
    """Nodes of add-ons that are not enabled: Blender leaves them out."""
    if not any(kind is bpy.types.Node for kind in kiln_files.NODES):  # those seen so far: there may be very many
        return
    found = sorted({owner.name for owner, tree in walk.trees()
                    if any(node.bl_idname == "NodeUndefined" for node in tree.nodes)})
    if found:
        warn(f"nodes of an add-on that this Blender lacks are left out: {listed(found)}", "unknown_nodes")


def check_layers(walk, warn):
    for scene, _ in walk.renders:
        if not any(layer.use for layer in scene.view_layers):
            warn(f'scene "{scene.name}" has no view layer that renders: its pictures are empty', "nothing_rendered")


def check_trust(warn):
    if bpy.app.autoexec_fail and not bpy.app.autoexec_fail_quiet:
        warn('the .blend has scripts or drivers in Python, which are not run (a job with "autorun":true runs them, where '
             "kilnd's operator allows it by the setting autorun): "
             f"{bpy.app.autoexec_fail_message or 'they may do anything'}", "autorun_refused")


def check_handlers(warn):
    """Warns about scripts of the .blend, if they run: they may keep state for later frames."""
    if "-y" not in sys.argv:
        return
    handlers = sorted({handler.__name__ for name in dir(bpy.app.handlers) if name.startswith(AT_FRAMES)
                       for handler in getattr(bpy.app.handlers, name) if is_of_blend(handler)})
    if handlers:
        warn(f"scripts of the .blend run at each frame ({listed(handlers)}): if they keep something from one frame to the "
             "next, the frames are as by hand only where one Blender renders all of them in order, without a stop",
             "scripts_at_frames")


def is_of_blend(handler):
    """Whether its code is neither Blender's, nor an add-on's, nor ours: from a text, which has no file, or from a
    module imported by a text."""
    code = getattr(handler, "__code__", None)
    homes = [*bpy.utils.script_paths(), *map(bpy.utils.resource_path, ("USER", "LOCAL", "SYSTEM")),
             os.path.dirname(os.path.abspath(__file__))]
    return code is not None and not any(code.co_filename.startswith(os.path.join(home, "")) for home in homes if home)
