/** Chooses the desktop that a tap of a badge opens. Pure. */

import type { Desktop } from "../../gateway/gateway_client.ts";

/** States in which a desktop has programs of the person, or is about to. */
const RUNNING: readonly string[] = ["ready", "starting", "running"];

/** Returns the only desktop that runs, or else the only one that there is; null if the person has to choose. */
export function ownDesktop(desktops: readonly Desktop[]): Desktop | null {
  const running = desktops.filter(({ kind, state }) => kind !== "tool" && RUNNING.includes(state));
  const [only, another] = running.length > 0 ? running : desktops.filter(({ kind }) => kind === "desktop");
  return only !== undefined && another === undefined ? only : null;
}
