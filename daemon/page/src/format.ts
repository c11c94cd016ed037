// SPDX-License-Identifier: Apache-2.0
//
// Values as people read them.
import { type Estimate, type Job, serverNow } from "./api";

const units: [number, string][] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
/// "45 s", "12 min", "3 h 20 min", "2 d 4 h"
export function duration(seconds: number): string {
  if (seconds < 1) return seconds <= 0 ? "0 s" : "< 1 s";
  if (seconds < 10 && seconds % 1 > 0.05) return `${seconds.toFixed(1)} s`;
  const at = units.findIndex(([size]) => Math.round(seconds) >= size);
  const [size, unit] = units[at];
  if (at === 3) return `${Math.round(seconds)} s`;
  const whole = Math.floor(seconds / size), [smaller, name] = units[at + 1];
  const rest = Math.floor((seconds - whole * size) / smaller);
  return rest && whole < 10 ? `${whole} ${unit} ${rest} ${name}` : `${whole} ${unit}`;
}
const rounded = (seconds: number) => {
  const step = seconds < 20 ? 1 : seconds < 60 ? 5 : seconds < 600 ? 30 : seconds < 3600 ? 60 : seconds < 36000 ? 600 : 3600;
  return Math.max(step, Math.round(seconds / step) * step);
};
/// "3–4 min": a range, as far as it is one.
export function estimate(of: Estimate): string {
  const low = duration(rounded(of.low)), high = duration(rounded(of.high));
  if (low === high) return high;
  const [from, fromUnit, ...more] = low.split(" "), unit = high.split(" ");
  return !more.length && unit.length === 2 && unit[1] === fromUnit ? `${from}–${high}` : `${low} – ${high}`;
}
export function age(time: string): string {
  const seconds = Math.max(0, (serverNow() - Date.parse(time)) / 1000);
  return seconds < 60 ? "just now" : duration(seconds).split(" ").slice(0, 2).join(" ");
}
export const moment = (time: string) => new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
export function size(bytes: number): string {
  const names = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (bytes >= 1000 && at < names.length - 1) { bytes /= 1000; at++; }
  return `${bytes < 10 && at ? bytes.toFixed(1) : Math.round(bytes)} ${names[at]}`;
}
export const count = (n: number) => n.toLocaleString("en").replaceAll(",", "\u202f");
export const plural = (n: number, word: string) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
export const percent = (progress: number) => `${Math.floor(progress * 100)}\u202f%`;

export function title(job: Job): string {
  if (job.name) return job.name;
  return job.blend.startsWith("sha256:") ? `Upload ${job.blend.slice(7, 15)}` : job.blend.split("/").at(-1) || job.blend;
}

/// What is left of a job's time, or what it took.
export function timeOf(job: Job): string {
  if (job.state === "running" && job.eta_seconds) return estimate(job.eta_seconds);
  if (job.finished_at && job.started_at)
    return duration((Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000);
  return "";
}

/// "1-3,7" of sorted numbers.
export function ranges(frames: number[]): string {
  const out: string[] = [];
  for (let at = 0; at < frames.length;) {
    let end = at;
    while (frames[end + 1] === frames[end] + 1) end++;
    out.push(end > at ? `${frames[at]}–${frames[end]}` : `${frames[at]}`);
    at = end + 1;
  }
  return out.length > 12 ? `${out.slice(0, 12).join(", ")}, …` : out.join(", ");
}

/// What a person can do about each kind of failure.
export const advice: Record<string, string> = {
  blend_unreadable: "Open the file in Blender, save it again, and make a new job of it.",
  no_camera: "Add a camera to the scene, or name one in a new job.",
  engine_unavailable: "Make a new job with another engine.",
  denoiser_unavailable: "Turn denoising off in the file, or use a Blender that has this denoiser.",
  display_unavailable: "This engine needs a display on the render machine; Cycles does not.",
  missing_files: "Pack the files into the .blend (File → External Data → Pack Resources) and send it again.",
  output_unwritable: "The operator of kilnd has to make the output directory writable; then retry.",
  disk_full: "Free space on the render machine, for instance by deleting old jobs; then retry.",
  out_of_memory: "Reduce textures, samples or resolution, or render fewer frames at once; then retry.",
  crashed: "Retry. If it crashes at the same frame again, its log shows what Blender was doing.",
  killed: "Something outside of Kiln ended Blender; retry.",
  timed_out: "Give a new job more time, or make its frames faster.",
  stalled: "Blender did nothing for long. The log shows its last step; retry, or look at the scene.",
  frames_missing: "The log of the frame shows why Blender wrote no image; retry.",
  frames_corrupt: "The images were not whole. Retry; if it happens again, check the disk.",
  movie_output: "Choose an image format in a new job: a movie cannot be rendered frame by frame.",
  blender_missing: "The operator of kilnd has to install or configure Blender.",
  invalid_setting: "Make a new job with the setting changed.",
  strict_warning: "Mend what the warning names, or make a new job that is not strict.",
  internal: "This is a fault of Kiln: its operator finds more in kilnd's log. Retry.",
};
