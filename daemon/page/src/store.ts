// SPDX-License-Identifier: Apache-2.0
//
// The jobs that kilnd has, newest first: the first hundred and those that change in full, the rest as rows.
import { computed, signal } from "@preact/signals";
import { type Job, Problem, type Row, ask, isFinal, nextCursor, read, sleep } from "./api";
import { listen } from "./live";

const known = new Map<string, Job>();
/// Counts the changes of `known`; read by what depends on it.
const version = signal(0);
export const loading = signal(true);
export const failed = signal<Problem | null>(null);

let scheduled = false;
function changed() { // at most once a picture of the screen, whatever comes
  if (scheduled) return;
  scheduled = true;
  const run = () => { scheduled = false; version.value++; };
  if (document.hidden) setTimeout(run, 250); else requestAnimationFrame(run);
}

export function put(job: Job) {
  const old = known.get(job.id);
  if (old && (old.revision > job.revision)) return;
  known.set(job.id, job);
  changed();
}
/// A job as far as a row tells it: `warnings` has as many entries as the job has, without their words.
function fromRow(row: Row): Job {
  const { total, done, failed, seconds_left: left, finished_at: end, took } = row;
  return { ...row, started_at: end && took !== null ? new Date(Date.parse(end) - took * 1000).toISOString() : null, name: row.name ?? undefined, frames: { set: "", total, done, failed, rendering: 0 }, seconds_per_frame: null,
    eta_seconds: left === null ? null : { low: left, likely: left, high: left }, attempts: 0, current: null, failure: null,
    warnings: new Array(row.warnings).fill({ kind: "", message: "", frames: null }), waits_for: null, file: null };
}
function putRow(row: Row) {
  const old = known.get(row.id);
  if (!old || old.revision < row.revision) put(old ? { ...old, ...fromRow(row), frames: { ...old.frames, ...fromRow(row).frames, set: old.frames.set } } : fromRow(row));
}
export function remove(id: string) { if (known.delete(id)) changed(); }

export const jobs = computed(() => {
  version.value;
  return [...known.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : a.id < b.id ? 1 : -1));
});
export const jobOf = (id: string) => { version.value; return known.get(id); };

/// More are not kept; older ones are found by a search, which kilnd makes.
const most = 20_000;
export const isCapped = signal(false);

let reading: AbortController | null = null;
/// Reads the list, the newest first; what is not in it any more is removed.
export async function load() {
  reading?.abort();
  const mine = reading = new AbortController();
  const seen = new Set<string>();
  const before = new Set(known.keys());
  try {
    for (let cursor: string | null = null; ; ) {
      const answer: Response = await ask(cursor ? `v1/jobs?limit=1000&fields=summary&cursor=${cursor}` : "v1/jobs?limit=100", { signal: mine.signal });
      const { jobs: page } = await answer.json() as { jobs: (Job | Row)[] };
      for (const job of page) { seen.add(job.id); if ("total" in job) putRow(job); else put(job); }
      failed.value = null;
      loading.value = false;
      cursor = nextCursor(answer);
      isCapped.value = cursor !== null && seen.size >= most;
      if (!cursor || isCapped.value) break;
    }
    if (!isCapped.value) for (const id of before) if (!seen.has(id)) remove(id);
  } catch (error) {
    if (!(error instanceof Problem) || mine.signal.aborted) return;
    failed.value = error;
    if (error.status !== 401) loading.value = false;
    if (error.status === 429 || error.status === 503) {
      await sleep((error.retryAfter || 2) * 1000, mine.signal);
      if (!mine.signal.aborted) void load();
    }
  }
}

/// What kilnd finds, at most a thousand: the ids, and whether there are more.
export async function search(words: string, state: string, signal: AbortSignal): Promise<{ ids: string[]; more: boolean }> {
  const query = new URLSearchParams({ limit: "1000", fields: "summary", ...(words && { q: words }), ...(state && { state }) });
  const answer = await ask(`v1/jobs?${query}`, { signal });
  const { jobs: rows } = await answer.json() as { jobs: Row[] };
  rows.forEach(putRow);
  return { ids: rows.map(({ id }) => id), more: nextCursor(answer) !== null };
}

// Events of frames do not carry their job's counts and time left: those of running jobs are read again, once for many.
let isDue = false, timer = 0;
async function refreshRunning() {
  timer = 0;
  if (document.hidden || !(isDue || [...known.values()].some((job) => job.state === "running"))) return;
  isDue = false;
  try {
    for (const job of (await read<{ jobs: Job[] }>("v1/jobs?state=running&limit=100")).jobs) put(job);
  } catch { /* the stream reports what is wrong */ }
  schedule(3000);
}
function schedule(ms: number) { if (!timer) timer = setTimeout(refreshRunning, ms) as unknown as number; }

export function begin() {
  listen((event, data) => {
    if (event === "open") void load();
    else if (event === "job") { put(data); if (!isFinal(data)) schedule(1000); }
    else if (event === "frame") { isDue = true; schedule(1000); }
    else if (event === "deleted") remove(data.job ?? data.id);
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { isDue = true; schedule(0); } });
  void load();
}
