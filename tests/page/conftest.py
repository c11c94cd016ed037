# SPDX-License-Identifier: Apache-2.0
"""The page of kilnd in a real Chromium: in front of a real kilnd, whose Blender is fake_blender or a real one."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))
import daemon as support
from npm import npm_directory


class Browser:
    """One Chromium for all tests; a page at a time."""

    def __init__(self, directory):
        self.process = subprocess.Popen(["node", "browser.mjs"], cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, asked):
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["value"]

    def open(self, url, **how):
        self.tell({"open": {"url": url, **how}})

    def run(self, script, **args):
        """The value that the JavaScript returns; `args` is at hand in it."""
        return self.tell({"run": script, "args": args})

    def see(self, text, role=None):
        """Waits until the text is seen."""
        return self.run("await page.getByText(args.text).first().waitFor({ state: 'visible' })", text=text)

    def state(self, text):
        """Waits until the job that is shown has this state."""
        self.run("await page.locator('main.job .title .state', { hasText: args.text }).waitFor()", text=text)

    def click(self, name, role="button"):
        self.run("await page.getByRole(args.role, { name: args.name }).first().click()", name=name, role=role)

    def complaints(self):
        """Foreign requests, reports of the content security policy, and errors that nothing caught."""
        return self.run("return [...seen.foreign, ...seen.policy, ...seen.errors]")

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    made = Browser(npm_directory(HERE, os.environ.get("PAGE_BUILD") or tmp_path_factory.mktemp("page")))
    yield made
    made.close()


@pytest.fixture
def browser(chromium):
    """In each test, whatever it is about: no foreign request, no report of the policy, no error."""
    yield chromium
    assert chromium.complaints() == []


@pytest.fixture
def start(tmp_path):
    """Starts kilnd with a script for fake_blender as its .blend, or with a real Blender."""
    started = []

    def run(*commands, arguments=(), blender=None, file=None):
        path = file or tmp_path / "scene.blend"
        if not file:
            path.write_text("\n".join(["BLENDER-v304", *commands]) + "\n")
        d = support.Daemon(tmp_path, blender or support.program("FAKE_BLENDER"), path, ["--stop-grace", "1", *arguments])
        d.url = lambda fragment="": f"http://127.0.0.1:{d.port}/{fragment}"
        started.append(d)
        return d.start()

    yield run
    support.stop_all(started, lambda d: d.stop())
