/** What the badge may say. It is never better than the agent's word, and fails closed (PROTOCOL.md §4). */

import type { Exactness } from "./messages.ts";

export type ShownState = Exactness | "scaled";

/** The agent speaks at least every 2 s; after this silence its last word counts no more. */
export const SILENCE_MS = 5_000;

export interface Evidence {
  readonly connected: boolean;
  /** The agent's last word about this monitor, null before the first. */
  readonly state: Exactness | null;
  /** When it came, ms on the clock of `nowMs`. */
  readonly heardAtMs: number;
  /** Whether one pixel of the surface is one pixel of the screen. */
  readonly oneToOne: boolean;
}

export function shownState(evidence: Evidence, nowMs: number): ShownState {
  if (!evidence.connected || evidence.state === null) return "unverified";
  const silenceMs = nowMs - evidence.heardAtMs;
  // `!(… < …)` rather than `≥`, so that a clock that gives NaN or runs backwards counts as silence too.
  if (!(silenceMs >= 0 && silenceMs < SILENCE_MS)) return "unverified";
  if (evidence.state === "exact" && !evidence.oneToOne) return "scaled";
  return evidence.state;
}
