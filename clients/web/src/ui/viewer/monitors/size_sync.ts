/**
 * Monitors that take the sizes of the windows that show them: when that is ordered, and when better not.
 *
 * Programs write for the display's density then: a tablet's own pixels are too small for text of the usual size.
 */

import type { DesktopLayout, Monitor } from "../../../protocol/messages.ts";
import { loadJson, storeJson } from "../../preferences.ts";
import { alike } from "./monitor_order.ts";
import { following, type Size, scaleFor } from "./monitor_layout.ts";

/** A window that is being resized or turned is left in peace this long, ms. */
const SETTLED_MS = 400;
/** Windows that order at the same moment overwrite each other, and so order again. Two of different size on one monitor must not do so for ever. */
const ATTEMPTS = 3;
const ATTEMPTS_MS = 3_000;

export interface FollowingOptions {
  readonly desktop: string;
  /** Whatever the person or the operator chose. */
  readonly always: boolean;
  /** What the window has room for, by monitor, device px. */
  readonly rooms: () => ReadonlyMap<number, Size>;
  /** Whether something else decides: the person's displays. */
  readonly bound: () => boolean;
  readonly order: (monitors: readonly Monitor[], scale: number) => void;
}

export class Following {
  readonly #options: FollowingOptions;
  #layout: DesktopLayout | null = null;
  /** So often it may still be ordered for the sake of the last change. */
  #attempts = 0;
  #untilMs = 0;
  /** What was ordered, until there is news of the layout. */
  #ordered: Pick<DesktopLayout, "monitors" | "scale"> | null = null;
  #typing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: FollowingOptions, signal: AbortSignal) {
    this.#options = options;
    window.addEventListener("resize", () => this.later(), { signal });
    screen.orientation?.addEventListener?.("change", () => this.later(), { signal });
    // What is out of sight has no size of its own; the window that is looked at has.
    document.addEventListener("visibilitychange", () => this.later(), { signal });
    // Chosen in another window of this device.
    window.addEventListener("storage", (event) => event.key?.endsWith(this.#name) === true && this.later(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Whether sizes stay as they are, whatever the window's; null where another device's windows give them. */
  get keeps(): boolean | null {
    if (this.#layout?.sizes === "other") return null;
    const chosen = loadJson(this.#name);
    return chosen === "keep" || (chosen !== "follow" && this.#layout?.sizes === "fixed");
  }

  keep(on: boolean): void {
    storeJson(this.#name, on ? "keep" : "follow");
    this.#begin();
  }

  /** The person chose a text size on this device, percent. */
  chooseScale(scale: number): void {
    storeJson(this.#scaleName, scale);
  }

  /** A soft keyboard is up: what it covers, or takes from the window's height in some browsers, comes back. */
  set typing(on: boolean) {
    if (this.#typing === on) return;
    this.#typing = on;
    if (!on) this.later();
  }

  /** The desktop is on another device: what is ordered from here counts for nothing, until it comes back. */
  moved(): void {
    this.#layout = null;
  }

  layout(layout: DesktopLayout): void {
    const before = this.#layout;
    this.#layout = layout;
    this.#ordered = null;
    if (before === null || (before.sizes === "other" && layout.sizes !== "other")) this.#begin();
    else this.#match();
  }

  /** The window changed, and may still do so. */
  later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#begin(), SETTLED_MS);
  }

  get #name(): string {
    return `sizes.${this.#options.desktop}`;
  }

  /** For all monitors: the window that shows the primary one orders it. */
  get #scale(): number {
    const chosen = loadJson(this.#scaleName);
    return typeof chosen === "number" ? chosen : scaleFor(devicePixelRatio);
  }

  get #scaleName(): string {
    return `scale.${this.#options.desktop}`;
  }

  #begin(): void {
    this.#attempts = ATTEMPTS;
    this.#untilMs = performance.now() + ATTEMPTS_MS;
    this.#match();
  }

  #match(): void {
    const layout = this.#layout;
    if (layout?.screen_max == null || this.#typing) return;
    if (this.#attempts === 0 || performance.now() > this.#untilMs) return;
    if (document.visibilityState === "hidden" || this.#options.bound()) return;
    if (this.keeps === null || (this.keeps && !this.#options.always)) return;
    const [width, height] = layout.screen_max;
    const rooms = this.#options.rooms();
    const wanted = following(layout.monitors, rooms, { width, height });
    if (wanted === null) return;
    const scale = layout.monitors.some(({ id, primary }) => primary && rooms.has(id)) ? this.#scale : layout.scale;
    // A window that is turned and turned back may be quicker than the desktop's word.
    const told = this.#ordered ?? layout;
    if (alike(wanted, told.monitors) && scale === told.scale) return;
    this.#attempts -= 1;
    this.#ordered = { monitors: wanted, scale };
    this.#options.order(wanted, scale);
  }
}
