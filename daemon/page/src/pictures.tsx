// SPDX-License-Identifier: Apache-2.0
//
// Frames as pictures: those that are seen are fetched, three at a time, and kept small.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { type Job, isFinal, token } from "./api";
import { count } from "./format";
import type { Frames } from "./frames";
import { Icon } from "./parts";
import { fetchPreview, inTurn } from "./previews";

const kept = new Map<string, ImageBitmap>(); // the newest 300, so that scrolling back shows them at once
function keep(name: string, picture: ImageBitmap) {
  kept.set(name, picture);
  if (kept.size > 300) { const oldest = kept.keys().next().value!; kept.get(oldest)!.close(); kept.delete(oldest); }
}

function Thumbnail({ job, frame }: { job: Job; frame: number }) {
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
        // The smallest was made while the frame was verified; a finer screen shows more.
        const { blob } = await fetchPreview(job, frame, { size: devicePixelRatio > 1.25 ? 320 : 160 }, stop.signal);
        const picture = await createImageBitmap(blob);
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
            {state === "done" ? <Thumbnail job={job} frame={frame} /> : state === "failed" ? <Icon of="failed" /> : state === "rendering" ? <span class="pulse" /> : null}</span>
            <span class="caption num">{frame}{state !== "done" && <span class="faint"> {words[state]}</span>}</span></>;
          return <li key={frame} class={state}>
            {state === "done" ? <button type="button" class="frame" onClick={() => open(frame)} aria-label={`Frame ${frame}`}>{inside}</button> : <span class="frame">{inside}</span>}</li>;
        })}
      </ul>
    </div>
  );
}
