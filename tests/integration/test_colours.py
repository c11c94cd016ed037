# SPDX-License-Identifier: Apache-2.0
"""Linear frames as the artist sees them: a picture by Kiln, and the one that this Blender makes of the same OpenEXR frame."""
import json
import pathlib
import shutil
import subprocess

import pytest
from daemon import program
from test_jobs import submit, until_final
from test_render import decode_png

ROOT = pathlib.Path(__file__).parents[2]
SIZE = (320, 200)
# Emission of colours from 2**-10 to 2**6, most of them saturated.
SCENE = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine, scene.cycles.samples = "CYCLES", 1
if hasattr(scene.cycles, "use_denoising"): scene.cycles.use_denoising = False
scene.render.filter_size, scene.cycles.filter_width = 0.01, 0.01
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 320, 200, 100
for each in list(bpy.data.objects): bpy.data.objects.remove(each)
bpy.ops.mesh.primitive_plane_add(size=10)
plane = bpy.context.object
bpy.ops.object.camera_add(location=(0, 0, 3))
scene.camera = bpy.context.object
material = bpy.data.materials.new("m")
material.use_nodes = True
nodes, links = material.node_tree.nodes, material.node_tree.links
nodes.clear()
window, split = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeSeparateXYZ")
links.new(window.outputs["Window"], split.inputs[0])
join, glow, out = nodes.new("ShaderNodeCombineXYZ"), nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
for at, (of, factor, begin) in enumerate(((0, 16, -10), (1, 16, -10), (0, -12, 3))):
    scaled, power = nodes.new("ShaderNodeMath"), nodes.new("ShaderNodeMath")
    scaled.operation, power.operation = "MULTIPLY_ADD", "POWER"
    links.new(split.outputs[of], scaled.inputs[0])
    scaled.inputs[1].default_value, scaled.inputs[2].default_value = factor, begin
    power.inputs[0].default_value = 2
    links.new(scaled.outputs[0], power.inputs[1])
    links.new(power.outputs[0], join.inputs[at])
links.new(join.outputs[0], glow.inputs[0])
links.new(glow.outputs[0], out.inputs[0])
plane.data.materials.append(material)
view = scene.view_settings
EXPRESSION
bpy.ops.wm.save_as_mainfile(filepath="FILE", check_existing=False)
"""
CURVES = """
view.use_curve_mapping = True
view.curve_mapping.curves[3].points.new(0.3, 0.5)
view.curve_mapping.curves[0].points.new(0.6, 0.4)
view.curve_mapping.black_level = (0.02, 0.0, 0.01)
view.curve_mapping.update()
"""
BY_HAND = """
import bpy
scene = bpy.context.scene
written = scene.render.image_settings
if hasattr(written, "media_type"): written.media_type = "IMAGE"
written.file_format, written.color_mode, written.color_depth = "PNG", "RGB", "8"
scene.render.dither_intensity = 0
bpy.data.images.load("FRAME").save_render("PICTURE", scene=scene)
"""
# name → (the first Blender, what is set)
VIEWS = {
    "standard": ((2, 83), "view.view_transform = 'Standard'"),
    "standard_exposed": ((2, 83), "view.view_transform, view.exposure = 'Standard', 0.37"),
    "filmic": ((2, 83), "view.view_transform = 'Filmic'"),
    "filmic_contrast": ((2, 83), "view.view_transform = 'Filmic'\nlooks = ('Medium High Contrast', 'Filmic - Medium High Contrast')\n"
                                 "for look in looks:\n  try: view.look = look\n  except TypeError: pass\nassert view.look in looks\n"
                                 "view.exposure, view.gamma = -0.8, 1.2"),
    "agx": ((4, 0), "view.view_transform = 'AgX'"),
    "agx_punchy": ((4, 0), "view.view_transform, view.look, view.exposure = 'AgX', 'AgX - Punchy', 0.5"),
    "curves": ((2, 83), "view.view_transform = 'Standard'" + CURVES),
    "white_balance": ((4, 3), "view.view_transform = 'AgX'\nview.use_white_balance = True\nview.white_balance_temperature = 4800"),
}


def pixels(webp):
    """RGB of a WebP."""
    return subprocess.run(["ffmpeg", "-v", "error", "-f", "webp_pipe", "-i", "-", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], input=webp,
                          check=True, capture_output=True).stdout


def without_filters(width, height, rows):
    """RGB of the rows of a PNG."""
    out, before, step = bytearray(), bytes(3 * width), 3
    for y in range(height):
        kind, line = rows[y * (3 * width + 1)], bytearray(rows[y * (3 * width + 1) + 1:(y + 1) * (3 * width + 1)])
        for x in range(len(line)):
            left, up = line[x - step] if x >= step else 0, before[x]
            corner = before[x - step] if x >= step else 0
            if kind == 1:
                line[x] = line[x] + left & 255
            elif kind == 2:
                line[x] = line[x] + up & 255
            elif kind == 3:
                line[x] = line[x] + (left + up) // 2 & 255
            elif kind == 4:
                guess = left + up - corner
                near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
                line[x] = line[x] + near[2] & 255
        out += line
        before = bytes(line)
    return bytes(out)


def difference(one, other):
    """Mean and largest, of 255."""
    assert len(one) == len(other) == 3 * SIZE[0] * SIZE[1]
    each = [abs(a - b) for a, b in zip(one, other)]
    return sum(each) / len(each), max(each)


@pytest.fixture(scope="module")
def project(scenes, tmp_path_factory):
    directory = tmp_path_factory.mktemp("project")
    shutil.copy(scenes / "tiny.blend", directory)
    return directory


@pytest.mark.parametrize("name", VIEWS)
def test_pictures_have_the_colours_of_blender(lasting, blender, project, tmp_path, name):
    since, expression = VIEWS[name]
    if tuple(map(int, blender.version.split("."))) < since:
        pytest.skip(f"from Blender {'.'.join(map(str, since))} on")
    d = lasting(project / "tiny.blend")
    blend = project / f"{name}.blend"
    script = SCENE.replace("EXPRESSION", expression).replace("FILE", str(blend))
    made = blender.run("-b", "--factory-startup", "-noaudio", "--python-exit-code", "1", "--python-expr", script, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    done = until_final(d, submit(d, blend.name[:-6], format="OPEN_EXR"))
    assert done["state"] == "succeeded", done["failure"]
    [frame] = (d.output / done["id"]).iterdir()

    by_hand = tmp_path / "by-hand.png"
    blender.run("-b", "-noaudio", "-Y", blend, "--python-exit-code", "1", "--python-expr",
                BY_HAND.replace("FRAME", str(frame)).replace("PICTURE", str(by_hand)), check=True, capture_output=True)
    expected = without_filters(*decode_png(by_hand))

    asked = d.get(f"/v1/jobs/{done['id']}/frames/1/preview?size=320&view=blender")
    assert asked.status == 200 and asked.headers["kiln-view"] == "blender", asked.text
    assert difference(pixels(asked.body), expected)[0] < 3, "but for what WebP loses"
    plain = d.get(f"/v1/jobs/{done['id']}/frames/1/preview?size=320")
    assert plain.headers["kiln-view"] == "standard" and (name == "standard" or plain.body != asked.body)

    blender.run("-b", "--factory-startup", "-noaudio", "-P", ROOT / "lib/blender/kiln_colours.py", "--", json.dumps(done["file"]["colours"]),
                check=True, capture_output=True, cwd=tmp_path)
    wish = {"longest": 320, "lossless": True, "cube": str(tmp_path / "cube")}
    drawn = subprocess.run([pathlib.Path(program("KILND")).parent / "kiln-image", "--picture", json.dumps(wish), frame],
                           check=True, capture_output=True).stdout
    mean, largest = difference(pixels(drawn), expected)
    print(f"colours: {blender.version} {name}: mean {mean:.3f}, largest {largest}")
    assert mean < 1 and largest < (7 if blender.version == "2.83" or name == "white_balance" else 4)
