// SPDX-License-Identifier: Apache-2.0
//
// Videos of a job's frames: asked for, followed until they are counted, taken home.
import { useEffect, useState } from "preact/hooks";
import { type Job, Problem, read, send, sleep } from "./api";
import { Download } from "./download";
import { count, size } from "./format";
import { ProblemBox } from "./parts";

interface Video {
  id: string; state: "queued" | "running" | "succeeded" | "failed"; codec: string; fps: number; width: number | null; height: number | null;
  frames: { total: number; done: number }; bytes: number | null; failure: { kind: string; message: string } | null;
}
const ending = (video: Video) => (video.codec === "vp9" ? "webm" : "mp4");
const isMade = (video: Video) => video.state === "queued" || video.state === "running";

export function Videos({ job }: { job: Job }) {
  const [videos, setVideos] = useState<Video[]>([]), [problem, fail] = useState<Problem | null>(null), [asked, again] = useState(0);
  const [codec, setCodec] = useState("h264");
  useEffect(() => {
    const stop = new AbortController();
    void (async () => {
      while (!stop.signal.aborted) {
        try {
          const { videos } = await read<{ videos: Video[] }>(`v1/jobs/${job.id}/videos`, stop.signal);
          setVideos(videos);
          if (!videos.some(isMade)) return;
        } catch (error) {
          if (!(error instanceof Problem)) return;
          if (error.status !== 503 && error.status !== 429) { fail(error); return; }
        }
        await sleep(1000, stop.signal);
      }
    })();
    return () => stop.abort();
  }, [job.id, asked]);
  const path = `v1/jobs/${job.id}/videos`;
  const change = (what: () => Promise<Response>) => what().then(() => { fail(null); again(asked + 1); }, (error) => { if (error instanceof Problem) fail(error); });
  const gaps = job.frames.done < job.frames.total;
  return (
    <>
      <h2>Video</h2>
      {problem && <ProblemBox of={problem} />}
      <ul class="plain-list">{videos.map((video) => <li key={video.id} class="video">
        <span class="num">{video.codec === "h264" ? "H.264" : video.codec.toUpperCase()}{video.width && `, ${video.width} × ${video.height}`}, {video.fps} frames/s{" "}
          <span class={video.state === "failed" ? "error" : "faint"} role="status">{video.failure ? video.failure.message : isMade(video) ? `frame ${count(video.frames.done)} of ${count(video.frames.total)}` : size(video.bytes ?? 0)}</span></span>
        {video.state === "succeeded" && <Download path={`${path}/${video.id}/file`} name={`${job.id}.${ending(video)}`}>Download</Download>}
        <button type="button" class="quiet small" onClick={() => change(() => send("DELETE", `${path}/${video.id}`))}>{isMade(video) ? "Stop" : "Remove"}</button>
      </li>)}</ul>
      <p class="video"><button type="button" disabled={!job.frames.done} onClick={() => change(() => send("POST", path, { codec, ...(gaps && { gaps: "hold" }) }))}>Make a video</button>
        <label class="inline">Codec <select value={codec} onChange={(e) => setCodec(e.currentTarget.value)}>
          <option value="h264">H.264 (MP4)</option><option value="vp9">VP9 (WebM, with alpha)</option><option value="av1">AV1 (MP4)</option></select></label></p>
      {gaps && job.frames.done > 0 && <p class="faint">{count(job.frames.total - job.frames.done)} frames are missing: the frame before them is shown again.</p>}
    </>
  );
}
