// SPDX-License-Identifier: Apache-2.0
//
// Builds the page into a directory (default: built, beside this file): index.html, and files whose names contain a
// digest of their content. The same sources give the same bytes.
//
// use: node build.mjs [DIRECTORY]
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const to = resolve(process.argv[2] ?? join(here, "built"));
rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });

const made = await build({
  absWorkingDir: here,
  entryPoints: { app: "src/main.tsx", style: "src/style.css" },
  outdir: "out",
  bundle: true,
  minify: true,
  write: false,
  format: "iife",
  target: ["es2022", "chrome111", "firefox113", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  charset: "utf8",
  banner: {
    js: "/* SPDX-License-Identifier: Apache-2.0. Contains Preact and its signals: MIT, (c) Jason Miller and others */",
    css: "/* SPDX-License-Identifier: Apache-2.0 */",
  },
});
const files = [...made.outputFiles.map((file) => [file.path, Buffer.from(file.contents)]),
  ["icon.svg", readFileSync(join(here, "src/icon.svg"))]];
let index = readFileSync(join(here, "src/index.html"), "utf8");
for (const [path, bytes] of files) {
  const name = path.split("/").at(-1);
  const [stem, ending] = name.split(".");
  const hashed = `${stem}-${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}.${ending}`;
  writeFileSync(join(to, hashed), bytes);
  index = index.replaceAll(`page/${name}`, `page/${hashed}`);
}
writeFileSync(join(to, "index.html"), index);
