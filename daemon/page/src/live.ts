// SPDX-License-Identifier: Apache-2.0
//
// The events of all jobs, read with fetch, because EventSource hides why it was refused. One stream for all tabs of a
// browser, where it has Web Locks: the tab that holds the lock reads, the others hear it by a channel. Where it has
// none (plain http to another machine), a tab reads while it is seen.
import { effect, signal } from "@preact/signals";
import { Problem, ask, base, signInReason, signIns, sleep, token } from "./api";

export type Link = { state: "connecting" | "live" | "reconnecting" | "refused"; since: number };
export const link = signal<Link>({ state: "connecting", since: Date.now() });
/// Whether a newer page is served than this one.
export const isOutdated = signal(false);

type Listener = (event: string, data: any) => void;
const listeners = new Set<Listener>();
/// `event` is "open" after each new connection: what was missed has to be read.
export function listen(to: Listener) {
  listeners.add(to);
  return () => { listeners.delete(to); };
}

type Message = { kind: "event"; event: string; data: any } | { kind: "link"; link: Link } | { kind: "hello" };
let channel: BroadcastChannel | null = null;
let leads = false;
const tell = (event: string, data: any) => { for (const each of [...listeners]) each(event, data); };
function report(event: string, data: any) {
  tell(event, data);
  channel?.postMessage({ kind: "event", event, data } satisfies Message);
}
function become(state: Link["state"]) {
  if (link.value.state !== state) link.value = { state, since: Date.now() };
  channel?.postMessage({ kind: "link", link: link.value } satisfies Message);
}

const silence = 40_000; // kilnd sends a comment each 15 s
let lastId = "";

async function readStream(stop: AbortSignal) {
  const ending = new AbortController();
  const end = () => ending.abort();
  stop.addEventListener("abort", end, { once: true });
  let watchdog = setTimeout(end, silence);
  try {
    const answer = await ask("v1/events", { signal: ending.signal, cache: "no-store",
      headers: { Accept: "text/event-stream", ...(lastId ? { "Last-Event-ID": lastId } : {}) } });
    become("live");
    report("open", null);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(end, silence);
      const events = (rest + value).split("\n\n");
      rest = events.pop()!;
      for (const text of events) {
        let event = "message", data = "";
        for (const line of text.split("\n")) {
          if (line.startsWith("id: ")) lastId = line.slice(4);
          else if (line.startsWith("event: ")) event = line.slice(7);
          else if (line.startsWith("data: ")) data += line.slice(6);
        }
        if (data) report(event === "missed" ? "open" : event, JSON.parse(data));
      }
    }
  } finally {
    clearTimeout(watchdog);
    stop.removeEventListener("abort", end);
  }
}

async function checkVersion() {
  const own = [...document.scripts].map((script) => script.src.split("/").at(-1)!).find((name) => name.startsWith("app-"));
  const page = await ask("", { cache: "no-store" }).then((answer) => answer.text()).catch(() => "");
  if (own && page.includes("page/app-") && !page.includes(own)) isOutdated.value = true;
}

/// Reads until `stop`; comes back after each break, later each time, or when Retry-After says.
async function keepReading(stop: AbortSignal) {
  let tries = 0, was = false;
  while (!stop.aborted) {
    let wait = Math.min(30, 2 ** tries) * (0.75 + Math.random() / 2);
    tries++;
    try {
      if (was) void checkVersion();
      const began = Date.now();
      await readStream(stop);
      if (Date.now() - began > 5000) { tries = 0; wait = 0.5 + Math.random(); }
    } catch (error) {
      if (error instanceof Problem) {
        if (error.retryAfter) wait = error.retryAfter;
        if (error.status === 401 || error.status === 403) {
          become("refused");
          return; // a new token begins anew
        }
      }
    }
    if (link.value.state === "live") was = true, tries = 0, wait = Math.min(wait, 1);
    if (stop.aborted) return;
    become(link.value.state === "connecting" ? "connecting" : "reconnecting");
    await sleep(wait * 1000, stop);
  }
}

const hash = (text: string) => [...text].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) >>> 0, 7).toString(36);

export function begin() {
  effect(() => {
    signIns.value;
    const name = `kiln:${base.pathname}:${hash(token.value ?? "")}`;
    const stop = new AbortController();
    lastId = "";
    leads = false;
    link.value = { state: "connecting", since: Date.now() };
    if (navigator.locks && "BroadcastChannel" in window) {
      channel = new BroadcastChannel(name);
      channel.onmessage = ({ data }: MessageEvent<Message>) => {
        if (data.kind === "hello") { if (leads) become(link.value.state); return; }
        if (leads) return;
        if (data.kind === "event") tell(data.event, data.data);
        else if (link.value.state !== data.link.state) {
          const first = link.value.state === "connecting";
          link.value = data.link;
          if (first && data.link.state === "live") tell("open", null);
        }
      };
      channel.postMessage({ kind: "hello" } satisfies Message);
      navigator.locks.request(name, { signal: stop.signal }, () => { leads = true; return keepReading(stop.signal); })
        .catch(() => { /* stopped before it had the lock */ });
    } else {
      let reading: AbortController | null = null;
      const look = () => {
        if (document.hidden) { reading?.abort(); reading = null; }
        else if (!reading) { reading = new AbortController(); void keepReading(reading.signal); }
      };
      document.addEventListener("visibilitychange", look);
      stop.signal.addEventListener("abort", () => { document.removeEventListener("visibilitychange", look); reading?.abort(); });
      look();
    }
    return () => { stop.abort(); channel?.close(); channel = null; };
  });
  effect(() => { if (signInReason.value && link.peek().state !== "refused") link.value = { state: "refused", since: Date.now() }; });
}
