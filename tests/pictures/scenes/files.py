# SPDX-License-Identifier: Apache-2.0
"""Files that are no images of materials: strips, caches, lamps, fonts, volumes, clips."""
import os
import struct

import flat

import bpy

IES = """IESNA:LM-63-1995
TILT=NONE
1 1000 1 5 1 1 2 0 0 0
1 1 100
0 22.5 45 67.5 90
0
1000 700 300 80 5
"""


def strip(scene, directory):
    flat.prepare(scene, 1, 3, with_camera=False)
    flat.write_png(f"{directory}/strips/a.png", 200, 30, 30)
    one = flat.strips(scene).new_image("Image", f"{directory}/strips/a.png", 1, 1)
    one.frame_final_duration = 3
    one.directory = "//strips/"


def strip_gone(scene, directory):
    strip(scene, directory)
    return lambda: os.unlink(f"{directory}/strips/a.png")


def strip_muted_and_gone(scene, directory):
    flat.prepare(scene, 1, 3)
    flat.moving_quad(scene)
    flat.strips(scene).new_scene("Scene", scene, 1, 1)
    one = flat.strips(scene).new_image("Image", f"{directory}/none.png", 2, 1)
    one.mute = True


def strip_of_many(scene, directory):
    flat.prepare(scene, 1, 4, with_camera=False)
    flat.write_sequence(f"{directory}/strips", "a{}.png", range(1, 5))
    one = flat.strips(scene).new_image("Image", f"{directory}/strips/a1.png", 1, 1)
    for number in range(2, 5):
        one.elements.append(f"a{number}.png")
    one.directory = "//strips/"


def strip_of_many_with_a_gap(scene, directory):
    strip_of_many(scene, directory)
    return lambda: os.unlink(f"{directory}/strips/a3.png")


def strip_outside_of_the_frames(scene, directory):
    """Its file is gone, and it begins after the last frame."""
    strip(scene, directory)
    one = flat.strips(scene).new_image("Late", f"{directory}/strips/late.png", 2, 50)
    one.directory = "//gone/"


def mesh_cache(scene, directory):
    flat.prepare(scene, 1, 2)
    thing = flat.quad(scene)
    made = thing.modifiers.new("Cache", "MESH_CACHE")
    made.cache_format, made.filepath = "PC2", "//anim.pc2"
    with open(f"{directory}/anim.pc2", "wb") as file:
        file.write(struct.pack("<12siiffi", b"POINTCACHE2\0", 1, 4, 0, 1, 4))
        for step in range(4):
            for x, z in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                file.write(struct.pack("<3f", x + 0.3 * step, 0, z))


def mesh_cache_gone(scene, directory):
    mesh_cache(scene, directory)
    return lambda: os.unlink(f"{directory}/anim.pc2")


def mesh_cache_off_and_gone(scene, directory):
    flat.prepare(scene, 1, 2)
    made = flat.moving_quad(scene).modifiers.new("Cache", "MESH_CACHE")
    made.cache_format, made.filepath, made.show_render = "PC2", "//gone/anim.pc2", False


def ies(scene, directory):
    flat.prepare(scene, 1, 2)
    material = bpy.data.materials.new("Plain")
    material.use_nodes = True
    flat.quad(scene, material, size=4)
    with open(f"{directory}/lamp.ies", "w") as file:
        file.write(IES)
    lamp = bpy.data.lights.new("Lamp", "POINT")
    lamp.energy, lamp.use_nodes = 500, True
    tree = lamp.node_tree
    node = tree.nodes.new("ShaderNodeTexIES")
    node.mode, node.filepath = "EXTERNAL", "//lamp.ies"
    emission = next(n for n in tree.nodes if n.type == "EMISSION")
    tree.links.new(node.outputs[0], emission.inputs[1])
    thing = bpy.data.objects.new("Lamp", lamp)
    thing.location = (0, -2, 1)
    scene.collection.objects.link(thing)


def ies_gone(scene, directory):
    ies(scene, directory)
    return lambda: os.unlink(f"{directory}/lamp.ies")


def font_gone(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    text = bpy.data.curves.new("Text", "FONT")
    text.body = "a"
    copy = f"{directory}/letters.ttf"
    source = next((os.path.join(at, name) for place in ("/usr/share/fonts", *bpy.utils.script_paths(),
                                                        bpy.utils.resource_path("LOCAL"), bpy.utils.resource_path("SYSTEM"))
                   for at, _, names in os.walk(place) for name in names if name.endswith(".ttf")), None)
    if source:
        with open(source, "rb") as file, open(copy, "wb") as into:
            into.write(file.read())
        text.font = bpy.data.fonts.load(copy)
        text.font.filepath = "//letters.ttf"
    thing = bpy.data.objects.new("Text", text)
    thing.rotation_euler = (1.5707963, 0, 0)
    scene.collection.objects.link(thing)
    return lambda: os.path.exists(copy) and os.unlink(copy)


def alembic_gone(scene, directory):
    flat.prepare(scene, 1, 2)
    thing = flat.moving_quad(scene)
    bpy.ops.object.select_all(action="DESELECT")
    path = f"{directory}/moving.abc"
    bpy.ops.wm.alembic_export(filepath=path, start=1, end=2, as_background_job=False)
    bpy.ops.cachefile.open(filepath=path)
    cache = bpy.data.cache_files[0]
    made = thing.modifiers.new("Cache", "MESH_SEQUENCE_CACHE")
    made.cache_file, made.object_path = cache, "/Quad/Quad"
    cache.filepath = "//moving.abc"
    return lambda: os.unlink(path)


def volume_gone(scene, directory):
    """From 2.90."""
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    data = bpy.data.volumes.new("Smoke")
    data.filepath = "//gone/smoke.vdb"
    scene.collection.objects.link(bpy.data.objects.new("Smoke", data))


def library_gone(scene, directory):
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    made = bpy.data.collections.new("Prop")
    made.objects.link(flat.quad(scene, name="Linked"))
    bpy.data.libraries.write(f"{directory}/props.blend", {made})
    bpy.data.collections.remove(made)
    with bpy.data.libraries.load(f"{directory}/props.blend", link=True) as (there, here):
        here.collections = ["Prop"]
    empty = bpy.data.objects.new("Instance", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", bpy.data.collections["Prop"]
    scene.collection.objects.link(empty)
    bpy.data.libraries[0].filepath = "//props.blend"
    return lambda: os.unlink(f"{directory}/props.blend")


def library(scene, directory):
    """A linked collection, whose file is there."""
    library_gone(scene, directory)


def sound_gone(scene, directory):
    """Which no frame shows."""
    flat.prepare(scene, 1, 2)
    flat.moving_quad(scene)
    import wave
    with wave.open(f"{directory}/tone.wav", "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 800)
    speaker = bpy.data.speakers.new("Speaker")
    speaker.sound = bpy.data.sounds.load(f"{directory}/tone.wav")
    scene.collection.objects.link(bpy.data.objects.new("Speaker", speaker))
    return lambda: os.unlink(f"{directory}/tone.wav")
