# SPDX-License-Identifier: Apache-2.0
"""Packages of npm for tests, of the versions that a package-lock.json says."""
import pathlib
import subprocess


def npm_directory(sources, directory):
    """The directory, with the programs of a folder and their packages in it; installed again only when the lock file changes."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for pattern in ("*.mjs", "*.json", "*.yaml"):
        for file in pathlib.Path(sources).glob(pattern):
            (directory / file.name).write_bytes(file.read_bytes())
    lock, mark = directory / "package-lock.json", directory / "node_modules/.kiln-installed"
    if not mark.exists() or mark.read_bytes() != lock.read_bytes():
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], cwd=directory,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(f"npm ci: {done.stdout}{done.stderr}")
        mark.write_bytes(lock.read_bytes())
    return directory
