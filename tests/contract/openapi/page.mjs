// SPDX-License-Identifier: Apache-2.0
//
// Opens a page in Chromium and prints what was seen, as JSON: what was requested, what the browser complained of, the
// text, and which operations are shown.
//
// use: page.mjs URL PICTURE.png
import { chromium } from "playwright-core";

const [, , url, picture] = process.argv;
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const seen = { requests: [], complaints: [] };
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 1600 } });
  page.on("request", (request) => seen.requests.push(request.url()));
  page.on("requestfailed", (request) => seen.complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && seen.complaints.push(message.text()));
  page.on("pageerror", (error) => seen.complaints.push(String(error)));
  await page.goto(url);
  await page.waitForSelector(".opblock, table", { timeout: 60_000 });
  await page.evaluate(() => document.fonts.ready);
  seen.operations = await page.$$eval(".opblock", (blocks) => blocks.map((block) =>
    [block.querySelector(".opblock-summary-method").textContent,
      block.querySelector(".opblock-summary-path").textContent.replaceAll("\u200b", "").trim()]));
  await page.screenshot({ path: picture });
  const first = page.locator("#operations-jobs-createJob .opblock-summary-control");
  if (await first.count()) { // opened, it shows its fields
    await first.click();
    await page.waitForSelector("#operations-jobs-createJob .responses-table");
    seen.opened = await page.innerText("#operations-jobs-createJob");
    await page.screenshot({ path: picture.replace(".png", "-opened.png") });
  }
  seen.text = await page.innerText("body");
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
