// SPDX-License-Identifier: Apache-2.0
//
// The page of kilnd: see the frames while they render.
import { useSignal } from "@preact/signals";
import { render } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { signIn, signInReason, token } from "./api";
import * as actions from "./actions";
import { duration } from "./format";
import { Job } from "./job";
import { Jobs, choose } from "./jobs";
import * as live from "./live";
import { New, isBlend, sending, take } from "./new";
import { Asking, Dialog, Icon, announcement, question } from "./parts";
import { go, route } from "./route";
import * as store from "./store";
import { System } from "./system";

function LinkState() {
  const { state, since } = live.link.value;
  const now = useSignal(Date.now());
  useEffect(() => {
    if (state !== "reconnecting") return;
    const timer = setInterval(() => { now.value = Date.now(); }, 1000);
    return () => clearInterval(timer);
  }, [state]);
  const stale = state === "reconnecting" && now.value - since > 20_000;
  const text = { connecting: "Connecting", live: "Live", refused: "Signed out", reconnecting: stale ? `Stale for ${duration((now.value - since) / 1000)}` : "Reconnecting" }[state];
  return <span class={`link-state ${stale ? "stale" : state}`} role="status"><i />{text}</span>;
}

function SignIn() {
  const [secret, setSecret] = useState("");
  const reason = signInReason.value;
  if (!reason) return null;
  return (
    <Dialog title="Sign in" onClose={() => undefined}>
      <form onSubmit={(e) => { e.preventDefault(); if (secret.trim()) { signIn(secret.trim()); setSecret(""); } }}>
        <h2>Sign in</h2>
        <p>{reason}</p>
        <div class="field"><label for="token">Token</label>
          <input id="token" type="password" autocomplete="current-password" spellcheck={false} value={secret} autofocus onInput={(e) => setSecret(e.currentTarget.value)} /></div>
        <p class="faint">Whoever runs kilnd makes one: <code>kilnd token add NAME --role submit</code>. It is kept in this tab until you close it.</p>
        <div class="actions end"><button type="submit" class="primary" disabled={!secret.trim()}>Sign in</button></div>
      </form>
    </Dialog>
  );
}

// Keys of one letter can be switched off (WCAG 2.1.4).
const keysKey = "kiln.keys";
const stored = () => { try { return localStorage.getItem(keysKey) !== "off"; } catch { return true; } };
let keysOn = stored();
const keyList: [string, string][] = [["/", "Search"], ["n", "New job"], ["j  k", "Next, previous job"], ["Enter", "Open the job"], ["p", "Pause, go on"], ["r", "Retry what is missing"],
  ["Del", "Cancel, or delete a job that has ended"], ["[  ]", "Previous, next failure"], ["g", "All jobs"], ["x", "Choose the job; with Shift, all up to it"], ["Space", "Play the frames, in the large picture"], ["?", "These keys"]];

function Keys({ close }: { close: () => void }) {
  const [on, turn] = useState(keysOn);
  return (
    <Dialog title="Keys" onClose={close}>
      <h2>Keys</h2>
      <dl class="keys">{keyList.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}</dl>
      <label class="check"><input type="checkbox" checked={on} onChange={(e) => {
        keysOn = e.currentTarget.checked;
        turn(keysOn);
        try { localStorage.setItem(keysKey, keysOn ? "on" : "off"); } catch { /* for this page only */ }
      }} /><span>Use these keys</span></label>
      <div class="actions end"><button type="button" class="primary" onClick={close}>Close</button></div>
    </Dialog>
  );
}

function onKey(e: KeyboardEvent, help: () => void) {
  const at = e.target as HTMLElement;
  if (!keysOn || e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) || document.querySelector("dialog[open]")) return;
  const rows = [...document.querySelectorAll<HTMLElement>(".row[data-job]")];
  const row = at.closest<HTMLElement>(".row[data-job]");
  const id = row?.dataset.job ?? (route.value.path.startsWith("/jobs/") ? route.value.path.slice(6) : null);
  const job = id ? store.jobOf(id) : undefined;
  const step = (list: HTMLElement[], by: number) => {
    const next = list[list.findIndex((each) => each.contains(at)) + by] ?? (by > 0 ? list[0] : list.at(-1));
    const target = next?.querySelector<HTMLElement>("a") ?? next;
    target?.focus();
    target?.scrollIntoView({ block: "nearest" });
  };
  const failures = () => [...document.querySelectorAll<HTMLElement>("[data-failure]")];
  switch (e.key) {
    case "/": document.querySelector<HTMLElement>("input[type=search]")?.focus(); break;
    case "n": go("/new"); break;
    case "g": go("/jobs"); break;
    case "j": step(rows, 1); break;
    case "k": step(rows, -1); break;
    case "]": step(failures(), 1); break;
    case "[": step(failures(), -1); break;
    case "?": help(); break;
    case "x": case "X": if (row) choose(row.dataset.job!, e.shiftKey); break;
    case "p": if (job) { if (actions.canPause(job)) void actions.pause(job); else if (actions.canResume(job)) void actions.resume(job); } break;
    case "r": if (job && actions.canRetry(job)) void actions.retry(job); break;
    case "Delete": if (job) { if (actions.canCancel(job)) actions.cancel(job); else actions.erase(job, () => go("/jobs")); } break;
    default: return;
  }
  e.preventDefault();
}

function App() {
  const { path } = route.value;
  const help = useSignal(false), over = useSignal(0), refused = useSignal("");
  const isFirst = useRef(true);
  useEffect(() => {
    const press = (e: KeyboardEvent) => onKey(e, () => { help.value = true; });
    const carries = (e: DragEvent) => e.dataTransfer?.types.includes("Files");
    const enter = (e: DragEvent) => { if (carries(e)) over.value++; };
    const leave = (e: DragEvent) => { if (carries(e)) over.value = Math.max(0, over.value - 1); };
    const move = (e: DragEvent) => { if (carries(e)) e.preventDefault(); };
    const drop = (e: DragEvent) => {
      over.value = 0;
      const files = [...(e.dataTransfer?.files ?? [])];
      if (!files.length) return;
      e.preventDefault();
      const file = files.find(isBlend);
      refused.value = file ? "" : `“${files[0].name}” is not a .blend: save the scene with Blender, and drop that file.`;
      if (file) take(file);
    };
    addEventListener("keydown", press);
    addEventListener("dragenter", enter);
    addEventListener("dragleave", leave);
    addEventListener("dragover", move);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("keydown", press);
      removeEventListener("dragenter", enter);
      removeEventListener("dragleave", leave);
      removeEventListener("dragover", move);
      removeEventListener("drop", drop);
    };
  }, []);
  useLayoutEffect(() => { // at once: what is focused after it, by a key or a hand, stays so
    question.value = null;
    refused.value = "";
    actions.trouble.value = null;
    if (path === "/jobs") document.title = "Kiln";
    if (isFirst.current) { isFirst.current = false; return; }
    scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true }); // a new screen is read from its beginning
  }, [path]);
  const id = /^\/jobs\/(.+)$/.exec(path)?.[1];
  const part = sending.value && !sending.value.blend && !sending.value.problem && path !== "/new";
  return (
    <div class={live.link.value.state === "reconnecting" ? "app away" : "app"}>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>To the content</a>
      <header>
        <a class="brand" href="#/jobs"><svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true"><path d="M6 28V15a10 10 0 0 1 20 0v13h-5V16.500a5 5 0 0 0-10 0V28z" fill="currentColor" /><path class="flame" d="M16 18.500c2.200 2 3 3.400 3 5a3 3 0 0 1-6 .2c0-1.900 1.900-2.700 3-5.200z" /></svg>Kiln</a>
        <nav aria-label="Main">
          <a href="#/jobs" aria-current={path.startsWith("/jobs") ? "page" : undefined}>Jobs</a>
          <a href="#/system" aria-current={path === "/system" ? "page" : undefined}>System</a>
          <a href="docs" class="wide-only">API</a>
        </nav>
        <span class="push" />
        {part && <a href="#/new" class="num faint">Sending a file</a>}
        <LinkState />
        {token.value && <button type="button" class="quiet small" onClick={() => signIn(null)}>Sign out</button>}
        <button type="button" class="quiet wide-only" aria-label="Keys" title="Keys" onClick={() => { help.value = true; }}>?</button>
        <a class="button primary" href="#/new" aria-keyshortcuts="n"><Icon of="plus" />New job</a>
      </header>
      {live.isOutdated.value && <p class="banner">kilnd has a newer page. <button type="button" class="small" onClick={() => location.reload()}>Reload</button></p>}
      {refused.value && <p class="banner" role="alert">{refused.value} <button type="button" class="quiet small" onClick={() => { refused.value = ""; }}>Close</button></p>}
      {id ? <Job id={id} key={id} /> : path === "/new" ? <New /> : path === "/jobs" ? <Jobs /> : path === "/system" ? <System />
        : <main id="main" tabIndex={-1}><div class="empty"><h1>There is nothing here</h1><a class="button" href="#/jobs">All jobs</a></div></main>}
      {over.value > 0 && <div class="dropping" aria-hidden="true"><p>Drop the .blend to render it</p></div>}
      <p class="hidden" aria-live="polite">{announcement.value}</p>
      <Asking />
      <SignIn />
      {help.value && <Keys close={() => { help.value = false; }} />}
    </div>
  );
}

store.begin();
live.begin();
render(<App />, document.getElementById("app")!);
