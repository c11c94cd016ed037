// SPDX-License-Identifier: Apache-2.0
// use: node fetch_render.mjs BASE BODY FILE: a web shop's server: submits with fetch, waits, streams all frames as one zip.
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';

const [base, body, file] = process.argv.slice(2);

async function ask(url, options) {
  const answer = await fetch(url, options);
  if ((answer.status === 429 || answer.status === 503) && answer.headers.has('Retry-After')) {
    await setTimeout(1000 * Number(answer.headers.get('Retry-After')));
    return ask(url, options);
  }
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  return answer;
}

let answer = await ask(`${base}/v1/jobs`, {
  method: 'POST', body, headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'from-fetch' },
});
const url = new URL(answer.headers.get('Location'), base);
let etag = answer.headers.get('ETag');
let job = await answer.json();
let unchanged = 0;
while (!['succeeded', 'failed', 'canceled'].includes(job.state)) {
  answer = await fetch(url, { headers: { Prefer: 'wait=30', ...(etag && { 'If-None-Match': etag }) } });
  if (answer.status === 304) { unchanged += 1; continue; }
  etag = answer.headers.get('ETag');
  job = await answer.json();
}
const again = await fetch(url, { headers: { 'If-None-Match': etag } });
const zip = await ask(`${url}/frames.zip`);
await pipeline(Readable.fromWeb(zip.body), createWriteStream(file));
console.log(JSON.stringify({ state: job.state, again: again.status, type: zip.headers.get('Content-Type') }));
