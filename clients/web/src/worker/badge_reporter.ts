/** Reports to the page what the exactness badge may show. */

import type { AgentMessageOf } from "../protocol/messages.ts";
import type { ViewerCore } from "../protocol/viewer_core.ts";
import type { WorkerMessage } from "./messages.ts";

/**
 * An unchanged state is repeated at this interval, ms, because the page shows "unverified" when it hears
 * nothing.
 */
const REPEAT_INTERVAL_MS = 1_000;

export class BadgeReporter {
  readonly #core: ViewerCore;
  readonly #post: (message: WorkerMessage) => void;
  #epoch = 0;
  #ageMs: number | null = null;
  #ratio: number | null = null;
  #stateAtMs = 0;
  #reported = "";
  #reportedAtMs = 0;

  constructor(core: ViewerCore, post: (message: WorkerMessage) => void) {
    this.#core = core;
    this.#post = post;
  }

  /** Takes over the agent's latest state of this monitor and reports it. */
  update({ epoch, age_ms, ratio }: AgentMessageOf<"state">): void {
    this.#epoch = epoch;
    this.#ageMs = age_ms;
    this.#ratio = ratio;
    this.#stateAtMs = performance.now();
    this.report();
  }

  /** Reports the current state if it changed or the last report is older than the repeat interval. */
  report(): void {
    const nowMs = performance.now();
    const state = this.#core.shownState(nowMs);
    const ratio = state === "lossy" ? this.#ratio : null;
    const { readbackAltered } = this.#core;
    const content = `${state} ${this.#epoch} ${ratio} ${readbackAltered}`;
    if (content === this.#reported && nowMs - this.#reportedAtMs < REPEAT_INTERVAL_MS) return;
    this.#reported = content;
    this.#reportedAtMs = nowMs;
    this.#post({
      kind: "verdict",
      state,
      epoch: this.#epoch,
      ageMs: this.#ageMs === null ? null : this.#ageMs + (nowMs - this.#stateAtMs),
      ratio,
      readbackAltered,
    });
  }
}
