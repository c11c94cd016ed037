# SPDX-License-Identifier: Apache-2.0
"""The files of the page: built from their sources, and how kilnd serves them."""
import gzip
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import ROOT
from npm import npm_directory

SOURCES = ROOT / "daemon/page"
BUILT = SOURCES / "built"
BUDGET = 60_000  # bytes, packed: all that a first visit fetches


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """A copy of the sources, with what builds them: a link would be followed, away from the packages."""
    where = npm_directory(SOURCES, pathlib.Path(os.environ.get("PAGE_BUILD") or tmp_path_factory.mktemp("page")) / "sources")
    shutil.rmtree(where / "src", ignore_errors=True)
    shutil.copytree(SOURCES / "src", where / "src")
    return where


def test_what_is_built_in_is_what_the_sources_give(tools, tmp_path):
    """After a change: daemon/page/build."""
    subprocess.run(["node", "build.mjs", tmp_path / "again"], cwd=tools, check=True)
    assert {p.name: p.read_bytes() for p in BUILT.iterdir()} == {p.name: p.read_bytes() for p in (tmp_path / "again").iterdir()}


def test_types_are_right(tools):
    checked = subprocess.run(["node", "node_modules/typescript/bin/tsc", "--noEmit"], cwd=tools, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_a_first_visit_is_small():
    assert sum(len(gzip.compress(p.read_bytes(), 9)) for p in BUILT.iterdir()) < BUDGET


def test_the_lock_files_name_no_registry():
    for lock in (SOURCES / "package-lock.json", ROOT / "tests/page/package-lock.json"):
        assert "://" not in re.sub(r'"url": "[^"]*"', "", lock.read_text()), lock


def test_the_index_is_asked_for_again_and_the_rest_never(start):
    d = start()
    index = d.get("/")
    assert index.status == 200 and index.headers["content-type"] == "text/html; charset=utf-8"
    assert index.headers["cache-control"] == "no-cache" and index.headers["x-content-type-options"] == "nosniff"
    assert d.get("/", **{"If-None-Match": index.headers["etag"]}).status == 304
    policy = index.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy and "frame-ancestors 'none'" in policy
    assert index.body == (BUILT / "index.html").read_bytes()
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|\bon\w+=", index.text), "no script or style in the text"
    named = re.findall(r'(?:src|href)="([^"]+)"', index.text)
    assert len(named) == 4 and not [name for name in named if name.startswith("/") or ":" in name], "all addresses are relative"
    for name in named[:3]:
        asset = d.get("/" + name)
        assert asset.status == 200 and asset.body == (BUILT / name.removeprefix("page/")).read_bytes()
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable" and asset.headers["x-content-type-options"] == "nosniff"
        packed = d.get("/" + name, **{"Accept-Encoding": "br, gzip"})
        assert packed.headers["content-encoding"] == "gzip" and packed.headers["vary"] == "Accept-Encoding"
        assert gzip.decompress(packed.body) == asset.body and packed.headers["etag"] != asset.headers["etag"]
    for missing in ("/page/app-000000000000.js", "/page/index.html", "/page/openapi.json", "/page/..%2findex.html", "/page/", "/index.html"):
        assert d.get(missing).status == 404, missing
    assert d.ask("POST", "/", "x").status == 405


def test_the_description_is_packed_for_who_takes_that(start):
    d = start()
    plain, packed = d.get("/v1/openapi.json"), d.get("/v1/openapi.json", **{"Accept-Encoding": "gzip"})
    assert plain.body == (ROOT / "docs/openapi.json").read_bytes() == gzip.decompress(packed.body)
    assert len(packed.body) * 5 < len(plain.body)


def test_kilnd_says_what_to_open(start):
    d = start()
    assert f"open http://127.0.0.1:{d.port}/ in a browser" in d.log()
    d.stop()
    known = start(arguments=["--public-url", "https://farm.example/kiln"])
    assert "open https://farm.example/kiln/ in a browser" in known.log()
