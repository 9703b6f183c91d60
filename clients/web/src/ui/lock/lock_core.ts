/**
 * When the page warns that the screen will be locked, and when it covers it. Pure: times are arguments, in ms of the
 * wall clock, which goes on while the device sleeps.
 *
 *     open ── warning due ──► warned ── lock due ──► covered ── locked ──► locked ── unlocked ──► open
 *       ▲ └───────────── lock due ──────────────────────▲ │                  ▲
 *       ├────── input ────────┘                           │                  │ locked, in every state
 *       └────────────────────── not yet ──────────────────┘
 *
 * The gateway decides and enforces; the page only shows it, never later. While the screen is covered it asks.
 */

export type ScreenState = "open" | "warned" | "covered" | "locked";
export type ScreenEvent = "input" | "warning-due" | "lock-due" | "not-yet" | "locked" | "unlocked";

export const TABLE: Readonly<Record<ScreenState, Readonly<Record<ScreenEvent, ScreenState>>>> = {
  open: {
    input: "open",
    "warning-due": "warned",
    "lock-due": "covered",
    "not-yet": "open",
    locked: "locked",
    unlocked: "open",
  },
  warned: {
    input: "open",
    "warning-due": "warned",
    "lock-due": "covered",
    "not-yet": "open",
    locked: "locked",
    unlocked: "open",
  },
  // Input does not uncover: it may be that of somebody else.
  covered: {
    input: "covered",
    "warning-due": "covered",
    "lock-due": "covered",
    "not-yet": "open",
    locked: "locked",
    unlocked: "open",
  },
  locked: {
    input: "locked",
    "warning-due": "locked",
    "lock-due": "locked",
    "not-yet": "locked",
    locked: "locked",
    unlocked: "open",
  },
};

/** The operator's limits, ms. */
export interface LockLimits {
  readonly afterMs: number;
  readonly warningMs: number;
  /** The picture is blanked when the connection is lost for this time. */
  readonly blankMs: number;
}

/** Used until the gateway has answered. */
export const DEFAULT_LIMITS: LockLimits = { afterMs: 600_000, warningMs: 60_000, blankMs: 10_000 };
/** A lock that is due within this time, ms, counts as due: the gateway examines such screens every 2 s. */
export const DUE_MS = 3_000;

export class LockCore {
  #state: ScreenState = "open";
  #limits = DEFAULT_LIMITS;
  #dueAtMs: number;

  constructor(nowMs: number) {
    this.#dueAtMs = nowMs + this.#limits.afterMs;
  }

  get state(): ScreenState {
    return this.#state;
  }

  get limits(): LockLimits {
    return this.#limits;
  }

  /** Returns the whole seconds until the screen is locked. */
  remainingS(nowMs: number): number {
    return Math.max(0, Math.ceil((this.#dueAtMs - nowMs) / 1000));
  }

  /** The person used keys, pointer or touch, here or in another window of this browser. */
  input(nowMs: number): void {
    this.#step("input");
    if (this.#state === "open") this.#dueAtMs = nowMs + this.#limits.afterMs;
  }

  /** The gateway said how long it is until the lock. It has also seen input that this window has not. */
  gatewaySaid(remainingMs: number, limits: LockLimits, nowMs: number): void {
    this.#limits = limits;
    this.#dueAtMs = nowMs + remainingMs;
    if (remainingMs <= Math.min(DUE_MS, limits.afterMs / 2)) return;
    if (this.#state === "covered") this.#step("not-yet");
    if (this.#state === "warned" && remainingMs > limits.warningMs) this.#step("not-yet");
  }

  /** To be called at least once per second, and when the page becomes visible. */
  tick(nowMs: number): void {
    if (nowMs >= this.#dueAtMs) this.#step("lock-due");
    else if (nowMs >= this.#dueAtMs - this.#limits.warningMs) this.#step("warning-due");
  }

  locked(): void {
    this.#step("locked");
  }

  unlocked(nowMs: number): void {
    this.#step("unlocked");
    this.#dueAtMs = nowMs + this.#limits.afterMs;
  }

  #step(event: ScreenEvent): void {
    this.#state = TABLE[this.#state][event];
  }
}
