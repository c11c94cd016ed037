// SPDX-License-Identifier: Apache-2.0
//
// Requests to kilnd. All addresses are relative to the page, so that it works below a proxy's path.
import { signal } from "@preact/signals";

export const base = new URL(".", document.baseURI.split("#")[0]);
export const address = (path: string) => new URL(path, base).href;

export type State = "queued" | "running" | "paused" | "succeeded" | "failed" | "canceled";
export interface Failure { kind: string; message: string; frame: number | null; exit_status: number | null; signal: number | null }
export interface Warning { kind: string; message: string; frames: string | null }
export interface Estimate { low: number; likely: number; high: number }
export interface Job {
  id: string; owner: string | null; state: State; wanted: "run" | "pause" | "cancel"; revision: number;
  created_at: string; started_at: string | null; finished_at: string | null; blend: string; name?: string; tags?: string[];
  frames: { set: string; total: number; done: number; failed: number; rendering: number };
  priority: number; progress: number; seconds_per_frame: number | null; eta_seconds: Estimate | null; attempts: number;
  current: { frame: number | null; sample: number | null; samples: number | null } | null;
  failure: Failure | null; warnings: Warning[]; waits_for: string | null; file: Record<string, unknown> | null;
  blender?: string; blender_choice?: string; blender_warning?: string; engine?: string; scene?: string; camera?: string;
  view_layer?: string; format?: string; resolution?: [number, number]; resolution_percentage?: number; samples?: number;
  seed?: number; device?: string; retries?: number; order?: string; processes?: number | "auto"; process?: string;
  threads?: number; strict?: boolean; fail_fast?: boolean; hold_after?: string;
}
/// A job in a long list: what a row shows, and what can be done to it.
export interface Row {
  id: string; owner: string | null; state: State; wanted: Job["wanted"]; revision: number; name: string | null; blend: string;
  priority: number; created_at: string; finished_at: string | null; took: number | null; total: number; done: number; failed: number;
  progress: number; seconds_left: number | null; warnings: number;
}
export type FrameState = "pending" | "rendering" | "done" | "failed";
export interface Frame { frame: number; state: FrameState; job?: string; seconds?: number; bytes?: number; failure?: Failure }
export interface Blend {
  id: string; name: string | null; bytes: number; blender: string | null; frame_start: number | null; frame_end: number | null;
  scene: string | null;
}
export interface Blender { name: string; version: string | null; error: string | null; engines: string[] | null; devices: { type: string; name: string }[] | null }

/// An answer other than 2xx, or none at all (status 0).
export class Problem extends Error {
  constructor(readonly status: number, detail: string, readonly requestId: string | null = null,
    readonly fields: { pointer: string; detail: string }[] = [], readonly retryAfter = 0) {
    super(detail);
  }
}

// The token is kept for this tab alone. Storage may be refused.
const key = "kiln.token";
const stored = () => { try { return sessionStorage.getItem(key); } catch { return null; } };
export const token = signal<string | null>(stored());
/// Why a token is asked for; null: it is not.
export const signInReason = signal<string | null>(null);
/// Counts sign-ins: each begins the stream anew, also with the same token.
export const signIns = signal(0);
export function signIn(secret: string | null) {
  try { if (secret) sessionStorage.setItem(key, secret); else sessionStorage.removeItem(key); } catch { /* memory only */ }
  token.value = secret;
  signIns.value++;
  signInReason.value = secret ? null : "You have signed out.";
}

export const authorization = (): Record<string, string> => (token.value ? { Authorization: `Bearer ${token.value}` } : {});

/// The clock of kilnd minus that of the browser, in milliseconds.
let skew = 0;
export const serverNow = () => Date.now() + skew;
function compareClocks(headers: Headers) {
  const date = Date.parse(headers.get("Date") ?? "");
  if (!Number.isNaN(date) && Math.abs(date - Date.now()) > 2000) skew = date - Date.now();
}

export function problemOf(status: number, headers: { get(name: string): string | null }, text: string): Problem {
  let detail = text.slice(0, 500), fields = [];
  try {
    const body = JSON.parse(text);
    detail = body.detail ?? body.title ?? detail;
    fields = body.errors ?? [];
  } catch { /* a proxy's page, perhaps */ }
  if (!detail || detail.startsWith("<")) detail = `The server answered ${status}`;
  return new Problem(status, detail, headers.get("X-Request-Id"), fields, Number(headers.get("Retry-After")) || 0);
}

/// Any answer that is not an error; throws a Problem. Asks for a token where one is needed.
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(address(path), { ...init, credentials: "omit", headers: { ...authorization(), ...init.headers } });
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new Problem(0, "kilnd does not answer: it may be stopped, or the network is away.");
  }
  compareClocks(answer.headers);
  if (answer.ok) return answer;
  const problem = problemOf(answer.status, answer.headers, await answer.text().catch(() => ""));
  if (answer.status === 401)
    signInReason.value ??= token.value ? "This token is not valid, or has expired." : "This kilnd needs a token.";
  throw problem;
}

export const read = async <T>(path: string, signal?: AbortSignal) => (await ask(path, { signal })).json() as Promise<T>;
export const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  ask(path, { method, body: body === undefined ? undefined : JSON.stringify(body),
    headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers } });

/// The cursor of the next page, as Link has it; null at the end.
export function nextCursor(answer: Response): string | null {
  const next = /<([^>]*)>;\s*rel="next"/.exec(answer.headers.get("Link") ?? "");
  return next ? new URL(next[1], base).searchParams.get("cursor") : null;
}

export const isFinal = (job: Job) => job.state === "succeeded" || job.state === "failed" || job.state === "canceled";
export const sleep = (ms: number, signal?: AbortSignal) => new Promise<void>((done) => {
  const timer = setTimeout(done, ms);
  signal?.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
});
