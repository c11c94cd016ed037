// SPDX-License-Identifier: Apache-2.0
//
// Whether an answer is one that the description allows.
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

// Any request may get these, when it breaks HTTP or a limit.
const ANY = { 408: "RequestTimeout", 413: "ContentTooLarge", 414: "UriTooLong", 417: "ExpectationFailed", 421: "MisdirectedRequest",
  431: "HeaderTooLarge", 501: "NotImplemented", 505: "VersionNotSupported" };

export class Contract {
  constructor(document) {
    this.document = document;
    this.ajv = new Ajv({ strict: false, allErrors: true });
    addFormats(this.ajv);
    this.ajv.addSchema(document, "openapi");
    this.validators = new Map();
  }

  resolve(what) {
    while (what?.$ref) what = what.$ref.slice(2).split("/").reduce((at, name) => at[name], this.document);
    return what;
  }

  /// What is wrong with a value, or nothing.
  wrong(schema, value) {
    const key = JSON.stringify(schema);
    if (!this.validators.has(key))
      this.validators.set(key, this.ajv.compile(JSON.parse(key.replaceAll("\"$ref\":\"#/", "\"$ref\":\"openapi#/"))));
    const validate = this.validators.get(key);
    return validate(value) ? undefined : this.ajv.errorsText(validate.errors);
  }

  /// Lines that say what is wrong with an answer {status, headers, body}; none when it is allowed. `request`: {method, path,
  /// is_text: whether its errors are text}.
  check(operation, answer, request) {
    const { status, headers } = answer;
    const complaints = [];
    const say = (text) => complaints.push(text);
    for (const name of ["date", "x-request-id", "cache-control", "x-content-type-options"])
      if (!headers[name]) say(`there is no ${name}`);
    if (status >= 500 && status !== 503 && status !== 501 && status !== 505) say(`status ${status}`);
    let listed = operation.responses[status];
    if (!listed && ANY[status]) listed = { $ref: `#/components/responses/${ANY[status]}` };
    if (!listed) return [...complaints, `status ${status} is not listed`];
    const response = this.resolve(listed);
    for (const [name, of] of Object.entries(response.headers ?? {})) {
      const header = this.resolve(of);
      const text = headers[name.toLowerCase()];
      if (text === undefined) {
        if (header.required) say(`there is no ${name} with ${status}`);
        continue;
      }
      const value = header.schema.type === "integer" ? Number(text) : text;
      const bad = this.wrong(header.schema, value);
      if (bad) say(`${name}: ${text}: ${bad}`);
    }
    if (request.method === "HEAD") return answer.body.length ? [...complaints, "HEAD has a body"] : complaints;
    const type = headers["content-type"]?.split(";")[0];
    if (!response.content) {
      if (answer.body.length) say(`${status} has a body: ${answer.body.slice(0, 100)}`);
      return complaints;
    }
    const is_text_of_tutorial = request.is_text && type === "text/plain" && ANY[status];
    const content = is_text_of_tutorial ? {} : response.content[type];
    if (!content) return [...complaints, `${status} is of type ${headers["content-type"]}`];
    if (type.endsWith("json")) {
      let value;
      try {
        value = JSON.parse(answer.body.toString());
      } catch (e) {
        return [...complaints, `the body is not JSON: ${e.message}`];
      }
      const bad = this.wrong(content.schema, value);
      if (bad) say(`the body: ${bad}: ${answer.body.toString().slice(0, 600)}`);
      if (type === "application/problem+json" && value.status !== status) say(`the problem says ${value.status}`);
    } else if (type === "text/plain" && content.schema?.type) {
      const bad = this.wrong(content.schema, answer.body.toString());
      if (bad) say(`the body: ${bad}: ${answer.body.toString().slice(0, 200)}`);
    } else if (type === "text/event-stream") {
      complaints.push(...this.#events(answer.body.toString()));
    }
    return complaints;
  }

  /// The last event may be cut.
  #events(text) {
    const complaints = [];
    const schemas = { job: "Job", frame: "Frame" };
    for (const block of text.split("\n\n").slice(0, -1)) {
      const fields = Object.fromEntries(block.split("\n").filter((line) => !line.startsWith(":")).map((line) => line.match(/^(\w+): (.*)$/s).slice(1)));
      if (!fields.event) continue;
      if (!["job", "frame", "deleted", "progress", "log", "missed"].includes(fields.event)) complaints.push(`an event ${fields.event}`);
      const data = JSON.parse(fields.data);
      if (fields.event === "deleted" && !(Object.keys(data).join() === "job" && /^j[0-9a-z]{18}$/.test(data.job))) complaints.push(`an event deleted: ${fields.data}`);
      if (fields.event === "frame") delete data.job;
      const bad = schemas[fields.event] && this.wrong({ $ref: `#/components/schemas/${schemas[fields.event]}` }, data);
      if (bad) complaints.push(`an event ${fields.event}: ${bad}: ${fields.data.slice(0, 400)}`);
    }
    return complaints;
  }
}
