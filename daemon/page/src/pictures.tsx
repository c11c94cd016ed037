// SPDX-License-Identifier: Apache-2.0
//
// Frames as pictures: those that are seen are fetched, three at a time, and kept small. Where kilnd has previews
// (…/frames/N/preview) these are used; else the frame itself, if browsers show its format.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { type Job, Problem, ask, address, isFinal, token } from "./api";
import { count } from "./format";
import type { Frames } from "./frames";
import { Dialog, Icon, ProblemBox } from "./parts";

const shownByBrowsers = ["PNG", "JPEG", "WEBP"];
export function formatOf(job: Job): string {
  const inFile = job.file?.format ?? job.file?.file_format;
  return job.format || (typeof inFile === "string" ? inFile : "PNG");
}
const shortNames: Record<string, string> = { OPEN_EXR: "EXR", OPEN_EXR_MULTILAYER: "EXR" };
const nameOf = (job: Job) => shortNames[formatOf(job)] ?? formatOf(job);
/// "unknown" until one was asked for.
let previews: "unknown" | "served" | "none" = "unknown";

/// The picture, `null` if browsers cannot show it.
async function fetchPicture(job: Job, frame: number, size: number, signal: AbortSignal): Promise<Blob | null> {
  if (previews !== "none") {
    try {
      const blob = await (await ask(`v1/jobs/${job.id}/frames/${frame}/preview?size=${size}`, { signal })).blob();
      previews = "served";
      return blob;
    } catch (error) {
      if (!(error instanceof Problem) || error.status === 401) throw error;
      if (previews === "unknown" && error.status === 404) previews = "none";
    }
  }
  if (!shownByBrowsers.includes(formatOf(job))) return null;
  return (await ask(`v1/jobs/${job.id}/frames/${frame}`, { signal })).blob();
}

// Three requests at once leave the browser's other connections to the rest of the page.
let running = 0;
const queue: (() => void)[] = [];
async function inTurn<T>(signal: AbortSignal, what: () => Promise<T>): Promise<T | undefined> {
  if (running >= 3) await new Promise<void>((go) => queue.push(go));
  running++;
  try { return signal.aborted ? undefined : await what(); } finally { running--; queue.shift()?.(); }
}

const kept = new Map<string, ImageBitmap>(); // the newest 300, so that scrolling back shows them at once
function keep(name: string, picture: ImageBitmap) {
  kept.set(name, picture);
  if (kept.size > 300) { const oldest = kept.keys().next().value!; kept.get(oldest)!.close(); kept.delete(oldest); }
}

function Thumbnail({ job, frame, height }: { job: Job; frame: number; height: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [said, say] = useState("");
  useEffect(() => {
    const stop = new AbortController(), name = `${job.id}/${job.attempts}/${frame}`;
    const draw = (picture: ImageBitmap) => {
      const to = canvas.current;
      if (!to) return;
      to.width = picture.width;
      to.height = picture.height;
      to.getContext("2d")!.drawImage(picture, 0, 0);
      to.classList.add("drawn");
    };
    const old = kept.get(name);
    if (old) { draw(old); return; }
    void inTurn(stop.signal, async () => {
      try {
        const blob = await fetchPicture(job, frame, 320, stop.signal);
        if (!blob) { say(nameOf(job)); return; }
        const picture = await createImageBitmap(blob, { resizeHeight: height * Math.min(2, devicePixelRatio), resizeQuality: "medium" });
        keep(name, picture);
        draw(picture);
      } catch (error) {
        if ((error as Error).name !== "AbortError") say("no picture");
      }
    });
    return () => stop.abort();
  }, [frame, token.value]);
  return said ? <span class="faint">{said}</span> : <canvas ref={canvas} aria-hidden="true" />;
}

const words = { pending: "waits", rendering: "rendering", done: "done", failed: "failed" };

export function Pictures({ job, frames, open }: { job: Job; frames: Frames; open: (frame: number) => void }) {
  frames.version.value;
  const box = useRef<HTMLDivElement>(null);
  const width = useSignal(0), view = useSignal({ from: 0, to: 6 });
  const gap = 8, columns = Math.max(2, Math.floor((width.value + gap) / (168 + gap)));
  const cell = (width.value - gap * (columns - 1)) / columns, height = Math.round(cell * 0.5625), row = height + 28 + gap;
  const look = () => {
    if (!box.current) return;
    width.value = box.current.clientWidth;
    const top = -box.current.getBoundingClientRect().top;
    const from = Math.max(0, Math.floor(top / row) - 1), to = Math.max(1, Math.ceil((top + innerHeight) / row) + 1);
    if (from !== view.value.from || to !== view.value.to) view.value = { from, to };
  };
  useLayoutEffect(look);
  useEffect(() => {
    addEventListener("scroll", look, { passive: true });
    const moved = new ResizeObserver(look); // something above it has grown or shrunk
    moved.observe(document.body);
    return () => { removeEventListener("scroll", look); moved.disconnect(); };
  }, [row]);
  // Of a job that has ended, only what there is.
  const all = isFinal(job) ? frames.numbers.filter((_, at) => frames.states[at] !== 0) : frames.numbers, rows = Math.ceil(all.length / columns);
  const from = Math.min(view.value.from, Math.max(0, rows - 1));
  const part = width.value ? all.slice(from * columns, view.value.to * columns) : [];
  const current = job.state === "running" ? job.current?.frame : null;
  if (!all.length && frames.isWhole.value) return null;
  return (
    <div ref={box} class="pictures" style={{ height: `${Math.max(0, rows * row - gap)}px` }}>
      <ul style={{ transform: `translateY(${from * row}px)`, gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`, gap: `${gap}px` }}
        aria-label={`Frames, ${count(all.length)}`}>
        {part.map((frame) => {
          const state = frame === current && frames.state(frame) === "pending" ? "rendering" : frames.state(frame);
          const inside = <><span class="picture" style={{ height: `${height}px` }}>
            {state === "done" ? <Thumbnail job={job} frame={frame} height={height} /> : state === "failed" ? <Icon of="failed" /> : state === "rendering" ? <span class="pulse" /> : null}</span>
            <span class="caption num">{frame}{state !== "done" && <span class="faint"> {words[state]}</span>}</span></>;
          return <li key={frame} class={state}>
            {state === "done" ? <button type="button" class="frame" onClick={() => open(frame)} aria-label={`Frame ${frame}`}>{inside}</button> : <span class="frame">{inside}</span>}</li>;
        })}
      </ul>
    </div>
  );
}

/// Saves what needs a token: a link cannot send one.
export async function save(path: string, name: string) {
  const answer = await ask(path);
  const picker = (window as any).showSaveFilePicker;
  if (picker && !(navigator as any).webdriver) {
    try {
      const file = await picker({ suggestedName: name });
      await answer.body!.pipeTo(await file.createWritable());
      return;
    } catch (error) { if ((error as Error).name === "AbortError") return; throw error; }
  }
  const url = URL.createObjectURL(await answer.blob());
  const anchor = Object.assign(document.createElement("a"), { href: url, download: name });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export function Download({ path, name, children, kind }: { path: string; name: string; children: any; kind?: string }) {
  const [problem, fail] = useState<Problem | null>(null);
  if (!token.value) return <a class={`button ${kind ?? ""}`} href={address(path)} download={name}>{children}</a>;
  return <><button type="button" class={kind} onClick={() => save(path, name).then(() => fail(null), (error) => fail(error instanceof Problem ? error : new Problem(0, "The download broke off; try again.")))}>{children}</button>
    {problem && <ProblemBox of={problem} />}</>;
}

export function Viewer({ job, frames, frame, show, close }: { job: Job; frames: Frames; frame: number; show: (frame: number) => void; close: () => void }) {
  const [url, setUrl] = useState<string | null>(null);
  const [said, say] = useState("");
  const done = frames.withState(2), at = done.indexOf(frame);
  const step = (by: number) => { const next = done[at + by]; if (next !== undefined) show(next); };
  useEffect(() => {
    const stop = new AbortController();
    let made: string | null = null;
    say("");
    fetchPicture(job, frame, 1280, stop.signal).then((blob) => {
      if (!blob) { setUrl(null); say(`Browsers cannot show ${nameOf(job)}: download the frame to see it.`); return; }
      made = URL.createObjectURL(blob);
      setUrl(made);
    }, (error) => { if (error.name !== "AbortError") { setUrl(null); say(error.message); } });
    return () => { stop.abort(); if (made) URL.revokeObjectURL(made); };
  }, [frame]);
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      if (e.key === "ArrowLeft") step(-1); else if (e.key === "ArrowRight") step(1); else return;
      e.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  return (
    <Dialog title={`Frame ${frame}`} onClose={close} wide>
      <div class="viewer-head">
        <h2 class="num">Frame {frame}</h2>
        <span class="faint num">{at + 1} of {count(done.length)}</span>
        <Download path={`v1/jobs/${job.id}/frames/${frame}`} name={`${job.id}-${String(frame).padStart(4, "0")}`} kind="quiet"><Icon of="down" />Download</Download>
        <button type="button" class="quiet" autofocus onClick={close} aria-label="Close"><Icon of="close" /></button>
      </div>
      <div class="viewer">
        <button type="button" class="quiet" disabled={at <= 0} onClick={() => step(-1)} aria-label="Frame before"><Icon of="back" /></button>
        {said ? <p class="faint">{said}</p> : url ? <img src={url} alt={`Frame ${frame}`} /> : <span class="pulse" />}
        <button type="button" class="quiet" disabled={at >= done.length - 1} onClick={() => step(1)} aria-label="Frame after"><Icon of="next" /></button>
      </div>
    </Dialog>
  );
}
