// SPDX-License-Identifier: Apache-2.0
//
// A Chromium that a test in Python drives: reads lines of JSON, {"open": {…}} for a new page (in a context of its own) or
// {"run": "JavaScript"} with `page`, `axe` and `seen` at hand, and answers each with a line, {"value"} or {"error"}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb"],
});
const AsyncFunction = (async () => undefined).constructor;
let context, page, seen;

async function open({ url, width = 1440, height = 900, theme = "light", scale = 1, motion = "reduce", forced = "none", storage = true, insecure = false, clock = 0 }) {
  await context?.close();
  context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, deviceScaleFactor: scale, reducedMotion: motion,
    forcedColors: forced, locale: "en-GB", timezoneId: "UTC", acceptDownloads: true, permissions: [],
    ignoreHTTPSErrors: insecure });
  context.setDefaultTimeout(40_000);
  seen = { foreign: [], policy: [], errors: [], requests: [] };
  const origin = new URL(url).origin;
  context.on("request", (request) => {
    seen.requests.push(request.url());
    if (!/^(blob|data):/.test(request.url()) && new URL(request.url()).origin !== origin) seen.foreign.push(request.url());
  });
  const heed = (it) => {
    it.on("console", (message) => { if (/Content.Security.Policy|Trusted ?Type/i.test(message.text())) seen.policy.push(message.text()); });
    it.on("pageerror", (error) => seen.errors.push(String(error.stack ?? error)));
  };
  context.on("page", heed);
  await context.addInitScript(() => addEventListener("securitypolicyviolation", (e) => console.error(`Content Security Policy: ${e.violatedDirective} ${e.blockedURI}`)));
  if (!storage) await context.addInitScript(() => {
    for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get() { throw new DOMException("refused", "SecurityError"); } });
  });
  if (clock) await context.clock.install({ time: Date.now() + clock * 3_600_000 }); // hours
  page = await context.newPage();
  await page.goto(url);
}

/// What axe finds wrong on the page as it is.
async function axe(of = page) {
  await of.evaluate(axeSource);
  const found = await of.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  return found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 4).map((node) => `${node.html.slice(0, 160)} (${node.failureSummary.slice(0, 200)})`).join(" | ")}`);
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let answer;
  try {
    if (asked.open) answer = { value: await open(asked.open) };
    else answer = { value: await new AsyncFunction("page", "context", "axe", "seen", "args", asked.run)(page, context, axe, seen, asked.args) };
  } catch (error) {
    answer = { error: String(error.stack ?? error).slice(0, 4000) };
  }
  console.log(JSON.stringify({ ...answer, value: answer.value ?? null }));
}
await browser.close();
