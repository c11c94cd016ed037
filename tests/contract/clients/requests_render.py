# SPDX-License-Identifier: Apache-2.0
"""use: requests_render.py BASE BODY DIRECTORY: Python's requests with urllib3's Retry: renders and downloads, as a pipeline tool does."""
import json
import pathlib
import sys
import time

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

base, body, directory = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
session = requests.Session()
session.mount(base, HTTPAdapter(max_retries=Retry(total=30, status_forcelist=(429, 503), allowed_methods=None, respect_retry_after_header=True)))

answer = session.post(f"{base}/v1/jobs", json=json.loads(body), headers={"Idempotency-Key": "from-requests"}, timeout=60)
answer.raise_for_status()
url = base + answer.headers["Location"]
while "Retry-After" in answer.headers:
    time.sleep(int(answer.headers["Retry-After"]))
    answer = session.get(url, timeout=60)
    answer.raise_for_status()
job = answer.json()
fetched = []
for frame in session.get(f"{url}/frames", timeout=60).json()["frames"]:
    with session.get(f"{url}/frames/{frame['frame']}", stream=True, timeout=60) as image:
        image.raise_for_status()
        path = directory / f"{frame['frame']}"
        with open(path, "wb") as file:
            for piece in image.iter_content(65536):
                file.write(piece)
        assert path.stat().st_size == int(image.headers["Content-Length"])
        fetched.append(path.name)
print(json.dumps({"state": job["state"], "fetched": fetched, "attempts": [h.status for h in answer.raw.retries.history]}))
