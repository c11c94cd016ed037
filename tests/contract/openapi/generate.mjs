// SPDX-License-Identifier: Apache-2.0
//
// Values for requests, as fast-check arbitraries: those that a JSON schema allows, and those that come near it.
import fc from "fast-check";

// What a schema cannot say: values that make jobs which can be rendered, by the name of the property. They are taken
// most of the time, and what the schema alone says else.
const WITHOUT_END = 1e9;

export class Generator {
  constructor(document, hints) {
    this.document = document;
    this.hints = hints;
  }

  resolve(schema) {
    while (schema.$ref)
      schema = schema.$ref.slice(2).split("/").reduce((at, name) => at[name.replaceAll("~1", "/").replaceAll("~0", "~")], this.document);
    return schema;
  }

  /// Values that the schema allows, but for what it says by format.
  valid(schema, name) {
    schema = this.resolve(schema);
    const plain = this.#of(schema);
    const hint = schema.type === "string" ? this.hints[name]?.filter((value) => typeof value === "string") : this.hints[name];
    return hint ? fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...hint) }, { weight: 1, arbitrary: plain }) : plain;
  }

  #of(schema) {
    if ("const" in schema) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    const choices = schema.oneOf ?? schema.anyOf;
    if (choices) return fc.oneof(...choices.map((choice) => this.valid(choice)));
    if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type) => this.#of({ ...schema, type })));
    switch (schema.type) {
      case "null": return fc.constant(null);
      case "boolean": return fc.boolean();
      case "integer": {
        const min = schema.minimum ?? -WITHOUT_END, max = schema.maximum ?? WITHOUT_END;
        return fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max), fc.integer({ min, max: Math.min(max, min + 10) }));
      }
      case "number": return fc.double({ min: schema.minimum, max: schema.maximum, noNaN: true, noDefaultInfinity: true });
      case "string": {
        const maxLength = Math.min(schema.maxLength ?? 300, 300), minLength = schema.minLength ?? 0;
        const fits = (text) => [...text].length >= minLength && [...text].length <= maxLength;
        if (schema.format === "date") return fc.constant("2026-11-24"); // ranges of one day are right
        const given = schema.examples ? [fc.constantFrom(...schema.examples)] : [];
        if (!schema.pattern) return fc.oneof(...given, fc.string({ unit: "grapheme", minLength, maxLength }).filter(fits));
        return fc.oneof(...given, fc.stringMatching(new RegExp(schema.pattern, "u")).filter(fits));
      }
      case "array":
        return fc.array(this.valid(schema.items), { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 5, 25) })
          .map((list) => schema.uniqueItems ? [...new Map(list.map((x) => [JSON.stringify(x), x])).values()] : list);
      case "object": {
        const members = Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, of]) => [name, this.valid(of, name)]));
        return fc.record(members, { requiredKeys: schema.required ?? [] });
      }
      default: return fc.jsonValue();
    }
  }

  /// A value with something wrong in it, most of the time.
  broken(schema, name) {
    return fc.tuple(this.valid(schema, name), fc.nat(), fc.nat(), HOSTILE).map(([value, where, how, hostile]) => breakAt(value, where, how, hostile));
  }

  /// An object with what is required, and one member just beyond what the schema allows for it.
  nearly(schema) {
    schema = this.resolve(schema);
    const members = Object.entries(schema.properties);
    const required = fc.record(Object.fromEntries(schema.required?.map((name) => [name, this.valid(schema.properties[name], name)]) ?? []));
    return fc.tuple(required, fc.constantFrom(...members).chain(([name, of]) => this.#beyond(of).map((value) => [name, value])))
      .map(([made, [name, value]]) => ({ ...made, [name]: value }));
  }

  #beyond(schema) {
    schema = this.resolve(schema);
    if (schema.enum) return fc.constantFrom("NONE", schema.enum[0] + " ", String(schema.enum[0]).toLowerCase(), null, 0);
    switch (schema.type) {
      case "integer":
      case "number": {
        const min = schema.minimum ?? 0, max = schema.maximum ?? 2 ** 53;
        return fc.constantFrom(min - 1, max + 1, min + 0.5, 2 * max + 2, String(max), null);
      }
      case "string":
        return fc.oneof(fc.constantFrom("x".repeat((schema.maxLength ?? 300) + 1), "", "a\u0000b", "a\nb", "\u007f", 7, null), HOSTILE);
      case "boolean": return fc.constantFrom("true", 1, 0, null);
      case "array": {
        const fine = this.valid(schema.items);
        return fc.oneof(fc.array(fine, { minLength: (schema.maxItems ?? 5) + 1, maxLength: (schema.maxItems ?? 5) + 2 }), this.#beyond(schema.items).map((x) => [x]),
          fc.tuple(fine, fine), fc.constant([]));
      }
      default: return HOSTILE;
    }
  }

  /// The text of a body that is not even JSON, or hardly.
  garbage() {
    return fc.oneof(
      fc.constantFrom("", "{", "null", "[]", "\"\"", "{\"a\":1,\"a\":2}", "\ufeff{}", "{} {}", "[".repeat(5000), "{\"frames\":".repeat(40),
        "{\"from\":1e400,\"to\":2}", "{\"from\":01,\"to\":2}", "{'from':1}", "{\"blend\":\"\\ud800\",\"frames\":\"1\"}", "NaN", "1e9999"),
      fc.string({ unit: "binary" }), fc.json());
  }
}

export const HOSTILE = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1.5, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 63), 1e308, "", " ", "0", "-1", "1-", "x".repeat(5000), "\u0000", "\r\n",
    "../../etc/passwd", "/etc/passwd", "%00", "${jndi:ldap://x}", "'; DROP TABLE job; --", "<script>alert(1)</script>", "\ud83d\ude00".repeat(80),
    "1-10x0", "10-1", "0-1048575", "1,".repeat(300) + "1", "99999999999999999999", "--help", "-P", "#{1}", [], {}, [[]], { a: 1 }),
  fc.jsonValue(), fc.string({ unit: "binary", maxLength: 40 }));

/// Goes a random way down into the value, and spoils what it finds there.
function breakAt(value, where, how, hostile) {
  if (value && typeof value === "object") {
    const names = Object.keys(value);
    const copy = Array.isArray(value) ? [...value] : { ...value };
    if (names.length === 0 || how % 5 === 0) {
      if (Array.isArray(copy)) copy.push(hostile);
      else Object.defineProperty(copy, ["processes", "x/y~", "__proto__", "id", ""][where % 5],
        { value: hostile, enumerable: true, configurable: true, writable: true });
      return copy;
    }
    const name = names[where % names.length];
    if (how % 5 === 1) {
      if (Array.isArray(copy)) copy.splice(Number(name), 1);
      else delete copy[name];
      return copy;
    }
    copy[name] = breakAt(value[name], Math.floor(where / names.length), Math.floor(how / 5), hostile);
    return copy;
  }
  if (typeof value === "number" && how % 2) return value + (where % 2 ? 1 : -1); // over the edge, where it stood there
  return hostile;
}
