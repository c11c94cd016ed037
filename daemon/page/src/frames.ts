// SPDX-License-Identifier: Apache-2.0
//
// What has become of each frame of a job: compact, because there may be 100,000.
import { signal } from "@preact/signals";
import { type Failure, type Frame, type FrameState, Problem, ask, nextCursor, sleep } from "./api";

export const codes: FrameState[] = ["pending", "rendering", "done", "failed"];

export class Frames {
  numbers: number[] = [];
  states: number[] = [];
  readonly failures = new Map<number, Failure>();
  readonly place = new Map<number, number>();
  /// Counts changes.
  readonly version = signal(0);
  readonly isWhole = signal(false);
  readonly problem = signal<Problem | null>(null);
  private scheduled = false;

  constructor(readonly job: string) {}

  put(frame: Frame) {
    let at = this.place.get(frame.frame);
    if (at === undefined) {
      at = this.numbers.length;
      while (at > 0 && this.numbers[at - 1] > frame.frame) at--; // an event may come before the list
      this.numbers.splice(at, 0, frame.frame);
      this.states.splice(at, 0, 0);
      for (let each = at; each < this.numbers.length; each++) this.place.set(this.numbers[each], each);
    }
    this.states[at] = codes.indexOf(frame.state);
    if (frame.failure) this.failures.set(frame.frame, frame.failure);
    else if (frame.state === "done") this.failures.delete(frame.frame);
    if (this.scheduled) return;
    this.scheduled = true;
    setTimeout(() => { this.scheduled = false; this.version.value++; }, 50);
  }
  state(frame: number): FrameState { return codes[this.states[this.place.get(frame) ?? -1] ?? 0]; }
  failed(): number[] { return this.numbers.filter((_, at) => this.states[at] === 3); }
  withState(code: number) { return this.numbers.filter((_, at) => this.states[at] === code); }

  async load(stop: AbortSignal): Promise<void> {
    let cursor: string | null = null;
    try {
      do {
        const answer: Response = await ask(`v1/jobs/${this.job}/frames?limit=1000${cursor ? `&cursor=${cursor}` : ""}`, { signal: stop });
        for (const frame of (await answer.json() as { frames: Frame[] }).frames) this.put(frame);
        cursor = nextCursor(answer);
      } while (cursor && !stop.aborted);
      this.problem.value = null;
      this.isWhole.value = true;
    } catch (error) {
      if (!(error instanceof Problem)) return;
      if (error.status === 429 || error.status === 503) {
        await sleep((error.retryAfter || 2) * 1000, stop);
        if (!stop.aborted) return this.load(stop);
      } else if (error.status !== 404) this.problem.value = error;
    }
  }
}
