// SPDX-License-Identifier: Apache-2.0
//
// One frame, large: stepped through, played, zoomed, exposed, compared with the same frame of another job.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Job } from "./api";
import { Download } from "./download";
import { count, moment, title } from "./format";
import type { Frames } from "./frames";
import { Dialog, Icon } from "./parts";
import { type Look, type View, fetchPreview, framesPerSecond, inTurn, isLinear } from "./previews";
import { jobs } from "./store";

const views: Record<string, string> = { file: "", standard: "sRGB, without the scene’s view transform", blender: "As Blender shows it" };

/// The picture as an address for <img>; null while it is fetched. `said`: why there is none.
function usePicture(job: Job | undefined, frame: number, look: Look) {
  const [url, setUrl] = useState<string | null>(null), [view, setView] = useState(""), [said, say] = useState("");
  useEffect(() => {
    if (!job) { setUrl(null); return; }
    const stop = new AbortController();
    let made: string | null = null;
    fetchPreview(job, frame, look, stop.signal).then((picture) => {
      made = URL.createObjectURL(picture.blob);
      setUrl(made);
      setView(picture.view);
      say("");
    }, (error) => { if (error.name !== "AbortError") { setUrl(null); say(error.message); } });
    return () => { stop.abort(); if (made) URL.revokeObjectURL(made); };
  }, [job?.id, frame, look.size, look.exposure, look.layer, look.view]);
  return { url, view, said };
}

/// The frames that are done, one after the other, at the speed of the scene; a picture that is late is waited for.
function usePlayer(job: Job, done: number[], from: number, look: Look, isOn: boolean) {
  const [now, setNow] = useState<{ frame: number; url: string } | null>(null);
  const at = useRef(from);
  useEffect(() => {
    if (!isOn) return;
    const stop = new AbortController(), ready = new Map<number, Promise<string | undefined>>(), urls: string[] = [];
    const get = (frame: number) => {
      if (!ready.has(frame))
        ready.set(frame, inTurn(stop.signal, async () => {
          const url = URL.createObjectURL((await fetchPreview(job, frame, look, stop.signal)).blob);
          urls.push(url);
          return url;
        }).catch(() => undefined));
      return ready.get(frame)!;
    };
    at.current = from;
    void (async () => {
      let index = Math.max(0, done.indexOf(from)), due = performance.now();
      while (!stop.signal.aborted) {
        for (let ahead = 0; ahead < Math.min(12, done.length); ahead++) void get(done[(index + ahead) % done.length]);
        const frame = done[index], url = await get(frame);
        const wait = due - performance.now();
        await new Promise((go) => setTimeout(go, Math.max(0, wait)));
        if (stop.signal.aborted) return;
        if (url) { at.current = frame; setNow({ frame, url }); }
        due = Math.max(due, performance.now() - 200) + 1000 / framesPerSecond(job);
        index = (index + 1) % done.length;
        if (ready.size > 400) { // what was shown long ago is fetched again when it comes round
          const [oldest] = ready.keys();
          void ready.get(oldest)!.then((old) => old && URL.revokeObjectURL(old));
          ready.delete(oldest);
        }
      }
    })();
    return () => { stop.abort(); setNow(null); for (const url of urls) URL.revokeObjectURL(url); };
  }, [isOn, job.id, look.exposure, look.layer, look.view, done.length]);
  return { now: isOn ? now : null, at };
}

/// Other jobs that may have the same frames: of the same file or name first.
function rivals(job: Job): Job[] {
  const close = (other: Job) => Number(other.blend === job.blend) + Number(Boolean(job.name) && other.name === job.name);
  return jobs.value.filter((other) => other.id !== job.id && other.frames.done > 0).sort((a, b) => close(b) - close(a)).slice(0, 30);
}

export function Viewer({ job, frames, frame, show, close }: { job: Job; frames: Frames; frame: number; show: (frame: number) => void; close: () => void }) {
  frames.version.value;
  const [plays, play] = useState(false), [zooms, zoom] = useState(false);
  const [exposure, setExposure] = useState(0), [layer, setLayer] = useState(""), [view, setView] = useState<View>("blender");
  const [other, setOther] = useState(""), [split, setSplit] = useState(50);
  const done = frames.withState(2), at = done.indexOf(frame);
  const player = usePlayer(job, done, frame, { size: 640, exposure, layer, view }, plays);
  const still = usePicture(job, frame, { size: 1280, exposure, layer, view });
  const rival = other ? jobs.value.find((each) => each.id === other) : undefined;
  const compared = usePicture(rival, frame, { size: 1280, exposure, layer, view });
  const step = (by: number) => { const next = done[at + by]; if (next !== undefined && !plays) show(next); };
  const turn = () => { if (plays) { play(false); show(player.at.current); } else if (done.length > 1) { zoom(false); setOther(""); play(true); } };
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      const isField = /^(INPUT|SELECT|BUTTON)$/.test((e.target as HTMLElement).tagName);
      if (e.key === "ArrowLeft" && !isField) step(-1);
      else if (e.key === "ArrowRight" && !isField) step(1);
      else if (e.key === " " && !isField) turn();
      else return;
      e.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  const shown = player.now?.frame ?? frame, url = player.now?.url ?? still.url, others = rivals(job);
  const colours = views[still.view] ?? still.view;
  return (
    <Dialog title={`Frame ${frame}`} onClose={close} wide>
      <div class="viewer-head">
        <h2 class="num">Frame {shown}</h2>
        <span class="faint num">{done.indexOf(shown) + 1} of {count(done.length)}{colours && ` · ${colours}`}</span>
        <Download path={`v1/jobs/${job.id}/frames/${frame}`} name={`${job.id}-${String(frame).padStart(4, "0")}`} kind="quiet"><Icon of="down" />Download</Download>
        <button type="button" class="quiet close" onClick={close} aria-label="Close"><Icon of="close" /></button>
      </div>
      <div class="viewer" tabIndex={-1} autofocus>
        <button type="button" class="quiet" disabled={plays || at <= 0} onClick={() => step(-1)} aria-label="Frame before"><Icon of="back" /></button>
        {still.said && !player.now ? <p class="faint">{still.said}</p> : !url ? <span class="pulse" />
          : <div class={zooms ? "stage actual" : "stage"} tabIndex={zooms ? 0 : undefined} role={zooms ? "group" : undefined} aria-label={zooms ? "Frame at its own size" : undefined}>
              <img src={url} alt={`Frame ${shown}`} />
              {rival && compared.url && <img class="over" src={compared.url} alt={`Frame ${frame} of ${title(rival)}`} style={{ clipPath: `inset(0 0 0 ${split}%)` }} />}
            </div>}
        <button type="button" class="quiet" disabled={plays || at >= done.length - 1} onClick={() => step(1)} aria-label="Frame after"><Icon of="next" /></button>
      </div>
      <div class="viewer-tools">
        <button type="button" class="small" disabled={done.length < 2} onClick={turn} aria-keyshortcuts="Space"><Icon of={plays ? "pause" : "play"} />{plays ? "Stop" : "Play"}</button>
        <button type="button" class="small" aria-pressed={zooms} disabled={plays} onClick={() => zoom(!zooms)}>{zooms ? "Fit" : "Zoom in"}</button>
        {isLinear(job) && <label class="inline">Exposure <input type="range" min="-8" max="8" step="0.5" value={exposure} onChange={(e) => setExposure(Number(e.currentTarget.value))} />
          <span class="num">{exposure > 0 ? "+" : ""}{exposure.toFixed(1)}</span></label>}
        {isLinear(job) && <label class="inline">Colours <select value={view} onChange={(e) => setView(e.currentTarget.value as View)}>
          <option value="blender">of Blender</option><option value="standard">of sRGB</option></select></label>}
        {isLinear(job) && <label class="inline">Layer <input class="short" value={layer} placeholder="Combined" spellcheck={false} onChange={(e) => setLayer(e.currentTarget.value.trim())} /></label>}
        {others.length > 0 && <label class="inline">Compare with <select value={other} disabled={plays} onChange={(e) => setOther(e.currentTarget.value)}>
          <option value="">nothing</option>{others.map((each) => <option value={each.id} key={each.id}>{title(each).slice(0, 40)}, {moment(each.created_at)}</option>)}</select></label>}
        {rival && (compared.said ? <span class="faint">{compared.said}</span>
          : <label class="inline">This one up to <input type="range" min="0" max="100" value={split} onInput={(e) => setSplit(Number(e.currentTarget.value))} aria-valuetext={`${split} %`} /></label>)}
      </div>
    </Dialog>
  );
}
