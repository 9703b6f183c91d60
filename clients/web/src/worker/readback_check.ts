/**
 * Decides when the page checks again whether its browser alters what it reads back, and remembers the result.
 * It does no I/O.
 *
 * Nothing that was read back is reported before the first check, and a browser may begin to alter later: an
 * extension is installed, or the person changes a setting.
 */

import type { Readback } from "../surface/readback_probe.ts";

/** Interval between two checks while readings are intact, ms. */
export const CHECK_INTERVAL_MS = 10_000;
/** The same while readings are altered or refused, ms: the person may just be allowing them. */
export const RECHECK_INTERVAL_MS = 2_000;
/**
 * The same while the agent calls the surface unverified, ms: altered readings are one of the reasons for
 * that.
 */
export const DOUBT_INTERVAL_MS = 500;

export class ReadbackCheck {
  #result: Readback | null = null;
  #running = false;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  #doubted = false;

  /** Whether digests of what is read back now prove something. */
  get trusted(): boolean {
    return this.#result === "intact";
  }

  get altered(): boolean {
    return this.#result === "altered";
  }

  /** The agent calls the surface unverified, or does so no longer. */
  setDoubted(doubted: boolean): void {
    this.#doubted = doubted;
  }

  due(nowMs: number): boolean {
    if (this.#running) return false;
    const intact = this.trusted ? CHECK_INTERVAL_MS : RECHECK_INTERVAL_MS;
    return nowMs - this.#startedAtMs >= (this.#doubted && this.trusted ? DOUBT_INTERVAL_MS : intact);
  }

  started(nowMs: number): void {
    this.#running = true;
    this.#startedAtMs = nowMs;
  }

  finished(result: Readback): void {
    this.#running = false;
    this.#result = result;
  }
}
