// SPDX-License-Identifier: Apache-2.0
//
// The list of jobs: only the rows that are seen are in the page.
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Job, State } from "./api";
import { age, count, moment, plural, timeOf, title } from "./format";
import { Bar, Icon, ProblemBox, StateMark, Text, words } from "./parts";
import { link, route, setQuery } from "./route";
import { failed, jobs, load, loading } from "./store";
import { trouble } from "./actions";

const states: State[] = ["running", "queued", "paused", "failed", "succeeded", "canceled"];
export const narrow = matchMedia("(max-width: 699.9px)");

function matches(job: Job, query: string) {
  return !query || [job.name, job.id, job.blend, job.owner, ...(job.tags ?? [])].some((text) => text?.toLowerCase().includes(query));
}

function Row({ job, at, height }: { job: Job; at: number; height: number }) {
  const time = timeOf(job);
  return (
    <div class="row" role="row" aria-rowindex={at + 2} style={{ height: `${height}px` }} data-job={job.id}>
      <span role="cell" class="c-state"><StateMark job={job} /></span>
      <span role="cell" class="c-name"><a href={link(`/jobs/${job.id}`)}><Text>{title(job)}</Text></a>
        {job.warnings.length > 0 && <span class="warn" title={plural(job.warnings.length, "warning")}><Icon of="warning" /><span class="hidden">{plural(job.warnings.length, "warning")}</span></span>}</span>
      <span role="cell" class="c-bar"><Bar job={job} /></span>
      <span role="cell" class="c-time num">{time && (job.state === "running" ? <>{time} left</> : <span class="faint">{time}</span>)}</span>
      <span role="cell" class="c-owner faint">{job.owner ? <Text>{job.owner}</Text> : <span aria-hidden="true">–</span>}</span>
      <span role="cell" class={`c-priority num${job.priority ? "" : " faint"}`}>{job.priority > 0 ? `+${job.priority}` : job.priority}</span>
      <span role="cell" class="c-age num faint" title={moment(job.created_at)}>{age(job.created_at)}</span>
    </div>
  );
}

function List({ shown }: { shown: Job[] }) {
  const box = useRef<HTMLDivElement>(null);
  const view = useSignal({ from: 0, to: 40 });
  const isNarrow = useSignal(narrow.matches);
  const height = isNarrow.value ? 88 : 44;
  const look = () => {
    const top = box.current ? -box.current.getBoundingClientRect().top : 0;
    const from = Math.max(0, Math.floor(top / height) - 8), to = Math.ceil((top + innerHeight) / height) + 8;
    if (from !== view.value.from || to !== view.value.to) view.value = { from, to };
  };
  useEffect(() => {
    const change = () => { isNarrow.value = narrow.matches; };
    narrow.addEventListener("change", change);
    addEventListener("scroll", look, { passive: true });
    const moved = new ResizeObserver(look);
    moved.observe(document.body);
    return () => { narrow.removeEventListener("change", change); removeEventListener("scroll", look); moved.disconnect(); };
  }, [height]);
  useLayoutEffect(look);
  const from = Math.min(view.value.from, Math.max(0, shown.length - 1)), part = shown.slice(from, view.value.to);
  return (
    <div class={shown.some((job) => job.owner) ? "table" : "table no-owner"} role="table" aria-label="Jobs" aria-rowcount={shown.length + 1}>
      <div class="row head" role="row" aria-rowindex={1}>
        {["State", "Name", "Progress", "Time", "Owner", "Priority", "Age"].map((name) => (
          <span role="columnheader" class={`c-${name === "Progress" ? "bar" : name.toLowerCase()}`} key={name}>{name}</span>))}
      </div>
      <div role="rowgroup" class="body" ref={box} style={{ height: `${shown.length * height}px` }}>
        <div role="presentation" class="window" style={{ transform: `translateY(${from * height}px)` }}>
          {part.map((job, index) => <Row key={job.id} job={job} at={from + index} height={height} />)}
        </div>
      </div>
    </div>
  );
}

const Placeholder = () => (
  <div class="table waiting" aria-hidden="true">
    {[...Array(6).keys()].map((at) => <div class="row" key={at}><span class="ghost" /><span class="ghost long" /><span class="ghost" /></div>)}
  </div>
);

function Empty() {
  return (
    <div class="empty">
      <svg viewBox="0 0 64 64" width="56" height="56" aria-hidden="true"><path d="M12 54V30a20 20 0 0 1 40 0v24h-10V32a10 10 0 0 0-20 0v22z" fill="none" stroke="currentColor" stroke-width="2.500" stroke-linejoin="round" /><path class="flame" d="M32 36c4 4 6 6.500 6 10a6 6 0 0 1-12 .4c0-4 4-5.600 6-10.400z" /></svg>
      <h2>Nothing has been rendered yet</h2>
      <p>Drop a .blend anywhere on this page, or choose one. Its frames appear here while they render.</p>
      <a class="button primary" href="#/new"><Icon of="plus" />New job</a>
    </div>
  );
}

export function Jobs() {
  const query = route.value.query;
  const text = query.get("q") ?? "", chosen = query.get("state") ?? "";
  const found = useComputed(() => {
    const words = (route.value.query.get("q") ?? "").trim().toLowerCase();
    return jobs.value.filter((job) => matches(job, words));
  });
  const counts = useComputed(() => {
    const out: Record<string, number> = {};
    for (const job of found.value) out[job.state] = (out[job.state] ?? 0) + 1;
    return out;
  });
  const shown = chosen ? found.value.filter((job) => job.state === chosen) : found.value;

  // Rows stay under the pointer: jobs that come meanwhile wait until it has left, or are asked for.
  const held = useSignal<Set<string> | null>(null);
  const visible = held.value ? shown.filter((job) => held.value!.has(job.id)) : shown;
  const waiting = shown.length - visible.length;
  const hold = () => { if (!held.value) held.value = new Set(jobs.value.map((job) => job.id)); };
  const release = () => { held.value = null; };

  const chip = (state: string, label: string, n: number) => (
    <button type="button" class={`chip ${state}`} aria-pressed={chosen === state} key={state}
      onClick={() => { release(); setQuery({ state: chosen === state ? "" : state }); }}>
      {state && <Icon of={state} />}{label}<span class="num">{count(n)}</span></button>
  );
  return (
    <main class="jobs" id="main" tabIndex={-1}>
      <div class="title"><h1>Jobs</h1></div>
      {jobs.value.length > 0 && <div class="tools">
        <label class="search"><Icon of="search" /><span class="hidden">Search</span>
          <input type="search" placeholder="Name, file, owner, tag, id" value={text} aria-keyshortcuts="/"
            onInput={(e) => { release(); setQuery({ q: e.currentTarget.value }); }} /></label>
        <div class="chips" role="group" aria-label="State">
          {chip("", "All", found.value.length)}
          {states.filter((state) => counts.value[state] || chosen === state).map((state) => chip(state, words[state], counts.value[state] ?? 0))}
        </div>
      </div>}
      {failed.value && failed.value.status !== 401 && <ProblemBox of={failed.value} again={() => void load()} />}
      {trouble.value && <ProblemBox of={trouble.value.problem} />}
      {loading.value ? <><p class="hidden" role="status">Loading</p><Placeholder /></>
        : !jobs.value.length ? !failed.value && <Empty />
        : !shown.length ? <div class="empty small"><h2>No job fits</h2><p>{plural(jobs.value.length, "job")} in all.</p>
            <button type="button" onClick={() => setQuery({ q: "", state: "" })}>Show all</button></div>
        : <div onPointerEnter={hold} onPointerLeave={release}>
            {waiting > 0 && <button type="button" class="more" onClick={() => { release(); hold(); }}>Show {plural(waiting, "new job")}</button>}
            <List shown={visible} />
          </div>}
    </main>
  );
}
