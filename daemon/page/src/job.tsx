// SPDX-License-Identifier: Apache-2.0
//
// One job: what it does, its frames, its failures, its log, and what can be done with it.
import { useComputed } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { type Frame, type Job as JobType, Problem, address, isFinal, read, token } from "./api";
import * as actions from "./actions";
import { advice, count, duration, estimate, moment, plural, ranges, title } from "./format";
import { Frames } from "./frames";
import { listen } from "./live";
import { Log } from "./log";
import { FrameMap } from "./map";
import { Bar, Icon, Line, ProblemBox, StateMark, Text, announce, words } from "./parts";
import { Download } from "./download";
import { Pictures } from "./pictures";
import { Videos } from "./videos";
import { Viewer } from "./viewer";
import { go, link, route, setQuery } from "./route";
import { jobOf, put, remove } from "./store";

/// What happens now, in a sentence.
function Sentence({ job }: { job: JobType }) {
  const done = plural(job.frames.done, "frame");
  if (job.waits_for) return <p class="notice"><Icon of="queued" /><span>It waits: {job.waits_for}.</span></p>;
  if (job.state === "failed" && job.failure)
    return <div class="notice bad"><Icon of="failed" /><div>
      <p><strong><bdi>{sentence(job.failure.message)}</bdi></strong>{job.failure.frame != null && !/frame/i.test(job.failure.message) && <> Frame {job.failure.frame}.</>}</p>
      <p>{advice[job.failure.kind] ?? "The log says more."}</p></div></div>;
  const text = {
    queued: "It waits for its turn.",
    running: job.current?.frame != null
      ? `Frame ${job.current.frame} renders${job.current.samples ? `: sample ${count(job.current.sample ?? 0)} of ${count(job.current.samples)}` : ""}.`
      : "Blender starts and loads the file.",
    paused: job.hold_after ? `Its test frames are there (${job.hold_after}): look at them. The rest is rendered when you say so.`
      : `Paused with ${done} done. It goes on when you say so.`,
    succeeded: job.frames.total === 1 ? "The frame is done and verified." : `All ${done} are done and verified.`,
    canceled: `Canceled with ${done} done.`,
    failed: "It failed; the log says more.",
  }[job.state];
  return <p class="sentence">{text}</p>;
}
const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".");

function Numbers({ job }: { job: JobType }) {
  const took = job.started_at ? (Date.parse(job.finished_at ?? "") - Date.parse(job.started_at)) / 1000 : NaN;
  const rows: [string, string][] = [["Frames", `${count(job.frames.done)} of ${count(job.frames.total)}`]];
  if (job.state === "running") rows.push(["Time left", job.eta_seconds ? estimate(job.eta_seconds) : "not known yet"]);
  if (isFinal(job) && took >= 0) rows.push(["Took", duration(took)]);
  if (job.seconds_per_frame != null) rows.push(["Per frame", duration(job.seconds_per_frame)]);
  if (job.frames.failed) rows.push(["Failed", count(job.frames.failed)]);
  if (isFinal(job) && job.priority) rows.push(["Priority", `${job.priority}`]);
  rows.push(["Created", moment(job.created_at)]);
  if (job.owner) rows.push(["Owner", job.owner]);
  return <dl class="numbers">{rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd class="num"><bdi>{value}</bdi></dd></div>)}</dl>;
}

function Failures({ job, frames, toLog }: { job: JobType; frames: Frames; toLog: () => void }) {
  frames.version.value;
  const groups = new Map<string, { message: string; kind: string; frames: number[] }>();
  for (const [frame, failure] of frames.failures) {
    const name = `${failure.kind} ${failure.message.replace(/\d+/g, "#")}`;
    const group = groups.get(name) ?? { message: failure.message, kind: failure.kind, frames: [] };
    group.frames.push(frame);
    groups.set(name, group);
  }
  if (!groups.size) return null;
  return (
    <section aria-label="Frames that failed" class="failures">
      <h2>Frames that failed</h2>
      <ul>{[...groups.values()].map((group) => {
        group.frames.sort((a, b) => a - b);
        const lost = group.frames.filter((frame) => frames.state(frame) === "failed"), failed = lost.length;
        return <li key={group.kind + group.message} tabIndex={-1} data-failure>
          <Icon of="failed" /><div><p><strong class="num">{group.frames.length === 1 ? `Frame ${group.frames[0]}` : `Frames ${ranges(group.frames)}`}</strong>{failed < group.frames.length && <span class="faint"> {failed ? `${failed} of them for good` : "tried again"}</span>}</p>
            <p><bdi>{sentence(group.message)}</bdi></p><p class="faint">{advice[group.kind]} <button type="button" class="link" onClick={toLog}>See the log</button>
              {groups.size > 1 && failed > 0 && actions.canRetry(job) && <> <button type="button" class="link" onClick={() => actions.retryFrames(job, lost.join(","))}>Retry these</button></>}</p></div></li>;
      })}</ul>
    </section>
  );
}

function readable(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => readable("", each)).join(name === "resolution" ? " × " : ", ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "object" && value ? JSON.stringify(value) : value;
}

function Settings({ job }: { job: JobType }) {
  const asked: [string, unknown][] = [["File", job.blend], ["Frames", job.frames.set], ["Blender", job.blender ?? job.file?.version],
    ["Why that Blender", job.blender_choice], ["Engine", job.engine], ["Scene", job.scene], ["View layer", job.view_layer], ["Camera", job.camera], ["Format", job.format],
    ["Resolution", job.resolution?.join(" × ")], ["Resolution %", job.resolution_percentage], ["Samples", job.samples], ["Seed", job.seed], ["Device", job.device],
    ["Order", job.order], ["Retries", job.retries], ["Blenders", job.processes], ["Attempts", job.attempts], ["Tags", job.tags?.join(", ")], ["Id", job.id]];
  const inFile = Object.entries(job.file ?? {}).map(([name, value]): [string, unknown] =>
    [name.replaceAll("_", " "), readable(name, value)]);
  const table = (rows: [string, unknown][]) => <dl class="settings">{rows.filter(([, value]) => value != null && value !== "").map(([name, value]) => (
    <div key={name}><dt>{name}</dt><dd><bdi>{String(value)}</bdi></dd></div>))}</dl>;
  return <section aria-label="Settings" class="columns"><div><h2>Asked for</h2>{table(asked)}</div>
    {inFile.length > 0 && <div><h2>In the file</h2>{table(inFile)}</div>}</section>;
}

function Get({ job }: { job: JobType }) {
  const zip = `v1/jobs/${job.id}/frames.zip`, url = base();
  const secret = token.value ? ' -H "Authorization: Bearer $KILN_TOKEN"' : "";
  return <section aria-label="Download" class="get">
    <p>{job.frames.done ? `${plural(job.frames.done, "frame")} in one archive, as rendered.` : "No frame is done yet."}{!isFinal(job) && job.frames.done > 0 && " More come while it renders."}</p>
    {job.frames.done > 0 && <p><Download path={zip} name={`${job.id}.zip`} kind="primary"><Icon of="down" />Download frames.zip</Download></p>}
    <Videos job={job} />
    <h2>In a terminal</h2>
    <p class="faint">Into the directory <code>frames</code>; goes on after a break, and follows a job that still renders:</p>
    <Line what="kiln" text={`kiln get ${job.id} frames --url ${url}`} />
    <p class="faint">Without the command <code>kiln</code>:</p>
    <Line what="curl" text={`curl -fO${secret} ${address(zip)}`} />
  </section>;
}
const base = () => address("").replace(/\/$/, "");

function Buttons({ job }: { job: JobType }) {
  const off = actions.busy.value !== null;
  const priority = (e: Event) => void actions.prioritize(job, Number((e.currentTarget as HTMLSelectElement).value));
  return (
    <div class="actions">
      {actions.canPause(job) && <button type="button" disabled={off} onClick={() => actions.pause(job)} aria-keyshortcuts="p">Pause</button>}
      {actions.canResume(job) && <button type="button" class="primary" disabled={off} onClick={() => actions.resume(job)} aria-keyshortcuts="p">Go on</button>}
      {actions.canRetry(job) && <button type="button" class="primary" disabled={off} onClick={() => actions.retry(job)} aria-keyshortcuts="r">Retry what is missing</button>}
      {job.frames.done > 0 && isFinal(job) && !actions.canRetry(job) && <Download path={`v1/jobs/${job.id}/frames.zip`} name={`${job.id}.zip`} kind="primary"><Icon of="down" />Download frames</Download>}
      <a class="button" href={link("/new", { copy: job.id })}>Render again…</a>
      {!isFinal(job) && <label class="inline">Priority <select value={String(job.priority)} disabled={off} onChange={priority}>
        {[...new Set([-50, -10, 0, 10, 50, job.priority])].sort((a, b) => b - a).map((n) => <option key={n} value={String(n)}>{n > 0 ? `+${n}` : n}</option>)}</select></label>}
      <span class="push" />
      {actions.canCancel(job) && <button type="button" class="danger-text" disabled={off} onClick={() => actions.cancel(job)} aria-keyshortcuts="Delete">Cancel</button>}
      {isFinal(job) && <button type="button" class="danger-text" disabled={off} onClick={() => actions.erase(job, () => go("/jobs"))} aria-keyshortcuts="Delete">Delete</button>}
    </div>
  );
}

const tabs = [["frames", "Frames"], ["log", "Log"], ["settings", "Settings"], ["download", "Download"]] as const;

export function Job({ id }: { id: string }) {
  const job = useComputed(() => jobOf(id)).value;
  const [problem, fail] = useState<Problem | null>(null);
  const frames = useMemo(() => new Frames(id), [id]);
  const tab = route.value.query.get("tab") ?? "frames";
  const shown = Number(route.value.query.get("frame") ?? NaN);

  useEffect(() => {
    const stop = new AbortController();
    const readJob = async () => {
      try {
        const now = await read<JobType>(`v1/jobs/${id}`, stop.signal);
        put(now);
        fail(null);
        return now;
      } catch (error) {
        if (!(error instanceof Problem)) return null;
        if (error.status === 404) { remove(id); stop.abort(); }
        fail(error);
        return null;
      }
    };
    let timer = 0;
    const follow = async () => { // events do not carry the progress of a frame
      clearTimeout(timer);
      const now = document.hidden ? jobOf(id) : await readJob();
      clearTimeout(timer);
      if (!stop.signal.aborted && !(now && isFinal(now)))
        timer = setTimeout(follow, now?.state === "running" ? 1500 : 5000) as unknown as number;
    };
    void follow();
    void frames.load(stop.signal);
    const forget = listen((event, data) => {
      if (event === "frame" && data.job === id) { frames.put(data as Frame); }
      else if (event === "job" && data.id === id) { fail(null); if (!isFinal(data)) void follow(); }
      else if (event === "deleted" && (data.job ?? data.id) === id) { fail(new Problem(404, "deleted")); }
      else if (event === "open") { void follow(); void frames.load(stop.signal); }
    });
    addEventListener("focus", follow); // it may have been deleted meanwhile
    return () => { removeEventListener("focus", follow); stop.abort(); clearTimeout(timer); forget(); };
  }, [id, token.value]);
  useEffect(() => {
    if (!job) return;
    document.title = `${isFinal(job) ? words[job.state] : job.state === "running" ? `${Math.floor(job.progress * 100)} %` : words[job.state]} · ${title(job)} · Kiln`;
  }, [job]);
  useEffect(() => { if (job) announce(`${words[job.state]}, ${job.frames.done} of ${plural(job.frames.total, "frame")} done`); }, [job?.state, job && Math.floor(job.progress * 10)]);

  if (problem?.status === 404 || (!job && actions.trouble.value?.id === id && actions.trouble.value.problem.status === 404))
    return <main id="main" tabIndex={-1}><div class="empty"><h1>This job is gone</h1><p>It was deleted, or its address is wrong. Its id: <code>{id.slice(0, 40)}</code></p><a class="button" href="#/jobs">All jobs</a></div></main>;
  if (!job)
    return <main id="main" tabIndex={-1}><h1 class="hidden">Job</h1>{problem && problem.status !== 401 ? <ProblemBox of={problem} again={() => location.reload()} /> : <p class="faint" role="status">Loading</p>}</main>;
  const trouble = actions.trouble.value?.id === id ? actions.trouble.value.problem : null;
  const open = (frame: number) => setQuery({ frame: String(frame) });
  return (
    <main id="main" tabIndex={-1} class="job" data-state={job.state}>
      <p class="crumb"><a href="#/jobs"><Icon of="back" />Jobs</a></p>
      <div class="title"><h1><Text>{title(job)}</Text></h1><StateMark job={job} /></div>
      <Bar job={job} wide />
      <Sentence job={job} />
      <Numbers job={job} />
      {trouble && <ProblemBox of={trouble} />}
      <Buttons job={job} />
      {job.blender_warning && <p class="notice"><Icon of="warning" /><bdi>{sentence(job.blender_warning)}</bdi></p>}
      {job.warnings.length > 0 && <details class="warnings" open={job.warnings.length < 3}><summary><Icon of="warning" />{plural(job.warnings.length, "warning")}</summary>
        <ul>{job.warnings.map((warning) => <li key={warning.kind + warning.message}><bdi>{sentence(warning.message)}</bdi>{warning.frames && <span class="faint"> Frames {warning.frames}.</span>}</li>)}</ul></details>}
      <Failures job={job} frames={frames} toLog={() => setQuery({ tab: "log" })} />
      <nav class="tabs" aria-label="Parts of the job">
        {tabs.map(([name, label]) => <button type="button" key={name} aria-current={tab === name ? "page" : undefined} onClick={() => setQuery({ tab: name === "frames" ? "" : name })}>{label}</button>)}
      </nav>
      {tab === "log" ? <Log job={job} /> : tab === "settings" ? <Settings job={job} /> : tab === "download" ? <Get job={job} />
        : <section aria-label="Frames">
            {frames.problem.value && <ProblemBox of={frames.problem.value} />}
            <FrameMap job={job} frames={frames} open={open} />
            <Pictures job={job} frames={frames} open={open} />
          </section>}
      {!Number.isNaN(shown) && <Viewer job={job} frames={frames} frame={shown} show={open} close={() => setQuery({ frame: "" })} />}
    </main>
  );
}
