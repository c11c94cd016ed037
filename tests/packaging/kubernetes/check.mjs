// SPDX-License-Identifier: Apache-2.0
// Compares Kubernetes objects with the schemas of their kinds: values by JSON Schema, names of fields, which JSON Schema leaves
// open, by the types of TypeScript.
// use: node check.mjs OBJECTS.json
import { readFileSync } from "node:fs";
import ts from "typescript";

const objects = JSON.parse(readFileSync(process.argv[2], "utf8"));
const complaints = [];
const lines = [];
for (const [n, object] of objects.entries()) {
  const module = `kubernetes-models/${object.apiVersion}/${object.kind}`;
  const { [object.kind]: Kind } = await import(module);
  try {
    new Kind(object).validate();
  } catch (error) {
    complaints.push(`${object.kind} ${object.metadata?.name}: ${error.message}`);
  }
  lines.push(`import type { I${object.kind} as K${n} } from "${module}";`, `export const o${n}: K${n} = ${JSON.stringify(object)};`);
}
const file = `${import.meta.dirname}/objects.ts`;
const settings = { strict: true, noEmit: true, types: [], skipLibCheck: true, module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022 };
const host = ts.createCompilerHost(settings);
const { getSourceFile, fileExists, readFile } = host;
host.getSourceFile = (name, ...more) => name === file ? ts.createSourceFile(name, lines.join("\n"), ts.ScriptTarget.ES2022) : getSourceFile.call(host, name, ...more);
host.fileExists = (name) => name === file || fileExists.call(host, name);
host.readFile = (name) => name === file ? lines.join("\n") : readFile.call(host, name);
for (const one of ts.getPreEmitDiagnostics(ts.createProgram([file], settings, host)))
  complaints.push(ts.flattenDiagnosticMessageText(one.messageText, "\n"));
console.log(complaints.join("\n"));
process.exit(complaints.length > 0 ? 1 : 0);
