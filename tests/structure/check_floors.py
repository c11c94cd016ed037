#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fails when a file includes upward or sideways, when a pure folder does I/O, when a kind of failure is not documented, or
when a rule on words is broken.

use: check_floors.py [ROOT]

The floors are those of docs/architecture.md. A file may include its own folder and folders of lower floors.
"""
import pathlib
import re
import sys

FLOORS = {
    "lib/base": 0,
    "lib/digest": 1,
    "lib/help": 1,
    "lib/domain": 1,
    "lib/policy": 2,
    "lib/blender": 2,
    "lib/slurm": 2,
    "lib/aio": 3,
    "lib/process": 4,
    "lib/access": 4,
    "lib/client": 4,
    "lib/watch": 4,
    "lib/image": 4,
    "lib/archive": 4,
    "lib/store": 4,
    "lib/output": 4,
    "lib/blends": 5,
    "lib/preview": 5,
    "lib/executor": 5,
    "lib/webhook": 5,
    "daemon/decoder": 5,
    "daemon/kiln": 5,
    "lib/local": 6,
    "lib/cluster": 6,
    "lib/scheduler": 6,
    "lib/retention": 7,
    "daemon/http": 7,
    "daemon/api": 8,
    "daemon/app": 9,
}
# No Asio, no file system, no clock, no processes: values in, values out. std::filesystem::path is a value.
PURE_FOLDERS = {"lib/base", "lib/help", "lib/archive", "lib/domain", "lib/policy", "lib/blender", "lib/slurm"}
PURE_FILES = {"daemon/http/router", "daemon/http/framing", "daemon/http/origins", "daemon/http/trace_context", "daemon/api/problem", "daemon/api/audit", "daemon/api/job_json",
              "daemon/api/strict_json", "daemon/api/plain_reference", "daemon/api/blend_json", "daemon/api/webhook_json", "lib/image/image_structure", "lib/image/image_answer", "lib/image/picture_wish",
              "lib/webhook/signature", "lib/webhook/schedule", "lib/webhook/target",
              "lib/digest/digest_field", "lib/access/role", "lib/access/token", "lib/access/expiry", "lib/access/bucket", "lib/access/gate",
              "lib/executor/log_notes",
              "lib/client/exit_status", "lib/client/server", "lib/client/message", "lib/client/patience", "lib/client/problem", "lib/client/job_view", "lib/client/job_ids",
              "lib/client/job_spec", "lib/client/progress", "lib/client/table"}
IMPURE_INCLUDE = re.compile(r'<(boost/(asio|beast|process)|fstream|thread|mutex|unistd\.h|fcntl\.h|sys/(?!types)|iostream)')
IMPURE_CALL = re.compile(r"(clock::now\(|std::filesystem::(exists|status|remove|rename|create)|random_device|::open\(|getenv\()")
# Boost.Process v2 is lib/process's affair; no shell anywhere; a lock or a detached coroutine needs a better idea.
FORBIDDEN = [
    (re.compile(r"boost/process"), lambda f: f != "lib/process", "Boost.Process is for lib/process only"),
    (re.compile(r"\b(system|popen)\s*\("), lambda f: True, "no shell, ever"),
    (re.compile(r"std::(mutex|thread|lock_guard|async)\b"), lambda f: True, "the loop owns state: no locks, no threads of our own"),
    (re.compile(r"\bdetached\b"), lambda f: True, "use a task_group"),
    (re.compile(r"(?<!operator)\bsleep_for\b|\busleep\("), lambda f: True, "wait for a condition, never sleep"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def folder_of(path, root):
    parts = path.relative_to(root).parts
    return "/".join(parts[:2])


def problems(root):
    by_include = {folder.split("/")[1]: folder for folder in FLOORS}
    files = [p for top in ("lib", "daemon") for p in sorted((root / top).rglob("*")) if p.suffix in (".hpp", ".cpp")]
    if not files:
        yield f"{root}: no sources found"
    for path in files:
        name = path.relative_to(root)
        folder = folder_of(path, root)
        text = path.read_text(encoding="utf-8")
        if folder not in FLOORS:
            yield f"{name}: {folder} is on no floor: add it to docs/architecture.md and to this check"
            continue
        for target in INCLUDE.findall(text):
            other = by_include.get(target.split("/")[0])
            if other is None or "/" not in target:
                yield f'{name}: includes "{target}": write it as "folder/file.hpp"'
            elif other != folder and FLOORS[other] >= FLOORS[folder]:
                yield f'{name}: includes "{target}" of floor {FLOORS[other]}, and stands on floor {FLOORS[folder]}'
            elif not (root / other / target.split("/", 1)[1]).is_file():
                yield f'{name}: includes "{target}", which is not there'
        code = re.sub(r"//[^\n]*", "", text)
        if folder in PURE_FOLDERS or str(name.with_suffix("")) in PURE_FILES:
            for found in IMPURE_INCLUDE.findall(code):
                yield f"{name}: is pure, and includes <{found[0]}…>"
            for found in IMPURE_CALL.findall(code):
                yield f"{name}: is pure, and calls {found[0]}"
        for pattern, applies, why in FORBIDDEN:
            if applies(folder) and pattern.search(code):
                yield f"{name}: {pattern.search(code).group(0)}: {why}"


# Definitions in an unnamed namespace: a function by its name and parameters, a constant or a class by its name.
HIDDEN = re.compile(r"^namespace \{\n(.*?)^\} // namespace$", re.M | re.S)
FUNCTION = re.compile(r"^(?!using |return |namespace |struct |class |enum |\s)[\w:<>,&*\[\] ]+?[ &*](\w+)\(([^;{]*?)\)[\w ]*(?:->[^{;]*)?\{", re.M)
NAMED = re.compile(r"^(?:constexpr|const)\b[^=;{(]*?\b(\w+)(?:\[\w*\])?(?: =|\{)|^(?:struct|class|enum class) (\w+)\b[^;]*\{", re.M)

ALIAS = re.compile(r"^using (\w+) = ([^;]+);", re.M)


def repeated_names(root):
    """Two files of a folder with the same hidden name, or with two meanings of one alias. They are compiled as one file with
    KILN_UNITY; and a function that two files have is one that the folder shares."""
    unit_tests = sorted(path.relative_to(root) for path in (root / "tests/unit").glob("*"))
    for folder in [*FLOORS, *unit_tests]:
        known, aliases = {}, {}
        for path in sorted((root / folder).glob("*.cpp")):
            for block in HIDDEN.findall(path.read_text(encoding="utf-8")):
                functions = {(name, " ".join(parameters.split())) for name, parameters in FUNCTION.findall(block)}
                names = {(one or other, None) for one, other in NAMED.findall(block)}
                for name, meaning in ALIAS.findall(block):
                    if aliases.setdefault(name, (meaning, path))[0] != meaning:
                        yield f"{path.relative_to(root)}: {name} is another type in {aliases[name][1].name}: give it a name of its own"
                for what in functions | names:
                    if known.setdefault(what, path) != path:
                        yield f"{path.relative_to(root)}: {what[0]} is in {known[what].name} as well: share it, or give it a name of its own"


KIND = re.compile(r'^ *row\{(\w+), "(\w+)", remedy::', re.M)
DOCS_OF_KINDS = ("docs/api.md", "docs/troubleshooting.md")  # docs/openapi.json: tests/contract/test_openapi.py


def kinds_without_words(root):
    """Kinds of failure that the documentation does not explain."""
    table = root / "lib/domain/failure.cpp"
    if not table.is_file():
        return
    kinds = {name for _, name in KIND.findall(table.read_text(encoding="utf-8"))}
    if not kinds:
        yield "lib/domain/failure.cpp: no table of kinds found"
    for name in DOCS_OF_KINDS:
        text = (root / name).read_text(encoding="utf-8")
        for kind in sorted(kinds):
            if f"`{kind}`" not in text:
                yield f"{name}: says nothing of the kind of failure {kind}"


DEBIAN_DATA = {"conffiles", "copyright", "lintian-overrides"}


def licence_problems(root):
    tops = ("lib", "daemon", "tests", "packaging", "cmake")
    suffixes = {".hpp", ".cpp", ".py", ".cmake", ".sh", ""}
    for top in tops:
        for path in sorted((root / top).rglob("*")):
            if not path.is_file() or {"node_modules", "corpus", "data", "logs"} & set(path.parts) or "__pycache__" in path.parts:
                continue
            if path.relative_to(root).parts[:2] == ("packaging", "debian") and path.name in DEBIAN_DATA:
                continue  # forms of Debian's, which know no comments
            if path.suffix in suffixes or path.name == "CMakeLists.txt":
                head = path.read_bytes()[:400]
                if b"SPDX-License-Identifier: Apache-2.0" not in head and b"\0" not in head:
                    yield f"{path.relative_to(root)}: no SPDX line"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
    found = [*problems(root), *repeated_names(root), *kinds_without_words(root), *licence_problems(root)]
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
