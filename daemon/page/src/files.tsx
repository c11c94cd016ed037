// SPDX-License-Identifier: Apache-2.0
//
// The .blend files that kilnd has below its project roots, to choose one.
import { useEffect, useState } from "preact/hooks";
import { read } from "./api";
import { moment, size } from "./format";
import { Icon } from "./parts";

interface Entry { path: string; type: "directory" | "blend"; bytes?: number; modified_at?: string }
const most = 500;

/// `choose` gets the path as `blend` of a job takes it. Nothing is shown where nothing can be listed: a path can still be typed.
export function Files({ chosen, choose }: { chosen: string; choose: (path: string) => void }) {
  const [at, go] = useState(""), [found, setFound] = useState<Entry[] | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    read<{ files: Entry[] }>(`v1/files?limit=${most}&path=${encodeURIComponent(at)}`, stop.signal)
      .then((it) => setFound(it.files), (error) => { if (error.name !== "AbortError") setFound([]); });
    return () => stop.abort();
  }, [at]);
  const above = at.split("/").slice(0, -1).join("/"), nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
  if (!found || (!found.length && !at)) return null;
  return (
    <div class="files" role="group" aria-label="Files on the server">
      <p class="faint">{at ? `${at}/` : "Project roots"}</p>
      <ul>
        {at && <li><button type="button" class="quiet small" onClick={() => go(above)}>One up</button></li>}
        {found.map((entry) => (
          <li key={entry.path}>
            {entry.type === "directory" ? <button type="button" class="quiet small" onClick={() => go(entry.path)}>{nameOf(entry.path)}/</button>
              : <button type="button" class="quiet small" aria-pressed={chosen === entry.path} onClick={() => choose(entry.path)}><Icon of="file" />{nameOf(entry.path)}</button>}
            {entry.modified_at && <span class="faint num">{size(entry.bytes ?? 0)}, {moment(entry.modified_at)}</span>}
          </li>))}
      </ul>
      {!found.length && <p class="faint">There is no .blend here.</p>}
      {found.length === most && <p class="faint">There are more: type the path.</p>}
    </div>
  );
}
