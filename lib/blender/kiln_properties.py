# SPDX-License-Identifier: Apache-2.0
"""Properties that not every Blender has, and the failure that ends a setup. Imported by the other scripts."""

# Properties that not every version of Blender has, or not under the same name. Each has the paths of attributes that
# lead to it, the newest first; the first path that exists is used (find). Code that needs such a property must work
# without it: tests/blenders/test_scripts.py removes each of them.
PROPERTIES = {
    # of a scene
    "cycles_samples": ("cycles.samples",),
    "cycles_seed": ("cycles.seed",),
    "cycles_animated_seed": ("cycles.use_animated_seed",),
    "cycles_device": ("cycles.device",),
    "cycles_feature_set": ("cycles.feature_set",),  # not in 5.2
    "cycles_denoising": ("cycles.use_denoising",),  # from 2.90
    "cycles_denoiser": ("cycles.denoiser",),  # from 2.90
    "adaptive_sampling": ("cycles.use_adaptive_sampling",),  # from 2.83
    "eevee_samples": ("eevee.taa_render_samples",),
    "persistent_data": ("render.use_persistent_data",),
    "overwrite": ("render.use_overwrite",),
    "placeholder": ("render.use_placeholder",),
    "file_extension": ("render.use_file_extension",),
    "media_type": ("render.image_settings.media_type",),  # from 5.0: formats of images and of movies are separate
    "is_movie": ("render.is_movie_format",),
    "sequencer": ("render.use_sequencer",),
    "strips": ("sequence_editor.strips", "sequence_editor.sequences"),  # from 4.4; before
    "channels": ("sequence_editor.channels",),  # from 3.1
    "compositing": ("render.use_compositing",),
    "compositor": ("compositing_node_group", "node_tree"),  # from 5.0; before
    "compositor_in_use": ("use_nodes",),  # before 5.0; always true since then, and deprecated
    "multiview": ("render.use_multiview",),
    "views": ("render.views",),
    "views_format": ("render.views_format",),
    "fps": ("render.fps",),
    "fps_base": ("render.fps_base",),
    "rigid_bodies": ("rigidbody_world",),
    "markers": ("timeline_markers",),
    # of a strip
    "strip_start": ("content_start", "frame_start"),  # from 5.0; before
    "strip_first": ("left_handle", "frame_final_start"),  # from 5.0; before
    "strip_end": ("right_handle", "frame_final_end"),  # from 5.0; before
    "strip_offset": ("content_trim_start", "animation_offset_start"),  # from 5.0; before
    "retiming": ("retiming_keys",),  # from 4.0
    "meta_strips": ("strips", "sequences"),  # of a meta strip, from 4.4; before
    "meta_channels": ("channels",),  # of a meta strip, from 3.1
    # of a view layer
    "layer_denoising": ("cycles.use_denoising",),
    # of a File Output node
    "output_base": ("base_path",),  # before 5.0: the directory, with the name of a file with many layers
    "output_directory": ("directory",),  # from 5.0
    "output_file": ("file_name",),  # from 5.0
    "output_items": ("file_output_items", "file_slots"),  # from 5.0; before
    "output_extension": ("use_file_extension",),  # from 5.0; before, that of the scene counts
    # of one of its slots
    "output_name": ("path", "name"),  # before 5.0; from 5.0
    "output_own_format": ("override_node_format",),  # from 5.0
    "output_node_format": ("use_node_format",),  # before 5.0
    # of a modifier
    "adaptive_subdivision": ("use_adaptive_subdivision",),  # 5.2; before, of an object, and experimental
    # of the preferences of Cycles
    "device_type": ("compute_device_type",),
    "find_devices": ("refresh_devices", "get_devices"),  # from 3.0; before
    "devices": ("devices",),
    # of the module _cycles
    "has_openimagedenoise": ("with_openimagedenoise",),  # not in 2.83
    # of what is loaded (bpy.data), of a library, of an image
    "file_version": ("version",),
    "library_packed_file": ("packed_file",),
    "library_version": ("version",),
    "library_users": ("users_id",),
    "image_packed_files": ("packed_files",),
}


class Failure(Exception):
    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def find(thing, name):
    """The place of one of PROPERTIES in `thing`: an object and an attribute name. None if this Blender lacks it."""
    for path in PROPERTIES[name]:
        *way, attribute = path.split(".")
        owner = thing
        for step in way:
            owner = getattr(owner, step, None)
        if hasattr(owner, attribute):
            return owner, attribute
    return None


def read(thing, name, default=None):
    place = find(thing, name)
    return getattr(*place) if place else default


def write(thing, name, value, meaning, warn):
    """Sets a property. Warns if this Blender lacks it or keeps another value; `meaning` names the loss."""
    place = find(thing, name)
    if place is None:
        warn(f"{meaning}: this Blender has no property {PROPERTIES[name][0]}")
        return
    setattr(*place, value)
    kept = getattr(*place)
    if kept != value:
        warn(f"{meaning}: this Blender keeps {kept} instead of {value}")
