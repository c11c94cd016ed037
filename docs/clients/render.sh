#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Renders frames and waits for them: render.sh http://127.0.0.1:3000 scene.blend 1-10
set -eu
url=$1 blend=$2 frames=$3
head=$(mktemp) body=$(mktemp)
trap 'rm -f "$head" "$body"' EXIT

# curl itself repeats a request that gets no answer, and after Retry-After one that gets 429 or 503.
ask() { curl -sS --max-time 60 --retry 8 --retry-connrefused -D "$head" -o "$body" -w '%{http_code}' "$@"; }
field() { tr -d '\r' <"$head" | awk -v name="$1:" 'tolower($1) == name { value = $2 } /^HTTP/ { value = "" } END { print value }'; }
refused() { cat "$body" >&2; exit 1; }

# The key makes it safe to repeat the request: the same key is the same job.
status=$(ask -H 'Content-Type: application/json' -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" \
  -d "{\"blend\":\"$blend\",\"frames\":\"$frames\"}" "$url/v1/jobs")
[ "$status" = 202 ] || refused
job=$(expr "$url" : '\([a-z]*://[^/]*\)')$(field location) # a path from the root, whatever path kilnd is below
while seconds=$(field retry-after); [ -n "$seconds" ]; do # there is none when the job is final
  sleep "$seconds"
  status=$(ask "$job")
  [ "$status" = 200 ] || refused
done
state=$(sed -n 's/.*"state":"\([a-z]*\)".*/\1/p' "$body")
echo "$state"
[ "$state" = succeeded ] || refused
