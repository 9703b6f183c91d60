/**
 * The lock of the screen, as long as somebody is signed in: notices input, warns, and says when the screen is locked.
 *
 * All windows of a browser share one lock, so that input in one of them counts for all.
 */

import { lockState, reportInput } from "../../gateway/gateway_client.ts";
import { Emitter } from "../emitter.ts";
import { InputReport } from "./input_report.ts";
import { LockCore, type LockLimits, type ScreenState } from "./lock_core.ts";
import { LockWarning } from "./lock_warning.ts";

/** Interval at which the state is examined, ms. */
const TICK_MS = 1_000;
/** The gateway is asked at most this often, ms, so that this window knows of input that it has not seen. */
const ASK_INTERVAL_MS = 30_000;
/** While the screen is covered, the gateway is asked this often, ms. */
const ASK_COVERED_MS = 1_000;
/** A screen that is covered for this long, ms, is locked even if the gateway does not answer. */
const COVERED_MAX_MS = 5_000;
/** Other windows are notified of input at most this often, ms. */
const NOTIFY_INTERVAL_MS = 1_000;
/** What counts as input of a person, besides nothing else. */
const INPUT_EVENTS = ["keydown", "pointerdown", "pointermove", "wheel", "touchstart", "touchmove"] as const;

type Word = "input" | "locked" | "unlocked";

export class ScreenLock {
  /** The state of the screen changed. */
  readonly changed = new Emitter<ScreenState>();
  readonly #core = new LockCore(Date.now());
  readonly #report = new InputReport();
  readonly #warning = new LockWarning();
  readonly #windows = new BroadcastChannel("lightbox screen");
  #running = false;
  #shown: ScreenState = "open";
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #notifiedAtMs = Number.NEGATIVE_INFINITY;
  /** Since when the screen is covered; null while it is not. */
  #coveredAtMs: number | null = null;

  constructor() {
    for (const type of INPUT_EVENTS) {
      window.addEventListener(type, (event) => this.#onEvent(event), { capture: true, passive: true });
    }
    document.addEventListener("visibilitychange", () => this.#tick());
    this.#windows.onmessage = (event: MessageEvent<Word>) => this.#onWord(event.data);
    setInterval(() => this.#tick(), TICK_MS);
  }

  get state(): ScreenState {
    return this.#core.state;
  }

  get limits(): LockLimits {
    return this.#core.limits;
  }

  /** Somebody is signed in, and their screen is not locked. */
  start(): void {
    if (!this.#running) this.#core.unlocked(Date.now());
    this.#running = true;
    this.#askedAtMs = Number.NEGATIVE_INFINITY;
    this.#tick();
  }

  /** Nobody is signed in any more. */
  stop(): void {
    this.#running = false;
    this.#core.unlocked(Date.now());
    this.#shown = this.#core.state;
    this.#warning.hide();
    this.#cover(false);
    delete document.documentElement.dataset.screen;
  }

  /** The gateway says that the screen is locked. */
  lock(): void {
    this.#running = true;
    this.#core.locked();
    this.#notifyWindows("locked");
    this.#show();
  }

  /** The person gave the password in this window. */
  unlock(): void {
    this.#core.unlocked(Date.now());
    this.#askedAtMs = Number.NEGATIVE_INFINITY;
    this.#notifyWindows("unlocked");
    this.#show();
  }

  #onEvent(event: Event): void {
    if (!this.#running || !event.isTrusted || (event instanceof KeyboardEvent && event.repeat)) return;
    // Browsers send a move without a motion when something else appears under the pointer.
    if (event instanceof PointerEvent && isStillMouse(event)) return;
    const nowMs = Date.now();
    // A first touch after the limit must not uncover what the timer has not covered yet.
    this.#core.tick(nowMs);
    this.#core.input(nowMs);
    if (this.#core.state === "open" && !reachesDesktop(event)) this.#report.input();
    if (nowMs - this.#notifiedAtMs >= NOTIFY_INTERVAL_MS && this.#core.state === "open") {
      this.#notifiedAtMs = nowMs;
      this.#notifyWindows("input");
    }
    this.#show();
    this.#sendReport(nowMs);
  }

  #onWord(word: Word): void {
    if (!this.#running) return;
    if (word === "input") this.#core.input(Date.now());
    else if (word === "locked") this.#core.locked();
    else this.#core.unlocked(Date.now());
    this.#show();
  }

  #tick(): void {
    if (!this.#running) return;
    const nowMs = Date.now();
    this.#core.tick(nowMs);
    if (this.#core.state !== "covered") this.#coveredAtMs = null;
    else if (this.#coveredAtMs === null) this.#coveredAtMs = nowMs;
    else if (nowMs - this.#coveredAtMs >= COVERED_MAX_MS) this.lock();
    this.#show();
    this.#sendReport(nowMs);
    const { warningMs } = this.#core.limits;
    const intervalMs =
      this.#core.state === "covered" ? ASK_COVERED_MS : Math.min(ASK_INTERVAL_MS, Math.max(TICK_MS, warningMs / 2));
    if (this.#core.state === "locked" || nowMs - this.#askedAtMs < intervalMs) return;
    // A hidden window is locked by the gateway all the same; it asks when it is shown again.
    if (document.visibilityState === "hidden") return;
    this.#askedAtMs = nowMs;
    void this.#ask();
  }

  async #ask(): Promise<void> {
    const answer = await lockState();
    if (!this.#running || !answer.ok) return;
    if (answer.value.state === "locked") this.lock();
    else this.#core.gatewaySaid(answer.value.remainingMs, answer.value.limits, Date.now());
    this.#core.tick(Date.now());
    this.#show();
  }

  #sendReport(nowMs: number): void {
    if (this.#report.due(nowMs)) void reportInput();
  }

  #show(): void {
    const { state } = this.#core;
    if (state === "warned") this.#warning.show(this.#core.remainingS(Date.now()));
    else this.#warning.hide();
    this.#cover(state === "covered");
    document.documentElement.dataset.screen = state;
    if (state === this.#shown) return;
    this.#shown = state;
    this.changed.emit(state);
  }

  /** Hides the page at once, until the gateway has said whether the screen is locked. */
  #cover(on: boolean): void {
    document.documentElement.classList.toggle("covered", on);
  }

  #notifyWindows(word: Word): void {
    this.#windows.postMessage(word);
  }
}

/** Returns whether an event is input of the desktop, which its agent reports. */
function reachesDesktop(event: Event): boolean {
  const connected = document.documentElement.dataset.connection === "connected";
  return connected && event.target instanceof Element && event.target.closest(".viewport") !== null;
}

/** Returns whether a mouse "moved" without a motion. */
function isStillMouse(event: PointerEvent): boolean {
  return (
    event.type === "pointermove" && event.pointerType === "mouse" && event.movementX === 0 && event.movementY === 0
  );
}
