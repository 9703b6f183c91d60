/**
 * The attempts to sign out, until the server confirms it. Pure: times are arguments, in ms.
 *
 *     asking ── confirmed ──► done
 *       │ ▲
 *  failed │ retry
 *       ▼ │
 *     waiting
 */

export type SignOutState = "asking" | "waiting" | "done";
export type SignOutEvent = "confirmed" | "failed" | "retry";

export const TABLE: Readonly<Record<SignOutState, Readonly<Record<SignOutEvent, SignOutState>>>> = {
  asking: { confirmed: "done", failed: "waiting", retry: "asking" },
  waiting: { confirmed: "done", failed: "waiting", retry: "asking" },
  done: { confirmed: "done", failed: "done", retry: "done" },
};

/** Pauses between attempts, ms; the last one applies to all later pauses. */
export const PAUSES_MS: readonly number[] = [1_000, 2_000, 4_000, 8_000, 15_000];

export class SignOutCore {
  #state: SignOutState = "asking";
  #failures = 0;
  #retryAtMs = 0;

  get state(): SignOutState {
    return this.#state;
  }

  /** Whether an attempt has failed, so that the page must say so. */
  get failed(): boolean {
    return this.#failures > 0;
  }

  remainingS(nowMs: number): number {
    return Math.max(0, Math.ceil((this.#retryAtMs - nowMs) / 1000));
  }

  confirmed(): void {
    this.#step("confirmed");
  }

  attemptFailed(nowMs: number): void {
    this.#retryAtMs = nowMs + (PAUSES_MS[Math.min(this.#failures, PAUSES_MS.length - 1)] ?? 0);
    this.#failures += 1;
    this.#step("failed");
  }

  /** Returns whether to try again now. `asked` says that the person wants it at once. */
  retry(nowMs: number, asked: boolean): boolean {
    if (this.#state !== "waiting" || (!asked && nowMs < this.#retryAtMs)) return false;
    this.#step("retry");
    return true;
  }

  #step(event: SignOutEvent): void {
    this.#state = TABLE[this.#state][event];
  }
}
