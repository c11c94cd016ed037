# SPDX-License-Identifier: Apache-2.0
"""Links an object of a library that is then removed: Blender renders without it and exits with 0."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402

import bpy  # noqa: E402


def build(scene):
    stage.set_frames(scene, 1, 10)
    stage.add_ball_room(scene)
    library = os.path.join(bpy.app.tempdir, "props.blend")
    mesh = bpy.data.meshes.new("Prop")
    thing = bpy.data.objects.new("Prop", mesh)
    bpy.data.libraries.write(library, {thing})
    bpy.data.objects.remove(thing)
    with bpy.data.libraries.load(library, link=True) as (there, linked):
        linked.objects = there.objects
    scene.collection.objects.link(linked.objects[0])


stage.make(build)
