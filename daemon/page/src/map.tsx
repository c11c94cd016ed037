// SPDX-License-Identifier: Apache-2.0
//
// All frames of a job at a glance: a cell each, or, where there are more than fit, a cell for several.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Job, isFinal } from "./api";
import { count, ranges } from "./format";
import type { Frames } from "./frames";

const names = ["waiting", "rendering", "done", "failed", "not rendered"];

/// The state to show of several frames: a failure is never hidden.
function together(states: number[], from: number, to: number): number {
  let out = -1;
  for (let at = from; at < to; at++) {
    const state = states[at];
    if (state === 3) return 3;
    if (state === 1 || out === 1) out = 1;
    else if (out < 0) out = state;
    else if (out !== state) out = 4; // some are done
  }
  return out;
}

export function FrameMap({ job, frames, open }: { job: Job; frames: Frames; open: (frame: number) => void }) {
  const version = frames.version.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [hint, setHint] = useState(""), [isText, setText] = useState(false);
  const n = frames.numbers.length;
  const side = n <= 300 ? 14 : n <= 1500 ? 10 : 7, gap = side > 7 ? 2 : 1, step = side + gap;
  const columns = Math.max(1, Math.floor((width + gap) / step)), most = columns * 40;
  const each = Math.max(1, Math.ceil(n / most)), cells = Math.ceil(n / each), rows = width ? Math.ceil(cells / columns) : 0;
  useEffect(() => {
    const measure = () => setWidth(canvas.current?.parentElement?.clientWidth ?? 0);
    const observer = new ResizeObserver(measure);
    observer.observe(canvas.current!.parentElement!);
    const theme = matchMedia("(prefers-color-scheme: dark)");
    const again = () => setWidth((w) => w + 0.001);
    theme.addEventListener("change", again);
    return () => { observer.disconnect(); theme.removeEventListener("change", again); };
  }, []);
  useEffect(() => {
    const to = canvas.current!, scale = devicePixelRatio || 1, style = getComputedStyle(to);
    to.width = Math.round(columns * step * scale);
    to.height = Math.round(rows * step * scale);
    to.style.width = `${columns * step}px`;
    to.style.height = `${rows * step}px`;
    const at2d = to.getContext("2d")!;
    at2d.scale(scale, scale);
    const colours = ["--map-waiting", "--running", "--good", "--bad", "--map-part"].map((name) => style.getPropertyValue(name).trim());
    const current = job.state === "running" && job.current?.frame != null ? frames.place(job.current.frame) : undefined;
    for (let cell = 0; cell < cells; cell++) {
      const from = cell * each, end = Math.min(n, from + each);
      let state = together(frames.states, from, end);
      if (current !== undefined && current >= from && current < end && state !== 3) state = 1;
      const x = (cell % columns) * step, y = Math.floor(cell / columns) * step;
      at2d.fillStyle = colours[state];
      at2d.beginPath();
      at2d.roundRect(x, y, side, side, Math.min(3, side / 4));
      at2d.fill();
      at2d.strokeStyle = style.getPropertyValue("--ground").trim();
      at2d.fillStyle = at2d.strokeStyle;
      if (state === 3) { // not by colour alone: a cross, a dot
        at2d.lineWidth = Math.max(1.2, side / 8);
        at2d.beginPath();
        at2d.moveTo(x + side * 0.28, y + side * 0.28); at2d.lineTo(x + side * 0.72, y + side * 0.72);
        at2d.moveTo(x + side * 0.72, y + side * 0.28); at2d.lineTo(x + side * 0.28, y + side * 0.72);
        at2d.stroke();
      } else if (state === 1) {
        at2d.beginPath();
        at2d.arc(x + side / 2, y + side / 2, side / 5, 0, 7);
        at2d.fill();
      }
    }
  }, [version, width, job.current?.frame, job.state]);
  const cellAt = (e: MouseEvent) => {
    const column = Math.floor(e.offsetX / step), row = Math.floor(e.offsetY / step), cell = row * columns + column;
    return column < columns && cell < cells ? cell : -1;
  };
  const waits = isFinal(job) ? 4 : 0; // nothing waits any more
  const counts = frames.counts(), found = [2, 3, 0].filter((code) => counts[code]);
  const present = new Set<number>([...found.map((code) => code || waits), ...(job.state === "running" && job.current?.frame != null ? [1] : [])]);
  const summary = found.map((code) => `${count(counts[code])} ${names[code || waits]}`).join(", ");
  return (
    <div class="map">
      <div class="map-box">
        <canvas ref={canvas} role="img" aria-label={`Map of ${count(n)} frames: ${summary}`}
          onMouseMove={(e) => {
            const cell = cellAt(e);
            if (cell < 0) return setHint("");
            const first = frames.numbers[cell * each], last = frames.numbers[Math.min(n, (cell + 1) * each) - 1];
            setHint(each > 1 ? `Frames ${first}–${last}` : `Frame ${first}: ${names[frames.states[cell] || waits]}`);
          }}
          onMouseLeave={() => setHint("")}
          onClick={(e) => { const cell = cellAt(e); if (cell >= 0 && each === 1 && frames.states[cell] === 2) open(frames.numbers[cell]); }} />
      </div>
      <p class="legend">
        {[2, 1, 0, 4, 3].filter((code) => present.has(code)).map((code) => <span key={code}><i class={`swatch ${names[code % 4]}`} />{names[code]}</span>)}
        {each > 1 && <span><i class="swatch part" />some done; a square is {each} frames</span>}
        <span class="hint num" aria-hidden="true">{hint}</span>
      </p>
      <details onToggle={(e) => setText(e.currentTarget.open)}><summary>As text</summary>
        {isText && <table class="plain"><tbody>{found.map((code) => (
          <tr key={code}><th scope="row">{names[code || waits]}</th><td class="num">{count(counts[code])}</td><td class="num">{ranges(frames.withState(code))}</td></tr>))}</tbody></table>}
      </details>
    </div>
  );
}
