# SPDX-License-Identifier: Apache-2.0
"""Tokens for tests, made as people make them: by `kilnd token`."""
import pathlib
import subprocess

from daemon import program


def token(*arguments, state=None, file=None):
    """`kilnd token …`; its output and exit status."""
    where = [*(["--state", str(state)] if state else []), *(["--tokens-file", str(file)] if file else [])]
    return subprocess.run([program("KILND"), "token", *map(str, arguments), *where], capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL)


def add(state, name, role, *limits):
    """The secret of a new token."""
    made = token("add", name, "--role", role, *limits, state=pathlib.Path(state))
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"} if secret else {}
