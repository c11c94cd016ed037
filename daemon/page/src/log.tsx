// SPDX-License-Identifier: Apache-2.0
//
// The end of the log, growing. It follows only while its reader is at the end: it never jumps away from a line.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Job, Problem, ask, isFinal, sleep } from "./api";
import { ProblemBox, Icon } from "./parts";
import { Download } from "./download";
import { size } from "./format";

const most = 128 * 1024;

export function Log({ job }: { job: Job }) {
  const [text, setText] = useState<string | null>(null);
  const [begin, setBegin] = useState(0);
  const [problem, fail] = useState<Problem | null>(null);
  const [follows, setFollows] = useState(true);
  const box = useRef<HTMLPreElement>(null), pinned = useRef(true), over = useRef(false);
  over.current = isFinal(job);
  useEffect(() => {
    const stop = new AbortController();
    const decoder = new TextDecoder();
    let next = -1;
    setText(null);
    const run = async () => {
      for (let wasOver = false; !stop.signal.aborted; ) {
        try {
          const answer = await ask(`v1/jobs/${job.id}/log`, { signal: stop.signal, headers: { Range: next < 0 ? `bytes=-${most}` : `bytes=${next}-` } });
          const bytes = new Uint8Array(await answer.arrayBuffer());
          const from = Number(/bytes (\d+)-/.exec(answer.headers.get("Content-Range") ?? "")?.[1] ?? 0);
          if (next < 0) setBegin(from);
          next = from + bytes.length;
          let more = decoder.decode(bytes, { stream: true });
          setText((old) => {
            if (old === null && from > 0) more = more.slice(more.indexOf("\n") + 1);
            const all = (old ?? "") + more;
            return pinned.current && all.length > 4 * most ? all.slice(-2 * most) : all;
          });
          fail(null);
        } catch (error) {
          if (!(error instanceof Problem)) return;
          if (error.status === 416) setText((old) => old ?? "");
          else if (error.status === 404) { setText((old) => old ?? ""); return; }
          else fail(error);
        }
        if (wasOver) return;
        wasOver = over.current;
        if (!wasOver) await sleep(document.hidden ? 10_000 : 1000, stop.signal);
      }
    };
    void run();
    return () => stop.abort();
  }, [job.id, job.state === "running" || job.state === "queued"]);
  useEffect(() => { if (pinned.current && box.current) box.current.scrollTop = box.current.scrollHeight; }, [text]);
  return (
    <section aria-label="Log" class="log">
      {problem && <ProblemBox of={problem} />}
      <div class="log-head">
        {begin > 0 && <span class="faint">The first {size(begin)} are left out here.</span>}
        {!follows && <button type="button" class="small" onClick={() => { pinned.current = true; setFollows(true); box.current!.scrollTop = box.current!.scrollHeight; }}>Follow the end</button>}
        <Download path={`v1/jobs/${job.id}/log`} name={`${job.id}.log`} kind="quiet small"><Icon of="down" />Whole log</Download>
      </div>
      {text === null ? <p class="faint" role="status">Loading</p> : text === "" ? <p class="faint">Blender has printed nothing yet.</p>
        : <pre ref={box} tabIndex={0} role="region" aria-label="End of the log" onScroll={(e) => {
          const it = e.currentTarget;
          pinned.current = it.scrollHeight - it.scrollTop - it.clientHeight < 24;
          setFollows(pinned.current);
        }}>{text}</pre>}
    </section>
  );
}
