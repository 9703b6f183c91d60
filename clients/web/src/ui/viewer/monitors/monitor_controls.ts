/** Everything about monitors in one window: strip, panel, a second one beside, the windows of the others, keys and swipes, sizes that follow. */

import type { Gesture, TouchMode } from "../../../input/touch_table.ts";
import type { DesktopLayout, Monitor } from "../../../protocol/messages.ts";
import { loadJson, storeJson, touchMode } from "../../preferences.ts";
import { texts } from "../../texts.ts";
import { Beside } from "./split_view.ts";
import { Following } from "./size_sync.ts";
import { alike, kept, turned } from "./monitor_order.ts";
import type { PaneActs } from "./split_pane.ts";
import { MonitorsPanel } from "./monitors_panel.ts";
import { MonitorPictures } from "./thumbnails.ts";
import { displaySize, forDisplays, type Size } from "./monitor_layout.ts";
import { MonitorStrip } from "./monitor_strip.ts";
import { onSwipe, type Swipe } from "./swipe_core.ts";
import { displays, fillDisplay, knowsDisplays, openWindow, rememberPlace, watchDisplays } from "./monitor_windows.ts";

/** An order that was refused is answered by a notice alone, ms. */
const ANSWER_MS = 1_500;
/** Fingers that switch monitors on the picture: one drags, two scroll and zoom. */
const SWIPING_FINGERS = 3;
/** What is under such a finger must not go away. */
const HOLDING: ReadonlySet<Gesture> = new Set(["drag", "aim", "tap-drag"]);

export interface MonitorControlsActs extends Omit<PaneActs, "gone"> {
  order(monitors: readonly Monitor[], scale: number | null): void;
  /** Shows another monitor in this window. */
  show(monitor: number): void;
  /** Whether two are shown, for the next page. */
  keepBeside(on: boolean): void;
  /** For the person, at the picture's edge. */
  say(message: string): void;
  /** The desktop is on this device again: another window of it took it back. */
  back(): void;
  /** What the fingers do on the window's own picture. */
  gesture(): Gesture;
  /** What the fingers on it do means nothing until they are up. */
  ignoreTouches(): void;
  /** The panel closed: the keyboard goes back to the desktop. */
  closed(): void;
}

export interface MonitorControlsOptions {
  readonly desktop: string;
  readonly monitor: number;
  /** The window's own surface. */
  readonly surface: HTMLCanvasElement;
  /** The stage's size in device px. */
  readonly room: () => Size;
  /** The monitor takes the window's size, whatever was chosen. */
  readonly fit: boolean;
  readonly beside: boolean;
}

export class MonitorControls {
  readonly panel: MonitorsPanel;
  readonly strip: MonitorStrip;
  readonly #options: MonitorControlsOptions;
  readonly #acts: MonitorControlsActs;
  readonly #pictures: MonitorPictures;
  readonly #beside: Beside;
  readonly #following: Following;
  readonly #abort = new AbortController();
  /** Between the windows of this browser on this desktop. */
  readonly #others: BroadcastChannel;
  #layout: DesktopLayout | null = null;
  #callsOthers = false;
  #answered: (() => void) | undefined;

  constructor(options: MonitorControlsOptions, acts: MonitorControlsActs) {
    const { desktop, monitor, surface } = options;
    const { signal } = this.#abort;
    this.#options = options;
    this.#acts = acts;
    this.#others = new BroadcastChannel(`lightbox.back.${desktop}`);
    this.#others.onmessage = () => acts.back();
    this.#pictures = new MonitorPictures(desktop, monitor, surface, () => this.panel.pictures());
    this.#beside = new Beside(
      desktop,
      monitor,
      options.beside,
      touchMode(),
      this.#pictures,
      signal,
      { ...acts, gone: () => this.#chooseBeside(false) },
      () => this.#showStrip(),
    );
    this.#following = new Following(
      {
        desktop,
        always: options.fit,
        rooms: () => {
          const { pane } = this.#beside;
          const own: [number, Size] = [monitor, options.room()];
          return new Map(pane === null ? [own] : [own, [pane.monitor, pane.room]]);
        },
        bound: () => this.#followsDisplays(),
        order: (monitors, scale) => acts.order(monitors, scale),
      },
      signal,
    );
    this.strip = new MonitorStrip(
      {
        show: (number) => this.#show(number),
        swiped: (swipe) => this.#swiped(swipe),
        beside: (on) => this.#chooseBeside(on),
      },
      signal,
    );
    this.panel = new MonitorsPanel(
      () => ({
        shown: this.#beside.shown,
        keeps: this.#following.keeps,
        beside: this.#beside.state,
        display: displaySize({ width: screen.width, height: screen.height, devicePixelRatio }),
        seen: (number) => this.#pictures.of(number),
      }),
      {
        show: (number) => this.#show(number),
        open: (number) => this.#open([number]),
        openAll: () => this.#openAll(),
        beside: (on) => this.#chooseBeside(on),
        useDisplays: knowsDisplays() ? () => void this.#useDisplays() : null,
        order: (monitors, scale, sized) => {
          this.#followDisplays(false);
          // A size that was chosen is not taken back by the next change of the window.
          if (sized) this.#following.keep(true);
          if (scale !== this.#layout?.scale) this.#following.chooseScale(scale);
          acts.order(monitors, scale);
        },
        keep: (on) => this.#following.keep(on),
        closed: () => {
          this.#pictures.watch(false);
          acts.closed();
        },
      },
    );
    window.addEventListener("pagehide", () => rememberPlace(desktop, monitor), { signal });
    // Before the desktop's keyboard sees it.
    window.addEventListener("keydown", (event) => this.#key(event), { signal, capture: true });
    document.addEventListener("visibilitychange", () => this.#beside.pane?.tellView(), { signal });
    if (this.#followsDisplays()) void watchDisplays(signal, () => void this.#displaysChanged());
  }

  /** The page is there: `host` holds the stages. */
  open(host: HTMLElement): void {
    const heeds = (): boolean => {
      const { pane } = this.#beside;
      if ([this.#acts.gesture(), pane?.gesture ?? "idle"].some((gesture) => HOLDING.has(gesture))) return false;
      // A hand over the middle has fingers on either picture, which each would take for a drag or a scroll.
      this.#acts.ignoreTouches();
      pane?.ignoreTouches();
      return true;
    };
    onSwipe(host, SWIPING_FINGERS, this.#abort.signal, heeds, (swipe) => this.#swiped(swipe));
    this.#beside.open(host);
  }

  toggle(open: boolean): void {
    this.#pictures.watch(open);
    this.panel.toggle(open);
  }

  layout(layout: DesktopLayout): void {
    this.#layout = layout;
    this.panel.layout(layout);
    this.#beside.layout(layout.monitors);
    this.#pictures.monitors(layout.monitors.map((monitor) => monitor.id));
    if (this.#returns(layout)) return;
    storeJson(this.#name("layout"), layout.monitors);
    storeJson(this.#name("text"), layout.scale);
    if (this.#callsOthers) this.#others.postMessage("back");
    this.#callsOthers = false;
    this.#answered?.();
    this.#following.layout(layout);
  }

  /** The desktop went to another device: what stands on this desk is wanted again when it comes back. */
  moved(): void {
    storeJson(this.#name("away"), true);
    this.#following.moved();
  }

  /** Where a place on the page lies, in px of the window's own monitor, if it is over the picture beside. */
  across(x: number, y: number): { readonly x: number; readonly y: number } | null {
    const own = this.#layout?.monitors.find((monitor) => monitor.id === this.#options.monitor);
    return own === undefined ? null : (this.#beside.pane?.across(x, y, own) ?? null);
  }

  set touchMode(mode: TouchMode) {
    this.#beside.touchMode = mode;
  }

  set touchButton(button: number) {
    if (this.#beside.pane !== null) this.#beside.pane.touchButton = button;
  }

  viewChosen(): void {
    this.#beside.pane?.viewChosen();
  }

  cover(coverPx: number): void {
    this.#beside.cover(coverPx);
  }

  /** A soft keyboard is up. */
  set typing(on: boolean) {
    this.#following.typing = on;
  }

  retry(force: boolean): void {
    this.#beside.pane?.retry(force);
  }

  release(): void {
    this.#beside.pane?.release();
  }

  redraw(): void {
    if (this.panel.open) this.panel.redraw();
    this.strip.redraw();
    this.#beside.pane?.redraw();
  }

  close(): void {
    rememberPlace(this.#options.desktop, this.#options.monitor);
    this.#abort.abort();
    this.#beside.close();
    this.#pictures.close();
    this.#others.close();
  }

  #name(what: "layout" | "text" | "away" | "displays"): string {
    return `${what}.${this.#options.desktop}`;
  }

  /** Whether this device's own arrangement was ordered again, after another device had the desktop. */
  #returns(layout: DesktopLayout): boolean {
    if (loadJson(this.#name("away")) !== true) return false;
    storeJson(this.#name("away"), false);
    this.#callsOthers = true;
    if (layout.screen_max === null) return false;
    const [width, height] = layout.screen_max;
    const mine = kept(loadJson(this.#name("layout")), { width, height });
    const text = loadJson(this.#name("text"));
    const scale = typeof text === "number" ? text : layout.scale;
    if (mine === null || (alike(mine, layout.monitors) && scale === layout.scale)) return false;
    this.#acts.order(mine, scale);
    return true;
  }

  #key(event: KeyboardEvent): void {
    const number = /^Digit([1-6])$/.exec(event.code)?.[1];
    if (number === undefined || !event.ctrlKey || !event.altKey || event.shiftKey || event.metaKey) return;
    const wanted = Number(number) - 1;
    if (this.#layout?.monitors.some((monitor) => monitor.id === wanted) !== true) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.#show(wanted);
  }

  #swiped(swipe: Swipe): void {
    const monitors = this.#layout?.monitors ?? [];
    const monitor = turned(monitors, this.#beside.shown, swipe === "next" ? 1 : -1);
    if (monitor !== null) this.#acts.show(monitor);
  }

  #show(number: number): void {
    if (this.#beside.shown.includes(number)) this.toggle(false);
    else this.#acts.show(number);
  }

  #chooseBeside(on: boolean): void {
    this.#acts.keepBeside(on);
    this.#beside.choose(on);
    this.#following.later();
  }

  #showStrip(): void {
    const { shown, state } = this.#beside;
    this.strip.show({ monitors: this.#layout?.monitors ?? [], shown, beside: state });
    if (this.panel.open) this.panel.redraw();
  }

  #open(numbers: readonly number[]): void {
    // All in one go: each needs the person's click.
    const refused = numbers.filter((number) => !openWindow(this.#options.desktop, number));
    if (refused.length > 0) this.#acts.say(texts().monitors.blocked);
  }

  #openAll(): void {
    const others = (this.#layout?.monitors ?? []).filter((monitor) => monitor.id !== this.#options.monitor);
    this.#open(others.map((monitor) => monitor.id));
  }

  /** A monitor for each display, and its window full screen there. */
  async #useDisplays(): Promise<void> {
    const { desktop, monitor } = this.#options;
    const found = await displays();
    if (found === null || this.#layout === null) {
      this.#acts.say(texts().monitors.noDisplays);
      return;
    }
    if (!this.#followsDisplays()) {
      this.#followDisplays(true);
      void watchDisplays(this.#abort.signal, () => void this.#displaysChanged());
    }
    // The click is good for one thing more: full screen takes it, and lets a window be opened on another display after it.
    const own = found.all[found.own];
    if (own !== undefined) await fillDisplay(own);
    const monitors = forDisplays(found.all);
    // A window that comes before its monitor would be told that there is none.
    await this.#ordered(monitors);
    let refused = false;
    for (const { id } of monitors) if (id !== found.own) refused = !openWindow(desktop, id, found.all[id]) || refused;
    if (refused) this.#acts.say(texts().monitors.blocked);
    this.panel.toggle(false);
    if (found.own !== monitor && found.own < monitors.length) this.#acts.show(found.own);
  }

  /** Orders, and waits for the desktop's word; a click's right to open windows lasts longer than that. */
  #ordered(monitors: readonly Monitor[]): Promise<void> {
    return new Promise((done) => {
      this.#answered = done;
      setTimeout(done, ANSWER_MS);
      this.#acts.order(monitors, null);
    });
  }

  /** Whether the desktop's monitors are this device's displays, until somebody arranges them otherwise. */
  #followsDisplays(): boolean {
    return loadJson(this.#name("displays")) === true;
  }

  #followDisplays(on: boolean): void {
    storeJson(this.#name("displays"), on);
  }

  /** One was plugged in, unplugged or turned. Every window orders the same; windows for new ones need a click. */
  async #displaysChanged(): Promise<void> {
    const found = this.#followsDisplays() ? await displays() : null;
    if (found === null || this.#layout === null) return;
    const monitors = forDisplays(found.all);
    // Ordered though it may be there already: what we know of the layout may be older than an order under way.
    if (monitors.length > this.#layout.monitors.length) this.#acts.say(texts().monitors.plugged);
    this.#acts.order(monitors, null);
  }
}
