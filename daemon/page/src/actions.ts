// SPDX-License-Identifier: Apache-2.0
//
// What can be done to a job. Refused, not queued, while kilnd is away.
import { signal } from "@preact/signals";
import { type Job, Problem, isFinal, send } from "./api";
import { title } from "./format";
import { announce, question } from "./parts";
import { link } from "./live";
import { put, remove } from "./store";

/// What went wrong with the last action, and of which job.
export const trouble = signal<{ id: string; problem: Problem } | null>(null);
export const busy = signal<string | null>(null);

const away = () => new Problem(0, "kilnd is away: nothing was changed. Try again when the page is live.");

/// The same for each of them, four at a time; what was refused is told once.
async function actOnAll(jobs: Job[], what: (job: Job) => Promise<Response>, said: string) {
  if (busy.value || !jobs.length) return;
  trouble.value = null;
  if (link.value.state === "reconnecting") { trouble.value = { id: "", problem: away() }; return; }
  busy.value = "several";
  const problems: Problem[] = [], left = [...jobs];
  const worker = async () => {
    for (let job = left.shift(); job; job = left.shift())
      try {
        const answer = await what(job);
        if (answer.status === 204) remove(job.id); else put(await answer.json() as Job);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.status === 404) remove(job.id); else problems.push(error);
      }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  busy.value = null;
  announce(`${said}: ${jobs.length - problems.length}`);
  if (problems.length) trouble.value = { id: "", problem: new Problem(problems[0].status, `${problems.length} of ${jobs.length} were refused: ${problems[0].message}`, problems[0].requestId) };
}

async function act(job: Job, what: () => Promise<Response>, said: string) {
  if (busy.value) return;
  trouble.value = null;
  if (link.value.state === "reconnecting") {
    trouble.value = { id: job.id, problem: away() };
    return;
  }
  busy.value = job.id;
  try {
    const answer = await what();
    if (answer.status === 204) remove(job.id);
    else put(await answer.json() as Job);
    announce(said);
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 404) remove(job.id); // deleted meanwhile
    trouble.value = { id: job.id, problem: error };
  } finally {
    busy.value = null;
  }
}

export const canPause = (job: Job) => !isFinal(job) && job.wanted === "run";
export const canResume = (job: Job) => !isFinal(job) && job.wanted === "pause";
export const canCancel = (job: Job) => !isFinal(job) && job.wanted !== "cancel";
export const canRetry = (job: Job) => job.state === "failed" || job.state === "canceled";
const path = (job: Job) => `v1/jobs/${job.id}`;

export const pause = (job: Job) => act(job, () => send("PATCH", path(job), { paused: true }), "Pausing");
export const resume = (job: Job) => act(job, () => send("PATCH", path(job), { paused: false }), "Going on");
export const retry = (job: Job) => act(job, () => send("POST", `${path(job)}/retry`), "Queued again");
export const retryFrames = (job: Job, frames: string) => act(job, () => send("POST", `${path(job)}/retry`, { frames }), "Queued again");
export const prioritize = (job: Job, priority: number) => act(job, () => send("PATCH", path(job), { priority }), `Priority ${priority}`);
export function cancel(job: Job) {
  question.value = {
    title: "Cancel this job?", yes: "Cancel the job", danger: true, then: () => void act(job, () => send("POST", `${path(job)}/cancel`), "Canceling"),
    text: `The frame being rendered is lost. Frames that are done (${job.frames.done}) stay, and “${title(job)}” can be retried.`,
  };
}
export function erase(job: Job, then?: () => void) {
  question.value = {
    title: "Delete this job?", yes: "Delete", danger: true,
    then: async () => { if (await act(job, () => send("DELETE", path(job)), "Deleted")) then?.(); },
    text: `“${title(job)}”, its log and its frames (${job.frames.done} done) are removed from the server. This cannot be undone.`,
  };
}

export const pauseAll = (jobs: Job[]) => actOnAll(jobs.filter(canPause), (job) => send("PATCH", path(job), { paused: true }), "Pausing");
export const resumeAll = (jobs: Job[]) => actOnAll(jobs.filter(canResume), (job) => send("PATCH", path(job), { paused: false }), "Going on");
export const retryAll = (jobs: Job[]) => actOnAll(jobs.filter(canRetry), (job) => send("POST", `${path(job)}/retry`), "Queued again");
const plural = (jobs: Job[]) => `${jobs.length} job${jobs.length === 1 ? "" : "s"}`;
export function cancelAll(jobs: Job[]) {
  const those = jobs.filter(canCancel);
  question.value = { title: `Cancel ${plural(those)}?`, yes: "Cancel them", danger: true,
    text: "The frames being rendered are lost. Frames that are done stay, and the jobs can be retried.",
    then: () => void actOnAll(those, (job) => send("POST", `${path(job)}/cancel`), "Canceling") };
}
export function eraseAll(jobs: Job[]) {
  const those = jobs.filter(isFinal);
  question.value = { title: `Delete ${plural(those)}?`, yes: "Delete", danger: true,
    text: "Their logs and frames are removed from the server. This cannot be undone.",
    then: () => void actOnAll(those, (job) => send("DELETE", path(job)), "Deleted") };
}
