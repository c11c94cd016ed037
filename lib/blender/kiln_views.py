# SPDX-License-Identifier: Apache-2.0
"""Frames with a file for each view (views format "Individual"). The file of the first view becomes that of the frame, as
kilnd expects it; those of the others become further files of the frame: Render--view_0001_R.png (output_name.hpp).
"""
import os
import re

import bpy
from kiln_properties import Failure, read

SUFFIX = re.compile(r"(?:[A-Za-z._-][A-Za-z0-9._-]*)?")  # of the files of a view, as kilnd takes them
FURTHER = "Render--view"


def used(scene):
    """The views that Blender renders, in its order; those of Stereo 3D are left and right alone."""
    if not read(scene, "multiview", False):
        return []
    is_stereo = read(scene, "views_format", "MULTIVIEW") == "STEREO_3D"
    return [view for view in read(scene, "views", ()) if view.use and (not is_stereo or view.name in {"left", "right"})]


class Views:
    """`suffixes`: of the files of the views, if a frame has more than one file."""

    def __init__(self, scene):
        views = used(scene)
        self.suffixes, self.workspace = [], None
        if len(views) < 2 or scene.render.image_settings.views_format != "INDIVIDUAL":
            return
        self.suffixes = [view.file_suffix for view in views]
        for view in views:
            if not view.file_suffix or not SUFFIX.fullmatch(view.file_suffix):
                raise Failure("invalid_setting", f'the suffix of the view "{view.name}" is no part of a file name: it may '
                                                 'have letters, digits, and ".", "_" or "-", and begins with no digit')
        if len(set(self.suffixes)) < len(views):
            raise Failure("invalid_setting", "two views have the same suffix, so one would overwrite the other: give each "
                                             "view its own in the .blend")

    def place(self, workspace):
        """From now on, frames go there. Another job with the same file may have been placed elsewhere."""
        self.workspace = workspace
        handlers = bpy.app.handlers.render_write
        for handler in [one for one in handlers if isinstance(getattr(one, "__self__", None), Views)]:
            handlers.remove(handler)
        if self.suffixes:
            handlers.append(self.name_files)

    def name_files(self, *_):
        """After each frame: kilnd takes it when its own file gets its name, so that is the last one."""
        for name in os.listdir(self.workspace):
            begin, extension = os.path.splitext(name)
            if not begin.endswith(self.suffixes[0]):
                continue
            frame = begin[:-len(self.suffixes[0])]
            number = re.fullmatch(r"blender-render_(\d+)", frame)
            if number is None:
                continue
            for suffix in self.suffixes[1:]:
                self.rename(frame + suffix + extension, f"{FURTHER}_{number[1]}{suffix}{extension}")
            self.rename(name, frame + extension)

    def rename(self, old, new):
        os.replace(os.path.join(self.workspace, old), os.path.join(self.workspace, new))
