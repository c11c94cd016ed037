# SPDX-License-Identifier: Apache-2.0
"""Strips within strips, as inputs of effects, and at other frames than their scene."""
import os

import flat
import outputs

import bpy


def meta(scene, name="Meta", channel=1, start=1):
    """From 3.1 on Python can make one."""
    made = flat.strips(scene).new_meta(name, channel, start)
    return made, made.strips if hasattr(made, "strips") else made.sequences


def muted_meta(scene, directory):
    """Its picture is gone, and the camera makes the frames: nothing else is in the sequencer."""
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    made, inside = meta(scene)
    inside.new_image("Gone", f"{directory}/gone.png", 1, 1)
    made.mute = True


def muted_meta_without_camera(scene, directory):
    muted_meta(scene, directory)
    bpy.data.objects.remove(scene.camera)


def meta_with_a_gap(scene, directory):
    """A meta strip that is on, with a picture that is gone."""
    flat.prepare(scene, 1, 2, with_camera=False)
    made, inside = meta(scene)
    inside.new_image("Gone", f"{directory}/gone.png", 1, 1)


def effect(scene, kind, channel, source, first=1, last=4):
    new = flat.strips(scene).new_effect
    for words in ({"length": last - first, "input1": source}, {"frame_end": last, "input1": source},
                  {"frame_end": last, "seq1": source}):
        try:
            return new(name=kind, type=kind, channel=channel, frame_start=first, **words)
        except TypeError:  # 5.x, 4.4, before
            pass
    raise AssertionError("new_effect has other parameters")


def muted_input(scene, directory):
    """The effect shows it all the same."""
    flat.prepare(scene, 1, 3, with_camera=False)
    flat.write_png(f"{directory}/strips/a.png", 200, 30, 30)
    one = flat.strips(scene).new_image("Image", f"{directory}/strips/a.png", 1, 1)
    one.frame_final_duration = 3
    one.directory = "//strips/"
    effect(scene, "GAUSSIAN_BLUR", 2, one)
    one.mute = True


def muted_input_gone(scene, directory):
    muted_input(scene, directory)
    return lambda: os.unlink(f"{directory}/strips/a.png")


def late_scene_with_a_sequence(scene, directory):
    """The strip shows frames 1 to 3 of a scene at frames 11 to 13; there are no other pictures of its sequence."""
    flat.prepare(scene, 11, 13, with_camera=False)
    back = bpy.data.scenes.new("Back")
    flat.prepare(back, 1, 3, name="Back")
    flat.write_sequence(directory, "seq_{:03}.png", range(1, 4))
    flat.textured(back, flat.image("//seq_001.png", "SEQUENCE"), duration=30)
    flat.strips(scene).new_scene("Back", back, 1, 11)


def late_scene_with_a_gap(scene, directory):
    late_scene_with_a_sequence(scene, directory)
    return lambda: os.unlink(f"{directory}/seq_002.png")


def output_of_a_late_scene(scene, directory):
    """Files of a scene that a strip shows at other frames, and holds at its last one."""
    flat.prepare(scene, 5, 8, with_camera=False)
    other = bpy.data.scenes.new("Other")
    flat.prepare(other, 11, 13, name="Other")
    flat.moving_quad(other)
    tree, picture = outputs.composited(other)
    tree.links.new(picture, flat.file_output(tree, "//passes/", "beauty_"))
    strip = flat.strips(scene).new_scene("Strip", other, 1, 5)
    strip.frame_final_duration = 4


def output_of_itself(scene, directory):
    """A strip shows the scene that it is in: Blender leaves it out, and writes nothing."""
    flat.prepare(scene, 1, 3)
    flat.moving_quad(scene)
    tree, picture = outputs.composited(scene)
    tree.links.new(picture, flat.file_output(tree, "//passes/", "beauty_"))
    flat.strips(scene).new_scene("Self", scene, 1, 0)


def nested_scenes(scene, directory):
    """A strip shows the strips of a scene, one of which shows a scene with a texture that is gone."""
    flat.prepare(scene, 1, 2, with_camera=False)
    middle = bpy.data.scenes.new("Middle")
    flat.prepare(middle, 1, 2, with_camera=False, name="Middle")
    inner = bpy.data.scenes.new("Inner")
    flat.prepare(inner, 1, 2, name="Inner")
    flat.textured(inner, flat.image("//gone/paint.png"))
    flat.strips(middle).new_scene("Inner", inner, 1, 1)
    flat.strips(scene).new_scene("Middle", middle, 1, 1).scene_input = "SEQUENCER"
