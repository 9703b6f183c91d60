/**
 * Resizes the monitors to the windows that show them, and decides when not to.
 *
 * The text size of programs is set with the sizes, by the density of the display: at a tablet's own pixel density,
 * text of the usual size would be too small.
 */

import type { DesktopLayout, Monitor } from "../../../protocol/messages.ts";
import { Emitter } from "../../emitter.ts";
import { loadJson, storeJson } from "../../preferences.ts";
import type { LayoutRequests } from "../viewer_worker.ts";
import { fitToWindows, type Size, textScaleFor } from "./monitor_layout.ts";
import { sameLayout } from "./monitor_order.ts";
import type { ShownMonitors } from "./shown_monitors.ts";
import { type WindowSize, withoutSoftKeyboard } from "./soft_keyboard_height.ts";

/** Time for which a window that is resized or turned must keep its size before monitors are resized, ms. */
const SETTLED_MS = 400;
/**
 * Requests that one change of the window may cause. Requests of several windows at the same moment overwrite each
 * other and are repeated; two windows of different sizes on one monitor must not do so for ever.
 */
const MAX_REQUESTS = 3;
/** Time after a change within which requests are repeated, ms. */
const REPEAT_WITHIN_MS = 3_000;

export interface SizeSyncOptions {
  readonly desktop: string;
  /** Monitors take the window's size whatever the person or the operator chose. */
  readonly always: boolean;
  /** Returns whether the monitors are laid out like this device's displays: windows then do not resize them. */
  readonly followsDisplays: () => boolean;
}

export class SizeSync {
  /** Announces that a monitor gets its window's size again, after something else on the desktop had resized it. */
  readonly restored = new Emitter<void>();
  readonly #options: SizeSyncOptions;
  readonly #shown: ShownMonitors;
  readonly #requests: LayoutRequests;
  #layout: DesktopLayout | null = null;
  #requestsLeft = 0;
  #repeatUntilMs = 0;
  /** The last request, until the agent announces a layout. */
  #requested: Pick<DesktopLayout, "monitors" | "scale"> | null = null;
  /** The window's size without the soft keyboard that is up, CSS px; null while none is up. */
  #withoutKeyboard: WindowSize | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** A layout that the person requested and the agent has not announced yet. */
  #chosen: readonly Monitor[] | null = null;
  #chosenUntilMs = 0;

  constructor(options: SizeSyncOptions, shown: ShownMonitors, requests: LayoutRequests, signal: AbortSignal) {
    this.#options = options;
    this.#shown = shown;
    this.#requests = requests;
    window.addEventListener("resize", () => this.schedule(), { signal });
    screen.orientation?.addEventListener?.("change", () => this.schedule(), { signal });
    // A hidden window does not resize monitors; it does so when it becomes visible.
    document.addEventListener("visibilitychange", () => this.schedule(), { signal });
    // The choice was made in another window of this browser.
    window.addEventListener("storage", (event) => event.key?.endsWith(this.#choiceKey) === true && this.schedule(), {
      signal,
    });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Whether monitors keep their sizes when the window changes; null where another device's windows set the sizes. */
  get keepsSizes(): boolean | null {
    if (this.#layout?.sizes === "other") return null;
    const choice = loadJson(this.#choiceKey);
    return choice === "keep" || (choice !== "follow" && this.#layout?.sizes === "fixed");
  }

  setKeepsSizes(keep: boolean): void {
    storeJson(this.#choiceKey, keep ? "keep" : "follow");
    this.#start();
  }

  /** Stores the text size that the person chose on this device, percent. */
  setTextScale(scale: number): void {
    storeJson(this.#scaleKey, scale);
  }

  /**
   * The extra keys were shown or hidden, or a soft keyboard was `raised` or lowered. Monitors end above the extra keys;
   * a soft keyboard does not change them, although some browsers take its height from the window.
   */
  keyboardChanged(raised: boolean): void {
    if (!raised) this.#withoutKeyboard = null;
    else this.#withoutKeyboard ??= { width: innerWidth, height: innerHeight };
    this.schedule();
  }

  /** The person requested this layout: no window asks for another one before the agent has answered. */
  layoutChosen(monitors: readonly Monitor[]): void {
    this.#chosen = monitors;
    this.#chosenUntilMs = performance.now() + REPEAT_WITHIN_MS;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(), REPEAT_WITHIN_MS);
  }

  /** The desktop moved to another device: nothing is requested until it comes back. */
  desktopMoved(): void {
    this.#layout = null;
  }

  setLayout(layout: DesktopLayout): void {
    const before = this.#layout;
    const answered = this.#requested !== null;
    this.#layout = layout;
    this.#requested = null;
    if (before === null || (before.sizes === "other" && layout.sizes !== "other")) this.#start();
    // A program such as xrandr set another resolution. Windows that share a monitor must not resize it for ever,
    // so a window that has just requested a size does not insist.
    else if (!answered && performance.now() > this.#repeatUntilMs && this.#isResized(before, layout)) {
      if (this.#start()) this.restored.emit();
    } else this.#match();
  }

  /** Resizes the monitors as soon as the window has kept its size for a while. */
  schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(), SETTLED_MS);
  }

  get #choiceKey(): string {
    return `sizes.${this.#options.desktop}`;
  }

  get #scaleKey(): string {
    return `scale.${this.#options.desktop}`;
  }

  get #textScale(): number {
    const chosen = loadJson(this.#scaleKey);
    return typeof chosen === "number" ? chosen : textScaleFor(devicePixelRatio);
  }

  /** Returns whether a layout was requested. */
  #start(): boolean {
    this.#requestsLeft = MAX_REQUESTS;
    this.#repeatUntilMs = performance.now() + REPEAT_WITHIN_MS;
    return this.#match();
  }

  /** Returns whether a monitor that this window shows has another size than before. */
  #isResized(before: DesktopLayout, after: DesktopLayout): boolean {
    return this.#shown.numbers.some((id) => {
      const [one, other] = [before, after].map(({ monitors }) => monitors.find((monitor) => monitor.id === id));
      return one !== undefined && other !== undefined && (one.width !== other.width || one.height !== other.height);
    });
  }

  /** Requests the layout that fits the windows, unless the desktop has it already. Returns whether it was requested. */
  #match(): boolean {
    const layout = this.#layout;
    if (layout?.screen_max == null) return false;
    if (this.#chosen !== null && !sameLayout(this.#chosen, layout.monitors) && performance.now() < this.#chosenUntilMs)
      return false;
    this.#chosen = null;
    if (this.#requestsLeft === 0 || performance.now() > this.#repeatUntilMs) return false;
    if (document.visibilityState === "hidden" || this.#options.followsDisplays()) return false;
    if (this.keepsSizes === null || (this.keepsSizes && !this.#options.always)) return false;
    const [width, height] = layout.screen_max;
    const sizes = this.#sizes();
    const monitors = fitToWindows(layout.monitors, sizes, { width, height });
    if (monitors === null) return false;
    const scale = this.#showsPrimary(layout.monitors) ? this.#textScale : layout.scale;
    // A window that is turned and turned back may be quicker than the agent's answer.
    const expected = this.#requested ?? layout;
    if (sameLayout(monitors, expected.monitors) && scale === expected.scale) return false;
    this.#requestsLeft -= 1;
    this.#requested = { monitors, scale };
    this.#requests.requestLayout(monitors, scale);
    return true;
  }

  /** Returns the sizes that the windows have for their monitors, device px. */
  #sizes(): ReadonlyMap<number, Size> {
    const sizes = this.#shown.sizes();
    if (this.#withoutKeyboard === null) return sizes;
    this.#withoutKeyboard = withoutSoftKeyboard(this.#withoutKeyboard, { width: innerWidth, height: innerHeight });
    const keyboardPx = Math.round((this.#withoutKeyboard.height - innerHeight) * devicePixelRatio);
    return new Map([...sizes].map(([id, { width, height }]) => [id, { width, height: height + keyboardPx }]));
  }

  /** The text size applies to all monitors; the window that shows the primary one sets it. */
  #showsPrimary(monitors: readonly Monitor[]): boolean {
    return monitors.some(({ id, primary }) => primary && this.#shown.numbers.includes(id));
  }
}
