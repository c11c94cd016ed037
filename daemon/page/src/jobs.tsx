// SPDX-License-Identifier: Apache-2.0
//
// The list of jobs: only the rows that are seen are in the page. Chosen ones are paused, retried, deleted together.
import { signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Job, Problem, type State, isFinal } from "./api";
import * as actions from "./actions";
import { age, count, moment, plural, timeOf, title } from "./format";
import { Bar, Icon, ProblemBox, StateMark, Text, words } from "./parts";
import { link, route, setQuery } from "./route";
import { failed, isCapped, jobOf, jobs, load, loading, search } from "./store";

const states: State[] = ["running", "queued", "paused", "failed", "succeeded", "canceled"];
export const narrow = matchMedia("(max-width: 699.9px)");

const chosen = signal<ReadonlySet<string>>(new Set());
let shownIds: string[] = []; // in the order of the screen
let anchor = "", ranged = false; // with Shift
/// Chooses a job, or takes the choice back; `range`: all from the one chosen before up to it.
export function choose(id: string, range: boolean) {
  const next = new Set(chosen.value), from = shownIds.indexOf(anchor), to = shownIds.indexOf(id);
  if (range && from >= 0 && to >= 0) for (const each of shownIds.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(each);
  else if (!next.delete(id)) next.add(id);
  anchor = id;
  chosen.value = next;
}

function Chosen() {
  const those = [...chosen.value].map((id) => jobOf(id)).filter((job) => job !== undefined);
  if (!those.length) return null;
  const off = actions.busy.value !== null, some = (can: (job: Job) => boolean) => those.some(can);
  return (
    <div class="chosen" role="group" aria-label="Chosen jobs">
      <strong class="num" role="status">{plural(those.length, "job")} chosen</strong>
      {some(actions.canPause) && <button type="button" class="small" disabled={off} onClick={() => actions.pauseAll(those)}>Pause</button>}
      {some(actions.canResume) && <button type="button" class="small" disabled={off} onClick={() => actions.resumeAll(those)}>Go on</button>}
      {some(actions.canRetry) && <button type="button" class="small" disabled={off} onClick={() => actions.retryAll(those)}>Retry</button>}
      {some(actions.canCancel) && <button type="button" class="small danger-text" disabled={off} onClick={() => actions.cancelAll(those)}>Cancel</button>}
      {some(isFinal) && <button type="button" class="small danger-text" disabled={off} onClick={() => actions.eraseAll(those)}>Delete</button>}
      <span class="push" />
      <button type="button" class="quiet small" onClick={() => { chosen.value = new Set(shownIds); }}>Choose all {count(shownIds.length)}</button>
      <button type="button" class="quiet small" onClick={() => { chosen.value = new Set(); }}>None</button>
    </div>
  );
}

function Row({ job, at, height }: { job: Job; at: number; height: number }) {
  const time = timeOf(job);
  return (
    <div class={chosen.value.has(job.id) ? "row is-chosen" : "row"} role="row" aria-rowindex={at + 2} style={{ height: `${height}px` }} data-job={job.id}>
      <span role="cell" class="c-pick"><label><input type="checkbox" checked={chosen.value.has(job.id)} aria-label={`Choose ${title(job)}`}
        onClick={(e) => { ranged = e.shiftKey; }} onChange={() => choose(job.id, ranged)} /></label></span>
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
  const top = useRef(0); // of the rows, in the page
  const look = () => { // asks for no layout: this runs with each step of a scroll
    const at = scrollY - top.current;
    const from = Math.max(0, Math.floor(at / height) - 5), to = Math.ceil((at + innerHeight) / height) + 5;
    if (from !== view.value.from || to !== view.value.to) view.value = { from, to };
  };
  const measure = () => {
    if (box.current) top.current = box.current.getBoundingClientRect().top + scrollY;
    look();
  };
  useEffect(() => {
    const change = () => { isNarrow.value = narrow.matches; };
    narrow.addEventListener("change", change);
    addEventListener("scroll", look, { passive: true });
    const moved = new ResizeObserver(measure);
    moved.observe(document.body);
    return () => { narrow.removeEventListener("change", change); removeEventListener("scroll", look); moved.disconnect(); };
  }, [height]);
  useLayoutEffect(measure);
  const from = Math.min(view.value.from, Math.max(0, shown.length - 1)), part = shown.slice(from, view.value.to);
  return (
    <div class={shown.some((job) => job.owner) ? "table" : "table no-owner"} role="table" aria-label="Jobs" aria-rowcount={shown.length + 1}>
      <div class="row head" role="row" aria-rowindex={1}>
        <span role="columnheader" class="c-pick"><span class="hidden">Chosen</span></span>
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

/// The ids that kilnd finds; null: all that are here are meant. What is shown stays until there is more to show.
function useSearch(words: string, state: string) {
  const [found, setFound] = useState<{ ids: string[]; more: boolean } | null>(null), [problem, fail] = useState<Problem | null>(null);
  const asks = words !== "" || (state !== "" && isCapped.value), known = jobs.value.length;
  const running = useRef<AbortController | null>(null), due = useRef(0);
  const find = () => {
    due.current = 0;
    running.current?.abort();
    const mine = running.current = new AbortController();
    search(words, state, mine.signal).then((it) => { setFound(it); fail(null); }, (error) => { if (error instanceof Problem) fail(error); });
  };
  const stop = () => { clearTimeout(due.current); due.current = 0; running.current?.abort(); };
  useEffect(() => { // while it is typed
    stop();
    if (asks) due.current = setTimeout(find, 200) as unknown as number; else { setFound(null); fail(null); }
    return stop;
  }, [asks, words, asks && state]);
  useEffect(() => { // new jobs may fit: looked for once a second, however many come
    if (asks && found && !due.current) due.current = setTimeout(find, 1000) as unknown as number;
  }, [known]);
  return { found: asks ? found : null, asks, problem };
}

export function Jobs() {
  const query = route.value.query;
  const text = query.get("q") ?? "", state = query.get("state") ?? "", mine = query.get("owner") ?? "";
  const { found, asks, problem } = useSearch(text.trim(), state);
  const all = useComputed(() => jobs.value).value;
  const owned = mine ? all.filter((job) => job.owner === mine) : all;
  const here = found ? found.ids.map(jobOf).filter((job) => job !== undefined && (!mine || job.owner === mine)) as Job[] : asks ? [] : owned;
  const counts: Record<string, number> = {};
  for (const job of here) counts[job.state] = (counts[job.state] ?? 0) + 1;
  const shown = state ? here.filter((job) => job.state === state) : here;
  const owners = [...new Set(all.map((job) => job.owner).filter((owner) => owner !== null))].sort();

  // Rows stay under the pointer: jobs that come meanwhile wait until it has left, or are asked for.
  const held = useSignal<Set<string> | null>(null);
  const visible = held.value ? shown.filter((job) => held.value!.has(job.id)) : shown;
  const waiting = shown.length - visible.length;
  const hold = () => { if (!held.value) held.value = new Set(jobs.value.map((job) => job.id)); };
  const release = () => { held.value = null; };
  shownIds = visible.map((job) => job.id);

  const chip = (of: string, label: string, n: number) => (
    <button type="button" class={`chip ${of}`} aria-pressed={state === of} key={of}
      onClick={() => { release(); setQuery({ state: state === of ? "" : of }); }}>
      {of && <Icon of={of} />}{label}<span class="num">{count(n)}{(found?.more || (!asks && isCapped.value)) && "+"}</span></button>
  );
  return (
    <main class="jobs" id="main" tabIndex={-1}>
      <div class="title"><h1>Jobs</h1></div>
      {jobs.value.length > 0 && <div class="tools">
        <label class="search"><Icon of="search" /><span class="hidden">Search</span>
          <input type="search" placeholder="Name, file, owner, tag, id" value={text} aria-keyshortcuts="/"
            onInput={(e) => { release(); setQuery({ q: e.currentTarget.value }); }} /></label>
        <div class="chips" role="group" aria-label="State">
          {chip("", "All", here.length)}
          {states.filter((each) => counts[each] || state === each).map((each) => chip(each, words[each], counts[each] ?? 0))}
        </div>
        {(owners.length > 1 || mine) && <label class="inline">Owner <select value={mine} onChange={(e) => { release(); setQuery({ owner: e.currentTarget.value }); }}>
          <option value="">all</option>{[...new Set([...owners, ...(mine ? [mine] : [])])].map((owner) => <option key={owner}>{owner}</option>)}</select></label>}
      </div>}
      <Chosen />
      {failed.value && failed.value.status !== 401 && <ProblemBox of={failed.value} again={() => void load()} />}
      {problem && problem.status !== 401 && <ProblemBox of={problem} />}
      {actions.trouble.value && <ProblemBox of={actions.trouble.value.problem} />}
      {loading.value ? <><p class="hidden" role="status">Loading</p><Placeholder /></>
        : !jobs.value.length ? !failed.value && <Empty />
        : asks && !found ? <><p class="hidden" role="status">Searching</p><Placeholder /></>
        : !shown.length ? <div class="empty small"><h2>No job fits</h2><p>{plural(jobs.value.length, "job")} in all.</p>
            <button type="button" onClick={() => setQuery({ q: "", state: "", owner: "" })}>Show all</button></div>
        : <div onPointerEnter={hold} onPointerLeave={release}>
            {waiting > 0 && <button type="button" class="more" onClick={() => { release(); hold(); }}>Show {plural(waiting, "new job")}</button>}
            <List shown={visible} />
            {(found?.more || (!asks && isCapped.value)) && <p class="faint end">There are more: search finds older ones.</p>}
          </div>}
    </main>
  );
}
