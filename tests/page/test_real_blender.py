# SPDX-License-Identifier: Apache-2.0
"""A new user's way, with the Blender on the PATH: open the page, drop a .blend, see its frames, take them home."""
import os
import pathlib
import subprocess
import zipfile

from conftest import ROOT
from test_page import post, until


def test_a_dropped_scene_is_seen_and_taken_home(start, browser, tmp_path):
    scenes = pathlib.Path(os.environ.get("SCENES") or tmp_path / "scenes")
    subprocess.run([ROOT / "tests/scenes/make", scenes, "tiny"], check=True, stdout=subprocess.DEVNULL)
    d = start(blender="/usr/bin/blender", file=scenes / "tiny.blend")
    browser.open(d.url("#/new"))
    browser.run("await page.locator('input[type=file]').setInputFiles(args.file)", file=str(scenes / "tiny.blend"))
    browser.run("await page.waitForFunction(() => document.querySelector('#f-frames').value)")  # as the file says
    browser.run("await page.fill('#f-frames', '1-3'); await page.getByRole('button', { name: 'Render 3 frames' }).click()")
    browser.state("Done")
    browser.run("await page.waitForFunction(() => document.querySelectorAll('.picture canvas.drawn').length === 3)")
    lit = browser.run("""return page.locator('.picture canvas.drawn').first().evaluate((it) => {
        const { data } = it.getContext('2d').getImageData(0, 0, it.width, it.height);
        return new Set(data).size; })""")
    assert lit > 8, "a picture, not a grey area"
    got = browser.run("const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download frames' }).click()]); return file.path()")
    assert len(zipfile.ZipFile(got).namelist()) == 3


def test_linear_frames_have_the_colours_of_blender(start, browser, tmp_path):
    scenes = pathlib.Path(os.environ.get("SCENES") or tmp_path / "scenes")
    subprocess.run([ROOT / "tests/scenes/make", scenes, "tiny"], check=True, stdout=subprocess.DEVNULL)
    d = start(blender="/usr/bin/blender", file=scenes / "tiny.blend")
    job = post(d, frames="1", blend="tiny.blend", format="OPEN_EXR")
    until(d, job, state="succeeded")
    browser.open(d.url(f"#/jobs/{job}?frame=1"))
    shown = """return page.locator('.viewer img').evaluate(async (it) => {
        await it.decode();
        const to = Object.assign(document.createElement('canvas'), { width: it.naturalWidth, height: it.naturalHeight }).getContext('2d');
        to.drawImage(it, 0, 0);
        return to.getImageData(0, 0, it.naturalWidth, it.naturalHeight).data.join(); })"""
    browser.see("As Blender shows it")
    of_blender = browser.run(shown)
    browser.run("await page.getByLabel('Colours').selectOption('standard')")
    browser.see("without the scene’s view transform")
    assert browser.run(shown) != of_blender
