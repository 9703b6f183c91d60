/** Decides which input the page tells the gateway, and how often. Pure: times are arguments, in ms. */

/** Input is reported at most this often, ms. */
export const REPORT_INTERVAL_MS = 5_000;

export class InputReport {
  #reportedAtMs = Number.NEGATIVE_INFINITY;
  /** Whether there was input since the last report. */
  #open = false;

  /** The person used the page itself. */
  input(): void {
    this.#open = true;
  }

  /** Returns whether to report now; the caller then does. */
  due(nowMs: number): boolean {
    if (!this.#open || nowMs - this.#reportedAtMs < REPORT_INTERVAL_MS) return false;
    this.#open = false;
    this.#reportedAtMs = nowMs;
    return true;
  }
}
