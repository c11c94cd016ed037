// SPDX-License-Identifier: Apache-2.0
//
// A new job: a .blend that is dropped or chosen is sent at once; its frames and the common settings, then go.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { type Blend, type Blender, type Job, Problem, address, authorization, problemOf, read, send, signInReason } from "./api";
import { Files } from "./files";
import { count, percent, size } from "./format";
import { Icon, ProblemBox } from "./parts";
import { go, route } from "./route";
import { put } from "./store";

interface Sending { file: File; sent: number; blend: Blend | null; problem: Problem | null; request: XMLHttpRequest | null }
/// Outlives the screen: one may look at other jobs while a file is sent.
export const sending = signal<Sending | null>(null);

export function take(file: File) {
  sending.value?.request?.abort();
  const request = new XMLHttpRequest(); // fetch does not tell how much was sent
  const mine = { file, sent: 0, blend: null, problem: null, request };
  const change = (to: Partial<Sending>) => { if (sending.value?.request === request) sending.value = { ...sending.value, ...to }; };
  sending.value = mine;
  const name = [...file.name].slice(0, 60).join("");
  request.open("POST", address(`v1/blends?name=${encodeURIComponent(name)}`));
  request.setRequestHeader("Content-Type", "application/octet-stream");
  for (const [field, value] of Object.entries(authorization())) request.setRequestHeader(field, value);
  request.upload.onprogress = (e) => change({ sent: e.loaded });
  request.onload = () => {
    if (request.status < 300) return change({ blend: JSON.parse(request.responseText), sent: file.size });
    if (request.status === 401) signInReason.value ??= "This kilnd needs a token.";
    change({ problem: problemOf(request.status, { get: (name) => request.getResponseHeader(name) }, request.responseText) });
  };
  request.onerror = () => change({ problem: new Problem(0, "The file was not sent whole: kilnd may be stopped, or the network is away.") });
  request.send(file);
  if (route.value.path !== "/new") go("/new");
}

export const isBlend = (file: File) => /\.blend\d*$/i.test(file.name);

interface Fields { [name: string]: string | boolean }
const empty: Fields = { blend: "", frames: "", name: "", blender: "", engine: "", camera: "", scene: "", width: "", height: "", percentage: "", samples: "", format: "", priority: "", hold_after: "", spread: false };

function requestOf(fields: Fields, blend: string): Record<string, unknown> {
  const number = (name: string) => (fields[name] === "" ? undefined : Number(fields[name]));
  const text = (name: string) => String(fields[name]).trim() || undefined;
  const body: Record<string, unknown> = {
    blend, frames: text("frames"), name: text("name"), blender: text("blender"), engine: text("engine"), camera: text("camera"), scene: text("scene"),
    samples: number("samples"), format: text("format"), priority: number("priority"), resolution_percentage: number("percentage"),
    order: fields.spread ? "spread" : undefined, hold_after: text("hold_after"),
    resolution: fields.width || fields.height ? [number("width") ?? 0, number("height") ?? 0] : undefined,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}
function fieldsOf(job: Job): Fields {
  const text = (value: unknown) => (value == null ? "" : String(value));
  return { ...empty, blend: job.blend, frames: job.frames.set, name: text(job.name), blender: text(job.blender_choice ? "" : job.blender), engine: text(job.engine),
    camera: text(job.camera), scene: text(job.scene), width: text(job.resolution?.[0]), height: text(job.resolution?.[1]), percentage: text(job.resolution_percentage),
    samples: text(job.samples), format: text(job.format), priority: job.priority ? text(job.priority) : "", spread: job.order === "spread" };
}

function Drop({ onFile }: { onFile: (file: File) => void }) {
  return (
    <label class="drop">
      <Icon of="file" />
      <span><strong>Drop a .blend here</strong>, or choose one</span>
      <span class="faint">Pack its textures first: File → External Data → Pack Resources</span>
      <input type="file" accept=".blend" class="hidden" onChange={(e) => { const file = e.currentTarget.files?.[0]; if (file) onFile(file); }} />
    </label>
  );
}

function Upload({ of, again }: { of: Sending; again: () => void }) {
  const part = of.file.size ? of.sent / of.file.size : 0;
  return (
    <div class="upload">
      <div class="upload-head"><Icon of="file" /><strong><bdi>{of.file.name}</bdi></strong><span class="num faint">{of.blend ? size(of.file.size) : `${size(of.sent)} of ${size(of.file.size)}`}</span>
        <span class="push" /><button type="button" class="quiet small" onClick={again}>{of.blend || of.problem ? "Another file" : "Stop"}</button></div>
      {of.problem ? <ProblemBox of={of.problem} again={() => take(of.file)} />
        : of.blend ? <p class="faint">{[of.blend.blender && `Blender ${of.blend.blender}`, of.blend.scene && `scene ${of.blend.scene}`,
            of.blend.frame_start != null && of.blend.frame_end != null && `frames ${of.blend.frame_start}–${of.blend.frame_end}`].filter(Boolean).join(" · ")}</p>
        : <span class="progress"><span class="bar running wide" role="progressbar" aria-label="Sent" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(part * 100)}>
            <span class="fill" style={{ width: `${part * 100}%` }} /></span><span class="num">{part < 1 ? percent(part) : "checked by kilnd"}</span></span>}
    </div>
  );
}

export function New() {
  const copied = route.value.query.get("copy");
  const [fields, setFields] = useState<Fields>(empty);
  const [blenders, setBlenders] = useState<Blender[]>([]);
  const [problem, fail] = useState<Problem | null>(null);
  const [source, setSource] = useState<"send" | "server">("send");
  const [waits, wait] = useState(false);
  const [key, setKey] = useState(() => newKey());
  const now = sending.value, blend = source === "send" && now ? now.blend?.id : String(fields.blend).trim();

  useEffect(() => {
    document.title = "New job · Kiln";
    read<{ blenders: Blender[] }>("v1/blenders").then(({ blenders }) => setBlenders(blenders), () => undefined);
  }, []);
  useEffect(() => {
    if (copied) read<Job>(`v1/jobs/${copied}`).then((job) => {
      setFields(fieldsOf(job));
      setSource(job.blend.startsWith("sha256:") ? "send" : "server");
      sending.value = null;
    }, (error) => error instanceof Problem && fail(error));
  }, [copied]);
  useEffect(() => { // what the file says, unless its user has said otherwise
    if (!now?.blend) return;
    const { frame_start: from, frame_end: to } = now.blend;
    setFields((old) => ({ ...old, name: old.name || now.file.name.replace(/\.blend\d*$/i, ""),
      frames: old.frames || (from != null && to != null ? (from === to ? `${from}` : `${from}-${to}`) : "") }));
  }, [now?.blend?.id]);

  const change = (name: string) => (e: Event) => {
    const it = e.currentTarget as HTMLInputElement;
    setFields((old) => ({ ...old, [name]: it.type === "checkbox" ? it.checked : it.value }));
    setKey(newKey());
  };
  // A pointer such as /resolution/0, at its field; what fits no field is shown at the top.
  const pointers: Record<string, string> = { width: "/resolution", height: "/resolution/1", percentage: "/resolution_percentage", spread: "/order" };
  const wrong = (name: string) => problem?.fields.find(({ pointer }) => {
    const mine = pointers[name] ?? `/${name}`;
    return pointer === mine || (name === "width" && pointer === "/resolution/0") || (name === "frames" && pointer.startsWith("/frames"));
  })?.detail;
  const known = Object.keys(empty);
  const placed = problem?.fields.filter(() => true).every(({ pointer }) => known.some((name) => wrong(name) && (pointer.startsWith(pointers[name] ?? `/${name}`)))) && problem.fields.length > 0;

  const field = (name: string, label: string, more: Record<string, unknown> = {}, hint?: string) => {
    const error = wrong(name), id = `f-${name}`;
    return (
      <div class={`field${error ? " wrong" : ""}`}>
        <label for={id}>{label}</label>
        <input id={id} name={name} value={String(fields[name])} onInput={change(name)} autocomplete="off" aria-invalid={error ? "true" : undefined}
          aria-describedby={error || hint ? `${id}-d` : undefined} {...more} />
        {(error || hint) && <span id={`${id}-d`} class={error ? "error" : "faint"}>{error ? sentence(error) : hint}</span>}
      </div>
    );
  };
  const choice = (name: string, label: string, options: [string, string][]) => (
    <div class={`field${wrong(name) ? " wrong" : ""}`}><label for={`f-${name}`}>{label}</label>
      <select id={`f-${name}`} value={String(fields[name])} onChange={change(name)} aria-invalid={wrong(name) ? "true" : undefined}>
        {options.map(([value, text]) => <option value={value} key={value}>{text}</option>)}</select>
      {wrong(name) && <span class="error">{sentence(wrong(name)!)}</span>}</div>
  );
  const submit = async (e: Event) => {
    e.preventDefault();
    if (!blend || waits) return;
    wait(true);
    fail(null);
    try {
      const job = await (await send("POST", "v1/jobs", requestOf(fields, blend), { "Idempotency-Key": key })).json() as Job;
      put(job);
      sending.value = null;
      go(`/jobs/${job.id}`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      fail(error);
      setTimeout(() => document.querySelector<HTMLElement>("[aria-invalid]")?.focus());
    } finally {
      wait(false);
    }
  };
  const isReady = Boolean(blend && String(fields.frames).trim());
  const isWhole = (name: string) => /^\d+$/.test(String(fields[name]));
  const frameCount = /^\s*(\d+)-(\d+)\s*$/.exec(String(fields.frames));
  const n = frameCount ? Number(frameCount[2]) - Number(frameCount[1]) + 1 : isWhole("frames") ? 1 : 0;
  return (
    <main id="main" tabIndex={-1} class="new">
      <div class="title"><h1>{copied ? "Render again" : "New job"}</h1></div>
      <form onSubmit={submit} noValidate>
        {problem && !placed && <ProblemBox of={problem} />}
        <fieldset>
          <legend>What to render</legend>
          {source === "server" ? <>{field("blend", "Path on the server", { placeholder: "shots/010.blend", autofocus: true }, "Below a project root of kilnd.")}
              <Files chosen={String(fields.blend ?? "")} choose={(path) => { setFields((old) => ({ ...old, blend: path })); setKey(newKey()); }} /></>
            : now ? <Upload of={now} again={() => { now.request?.abort(); sending.value = null; }} />
            : fields.blend ? <div class="upload"><div class="upload-head"><Icon of="file" /><strong>The same file as before</strong><span class="push" /><button type="button" class="quiet small" onClick={() => setFields((old) => ({ ...old, blend: "" }))}>Another file</button></div>
                {wrong("blend") && <p class="error">{sentence(wrong("blend")!)}</p>}</div>
            : <Drop onFile={take} />}
          <p><button type="button" class="link" onClick={() => { setSource(source === "send" ? "server" : "send"); setFields((old) => ({ ...old, blend: "" })); }}>
            {source === "send" ? "It is on the server already" : "Send a file instead"}</button></p>
          <div class="grid">
            {field("frames", "Frames", { placeholder: "1-250", inputMode: "text", required: true }, "A range, a step, single ones: 1-250, 1-100x2, 7")}
            {field("name", "Name", { placeholder: "For people", maxLength: 200 })}
            {field("hold_after", "Test frames", { placeholder: "1,50,100", inputMode: "text" }, "Rendered first; then the job waits until you have looked at them")}
          </div>
          <label class="check"><input type="checkbox" checked={Boolean(fields.spread)} onChange={change("spread")} />
            <span>First, last and middle frame first <span class="faint">so that mistakes are seen early</span></span></label>
        </fieldset>
        <details open={Boolean(problem?.fields.length) || Boolean(copied)}>
          <summary>Settings <span class="faint">what is left empty stays as it is in the file</span></summary>
          <div class="grid three">
            {field("samples", "Samples", { inputMode: "numeric", placeholder: "as in the file" })}
            {field("width", "Width", { inputMode: "numeric", placeholder: "as in the file" })}
            {field("height", "Height", { inputMode: "numeric", placeholder: "as in the file" })}
            {field("percentage", "Resolution %", { inputMode: "numeric", placeholder: "as in the file" })}
            {choice("format", "Format", [["", "As in the file"], ["PNG", "PNG"], ["OPEN_EXR", "OpenEXR"], ["OPEN_EXR_MULTILAYER", "OpenEXR, all layers"], ["JPEG", "JPEG"], ["TIFF", "TIFF"], ["WEBP", "WebP"]])}
            {choice("engine", "Engine", [["", "As in the file"], ["CYCLES", "Cycles"], ["BLENDER_EEVEE", "EEVEE"], ["BLENDER_WORKBENCH", "Workbench"],
              ...(fields.engine && !["CYCLES", "BLENDER_EEVEE", "BLENDER_WORKBENCH"].includes(String(fields.engine)) ? [[String(fields.engine), String(fields.engine)] as [string, string]] : [])])}
            {field("camera", "Camera", { placeholder: "as in the file" })}
            {field("scene", "Scene", { placeholder: "as in the file" })}
            {blenders.length > 1 ? choice("blender", "Blender", [["", "Chosen by kilnd"], ...blenders.map((one): [string, string] => [one.name, `${one.name}${one.version ? ` (${one.version})` : ""}`])]) : null}
            {field("priority", "Priority", { inputMode: "numeric", placeholder: "0" }, "−100 to 100; higher goes first")}
          </div>
        </details>
        <div class="actions">
          <button type="submit" class="primary big" disabled={!isReady || waits}>{waits ? "Sending" : n > 0 ? `Render ${count(n)} frame${n === 1 ? "" : "s"}` : "Render"}</button>
          {!isReady && <span class="faint">{!blend ? (now && !now.problem ? "The file is being sent." : "Choose a file first.") : "Say which frames."}</span>}
        </div>
      </form>
    </main>
  );
}
const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
