#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Renders frames and waits for them: render.py http://127.0.0.1:3000 scene.blend 1-10"""
import json, sys, time, urllib.error, urllib.parse, urllib.request, uuid

url, blend, frames = sys.argv[1:]


def ask(target, body=None, headers={}):
    """The answer's headers and JSON. Repeats a request that gets no answer, or 429 or 503."""
    for attempt in range(8):
        try:
            with urllib.request.urlopen(urllib.request.Request(target, body, headers), timeout=60) as answer:
                return answer.headers, json.load(answer)
        except urllib.error.HTTPError as refusal:
            if refusal.code not in (429, 503):
                sys.exit(refusal.read().decode())
            seconds = int(refusal.headers.get("Retry-After", 2**attempt))
        except OSError:
            seconds = 2**attempt
        time.sleep(seconds)
    sys.exit(f"{url} does not answer")


# The key makes it safe to repeat the request: the same key is the same job.
headers, job = ask(url + "/v1/jobs", json.dumps({"blend": blend, "frames": frames}).encode(),
                   {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())})
location = urllib.parse.urljoin(url, headers["Location"])
while "Retry-After" in headers:  # there is none when the job is final
    time.sleep(int(headers["Retry-After"]))
    headers, job = ask(location)
print(job["state"])
sys.exit(0 if job["state"] == "succeeded" else json.dumps(job["failure"]))
