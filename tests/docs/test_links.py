# SPDX-License-Identifier: Apache-2.0
"""Links between pages lead to files and headings that exist, and the map (docs/index.md) leads to every page. No network."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M))


def links_of(page):
    """What the page's own links and pictures name; links into the Web are left out."""
    found = re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text(encoding="utf-8")))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors_of(page):
    """The fragments of the headings, as GitHub makes them."""
    seen = {}
    for heading in re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.S | re.M), re.M):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        seen[slug] = seen.get(slug, -1) + 1
        yield slug if seen[slug] == 0 else f"{slug}-{seen[slug]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    wrong = []
    for link in links_of(page):
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (fragment and target.suffix == ".md" and fragment not in anchors_of(target)):
            wrong.append(link)
    assert not wrong


def test_the_map_leads_to_every_page():
    index = ROOT / "docs/index.md"
    named = {(index.parent / link.partition("#")[0]).resolve() for link in links_of(index)}
    pages = {page for page in (ROOT / "docs").glob("*.md") if page != index} | set((ROOT / "docs/clients").iterdir())
    assert not sorted(str(page.relative_to(ROOT)) for page in pages - named)


def rows_of(section):
    return [line.strip("|").split("|")[-1] for line in section.splitlines() if re.match(r"\|(?!-| # | what )", line)]


def python_names():
    return {name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)}


def test_attacks_name_tests_that_exist():
    """The last column of the tables of docs/security.md."""
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    rows = rows_of(page.partition("## Attacks and what holds")[2].partition("\n## ")[0])
    units = {f"{suite}.{name}" for path in (ROOT / "tests/unit").rglob("*_test.cpp")
             for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", path.read_text(), re.M)}
    programs = {path.stem for folder in ("fuzz", "reliability") for path in (ROOT / "tests" / folder).iterdir()}
    assert len(rows) > 25
    for row in rows:
        names = re.findall(r"`([\w.]+)`", row)
        assert names and not set(names) - python_names() - units - programs, row


def test_reported_cases_name_tests_that_exist():
    """The last column of docs/pictures.md: a scene of tests/pictures, or a test."""
    page = (ROOT / "docs/pictures.md").read_text(encoding="utf-8")
    rows = page.partition("## Reported cases")[2].partition("\n## ")[0].splitlines()
    rows = [row.strip("|").split("|")[-1] for row in rows if row.startswith("| ")][1:]
    cases = (ROOT / "tests/pictures/cases.py").read_text(encoding="utf-8")
    scenes = set(re.findall(r'Case\("\w+\.(\w+)"', cases)) | set(re.findall(r'name="(\w+)"', cases))
    tests = python_names()
    assert len(rows) > 20
    for row in rows:
        names = re.findall(r"`(\w+)`", row)
        assert names and not set(names) - scenes - tests, row
