// SPDX-License-Identifier: Apache-2.0
//
// Holds a running kilnd against its own description: sends requests that are made from it, right and wrong ones, and judges each
// answer. Prints a report as JSON; exits with 1 when an answer was none that the description allows.
//
// With --statuses it goes on past --requests, up to MOST_ROUNDS times as many, until each of these was answered and each operation has
// succeeded: what comes by chance may come late, and what cannot come never does.
//
// use: drive.mjs URL [--token TOKEN] [--seed N] [--requests N] [--statuses N,N,...] [--seconds S] [--failures N] [--description FILE, instead of its own]
import { readFileSync } from "node:fs";
import http from "node:http";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { Contract } from "./contract.mjs";
import { Requests, operations } from "./requests.mjs";

const { values: options, positionals: [url] } = parseArgs({ allowPositionals: true, options: {
  seed: { type: "string" }, token: { type: "string" }, description: { type: "string" }, requests: { type: "string", default: "3000" }, statuses: { type: "string" }, failures: { type: "string", default: "20" }, seconds: { type: "string" } } });
const seed = Number(options.seed ?? Math.floor(Math.random() * 2 ** 31));
const until = options.seconds ? Date.now() + 1000 * Number(options.seconds) : Infinity;
const most = options.seconds ? Infinity : Number(options.requests);
const most_failures = Number(options.failures);
const WORKERS = 4, BATCH = 200, LISTEN_MS = 100, MOST_KNOWN = 60, MOST_ROUNDS = 6;

const credentials = options.token ? { Authorization: `Bearer ${options.token}` } : {};
const agent = new http.Agent({ keepAlive: true, maxSockets: 2 * WORKERS });

/// The answer; of an event stream, what comes in a moment.
function send(method, target, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(url + target, { method, headers: { ...credentials, ...headers }, agent }, (response) => {
      const parts = [];
      const finish = () => resolve({ status: response.statusCode, headers: { ...response.headers, ...(response.headers["set-cookie"] && { "set-cookie": response.headers["set-cookie"].join("\n") }) }, body: Buffer.concat(parts) });
      response.on("data", (part) => parts.push(part)).on("end", finish).on("error", (e) => request.listening ? finish() : reject(e));
      if (response.headers["content-type"]?.startsWith("text/event-stream")) {
        request.listening = true;
        setTimeout(() => request.destroy(), LISTEN_MS);
        response.on("close", finish);
      }
    });
    request.setTimeout(90_000, () => request.destroy(new Error("no answer in 90 s")));
    request.on("error", (e) => request.listening || reject(e));
    request.end(body);
  });
}

const document_ = JSON.parse(options.description ? readFileSync(options.description) : (await send("GET", "/v1/openapi.json", {})).body);
const contract = new Contract(document_);
const requests = new Requests(document_, contract);

// What is described and not served yet, or served elsewhere.
const missing = [];
for (const path of Object.keys(document_.paths))
  if ((await send("OPTIONS", path.replace(/{[^}]*}/g, "x"), {})).status === 404) missing.push(path);

// Ids that were given; the newest are asked for most. Names of the page's files change with their content: the page has them.
const named = String((await send("GET", "/", {})).body).matchAll(/page\/([^"]+)"/g);
const known = { job: [], webhook: [], blend: [], page: [...named].map((match) => match[1]) };
const kind_of = (path) => path.startsWith("/page/") ? "page" : path.startsWith("/v1/webhooks") ? "webhook" : path.startsWith("/v1/blends") ? "blend" : "job";
const nobody = { job: "j0123456789abcdefgh", webhook: "w0123456789abcdefgh", blend: "sha256:" + "0".repeat(64), page: "app-000000000000.js" };

let videos = []; // { job, video }: the only ids that belong to another
const canceled = []; // jobs that may be tried again

const deleted = new Set(); // or about to be
const seen = {};
const failures = [];
let sent = 0;

function describe(request, target, headers, body) {
  return `${request.method} ${target}\n  ${JSON.stringify(headers)}\n  ${body === undefined ? "no body" : body.toString().slice(0, 2000)}`;
}

/// Further complaints: right requests are taken, and wrong ones are not.
function judge(request, answer) {
  const { body, query, operation } = request;
  const is_job = request.path.startsWith("/job");
  const complaints = [];
  if ([401, 403, 429].includes(answer.status)) return complaints; // nobody has looked at it
  const has_none = body?.text === "" && !operation.requestBody?.required;
  if (operation.requestBody && body && !has_none) {
    if (body.is_valid === false && !body.is_other_type && answer.status < 400)
      complaints.push(`the schema forbids this body, and it was taken with ${answer.status}`);
    if (body.is_other_type && answer.status < 400) complaints.push(`a body of type "${body.type}" was taken with ${answer.status}`);
    const is_bytes = body.value === undefined && body.type === "application/octet-stream";
    if (is_bytes && body.is_valid && answer.status === 422 && !/digest|SHA-256/i.test(JSON.parse(answer.body).detail)) complaints.push(`this is a .blend: ${answer.body}`);
    if (body.is_valid && !body.is_other_type && answer.status === 422 && !is_bytes) {
      const problem = JSON.parse(answer.body);
      // What no schema says: which .blend files, Blenders and clusters there are, whose scripts may run, how many frames a job may have, where webhooks may go; and limits in bytes.
      // Of a copy, what the job has that is copied.
      const by_meaning = [...(operation.operationId === "copyJob" ? ["/process", "/processes"] : []), "/blend", "/blender", "/slurm", "/autorun", "/frames", "/hold_after", "/url", "/secret"];
      const is_long = (pointer) => /[^\x00-\x7f]/.test(JSON.stringify(pointer.slice(1).split("/").reduce((at, name) => at?.[name], body.value)) ?? "");
      const unexplained = (problem.errors ?? []).filter((e) => !by_meaning.includes(e.pointer) && !is_long(e.pointer));
      if (unexplained.length || (!problem.errors && !/Idempotency-Key/.test(problem.detail)))
        complaints.push(`the schema allows this body: ${answer.body}`);
    }
    if (body.is_valid && !body.is_other_type && answer.status === 415) complaints.push("415 for the type that is described");
    if (is_job && body.is_valid === false && answer.status !== 400 && answer.status !== 413) complaints.push(`a wrong body got ${answer.status}`);
  }
  if (query.is_valid === false && answer.status < 400) complaints.push(`a query that the schema forbids got ${answer.status}`);
  if (query.is_valid && answer.status === 400 && request.method === "GET") complaints.push(`a query that the schema allows got 400: ${answer.body}`);
  return complaints;
}

async function carry_out(request) {
  const kind = kind_of(request.path);
  const ids = known[kind] ?? [];
  let target = request.path;
  const pair = target.includes("{video}") && videos.length ? videos[videos.length - 1 - (sent % videos.length)] : null;
  const given = (part, number) => {
    if (request.operation.operationId === "retryJob" && canceled.length) return canceled.shift();
    if (pair) return part === "video" ? pair.video : pair.job;
    return ids.length ? ids[ids.length - 1 - (number % Math.min(ids.length, number % 2 ? 6 : MOST_KNOWN))] : nobody[kind];
  };
  request.segments.forEach((segment, i) => {
    const text = segment.text ?? given(request.parts[i], segment.known);
    target = target.replace(`{${request.parts[i]}}`, encodeURIComponent(text.toWellFormed()) || "%20");
  });
  const pairs = request.query.pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value.toWellFormed())}`);
  if (pairs.length) target += "?" + pairs.join("&");
  const headers = { ...request.headers };
  const body = request.body && Buffer.from(request.body.text.toWellFormed());
  if (body) {
    if (request.body.type) headers["Content-Type"] = request.body.type;
    headers["Content-Length"] = body.length;
  }
  let { operation, method } = request;
  let complaints, answer;
  const is_other = request.twist === 0; // OPTIONS, or a method that is not for this path
  try {
    if (is_other) {
      const served = Object.keys(document_.paths[request.path]).filter((name) => name !== "parameters").map((name) => name.toUpperCase());
      const allowed = new Set([...served, "OPTIONS", ...(served.includes("GET") ? ["HEAD"] : [])]);
      method = ["OPTIONS", "DELETE", "PUT", "PATCH"].find((m, i) => (m === "OPTIONS" || !allowed.has(m)) && (sent + i) % 2) ?? "OPTIONS";
      answer = await send(method, target.split("?")[0], {});
      complaints = method === "OPTIONS" ? (answer.status === 204 ? [] : [`OPTIONS got ${answer.status}`])
        : contract.check({ responses: { 405: { ...document_.components.responses.MethodNotAllowed, ...(request.path.startsWith("/job") ? { content: { "text/plain": {} } } : {}) } } }, answer, { method });
      const got = new Set((answer.headers.allow ?? "").split(", "));
      if (got.size !== allowed.size || [...got].some((m) => !allowed.has(m))) complaints.push(`Allow is ${answer.headers.allow}, not ${[...allowed]}`);
      if (answer.status === 429) complaints = contract.check({ responses: { 429: { $ref: `#/components/responses/${request.path.startsWith("/job") ? "Text" : ""}TooManyRequests` } } }, answer, { method });
    } else {
      if (method === "DELETE") deleted.add(target.split("?")[0]);
      if (request.twist === 1 && method === "GET") method = "HEAD";
      answer = await send(method, target, headers, body);
      complaints = contract.check(operation, answer, { method, is_text: request.path.startsWith("/job") });
      if (method !== "HEAD") complaints.push(...judge(request, answer));
    }
  } catch (e) {
    // What is deleted while it is sent is cut, so that nobody takes it for whole.
    const is_cut = e.message === "aborted" && deleted.has(target.split("/").slice(0, 4).join("/"));
    complaints = is_cut ? [] : [`no answer: ${e.message}`];
  }
  ++sent;
  const of = (seen[is_other ? "other methods" : operation.operationId] ??= {});
  if (answer) of[answer.status] = (of[answer.status] ?? 0) + 1;
  if (complaints.length && failures.length < most_failures) failures.push(`${describe({ method }, target, headers, body)}\n${complaints.map((c) => "  => " + c).join("\n")}`);
  if (answer?.status === 204 && method === "DELETE") {
    known[kind] = known[kind].filter((id) => !decodeURIComponent(target).endsWith(id));
    videos = videos.filter(({ job, video }) => !target.endsWith(video) && !target.endsWith(job));
  }
  if (operation.operationId === "cancelJob" && answer?.status === 202) canceled.push(target.split("/")[3]);
  if (operation.operationId === "makeVideo" && [200, 202].includes(answer?.status)) {
    videos.push({ job: target.split("/")[3], video: JSON.parse(answer.body).id });
    if (videos.length > MOST_KNOWN) videos.shift();
  }
  // Jobs that wait for their user would fill the queue.
  if (answer?.status === 202 && body && /hold_after/.test(body)) await send("PATCH", `/v1/jobs/${JSON.parse(answer.body).id}`, { "Content-Type": "application/json" }, '{"paused":false}');
  if (answer && [201, 202].includes(answer.status) && ["createJob", "startTutorialJob", "createWebhook", "uploadBlend"].includes(operation.operationId)) {
    known[kind].push(JSON.parse(answer.body).id);
    if (known[kind].length > MOST_KNOWN) known[kind].shift();
  }
}

/// So that a long run ends with as little as it began with.
async function clean_up() {
  for (;;) {
    const page = JSON.parse((await send("GET", "/v1/jobs?limit=1000", {})).body).jobs ?? [];
    if (page.length === 0) break;
    for (const { id, state } of page) {
      if (!["succeeded", "failed", "canceled"].includes(state)) await send("POST", `/v1/jobs/${id}/cancel`, {});
      else await send("DELETE", `/v1/jobs/${id}`, {});
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const { id } of JSON.parse((await send("GET", "/v1/blends?limit=1000", {})).body).blends ?? []) await send("DELETE", `/v1/blends/${id}`, {});
}

const served = (one) => !missing.includes(one.path);
const names = operations(document_).filter(served).map((one) => one.operation.operationId);

/// What --statuses asks for and has not come. A session begins only where there are tokens.
function unseen() {
  if (!options.statuses) return [];
  const of_all = new Set(Object.values(seen).flatMap(Object.keys));
  const succeeded = (name) => Object.keys(seen[name] ?? {}).some((status) => status.startsWith("2") || status === "304");
  return [...options.statuses.split(",").filter((status) => !of_all.has(status)),
    ...names.filter((name) => name !== "beginSession" && !succeeded(name)).map((name) => `success of ${name}`)];
}

const goes_on = () => sent < most || (sent < MOST_ROUNDS * most && unseen().length > 0);
for (let batch = 0; goes_on() && Date.now() < until && failures.length < most_failures; ++batch) {
  const list = fc.sample(requests.arbitrary(served), { seed: seed + batch, numRuns: BATCH });
  const worker = async () => {
    while (list.length && failures.length < most_failures) await carry_out(list.shift());
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  if (options.seconds && batch % 25 === 24) await clean_up();
}
await clean_up();
agent.destroy();
console.log(JSON.stringify({ seed, sent, missing, seen, failures, unseen: unseen() }));
process.exit(failures.length ? 1 : 0);
