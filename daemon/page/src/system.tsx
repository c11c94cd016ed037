// SPDX-License-Identifier: Apache-2.0
//
// What kilnd has and what troubles it: for whoever runs it. Read again every five seconds while it is seen.
import { useEffect, useState } from "preact/hooks";
import { type Blend, type Blender, Problem, read, send } from "./api";
import { count, moment, plural, size } from "./format";
import { Icon, ProblemBox } from "./parts";

interface System {
  you: { name: string | null; role: string }; version: string; build: string | null; executor: string; sandbox: string;
  features: { tokens: boolean; webhooks: boolean; autorun: string };
  limits: { frames: number; queued: number; upload_bytes: number; uploads_bytes: number };
  slots: { total: number; taken: number }; queued: number; waits_for: string | null;
  disk: { output_free_bytes: number; state_free_bytes: number; reserve_bytes: number }; roots: string[];
}
interface Ready { status: string; reason?: string; detail?: string; warnings?: string[] }
interface Webhook {
  id: string; url: string; events: string[]; state: "enabled" | "disabled"; disabled_because: string | null;
  deliveries: { pending: number; last: { at: string; event: string; status: number | null; error: string | null } | null };
}
interface All { system: System; ready: Ready; blenders: Blender[]; blends: Blend[]; more: boolean; webhooks: Webhook[] | null }

async function readAll(signal: AbortSignal): Promise<All> {
  const system = await read<System>("v1/system", signal);
  const [ready, { blenders }, { blends }, hooks] = await Promise.all([
    read<Ready>("readyz", signal).catch((error): Ready => {
      if (error instanceof Problem && error.status === 503) return { status: "unavailable", detail: error.message };
      throw error;
    }),
    read<{ blenders: Blender[] }>("v1/blenders", signal),
    read<{ blends: Blend[] }>("v1/blends?limit=50", signal),
    system.you.role === "admin" ? read<{ webhooks: Webhook[] }>("v1/webhooks", signal) : null,
  ]);
  return { system, ready, blenders, blends, more: blends.length === 50, webhooks: hooks && hooks.webhooks };
}

const Rows = ({ rows }: { rows: [string, string | number | null | undefined][] }) => (
  <dl class="settings">{rows.filter(([, value]) => value != null && value !== "").map(([name, value]) => (
    <div key={name}><dt>{name}</dt><dd class="num"><bdi>{value}</bdi></dd></div>))}</dl>
);

function Hook({ of, again }: { of: Webhook; again: () => void }) {
  const [problem, fail] = useState<Problem | null>(null), [said, say] = useState("");
  const { last, pending } = of.deliveries;
  const test = () => send("POST", `v1/webhooks/${of.id}/test`).then(() => { fail(null); say("Sent"); setTimeout(() => { say(""); again(); }, 1500); },
    (error) => { if (error instanceof Problem) fail(error); });
  return (
    <li>
      <p><strong><bdi>{of.url}</bdi></strong> <span class="faint">{of.events.join(", ")}</span></p>
      <p class={of.state === "enabled" ? "faint" : "error"}>{of.state === "enabled" ? "" : `Disabled: ${of.disabled_because ?? "by its operator"}. `}
        {last ? `Last: ${last.event}, ${moment(last.at)}, ${last.error ?? `status ${last.status}`}.` : "Nothing was sent yet."}{pending > 0 && ` ${count(pending)} wait.`}</p>
      <p><button type="button" class="small" onClick={test}>Send a test</button> <span class="faint" role="status">{said}</span></p>
      {problem && <ProblemBox of={problem} />}
    </li>
  );
}

export function System() {
  const [all, setAll] = useState<All | null>(null), [problem, fail] = useState<Problem | null>(null), [asked, ask] = useState(0);
  useEffect(() => {
    document.title = "System · Kiln";
    const stop = new AbortController();
    let timer = 0;
    const look = async () => {
      clearTimeout(timer);
      if (!document.hidden)
        try { setAll(await readAll(stop.signal)); fail(null); } catch (error) { if (error instanceof Problem) fail(error); }
      if (!stop.signal.aborted) timer = setTimeout(look, 5000) as unknown as number;
    };
    const seen = () => { if (!document.hidden) void look(); };
    document.addEventListener("visibilitychange", seen);
    void look();
    return () => { stop.abort(); clearTimeout(timer); document.removeEventListener("visibilitychange", seen); };
  }, [asked]);
  const again = () => ask(asked + 1);
  if (!all) return <main id="main" tabIndex={-1}><div class="title"><h1>System</h1></div>
    {problem ? problem.status !== 401 && <ProblemBox of={problem} again={again} /> : <p class="faint" role="status">Loading</p>}</main>;
  const { system, ready, blenders, blends, webhooks } = all, { slots, disk, limits } = system;
  const troubles = [...(ready.status === "ok" ? [] : [ready.detail ?? ready.reason ?? "kilnd is not ready"]), ...(system.waits_for ? [system.waits_for] : [])];
  return (
    <main id="main" tabIndex={-1}>
      <div class="title"><h1>System</h1><span class={`state ${troubles.length ? "failed" : "succeeded"}`}><Icon of={troubles.length ? "failed" : "succeeded"} />{troubles.length ? "Not ready" : "Ready"}</span></div>
      {problem && <ProblemBox of={problem} again={again} />}
      {troubles.map((text) => <p class="notice bad" key={text}><Icon of="failed" /><span><bdi>{text}</bdi></span></p>)}
      {(ready.warnings ?? []).map((text) => <p class="notice" key={text}><Icon of="warning" /><span><bdi>{text}</bdi></span></p>)}
      <dl class="numbers">
        <div><dt>Blenders at work</dt><dd class="num">{count(slots.taken)} of {count(slots.total)}</dd></div>
        <div><dt>Jobs that wait</dt><dd class="num">{count(system.queued)} <span class="faint">at most {count(limits.queued)}</span></dd></div>
        <div><dt>Free for frames</dt><dd class="num">{size(disk.output_free_bytes)}</dd></div>
        <div><dt>Free for state</dt><dd class="num">{size(disk.state_free_bytes)}</dd></div>
        <div><dt>Kept free</dt><dd class="num">{size(disk.reserve_bytes)}</dd></div>
      </dl>
      <div class="columns parts">
        <section aria-label="kilnd"><h2>kilnd</h2><Rows rows={[["Version", system.version], ["Build", system.build?.slice(0, 12)], ["You", system.you.name ? `${system.you.name}, role ${system.you.role}` : "No tokens: everybody may do everything"],
          ["Blender runs", system.executor === "slurm" ? "on a Slurm cluster" : "on this machine"], ["Sandbox", system.sandbox], ["Scripts of .blends", system.features.autorun],
          ["Frames of a job", `at most ${count(limits.frames)}`], ["Project roots", system.roots.join(", ")]]} /></section>
        <section aria-label="Blenders"><h2>Blenders</h2>{blenders.map((one) => <div key={one.name} class="part">
          <p><strong>{one.name}</strong> <span class="faint num">{one.version ?? ""}</span></p>
          {one.error ? <p class="error">{one.error}</p> : <p class="faint">{[...(one.engines ?? []), ...(one.devices ?? []).map((device) => `${device.type}: ${device.name}`)].join(" · ")}</p>}</div>)}</section>
        <section aria-label="Uploads"><h2>Uploads</h2>
          <p class="faint num">{blends.length ? `${plural(blends.length, "file")}${all.more ? " and more" : ""}, ${size(blends.reduce((sum, blend) => sum + blend.bytes, 0))}; together at most ${size(limits.uploads_bytes)}` : "None."}</p>
          <ul class="plain-list">{blends.slice(0, 12).map((blend) => <li key={blend.id}><bdi>{blend.name ?? blend.id.slice(0, 15)}</bdi> <span class="faint num">{size(blend.bytes)}{blend.blender && `, Blender ${blend.blender}`}</span></li>)}</ul></section>
        {webhooks && <section aria-label="Webhooks"><h2>Webhooks</h2>{webhooks.length ? <ul class="plain-list">{webhooks.map((hook) => <Hook of={hook} key={hook.id} again={again} />)}</ul>
          : <p class="faint">{system.features.webhooks ? "None." : "None: the configuration names no place where they may go."}</p>}</section>}
      </div>
      <p class="faint end">Numbers for dashboards: <a href="metrics">metrics</a>. What programs can ask: <a href="docs">the API</a>.</p>
    </main>
  );
}
