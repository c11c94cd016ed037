# SPDX-License-Identifier: Apache-2.0
"""Pictures to compare: those that a job has published, and those of Blender by hand, as pixels."""
import subprocess

from test_render import decode_png


def pictures(d, done):
    """frame → decoded picture."""
    return {int(p.name[15:19]): decode_png(p) for p in sorted((d.output / done["id"]).iterdir())}


_known = {}


def by_hand(blender, blend, directory, first, last, expression=None, **options):
    """What `blender -a` makes of it, rendered once; `expression`: Python that runs first, with bpy imported."""
    asked = blender.path, blend, first, last, expression
    if asked not in _known:
        _known[asked] = render_by_hand(blender, blend, directory, first, last, expression, **options)
    return _known[asked]


def render_by_hand(blender, blend, directory, first, last, expression, **options):
    directory.mkdir()
    setting = ["--python-exit-code", "1", "--python-expr", f"import bpy; {expression}"] if expression else []
    blender.run("-b", "-noaudio", "-Y", blend, *setting, "-o", directory / "by-hand_####", "-x", "1", "-s", first, "-e", last, "-a",
                check=True, stdout=subprocess.DEVNULL, **options)
    return {int(p.name[8:12]): decode_png(p) for p in sorted(directory.iterdir())}
