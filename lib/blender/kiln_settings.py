# SPDX-License-Identifier: Apache-2.0
"""Applies the settings of a job to the rendered scene. Names in the .blend are data and never executed."""
import traceback

import bpy
import kiln_animation
import kiln_properties
from kiln_properties import Failure, read, write

# Blender 4.2 to 4.5 has a new name for EEVEE; 5.0 has the old one again.
EEVEE_NAMES = ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT")
SAMPLES = {"CYCLES": "cycles_samples", "BLENDER_EEVEE": "eevee_samples", "BLENDER_EEVEE_NEXT": "eevee_samples"}


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


def set_frames_of_file(scene, is_so, warn):
    if scene.frame_step > 1:  # the first blocks of a .blend, which kilnd reads, have only the first and the last frame
        raise Failure("invalid_setting", f"the .blend renders one frame of {scene.frame_step}, and the job does not say "
                                         f'which: write "frames":"{scene.frame_start}-{scene.frame_end}x{scene.frame_step}"')


def set_engine(scene, name, warn):
    candidates = EEVEE_NAMES if name in EEVEE_NAMES else (name,)
    for candidate in candidates:
        try:
            scene.render.engine = candidate
            return
        except TypeError:
            continue
    raise Failure("engine_unavailable", f'this Blender has no render engine "{name}"')


def set_camera(scene, name, warn):
    camera = scene.objects.get(name)
    if camera is None or camera.type != "CAMERA":
        cameras = [o for o in scene.objects if o.type == "CAMERA"]
        raise Failure("no_camera", f'scene "{scene.name}" has no camera "{name}"; it has: {names_of(cameras)}')
    scene.camera = camera
    if kiln_properties.find(scene, "markers") is None:
        warn("camera: this Blender does not list markers, which can switch to another camera")
    for marker in read(scene, "markers", ()):  # they would switch to another camera at their frames
        marker.camera = None


def set_view_layer(scene, name, warn):
    if scene.view_layers.get(name) is None:
        raise Failure("invalid_setting",
                      f'scene "{scene.name}" has no view layer "{name}"; it has: {names_of(scene.view_layers)}')
    for layer in scene.view_layers:
        layer.use = layer.name == name


def set_format(scene, name, warn):
    settings = scene.render.image_settings
    media = kiln_properties.find(scene, "media_type")
    try:
        if media:
            setattr(*media, "MULTI_LAYER_IMAGE" if name == "OPEN_EXR_MULTILAYER" else "IMAGE")
        settings.file_format = name
    except TypeError:
        raise Failure("invalid_setting", f"this Blender cannot write {name}") from None


def set_resolution(scene, size, warn):
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100


def set_resolution_percentage(scene, percentage, warn):
    scene.render.resolution_percentage = percentage


def set_samples(scene, samples, warn):
    name = SAMPLES.get(scene.render.engine)
    if name is None:
        warn(f"samples: not applied, since Kiln knows no samples of {scene.render.engine}")
    else:
        write(scene, name, samples, "samples: not applied as the job asks", warn)


def set_seed(scene, seed, warn):
    if scene.render.engine != "CYCLES":
        warn(f"seed: not applied, since Kiln knows no seed of {scene.render.engine}")
        return
    write(scene, "cycles_seed", seed, "seed: not applied as the job asks", warn)
    write(scene, "cycles_animated_seed", False, "seed: may change with each frame", warn)


def set_device(scene, device, warn):
    if scene.render.engine != "CYCLES":
        return
    meaning = f"device: the .blend and Blender's preferences decide, not {device}"
    if device != "CPU":
        preferences = cycles_preferences()
        look, devices = read(preferences, "find_devices"), read(preferences, "devices")
        try:
            write(preferences, "device_type", device, meaning, warn)
        except TypeError:
            raise Failure("engine_unavailable", f"this Blender is built without {device}: ask for device CPU") from None
        if look is None or devices is None:
            warn(f"{meaning}: this Blender does not list its devices")
        else:
            look()
            if not any(d.type == device for d in devices):
                raise Failure("engine_unavailable", f"this machine has no {device} device that Blender can use")
            for d in devices:
                d.use = d.type == device
    write(scene, "cycles_device", "CPU" if device == "CPU" else "GPU", meaning, warn)


def cycles_preferences():
    addon = bpy.context.preferences.addons.get("cycles")
    if addon is None:
        raise Failure("engine_unavailable", "this Blender has no Cycles, or its add-on is off")
    return addon.preferences


def animated_paths(scene, name):
    """The data paths of the scene that a setting of a job changes."""
    if name == "samples":
        return {"CYCLES": ["cycles.samples"]}.get(scene.render.engine, ["eevee.taa_render_samples"])
    if name == "view_layer":
        names = (layer.name.replace("\\", "\\\\").replace('"', '\\"') for layer in scene.view_layers)
        return [f'view_layers["{name}"].use' for name in names]
    return {"seed": ["cycles.seed", "cycles.use_animated_seed"], "device": ["cycles.device"],
            "resolution": ["render.resolution_x", "render.resolution_y", "render.resolution_percentage"],
            "resolution_percentage": ["render.resolution_percentage"]}.get(name, [])


SETTERS = {"frames_of_file": set_frames_of_file, "engine": set_engine, "camera": set_camera,
           "view_layer": set_view_layer, "format": set_format, "resolution": set_resolution,
           "resolution_percentage": set_resolution_percentage, "samples": set_samples, "seed": set_seed,
           "device": set_device}  # in order of application


def apply(settings, scene, warn):
    for name, set_it in SETTERS.items():
        if name not in settings:
            continue
        try:
            for path in kiln_animation.release(scene, animated_paths(scene, name)):
                warn(f"{name}: the .blend animates {path}; the value of the job holds in every frame",
                     "animation_replaced")
            set_it(scene, settings[name], warn)
        except Failure:
            raise
        except Exception as wrong:  # in a future Blender: the image would differ
            traceback.print_exc()
            raise Failure("invalid_setting", f'this Blender ({bpy.app.version_string}) cannot apply "{name}": '
                                             f"{type(wrong).__name__}: {wrong}") from None
    write(scene, "overwrite", True, "frames that exist may be skipped", warn)
    write(scene, "placeholder", False, "empty files may stand for frames", warn)
    write(scene, "file_extension", True, "frames may lack the extension of their format", warn)
