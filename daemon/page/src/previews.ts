// SPDX-License-Identifier: Apache-2.0
//
// Pictures of frames, as kilnd makes them of every format.
import { type Job, Problem, ask } from "./api";

export type Size = 160 | 320 | 640 | 1280;
export type View = "standard" | "blender";
export interface Look { size: Size; exposure?: number; layer?: string; view?: View }
export interface Picture { blob: Blob; view: string }

const lacking = new Set<string>(); // jobs whose Blender cannot say which colours it shows

export async function fetchPreview(job: Job, frame: number, look: Look, signal: AbortSignal): Promise<Picture> {
  const query = new URLSearchParams({ size: String(look.size) });
  if (look.exposure) query.set("exposure", String(look.exposure));
  if (look.layer) query.set("layer", look.layer);
  const get = () => ask(`v1/jobs/${job.id}/frames/${frame}/preview?${query}`, { signal });
  if (look.view === "blender" && isLinear(job) && !lacking.has(job.id)) query.set("view", look.view);
  const answer = await get().catch(async (error) => {
    if (!query.has("view") || !(error instanceof Problem) || error.status !== 422) throw error;
    query.delete("view");
    const standard = await get(); // or the image has no such layer
    lacking.add(job.id);
    return standard;
  });
  return { blob: await answer.blob(), view: answer.headers.get("Kiln-View") ?? "file" };
}

export function formatOf(job: Job): string {
  const inFile = job.file?.format ?? job.file?.file_format;
  return job.format || (typeof inFile === "string" ? inFile : "PNG");
}
/// Whether its frames have linear colours, of which a picture shows a part.
export const isLinear = (job: Job) => formatOf(job).startsWith("OPEN_EXR");
/// Whether a browser shows the frames themselves.
export const isShown = (job: Job) => ["PNG", "JPEG", "WEBP"].includes(formatOf(job));

export function framesPerSecond(job: Job): number {
  const inFile = job.file?.fps;
  return typeof inFile === "number" && inFile >= 1 && inFile <= 240 ? inFile : 24;
}

// Three requests at once leave the browser's other connections to the rest of the page.
let running = 0;
const queue: (() => void)[] = [];
export async function inTurn<T>(signal: AbortSignal, what: () => Promise<T>): Promise<T | undefined> {
  if (running >= 3) await new Promise<void>((go) => queue.push(go));
  running++;
  try { return signal.aborted ? undefined : await what(); } finally { running--; queue.shift()?.(); }
}
