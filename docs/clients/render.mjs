// SPDX-License-Identifier: Apache-2.0
// Renders frames and waits for them: node render.mjs http://127.0.0.1:3000 scene.blend 1-10  (Node.js 18 or newer)
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const [url, blend, frames] = process.argv.slice(2);

function refuse(why) {
  console.error(why);
  process.exit(1);
}

// Repeats a request that gets no answer, or 429 or 503.
async function ask(target, options = {}) {
  for (let attempt = 0; attempt < 8; attempt++) {
    let seconds = 2 ** attempt;
    try {
      const answer = await fetch(target, { ...options, signal: AbortSignal.timeout(60_000) });
      if (answer.ok) return { headers: answer.headers, job: await answer.json() };
      if (answer.status !== 429 && answer.status !== 503) refuse(await answer.text());
      seconds = Number(answer.headers.get("retry-after") ?? seconds);
    } catch { /* no answer */ }
    await sleep(seconds * 1000);
  }
  refuse(`${url} does not answer`);
}

// The key makes it safe to repeat the request: the same key is the same job.
let { headers, job } = await ask(`${url}/v1/jobs`, {
  method: "POST",
  headers: { "Content-Type": "application/json", "Idempotency-Key": randomUUID() },
  body: JSON.stringify({ blend, frames }),
});
const location = new URL(headers.get("location"), url);
while (headers.has("retry-after")) { // there is none when the job is final
  await sleep(Number(headers.get("retry-after")) * 1000);
  ({ headers, job } = await ask(location));
}
console.log(job.state);
if (job.state !== "succeeded") refuse(JSON.stringify(job.failure));
