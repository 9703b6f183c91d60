/** Remembers, while the browser is at a provider, which page of this window it left. */

import { pathTo } from "../../base.ts";
import { routeOf } from "../route.ts";

const NAME = "lightbox.return";

export function rememberPage(path: string): void {
  try {
    sessionStorage.setItem(NAME, path);
  } catch {
    return; // The person then comes back to the list.
  }
}

/** Returns the path of the page, once; that of the list if there is none. */
export function rememberedPage(below: (path: string) => string | null): string {
  let path: string | null = null;
  try {
    path = sessionStorage.getItem(NAME);
    sessionStorage.removeItem(NAME);
  } catch {
    path = null;
  }
  const known = path !== null && !["nothing", "provider"].includes(routeOf(below(path.split("?")[0] ?? "")).page);
  return known && path !== null ? path : pathTo("");
}
