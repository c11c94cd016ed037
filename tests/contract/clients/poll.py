# SPDX-License-Identifier: Apache-2.0
"""use: poll.py BASE BODY: a long-running operation as the libraries of cloud services poll it (Google's and Azure's, in Go):
POST gives 202 and Location; GET it, as seldom as Retry-After says, or held by Prefer: wait, until it has no Retry-After."""
import json
import sys
import time
import urllib.request

base, body = sys.argv[1:]


def ask(url, data=None, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=120) as answer:
        return answer.status, answer.headers, json.load(answer)


status, headers, operation = ask(f"{base}/v1/jobs", body.encode(), **{"Content-Type": "application/json"})
assert status == 202, status
location, polls, held = headers["Location"], 0, 0  # answers while the job has not ended; those of them that were held
while "Retry-After" in headers:
    wait = int(headers["Retry-After"])
    began = time.monotonic()
    status, headers, operation = ask(base + location, Prefer="wait=60")
    is_over = "Retry-After" not in headers  # an answer that finds the job ended is not held
    is_held = bool(headers.get("Preference-Applied"))
    polls += is_held or not is_over
    held += is_held
    if not is_held and not is_over:  # as seldom as Retry-After says
        time.sleep(max(0, wait - (time.monotonic() - began)))
print(json.dumps({"state": operation["state"], "polls": polls, "held": held}))
