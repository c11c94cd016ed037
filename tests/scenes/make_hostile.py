# SPDX-License-Identifier: Apache-2.0
"""Tries to write beside its project (../escaped_*) by all that a .blend can hold: a driver, a text that is registered to
run, and a File Output node. Blender runs the first two only when asked to (-y); the third always."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stage  # noqa: E402

import bpy  # noqa: E402

WRITE = '__import__("pathlib").Path(__import__("bpy").path.abspath("//../escaped_{}")).write_text("x")'


def build(scene):
    stage.set_frames(scene, 1, 10)
    stage.add_ball_room(scene)

    driver = scene.objects["Ball"].driver_add("location", 2).driver
    driver.type = "SCRIPTED"
    driver.expression = WRITE.format("driver") + " or 0.5"

    text = bpy.data.texts.new("startup.py")
    text.from_string(WRITE.format("text") + "\n")
    text.use_module = True

    stage.add_file_output(scene, "//../", "escaped_node_")


stage.make(build)
