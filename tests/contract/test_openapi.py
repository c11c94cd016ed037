# SPDX-License-Identifier: Apache-2.0
"""docs/openapi.json against linters, kilnd's routes and kilnd's answers; and the page /docs."""
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import random
import re
import subprocess

import pytest
from daemon import program
from tokens import add

ROOT = pathlib.Path(__file__).parents[2]
DESCRIPTION = ROOT / "docs/openapi.json"
METHODS = ("get", "post", "put", "patch", "delete")


def load(path):
    loader = importlib.machinery.SourceFileLoader("fuzz", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("fuzz", loader))
    loader.exec_module(module)
    return module


fuzz = load(ROOT / "tests/contract/openapi/fuzz")


@pytest.fixture(scope="module")
def npm(tmp_path_factory):
    return fuzz.npm_directory(os.environ.get("OPENAPI_BUILD") or tmp_path_factory.mktemp("openapi"))


@pytest.fixture(scope="module")
def described():
    return json.loads(DESCRIPTION.read_text())


def in_npm(npm, *command):
    return subprocess.run(["node", *command], cwd=npm, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                          env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "CI": "true"})


def redocly(npm, file):
    return in_npm(npm, "node_modules/@redocly/cli/bin/cli.js", "lint", "--config", "redocly.yaml", "--max-problems", "50", str(file))


def spectral(npm, file):
    return in_npm(npm, "node_modules/@stoplight/spectral-cli/dist/index.js", "lint", "--ruleset", "spectral.yaml", "--fail-severity", "warn",
                  str(file))


@pytest.mark.parametrize("lint", [redocly, spectral])
def test_a_linter_finds_nothing(npm, described, tmp_path, lint):
    clean = lint(npm, DESCRIPTION)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    described = json.loads(json.dumps(described))
    described["paths"]["/v1/jobs"]["get"]["responses"]["200"]["$ref"] = "#/components/responses/None"
    (tmp_path / "broken.json").write_text(json.dumps(described))
    broken = lint(npm, tmp_path / "broken.json")
    assert broken.returncode == 1, broken.stdout + broken.stderr


def test_no_registry_is_named():
    locks = subprocess.run(["git", "ls-files", "*package-lock.json"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "tests/contract/openapi/package-lock.json" in locks and "packaging/reference/package-lock.json" in locks
    for lock in locks:
        assert "://" not in re.sub(r'"(url|funding)": .*', "", (ROOT / lock).read_text()), lock


def test_what_is_served_is_what_is_described(start, described):
    """Every route in the file, and every path of the file a route."""
    d = start(arguments=["--log-level", "debug"])
    served = set(re.findall(r"serves method=(\w+) path=(\S+)", d.log()))
    names = {path: re.sub(r"{\w+}", "{}", path) for path in described["paths"]}
    assert len(set(names.values())) == len(names)
    in_file = {(method.upper(), names[path]) for path, item in described["paths"].items() for method in item if method in METHODS}
    in_kilnd = {(method, re.sub(r"{\w+}", "{}", path)) for method, path in served}
    assert in_kilnd - in_file == set(), "not described"
    assert in_file - in_kilnd == set(), "described and not served"
    assert all(text in DESCRIPTION.read_text() for text in ("securitySchemes", "Retry-After", "Idempotency-Key", "Last-Event-ID", "ETag"))
    operations = [item[m]["operationId"] for item in described["paths"].values() for m in item if m in METHODS]
    assert len(operations) == len(set(operations))


def test_kilnd_has_the_file_built_in(start, described):
    d = start()
    answer = d.get("/v1/openapi.json")
    assert answer.status == 200 and answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.body == DESCRIPTION.read_bytes()
    assert d.get("/v1/openapi.json", **{"If-None-Match": answer.headers["etag"]}).status == 304
    version = subprocess.run([program("KILND"), "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    assert described["info"]["version"] == version


def source_words(file, pattern):
    """What the group of a pattern finds in a source; without a group: the words in quotes of all that it finds."""
    found = re.findall(pattern, (ROOT / file).read_text(), re.DOTALL)
    assert found, (file, pattern)
    return set(found if re.compile(pattern).groups else re.findall(r'"([^"]+)"', "".join(found)))


def lists_of_sources():
    """The words of each list, by where docs/openapi.json has it."""
    formats = {""} | source_words("lib/domain/image_format.hpp", r'image_format\{"(\w+)"')
    devices = source_words("lib/domain/job.cpp", r"devices\{.*?\}")
    wishes = source_words("daemon/api/job_json.cpp", r'case store::intent::\w+:\s+return "(\w+)"')
    processes = source_words("lib/domain/spec_json.cpp", r'own_process \? "\w+" : "\w+"')
    orders = source_words("lib/domain/spec_json.cpp", r'frame_order::spread \? "\w+" : "\w+"')
    events = source_words("lib/domain/webhook.cpp", r"event_names\{.*?\}")
    webhook_states = source_words("daemon/api/webhook_json.cpp", r'of\.disabled \? "\w+" : "\w+"')
    sandboxes = source_words("lib/process/walls.hpp", r'return "(\w+)"')
    schemas = {
        "JobState": source_words("lib/domain/job.cpp", r"state_names\{.*?\};"),
        "Failure/kind": source_words("lib/domain/failure.cpp", r'row\{\w+, "(\w+)"'),
        "Frame/state": source_words("daemon/api/job_json.cpp", r'(?:renders|done) \? "\w+" : "\w+"'),
        "/v1/statistics parameters/by": source_words("daemon/api/statistics.cpp", r'value [!=]= "(\w+)"'),
        "ProjectFiles/files/type": source_words("daemon/api/project_files.cpp", r'\{"type", "(\w+)"\}'),
        "Blend/packing": source_words("lib/blender/blend_file.hpp", r"packing_names\{.*?\}"),
        "Blender/devices/type": source_words("lib/blender/kiln_devices.py", r"TYPES = \(.*?\)"),
        "WebhookEventName": events - {"ping"}, "WebhookEvent/type": events,
        "Job/wanted": wishes, "JobRow/wanted": wishes,
        "Session/role": source_words("lib/access/role.cpp", r'"(read|submit|admin)"'),
        "Video/state": source_words("lib/preview/videos.cpp", r'shown\.state = "(\w+)"') | {"queued", "succeeded"},
        "Video/failure/kind": set().union(*(source_words(f"lib/preview/{name}.cpp", pattern) for name, pattern in (
            ("video_making", r'failed\([^;"]*"(?!canceled)(\w+)"'), ("video_making", r'\? "disk_full" : "(\w+)"'),
            ("video_files", r'video_failure\{"(\w+)"')))),
    }
    codecs = source_words("lib/preview/video.cpp", r'encoder\{"(\w+)"')
    gaps = source_words("lib/preview/video.cpp", r'holds_gaps \? "\w+" : "\w+"')
    for of in ("VideoRequest", "Video"):
        schemas |= {f"{of}/codec": codecs, f"{of}/gaps": gaps}
    for of in ("JobRequest", "Job"):
        schemas |= {f"{of}/format": formats, f"{of}/device": {""} | devices, f"{of}/process": processes, f"{of}/order": orders}
    for of in ("Webhook", "NewWebhook"):
        schemas |= {f"{of}/state": webhook_states, f"{of}/deliveries/last/event": events}
    return schemas | {f"{path} 200/sandbox": sandboxes for path in ("/readyz", "/healthz")} | {
        "/v1/jobs/{id}/frames/{frame}/preview parameters/size": {160} | {
            int(n) for n in source_words("daemon/api/previews.cpp", r"\b(320|640|1280)\b")},
        "/v1/jobs/{id}/frames/{frame}/preview parameters/view": source_words("daemon/api/previews.cpp", r'value [!=]= "(\w+)"'),
        "/docs/{file} parameters/file": source_words("daemon/api/reference.cpp", r'"([\w-]+\.(?:css|js))"')}


def lists_of_description(described):
    def walk(name, of):
        if isinstance(of, dict):
            if "enum" in of:
                yield name, of["enum"]
            for key, value in of.items():
                inside = key in ("properties", "items", "schema", "schemas", "content", "application/json", "responses")
                yield from walk(name if inside else f"{name}/{key}", value)
        elif isinstance(of, list):
            for value in of:
                is_parameter = isinstance(value, dict) and "in" in value
                yield from walk(f"{name}/{value['name']}" if is_parameter else name, value)
    for name, schema in described["components"]["schemas"].items():
        yield from walk(name, schema)
    for path, item in described["paths"].items():
        for name, of in walk("", item):
            yield f"{path} {name.strip('/').split('/', 1)[1]}", of


def test_lists_of_words_are_those_of_the_sources(described):
    """Each enum there is a list in the sources, named above."""
    found = dict(lists_of_description(described))
    known = lists_of_sources()
    assert set(found) == set(known), set(found) ^ set(known)
    for name, words in found.items():
        assert len(set(words)) == len(words) > 1 and set(words) == known[name], name


@pytest.fixture
def contract(start, tmp_path):
    fuzz.make_scenes(tmp_path)
    return start(file=tmp_path / "quick.blend", arguments=fuzz.ARGUMENTS)


@pytest.mark.parametrize("seed, requests", [(1, 2500), (random.randrange(2**31), 1600)], ids=["fixed", "random"])
def test_answers_are_as_described(contract, npm, seed, requests):
    print(f"seed {seed}")  # shown when it fails
    report = fuzz.drive(contract.port, npm, "--seed", seed, "--requests", requests, "--statuses", fuzz.STATUSES)
    assert report["sent"] >= requests or report["failures"], report
    assert not fuzz.complaints_of(report), "\n".join(fuzz.complaints_of(report))


def test_a_status_that_never_comes_is_told(contract, npm):
    report = fuzz.drive(contract.port, npm, "--seed", 1, "--requests", 200, "--statuses", "200,418")
    assert "418" in report["unseen"] and "200" not in report["unseen"] and report["sent"] == 1200, report


@pytest.mark.parametrize("role, limits, status", [
    (None, [], "401"), ("read", [], "403"), ("admin", ["--rate-limit", "1", "--rate-burst", "60"], "429")])
def test_who_may_not_is_told_as_described(start, npm, tmp_path, role, limits, status):
    fuzz.make_scenes(tmp_path)
    secret = add(tmp_path / "state", "somebody", role or "admin")
    d = start(file=tmp_path / "quick.blend", arguments=[*fuzz.ARGUMENTS, *limits])
    report = fuzz.drive(d.port, npm, "--seed", 1, "--requests", 400, *(["--token", secret] if role else []))
    assert not report["failures"], "\n".join(report["failures"])
    told = {name for name, of in report["seen"].items() if status in of}
    free = {"isAlive", "isReady", "isHealthy", "readDescription", "readReference", "readReferencePart"}
    changes = {"startTutorialJob", "createJob", "changeJob", "deleteJob", "cancelJob", "retryJob", "uploadBlend", "deleteBlend"}
    assert changes <= told and (status == "429" or not told & free), told


@pytest.mark.parametrize("lie, says", [
    (lambda d: d["components"]["schemas"]["Job"]["properties"].pop("waits_for"), "additional properties"),
    (lambda d: d["components"]["schemas"]["Job"]["required"].append("colour"), "required property 'colour'"),
    (lambda d: d["paths"]["/v1/jobs/{id}"]["get"]["responses"].pop("404"), "status 404 is not listed"),
    (lambda d: d["components"]["headers"]["ETag"]["schema"].update(pattern="^W/"), "ETag"),
    (lambda d: d["components"]["schemas"]["JobRequest"]["properties"]["samples"].update(maximum=10), "the schema forbids"),
    (lambda d: d["components"]["schemas"]["JobRequest"]["properties"]["samples"].update(minimum=-10), "the schema allows"),
    (lambda d: d["components"]["parameters"]["Limit"]["schema"].update(maximum=2000), "got 400"),
    (lambda d: d["paths"]["/metrics"]["get"]["responses"]["200"].update(content={"text/html": {}}), "of type"),
])
def test_a_description_that_lies_is_found_out(contract, npm, described, tmp_path, lie, says):
    false = json.loads(json.dumps(described))
    lie(false)
    (tmp_path / "false.json").write_text(json.dumps(false))
    report = fuzz.drive(contract.port, npm, "--seed", 1, "--requests", 20000, "--failures", 1, "--description", tmp_path / "false.json")
    assert any(says in failure for failure in report["failures"]), report["failures"]


@pytest.fixture(scope="module")
def with_reference(tmp_path_factory):
    """kilnd as it is installed, with the files of /docs."""
    prefix = tmp_path_factory.mktemp("prefix")
    (prefix / "bin").mkdir()
    (prefix / "libexec/kiln").mkdir(parents=True)
    built = pathlib.Path(program("KILND"))
    os.link(built, prefix / "bin/kilnd") if built.stat().st_dev == prefix.stat().st_dev else (prefix / "bin/kilnd").write_bytes(built.read_bytes())
    (prefix / "bin/kilnd").chmod(0o755)
    image = next(p for p in built.parents[2].rglob("kiln-image") if p.is_file())
    (prefix / "libexec/kiln/kiln-image").write_bytes(image.read_bytes())
    (prefix / "libexec/kiln/kiln-image").chmod(0o755)
    subprocess.run([ROOT / "packaging/reference/fetch", prefix / "share/kiln/reference"], check=True, stdin=subprocess.DEVNULL)
    return prefix / "bin/kilnd"


def open_page(npm, d, picture):
    opened = subprocess.run(["node", "page.mjs", f"http://127.0.0.1:{d.port}/docs", str(picture)], cwd=npm, stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=180)
    assert opened.returncode == 0, opened.stdout + opened.stderr
    return json.loads(opened.stdout)


def check_policy(answer):
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy and "connect-src 'self'" in policy
    assert "http" not in policy and "*" not in policy and "unsafe" not in policy


def test_the_reference_shows_every_operation_and_asks_nobody_else(start, npm, with_reference, described, tmp_path, monkeypatch):
    monkeypatch.setenv("KILND", str(with_reference))
    d = start()
    page = d.get("/docs")
    assert page.status == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    check_policy(page)
    seen = open_page(npm, d, tmp_path / "page.png")
    origin = f"http://127.0.0.1:{d.port}/"
    assert seen["complaints"] == []
    assert len(seen["requests"]) == 5 and all(request.startswith(origin) for request in seen["requests"]), seen["requests"]
    wanted = {(m.upper(), path) for path, item in described["paths"].items() for m in item if m in METHODS}
    assert {tuple(one) for one in seen["operations"]} - {("POST", "event")} == wanted
    for text in ("Idempotency-Key", "traceparent", "scene.blend", "202", "422"):
        assert text in seen["opened"], text
    assert (tmp_path / "page.png").stat().st_size > 20_000
    for file in ("swagger-ui-bundle.js", "swagger-ui.css"):
        part = d.get(f"/docs/{file}", Range="bytes=0-9")
        assert part.status == 206 and len(part.body) == 10
    for file in ("LICENSE", "..%2fkilnd", "../bin/kilnd", "", "swagger-ui.css/x", "swagger-ui-bundle.js%00"):
        assert d.get(f"/docs/{file}").status == 404, file


def test_without_those_files_the_reference_is_a_list(start, npm, described, tmp_path, monkeypatch, with_reference):
    plain = tmp_path / "plain/bin"
    plain.mkdir(parents=True)
    (plain / "kilnd").write_bytes(with_reference.read_bytes())
    (plain / "kilnd").chmod(0o755)
    monkeypatch.setenv("KILND", str(plain / "kilnd"))
    d = start(arguments=["--verify", "header"])
    check_policy(d.get("/docs"))
    seen = open_page(npm, d, tmp_path / "plain.png")
    assert seen["complaints"] == [] and len(seen["requests"]) == 2
    for path, item in described["paths"].items():
        assert path in seen["text"]
        for method in item:
            if method in METHODS:
                assert item[method]["summary"] in seen["text"]
    missing = d.get("/docs/swagger-ui.css")
    assert missing.status == 404 and "packaging/reference" in missing.json()["detail"]
