// SPDX-License-Identifier: Apache-2.0
//
// Files that a person takes home.
import { useState } from "preact/hooks";
import { Problem, address, ask, token } from "./api";
import { ProblemBox } from "./parts";

/// Saves what needs a token: a link cannot send one.
export async function save(path: string, name: string) {
  const answer = await ask(path);
  const picker = (window as any).showSaveFilePicker;
  if (picker && !(navigator as any).webdriver) {
    try {
      const file = await picker({ suggestedName: name });
      await answer.body!.pipeTo(await file.createWritable());
      return;
    } catch (error) { if ((error as Error).name === "AbortError") return; throw error; }
  }
  const url = URL.createObjectURL(await answer.blob());
  const anchor = Object.assign(document.createElement("a"), { href: url, download: name });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export function Download({ path, name, children, kind }: { path: string; name: string; children: any; kind?: string }) {
  const [problem, fail] = useState<Problem | null>(null);
  if (!token.value) return <a class={`button ${kind ?? ""}`} href={address(path)} download={name}>{children}</a>;
  return <><button type="button" class={kind} onClick={() => save(path, name).then(() => fail(null), (error) => fail(error instanceof Problem ? error : new Problem(0, "The download broke off; try again.")))}>{children}</button>
    {problem && <ProblemBox of={problem} />}</>;
}
