// SPDX-License-Identifier: Apache-2.0
//
// Which screen is shown, and what of it: all in the fragment of the address, "#/jobs?state=failed".
import { signal } from "@preact/signals";

export interface Route { path: string; query: URLSearchParams }

function current(): Route {
  const [path, query] = location.hash.slice(1).split("?");
  return { path: path || "/jobs", query: new URLSearchParams(query ?? "") };
}
export const route = signal<Route>(current());
addEventListener("hashchange", () => { route.value = current(); });

export function go(path: string, query: Record<string, string> = {}) { location.hash = link(path, query); }
export function link(path: string, query: Record<string, string> = {}) {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return `#${path}${text ? `?${text}` : ""}`;
}
/// Changes the query without a new entry in the history.
export function setQuery(changes: Record<string, string>) {
  const query = Object.fromEntries(route.value.query);
  history.replaceState(null, "", link(route.value.path, { ...query, ...changes }));
  route.value = current();
}
