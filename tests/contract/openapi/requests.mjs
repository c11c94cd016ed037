// SPDX-License-Identifier: Apache-2.0
//
// Requests for the operations of the description, right and wrong ones, as fast-check arbitraries; what is known to be right or
// wrong about each is noted with it.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { Generator, HOSTILE } from "./generate.mjs";

const METHODS = ["get", "post", "put", "patch", "delete"];
// What clients send as .blend files, and the digests of these.
const BLENDS = [0, 1, 2, 3, 4, 5].map((i) => `BLENDER-v304\nframe_seconds 0.0${i}\n`);
const NO_BLENDS = ["", "BLENDER", "no scene", "\x1f\x8b\b\0\0", "(\xb5/\xfd\0"];
const digest = (text, form) => createHash("sha256").update(text).digest(form);

const HINTS = {
  blend: ["quick.blend", "quick.blend", "quick.blend", "slow.blend", "slow.blend", "failing.blend", "failing.blend", "crashing.blend", "missing.blend",
    `sha256:${digest(BLENDS[0], "hex")}`, `sha256:${digest(BLENDS[1], "hex")}`],
  frames: ["1", "1-3", "1-9x4,12", "0-20", { from: 1, to: 2 }, { from: 3, to: 30, step: 10 }],
  url: ["http://127.0.0.1:9/hook", "http://127.0.0.1:9/", "http://127.0.0.1:9/hook", "http://127.0.0.1:9/hook?x=1", "http://example.com/", "ftp://127.0.0.1:9", "http://169.254.169.254/"],
  secret: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AA=="],
  hold_after: ["1", "1", "1", "1", "1", "2,7"], retries: [0, 1, 2], threads: [0, 1], priority: [0, 5, -100, 100], from: [0, 1, 2], to: [2, 3, 5],
  processes: [1, 2, "auto"], blender: [...Array(19).fill("default"), "5.0"], slurm: [...Array(19).fill({}), { partition: "gpu" }],
  autorun: [...Array(19).fill(false), true],
};
const PREFERENCES = ["wait=0", "wait=1", "wait=\"1\"", "wait=x", "respond-async", "wait=-1", "wait=99999999999", ", ,", "handling=lenient, wait=0"];
const DIGESTS = [...BLENDS.map((text) => `sha-256=:${digest(text, "base64")}:`), "sha-256=:AAAA:", "sha-512=:x:", "sha-256=", ", ,"];
const HEADERS = {
  "Content-Digest": DIGESTS,
  "Repr-Digest": DIGESTS,
  Prefer: PREFERENCES,
  "If-None-Match": ["*", "W/\"1\"", "\"1\"", "W/\"1\", W/\"2\",W/\"3\"", "\"", "", "W/"],
  "If-Modified-Since": ["Tue, 24 Nov 2030 09:18:02 GMT", "yesterday", "Sun Nov  6 08:49:37 1994"],
  Range: ["bytes=0-", "bytes=0-9", "bytes=1-", "bytes=0-0", "bytes=-5", "bytes=9-1", "bytes=999999-", "bytes=999999-", "bytes=999999-", "bytes=-0", "bytes=0-1,3-4", "lines=1-2", "bytes=", "bytes=18446744073709551616-"],
  "If-Range": ["\"x\"", "W/\"1\"", "Tue, 24 Nov 2020 09:18:02 GMT"],
  "Last-Event-ID": ["0", "1", "7", "99999999999999999999", "x", "-1", "8f3a01bc.17"],
  "Idempotency-Key": ["a", "b", "x".repeat(255), ...Array.from({ length: 10000 }, (_, n) => `key-${n}`)], // used twice now and then
  traceparent: ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-0-0-0", "x"],
};
const CONTENT_TYPES = ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "", "application/jsonx", "*/*"];

/// Makes of a value that the schema allows one that kilnd takes: "1" of hold_after is the first of the frames, whichever it is, and
/// a Blender of the job's own is one process.
function fit(made) {
  const first = /^\d+/.exec(made?.frames?.from ?? made?.frames ?? "");
  if (made?.hold_after === "1" && first) made.hold_after = first[0];
  if (made?.process === "own" && "processes" in made) made.processes = 1;
  return made;
}

export function operations(document) {
  return Object.entries(document.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method]).map((method) => ({
    path, method: method.toUpperCase(), operation: item[method], parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])],
  })));
}

export class Requests {
  constructor(document, contract) {
    this.document = document;
    this.contract = contract;
    this.generator = new Generator(document, HINTS);
    this.all = operations(document);
  }

  /// {operation, method, template, segments: [a value for each parameter, or null for a known id], query, headers, body, …}
  arbitrary(only) {
    const weights = { createJob: 10, startTutorialJob: 3, deleteJob: 4, readJob: 3, downloadFrame: 6, downloadOutput: 6, readLog: 4, createWebhook: 6, changeJob: 4, retryJob: 6, uploadBlend: 4 };
    return fc.oneof(...this.all.filter(only).map((one) =>
      ({ weight: weights[one.operation.operationId] ?? 2, arbitrary: this.#of(one) })));
  }

  #of({ path, method, operation, parameters }) {
    const all = parameters.map((p) => this.contract.resolve(p));
    const in_path = all.filter((p) => p.in === "path"), in_query = all.filter((p) => p.in === "query"), in_header = all.filter((p) => p.in === "header");
    return fc.record({
      path: fc.constant(path),
      method: fc.constant(method),
      operation: fc.constant(operation),
      segments: fc.tuple(...in_path.map((p) => this.#segment(p))),
      parts: fc.constant(in_path.map((p) => p.name)),
      query: this.#query(in_query),
      headers: this.#headers(in_header),
      body: operation.requestBody ? this.#body(operation.requestBody) : fc.constant(undefined),
      twist: fc.nat({ max: 39 }), // now and then: HEAD, OPTIONS, another method
    });
  }

  #segment(parameter) {
    const frames = fc.constantFrom(0, 1, 1, 1, 2, 3, 5);
    const is_given = ["id", "video"].includes(parameter.name) || (parameter.name === "file" && !parameter.schema.enum);
    const known = is_given ? [{ weight: 6, arbitrary: fc.record({ known: fc.nat() }) }]
      : parameter.name === "frame" ? [{ weight: 6, arbitrary: frames.map((n) => ({ text: String(n) })) }]
        : parameter.name === "name" ? [{ weight: 6, arbitrary: frames.map((n) => ({ text: `Out--image_000${n}.png` })) }] : [];
    return fc.oneof(...known,
      { weight: 2, arbitrary: this.generator.valid(parameter.schema).map((value) => ({ text: String(value) })) },
      { weight: 1, arbitrary: HOSTILE.map((value) => ({ text: String(typeof value === "string" ? value : JSON.stringify(value)).slice(0, 300) })) });
  }

  #query(parameters) {
    if (parameters.length === 0)
      return fc.constantFrom({ pairs: [] }, { pairs: [] }, { pairs: [["x", "1"]] });
    const right = fc.record(Object.fromEntries(parameters.map((p) => [p.name, this.generator.valid(p.schema)])), { requiredKeys: [] })
      .map((chosen) => ({ is_valid: true, pairs: Object.entries(chosen).map(([name, value]) => [name, String(value)]) }));
    const wrong = fc.tuple(fc.constantFrom(...parameters, { name: "nonsense", schema: false }), HOSTILE, fc.boolean()).map(([p, value, twice]) => {
      const text = String(typeof value === "string" ? value : JSON.stringify(value));
      const type = p.schema && this.generator.resolve(p.schema).type;
      const is_number = (type === "integer" && /^[0-9]+$/.test(text)) || (type === "number" && /^-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$/i.test(text));
      const typed = is_number ? Number(text) : text;
      const bad = p.schema === false || (p.schema && this.contract.wrong(p.schema, typed)) || twice;
      return { is_valid: !bad, pairs: twice ? [[p.name, text], [p.name, text]] : [[p.name, text]] };
    });
    return fc.oneof({ weight: 3, arbitrary: right }, { weight: 2, arbitrary: wrong });
  }

  #headers(parameters) {
    const printable = fc.string({ unit: "grapheme-ascii", maxLength: 60 });
    const own = Object.fromEntries(parameters.map((p) => [p.name, fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...(HEADERS[p.name] ?? ["x"])) }, { weight: 1, arbitrary: printable })]));
    return fc.record({ ...own, "X-Request-Id": fc.oneof(fc.constantFrom("mine", "", "x".repeat(65), "a b"), printable),
      Accept: fc.constantFrom("*/*", "text/html", "application/json", "image/*;q=0", "nonsense") }, { requiredKeys: [] })
      .map(({ "If-Range": condition, ...rest }) => condition && rest.Range !== "bytes=999999-" ? { ...rest, "If-Range": condition } : rest);
  }

  #body(requestBody) {
    const types = Object.entries(requestBody.content);
    const of_type = types.map(([type, { schema }]) => {
      if (!schema || Object.keys(schema).length === 0) // bytes
        return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...BLENDS).map((text) => ({ text, type, is_valid: true })) },
          { weight: 1, arbitrary: fc.constantFrom(...NO_BLENDS).map((text) => ({ text, type, is_valid: false })) },
          { weight: 1, arbitrary: fc.string({ unit: "binary" }).map((text) => ({ text, type, is_valid: false })) });
      const judged = (made) => {
        const text = JSON.stringify(made), value = JSON.parse(text);
        return { value, text, type, is_valid: !this.contract.wrong(schema, value) };
      };
      return fc.oneof(
        { weight: 5, arbitrary: this.generator.valid(schema).map(fit).map(judged) },
        { weight: 2, arbitrary: this.generator.broken(schema).map(judged) },
        { weight: 4, arbitrary: this.generator.nearly(schema).map(judged) },
        { weight: 1, arbitrary: this.generator.garbage().map((text) => ({ text, type, is_valid: this.#is_valid_text(schema, text) })) });
    });
    return fc.tuple(fc.oneof(...of_type), fc.nat({ max: 14 }), fc.constantFrom(...CONTENT_TYPES)).map(([body, other, type]) =>
      other === 0 ? { ...body, type, is_other_type: true } : body);
  }

  #is_valid_text(schema, text) {
    try {
      const value = JSON.parse(text);
      // Names that are given twice, and half characters, are refused, and JSON.parse does not tell of them.
      return !JSON.stringify(value).includes("\\ud") && !this.contract.wrong(schema, value) && JSON.stringify(value).length === text.replace(/\s/g, "").length;
    } catch {
      return false;
    }
  }
}
