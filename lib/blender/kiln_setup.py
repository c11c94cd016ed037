# SPDX-License-Identifier: Apache-2.0
"""Run by Blender (2.8 to 5.x) before it renders: applies a job's settings and says what the .blend really is.

    blender -b FILE -P kiln_setup.py [-S SCENE] ... -a -- JSON

JSON is an object with the settings of the job. One line goes to standard output: "kiln: " and an object. When the
.blend cannot be rendered as asked, the object has a "failure", and Blender ends here with status 1: Blender itself
would render something else, or nothing, and exit with 0. Names in the .blend are data: nothing of them is executed.
"""
import json
import os
import sys
import traceback

import bpy

LONGEST_LINE = 7000  # bytes; the daemon cuts lines at 8 KiB
MOVIE_FORMATS = {"AVI_JPEG", "AVI_RAW", "FFMPEG"}
# Blender 4.2 to 4.5 has a new name for EEVEE; 5.0 has the old one again.
EEVEE_NAMES = ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT")
EXTENSIONS = {"PNG": ".png", "JPEG": ".jpg", "OPEN_EXR": ".exr", "OPEN_EXR_MULTILAYER": ".exr", "TIFF": ".tif",
              "WEBP": ".webp"}


class Failure(Exception):
    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def read_settings():
    arguments = sys.argv[sys.argv.index("--") + 1:] if "--" in sys.argv else []
    return json.loads(arguments[0]) if arguments else {}


def names_of(things, most=5):
    names = sorted(thing.name for thing in things)
    return ", ".join(names[:most]) + (", …" if len(names) > most else "") if names else "none"


def find_scene(name):
    if not name:
        return bpy.context.scene
    scene = bpy.data.scenes.get(name)
    if scene is None:
        raise Failure("invalid_setting", f'the .blend has no scene "{name}"; it has: {names_of(bpy.data.scenes)}')
    return scene


def set_engine(scene, name):
    candidates = EEVEE_NAMES if name in EEVEE_NAMES else (name,)
    for candidate in candidates:
        try:
            scene.render.engine = candidate
            return
        except TypeError:
            continue
    raise Failure("engine_unavailable", f'this Blender has no render engine "{name}"')


def set_camera(scene, name):
    camera = scene.objects.get(name)
    if camera is None or camera.type != "CAMERA":
        cameras = [o for o in scene.objects if o.type == "CAMERA"]
        raise Failure("no_camera", f'scene "{scene.name}" has no camera "{name}"; it has: {names_of(cameras)}')
    scene.camera = camera
    for marker in scene.timeline_markers:  # they would switch to another camera at their frames
        marker.camera = None


def set_view_layer(scene, name):
    if scene.view_layers.get(name) is None:
        raise Failure("invalid_setting",
                      f'scene "{scene.name}" has no view layer "{name}"; it has: {names_of(scene.view_layers)}')
    for layer in scene.view_layers:
        layer.use = layer.name == name


def set_format(scene, name):
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):  # 5.0 and newer: a movie's formats and an image's are apart
        settings.media_type = "MULTI_LAYER_IMAGE" if name == "OPEN_EXR_MULTILAYER" else "IMAGE"
    try:
        settings.file_format = name
    except TypeError:
        raise Failure("invalid_setting", f"this Blender cannot write {name}") from None


def set_samples(scene, samples):
    if scene.render.engine == "CYCLES":
        scene.cycles.samples = samples
    elif scene.render.engine in EEVEE_NAMES:
        scene.eevee.taa_render_samples = samples


def set_device(scene, device):
    if scene.render.engine != "CYCLES":
        return
    if device == "CPU":
        scene.cycles.device = "CPU"
        return
    preferences = bpy.context.preferences.addons["cycles"].preferences
    try:
        preferences.compute_device_type = device
    except TypeError:
        raise Failure("engine_unavailable", f"this Blender is built without {device}: ask for device CPU") from None
    if hasattr(preferences, "refresh_devices"):
        preferences.refresh_devices()
    else:
        preferences.get_devices()
    found = [d for d in preferences.devices if d.type == device]
    if not found:
        raise Failure("engine_unavailable", f"this machine has no {device} device that Blender can use")
    for d in preferences.devices:
        d.use = d in found
    scene.cycles.device = "GPU"


def apply(settings, scene):
    render = scene.render
    if "engine" in settings:
        set_engine(scene, settings["engine"])
    if "camera" in settings:
        set_camera(scene, settings["camera"])
    if "view_layer" in settings:
        set_view_layer(scene, settings["view_layer"])
    if "format" in settings:
        set_format(scene, settings["format"])
    if "resolution" in settings:
        render.resolution_x, render.resolution_y = settings["resolution"]
        render.resolution_percentage = 100
    if "resolution_percentage" in settings:
        render.resolution_percentage = settings["resolution_percentage"]
    if "samples" in settings:
        set_samples(scene, settings["samples"])
    if "seed" in settings and hasattr(scene, "cycles"):
        scene.cycles.seed = settings["seed"]
        scene.cycles.use_animated_seed = False
    if "device" in settings:
        set_device(scene, settings["device"])
    render.use_overwrite = True  # frames that exist are not skipped
    render.use_placeholder = False
    render.use_file_extension = True


def makes_picture_without_camera(scene):
    """By the sequencer, or by a compositor that takes no render layer."""
    render = scene.render
    editor = scene.sequence_editor
    strips = getattr(editor, "strips_all", None) or getattr(editor, "sequences_all", None) if editor else None
    if render.use_sequencer and strips:
        return True
    tree = getattr(scene, "compositing_node_group", None) or getattr(scene, "node_tree", None)
    if not (render.use_compositing and getattr(scene, "use_nodes", True) and tree):
        return False
    return not any(node.type == "R_LAYERS" for node in tree.nodes)


def check_camera(scene):
    if scene.camera is None and not any(m.camera for m in scene.timeline_markers) \
            and not makes_picture_without_camera(scene):
        raise Failure("no_camera", f'scene "{scene.name}" has no camera: add one, or set one of its cameras active')


def check_format(scene):
    name = scene.render.image_settings.file_format
    if name in MOVIE_FORMATS or getattr(scene.render, "is_movie_format", False):
        raise Failure("movie_output", "the .blend writes a movie: ask for an image format (\"format\":\"PNG\"), and "
                                      "join the frames afterwards")
    if name not in EXTENSIONS:
        raise Failure("invalid_setting", f"Kiln does not know how to verify {name}: ask for one of "
                                         f"{', '.join(EXTENSIONS)}")


def check_denoiser(scene):
    if scene.render.engine != "CYCLES" or not getattr(scene.cycles, "use_denoising", False):
        return
    if not any(layer.use and getattr(layer.cycles, "use_denoising", True) for layer in scene.view_layers):
        return
    import _cycles
    # A build without any denoiser has an empty name in its place.
    if scene.cycles.denoiser in {"", "OPENIMAGEDENOISE"} and not getattr(_cycles, "with_openimagedenoise", True):
        raise Failure("denoiser_unavailable", "the scene asks for OpenImageDenoise, which this build of Blender lacks: "
                                              "turn denoising off in the .blend")


def first_file(image):
    """The file that must be there for an image: of a sequence its first, of tiles each."""
    path = bpy.path.abspath(image.filepath, library=image.library)
    if image.source == "TILED":
        for mark, number in (("<UDIM>", "{0}"), ("<UVTILE>", "u{1}_v{2}")):
            if mark in path:
                return [path.replace(mark, number.format(t.number, (t.number - 1001) % 10 + 1,
                                                         (t.number - 1001) // 10 + 1)) for t in image.tiles]
    return [path]


def depth_of(path, places):
    """How deep the nearest of the places lies that the path is at or below; 0: it is below none."""
    real = [os.path.realpath(place) for place in places]
    return max((len(place) for place in real if path == place or path.startswith(place.rstrip("/") + "/")), default=0)


def is_outside(path):
    """Whether the sandbox keeps this path away: the daemon says what it shows (KILN_SANDBOX), the nearer counts."""
    walls = json.loads(os.environ.get("KILN_SANDBOX", "null"))
    if walls is None:
        return False
    real = os.path.realpath(path)  # a link does not lead out
    shown = depth_of(real, walls["read"])
    return shown == 0 or shown < depth_of(real, walls["hidden"])


def complaint_about(path):
    """Why a file cannot be used; nothing when it can."""
    if is_outside(path):
        return f"{path} (outside of the project roots)"
    if not os.path.exists(path):
        return path
    if not os.access(path, os.R_OK):
        return f"{path} (may not be read)"
    return None


def missing_files():
    """Paths that are needed and not there or not to be had, and data that a library does not have."""
    wanted = []
    for library in bpy.data.libraries:
        if not getattr(library, "packed_file", None):
            wanted.append(bpy.path.abspath(library.filepath))
    for image in bpy.data.images:
        is_file = image.source in {"FILE", "SEQUENCE", "MOVIE", "TILED"}
        if is_file and image.users and image.filepath and not image.packed_file and not image.packed_files:
            wanted += first_file(image)
    for collection in ("fonts", "volumes", "cache_files", "movieclips"):
        for data in getattr(bpy.data, collection, []):
            path = getattr(data, "filepath", "")
            if path and path != "<builtin>" and data.users and not getattr(data, "packed_file", None):
                wanted.append(bpy.path.abspath(path, library=data.library))
    missing = [complaint for complaint in map(complaint_about, dict.fromkeys(wanted)) if complaint]
    for library in bpy.data.libraries:
        for data in getattr(library, "users_id", ()):
            if getattr(data, "is_missing", False):
                missing.append(f"{data.name} of {library.filepath}")
    return missing


def check_files(report):
    missing = missing_files()
    report["missing"] = missing[:20]
    if missing:
        listed = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        advice = ""
        if any("(outside of the project roots)" in one for one in missing):
            advice = "; what lies outside has to be moved below a project root, packed into the .blend, or allowed " \
                     "to kilnd by --sandbox-read"
        raise Failure("missing_files", f"files that the .blend uses are missing ({len(missing)}): {listed}{advice}")


def describe(scene, report):
    render = scene.render
    report.update({
        "scene": scene.name,
        "cameras": [o.name for o in scene.objects if o.type == "CAMERA"][:20],
        "camera": scene.camera.name if scene.camera else None,
        "view_layers": [layer.name for layer in scene.view_layers if layer.use][:20],
        "frame_start": scene.frame_start,
        "frame_end": scene.frame_end,
        "frame_step": scene.frame_step,
        "engine": render.engine,
        "format": render.image_settings.file_format,
        "resolution": [render.resolution_x, render.resolution_y],
        "resolution_percentage": render.resolution_percentage,
        "fps": render.fps / render.fps_base,
    })
    if render.engine == "CYCLES":
        report.update({"samples": scene.cycles.samples, "device": scene.cycles.device})
    elif render.engine in EEVEE_NAMES:
        report["samples"] = scene.eevee.taa_render_samples


def say(report):
    line = json.dumps(report)
    for member in ("missing", "scenes", "cameras", "view_layers"):  # the longest go first
        if len(line) > LONGEST_LINE:
            report.pop(member, None)
            line = json.dumps(report)
    sys.stdout.write("\nkiln: " + line + "\n")
    sys.stdout.flush()


def tell_loaded():
    """An executor that cannot see when this runs is told by a file: how long Blender takes to start and to load."""
    path = os.environ.get("KILN_LOADED")
    if path:
        try:
            open(path, "w").close()
        except OSError:
            pass


def set_up(settings):
    """Applies the settings to the file that is open. The scene that renders, and the report, which may hold a
    "failure"."""
    report = {"version": bpy.app.version_string, "scenes": [s.name for s in bpy.data.scenes][:20]}
    scene = None
    try:
        scene = find_scene(settings.get("scene"))
        apply(settings, scene)
        describe(scene, report)
        check_format(scene)
        check_camera(scene)
        check_denoiser(scene)
        check_files(report)
    except Failure as failure:
        report["failure"] = {"kind": failure.kind, "message": str(failure)[:900]}
    except Exception:  # whatever it was: a frame that is not as asked must not come out
        report["failure"] = {"kind": "internal",
                             "message": "the .blend could not be set up: " + traceback.format_exc()[-600:]}
    return scene, report


def main():
    tell_loaded()
    _, report = set_up(read_settings())
    say(report)
    if "failure" in report:
        os._exit(1)


if __name__ == "__main__":  # kiln_session.py takes its parts
    main()
