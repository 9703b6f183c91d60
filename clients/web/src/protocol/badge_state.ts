/** The state that the exactness badge shows: never better than the agent's (PROTOCOL.md §4). */

import { type Exactness, STATE_TIMEOUT_S } from "./generated/wire_facts.ts";
import type { Proof } from "./liveness.ts";

export type ShownState = Exactness | "scaled";

/** The agent sends its state at least every 2 s. After this time without one the badge shows `unverified`. */
export const STATE_TIMEOUT_MS = STATE_TIMEOUT_S * 1_000;

export interface BadgeInputs {
  readonly connected: boolean;
  /** The latest state of this monitor that the agent sent, null before the first. */
  readonly state: Exactness | null;
  /** When that state arrived, ms on the clock of `nowMs`. */
  readonly stateAtMs: number;
  /**
   * When a surface began that is still empty, so that nothing on it can be wrong before its first state; null:
   * a missing state is a fault.
   */
  readonly stateAwaitedSinceMs: number | null;
  /** Whether one pixel of the surface is one pixel of the screen. */
  readonly oneToOne: boolean;
  /** What the heartbeats prove. */
  readonly proof: Proof;
}

/** Returns the state to show. Whatever is unknown yields `unverified`. */
export function shownState(inputs: BadgeInputs, nowMs: number): ShownState {
  const sinceMs = inputs.state === null ? inputs.stateAwaitedSinceMs : inputs.stateAtMs;
  if (!inputs.connected || sinceMs === null) return "unverified";
  const ageMs = nowMs - sinceMs;
  // Negated, so that a clock that returns NaN or runs backwards yields `unverified` as well.
  if (!(ageMs >= 0 && ageMs < STATE_TIMEOUT_MS)) return "unverified";
  if (inputs.state === null) return "refining";
  if (inputs.proof === "missing") return "unverified";
  if (inputs.state === "exact" && inputs.proof === "late") return "refining";
  if (inputs.state === "exact" && !inputs.oneToOne) return "scaled";
  return inputs.state;
}
