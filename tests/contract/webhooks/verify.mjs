// SPDX-License-Identifier: Apache-2.0
//
// Reads lines {"secret","headers","body"} and answers each with the event that standardwebhooks has verified, or with
// {"error"}.
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  let out;
  try {
    out = new Webhook(secret).verify(body, headers);
  } catch (e) {
    out = { error: String(e) };
  }
  console.log(JSON.stringify(out));
}
