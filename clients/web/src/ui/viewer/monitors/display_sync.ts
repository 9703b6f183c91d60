/**
 * Makes the desktop's monitors match this device's displays: one monitor per display, each in a full-screen window
 * there. Needs the Window Management API.
 */

import type { DesktopLayout, Monitor } from "../../../protocol/messages.ts";
import { loadJson, storeJson } from "../../preferences.ts";
import { texts } from "../../texts.ts";
import type { Announcer } from "../toast.ts";
import type { LayoutRequests } from "../viewer_worker.ts";
import { layoutForDisplays } from "./monitor_layout.ts";
import { fillDisplay, listDisplays, openWindow, watchDisplays } from "./monitor_windows.ts";

/** Time to wait for the layout that answers a request, ms: a request that is refused is answered by a notice only. */
const ANSWER_WITHIN_MS = 1_500;

export class DisplaySync {
  readonly #desktop: string;
  readonly #requests: LayoutRequests;
  readonly #announcer: Announcer;
  readonly #signal: AbortSignal;
  #layout: DesktopLayout | null = null;
  #onLayout: (() => void) | undefined;

  constructor(desktop: string, requests: LayoutRequests, announcer: Announcer, signal: AbortSignal) {
    this.#desktop = desktop;
    this.#requests = requests;
    this.#announcer = announcer;
    this.#signal = signal;
    if (this.active) this.#watch();
  }

  /** Whether the monitors follow this device's displays: until the person chooses another layout. */
  get active(): boolean {
    return loadJson(this.#key) === true;
  }

  /** The person chose another layout. */
  stop(): void {
    storeJson(this.#key, false);
  }

  setLayout(layout: DesktopLayout): void {
    this.#layout = layout;
    this.#onLayout?.();
  }

  /**
   * Makes one monitor per display and opens a full-screen window on each of the other displays.
   *
   * Call it from a click: browsers open windows only then. Returns the monitor of the display that this window is on
   * (`own` is null when there are more displays than monitors); null where the browser does not report displays.
   */
  async start(): Promise<{ readonly own: number | null } | null> {
    const displays = await listDisplays();
    if (displays === null || this.#layout === null) {
      this.#announcer.show(texts().messages.monitors.noDisplays);
      return null;
    }
    if (!this.active) {
      storeJson(this.#key, true);
      this.#watch();
    }
    // The click allows one more thing: it is used for full screen, after which windows may be opened on other displays.
    const own = displays.all[displays.own];
    if (own !== undefined) await fillDisplay(own);
    const monitors = layoutForDisplays(displays.all);
    // The agent would refuse a window that connects before its monitor exists.
    await this.#requestAndWait(monitors);
    const others = monitors.filter(({ id }) => id !== displays.own);
    const blocked = others.filter(({ id }) => !openWindow(this.#desktop, id, displays.all[id]));
    if (blocked.length > 0) this.#announcer.show(texts().messages.monitors.blocked);
    return { own: displays.own < monitors.length ? displays.own : null };
  }

  get #key(): string {
    return `displays.${this.#desktop}`;
  }

  /** Waits for the agent's answer; the click's permission to open windows lasts longer than that. */
  #requestAndWait(monitors: readonly Monitor[]): Promise<void> {
    return new Promise((resolve) => {
      this.#onLayout = resolve;
      setTimeout(resolve, ANSWER_WITHIN_MS);
      this.#requests.requestLayout(monitors, null);
    });
  }

  #watch(): void {
    void watchDisplays(this.#signal, () => void this.#onDisplaysChanged());
  }

  /** A display was added, removed or turned. Every window requests the same layout; windows for new displays need a click. */
  async #onDisplaysChanged(): Promise<void> {
    const displays = this.active ? await listDisplays() : null;
    if (displays === null || this.#layout === null) return;
    const monitors = layoutForDisplays(displays.all);
    if (monitors.length > this.#layout.monitors.length) this.#announcer.show(texts().messages.monitors.plugged);
    // Requested even if the layout looks the same: a request that is under way may change it.
    this.#requests.requestLayout(monitors, null);
  }
}
