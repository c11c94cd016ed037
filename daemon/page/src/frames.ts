// SPDX-License-Identifier: Apache-2.0
//
// What has become of each frame of a job: compact, because there may be 100,000.
import { signal } from "@preact/signals";
import { type Failure, type Frame, type FrameState, type Job, Problem, ask, nextCursor, read, sleep } from "./api";

export const codes: FrameState[] = ["pending", "rendering", "done", "failed"];

/// The frames of "1-5,7,10-20x2", ascending.
export function numbersOf(set: string): number[] {
  const out: number[] = [];
  for (const term of set.split(",")) {
    const [, from, to, step] = /^(\d+)(?:-(\d+))?(?:x(\d+))?$/.exec(term) ?? [];
    for (let frame = Number(from); frame <= Number(to ?? from); frame += Number(step ?? 1)) out.push(frame);
  }
  return out.sort((a, b) => a - b);
}

interface FrameMap { runs: [string, FrameState][] | null }

export class Frames {
  numbers: number[] = []; // ascending
  states: number[] = [];
  readonly failures = new Map<number, Failure>();
  /// Counts changes.
  readonly version = signal(0);
  readonly isWhole = signal(false);
  readonly problem = signal<Problem | null>(null);
  private scheduled = false;
  private heard: Frame[] | null = null; // events while the map is on its way

  constructor(readonly job: string) {}

  /// Where the frame is, or would be.
  private find(frame: number): number {
    let from = 0, to = this.numbers.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.numbers[middle] < frame) from = middle + 1; else to = middle;
    }
    return from;
  }
  place(frame: number): number | undefined {
    const at = this.find(frame);
    return this.numbers[at] === frame ? at : undefined;
  }
  private changed() {
    if (this.scheduled) return;
    this.scheduled = true;
    // A screen of 100,000 frames costs more to draw, and shows less of one.
    setTimeout(() => { this.scheduled = false; this.version.value++; }, this.numbers.length < 5000 ? 50 : 300);
  }
  put(frame: Frame) {
    this.heard?.push(frame);
    const at = this.find(frame.frame);
    if (this.numbers[at] !== frame.frame) { // an event may come before the map
      this.numbers.splice(at, 0, frame.frame);
      this.states.splice(at, 0, 0);
    }
    this.states[at] = codes.indexOf(frame.state);
    if (frame.failure) this.failures.set(frame.frame, frame.failure);
    else if (frame.state === "done") this.failures.delete(frame.frame);
    this.changed();
  }
  state(frame: number): FrameState { return codes[this.states[this.place(frame) ?? -1] ?? 0]; }
  failed(): number[] { return this.withState(3); }
  withState(code: number) { return this.numbers.filter((_, at) => this.states[at] === code); }

  /// How many there are of each of `codes`.
  counts(): number[] {
    const out = codes.map(() => 0);
    for (const state of this.states) out[state]++;
    return out;
  }

  private async list(state: string, stop: AbortSignal) {
    let cursor: string | null = null;
    do {
      const answer: Response = await ask(`v1/jobs/${this.job}/frames?limit=1000${state && `&state=${state}`}${cursor ? `&cursor=${cursor}` : ""}`, { signal: stop });
      for (const frame of (await answer.json() as { frames: Frame[] }).frames) this.put(frame);
      cursor = nextCursor(answer);
    } while (cursor && !stop.aborted);
  }

  async load(stop: AbortSignal): Promise<void> {
    try {
      this.heard = [];
      const [job, map] = await Promise.all([read<Job>(`v1/jobs/${this.job}`, stop), read<FrameMap>(`v1/jobs/${this.job}/frames/map`, stop)]);
      const heard = this.heard;
      this.heard = null;
      this.numbers = numbersOf(job.frames.set);
      this.states = new Array(this.numbers.length).fill(0);
      for (const [run, state] of map.runs ?? []) {
        const [from, to] = run.split("-").map(Number);
        this.states.fill(codes.indexOf(state), this.find(from), this.find((to ?? from) + 1));
      }
      for (const frame of heard) this.put(frame);
      // The list tells more, as of frames that are tried again: one page of it is worth that.
      if (!map.runs || this.numbers.length <= 1000) await this.list("", stop);
      else if (job.frames.failed) await this.list("failed", stop);
      this.problem.value = null;
      this.isWhole.value = true;
      this.changed();
    } catch (error) {
      this.heard = null;
      if (!(error instanceof Problem)) return;
      if (error.status === 429 || error.status === 503) {
        await sleep((error.retryAfter || 2) * 1000, stop);
        if (!stop.aborted) return this.load(stop);
      } else if (error.status !== 404) this.problem.value = error;
    }
  }
}
