// SPDX-License-Identifier: Apache-2.0
//
// What several screens use: icons, states, bars, messages, a dialog that asks.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Job, Problem, type State, isFinal } from "./api";
import { count, percent } from "./format";

const shapes: Record<string, string> = {
  queued: "M8 4.500V8l2.300 1.500M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  running: "M8 2a6 6 0 1 1-5.600 3.900M2.200 2.300v3.800H6",
  paused: "M6 5v6M10 5v6M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  succeeded: "M5 8.200 7.200 10.500 11 6M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  failed: "M8 6.500v3M8 11.600v.1M8 2.200 14.200 13H1.800z",
  canceled: "M5.800 5.800l4.400 4.400M10.200 5.800l-4.400 4.400M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  search: "M10.500 10.500 14 14M12 7A5 5 0 1 1 2 7a5 5 0 0 1 10 0z",
  plus: "M8 3v10M3 8h10",
  back: "M9.500 3.500 5 8l4.500 4.500",
  next: "M6.500 3.500 11 8l-4.500 4.500",
  close: "M4 4l8 8M12 4l-8 8",
  file: "M4 1.800h5L12.500 5v9.200H4zM9 1.800V5h3.500",
  down: "M8 2.500v8M4.800 7.500 8 10.700l3.200-3.200M3 13.500h10",
  copy: "M5.500 5.500v-3h8v8h-3M2.500 5.500h8v8h-8z",
  play: "M5 3.200v9.600L12.500 8z",
  pause: "M5.500 3.500v9M10.500 3.500v9",
  warning: "M8 6.500v3M8 11.600v.1M8 2.200 14.200 13H1.800z",
};
export const Icon = ({ of }: { of: string }) => (
  <svg class={`icon icon-${of}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
    <path d={shapes[of]} fill="none" stroke="currentColor" stroke-width="1.600" stroke-linecap="round" stroke-linejoin="round" />
  </svg>
);

export const words: Record<State, string> = {
  queued: "Queued", running: "Rendering", paused: "Paused", succeeded: "Done", failed: "Failed", canceled: "Canceled",
};
/// What happens to it, in a word: a request that is under way comes before the state.
export function stateWord(job: Job): string {
  if (job.wanted === "cancel" && !isFinal(job)) return "Canceling";
  if (job.wanted === "pause" && job.state === "running") return "Pausing";
  return words[job.state];
}
export const StateMark = ({ job }: { job: Job }) => (
  <span class={`state ${job.state}`}><Icon of={job.state} />{stateWord(job)}</span>
);

export const Bar = ({ job, wide }: { job: Job; wide?: boolean }) => (
  <span class="progress">
    <span class={`bar ${job.state}${wide ? " wide" : ""}`} role="progressbar" aria-label="Progress" aria-valuemin={0} aria-valuemax={100}
      aria-valuenow={Math.floor(job.progress * 100)}>
      <span class="fill" style={{ width: `${job.progress * 100}%` }} />
      {job.frames.failed > 0 && <span class="lost" style={{ width: `${Math.max(1, (job.frames.failed / job.frames.total) * 100)}%` }} />}
    </span>
    <span class="num">{wide ? percent(job.progress) : `${count(job.frames.done)}/${count(job.frames.total)}`}</span>
  </span>
);

/// Text of users: it may be of any script and direction, and of any length.
export const Text = ({ children }: { children: string }) => <bdi title={children}>{children}</bdi>;

/// Copies with or without the clipboard's permission.
async function copy(text: string) {
  try { await navigator.clipboard.writeText(text); return true; } catch { /* plain http */ }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [said, say] = useState("");
  return (
    <button type="button" class="quiet small" aria-label={label} onClick={async () => {
      say(await copy(text) ? "Copied" : "Select it");
      setTimeout(() => say(""), 2000);
    }}><Icon of="copy" /><span aria-live="polite">{said || "Copy"}</span></button>
  );
}
export const Line = ({ text, what }: { text: string; what: string }) => (
  <div class="line"><code tabIndex={0} role="group" aria-label={what}>{text}</code><CopyButton text={text} label={`Copy: ${what}`} /></div>
);

/// An answer that is an error: what was wrong, and what its operator needs to find it in the log.
export function ProblemBox({ of, again, children }: { of: Problem; again?: () => void; children?: ComponentChildren }) {
  return (
    <div class="notice bad" role="alert">
      <Icon of="failed" />
      <div>
        <p>{of.message}</p>
        {children}
        {(again || of.requestId) && <p class="faint">
          {again && <button type="button" class="small" onClick={again}>Try again</button>}
          {of.requestId && <span class="request">Request {of.requestId} <CopyButton text={`${of.status} ${of.message} (X-Request-Id: ${of.requestId})`} label="Copy the error" /></span>}
        </p>}
      </div>
    </div>
  );
}

export function Dialog({ title, onClose, children, wide }: { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean }) {
  const box = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = box.current!, before = document.activeElement as HTMLElement | null;
    if (!dialog.open) dialog.showModal();
    return () => { if (dialog.open) dialog.close(); before?.focus?.(); };
  }, []);
  return (
    <dialog ref={box} class={wide ? "wide" : ""} aria-label={title} onCancel={(e) => { e.preventDefault(); onClose(); }}
      onClick={(e) => { if (e.target === box.current) onClose(); }}>
      <div class="sheet">{children}</div>
    </dialog>
  );
}

export interface Question { title: string; text: string; yes: string; danger?: boolean; then: () => void }
export const question = signal<Question | null>(null);
export function Asking() {
  const asked = question.value;
  if (!asked) return null;
  const close = () => { question.value = null; };
  return (
    <Dialog title={asked.title} onClose={close}>
      <h2>{asked.title}</h2>
      <p>{asked.text}</p>
      <div class="actions end">
        <button type="button" onClick={close}>Keep it</button>
        <button type="button" class={asked.danger ? "danger" : "primary"} autofocus onClick={() => { close(); asked.then(); }}>{asked.yes}</button>
      </div>
    </Dialog>
  );
}

/// For screen readers, at most each 5 s.
export const announcement = signal("");
let last = 0, pending = 0;
export function announce(text: string) {
  clearTimeout(pending);
  pending = setTimeout(() => { last = Date.now(); announcement.value = text; }, Math.max(100, last + 5000 - Date.now())) as unknown as number;
}
