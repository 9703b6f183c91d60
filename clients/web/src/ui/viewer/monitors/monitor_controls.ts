/** Everything about monitors in one window: the panel, the windows of the others, the keys, and the size that follows this window. */

import type { DesktopLayout, Monitor } from "../../../protocol/messages.ts";
import { matchWindow, setMatchWindow } from "../../preferences.ts";
import { texts } from "../../texts.ts";
import { MonitorsPanel } from "./panel.ts";
import { MonitorPictures } from "./pictures.ts";
import { displaySize, forDisplays, resized, type Size } from "./plan.ts";
import { displays, fillDisplay, knowsDisplays, openWindow, rememberPlace } from "./windows.ts";

/** A window that is being resized or turned is left in peace this long, ms. */
const SETTLED_MS = 400;

export interface MonitorControlsActs {
  order(monitors: readonly Monitor[], scale: number | null): void;
  /** Shows another monitor in this window. */
  show(monitor: number): void;
  /** For the person, at the picture's edge. */
  say(message: string): void;
  /** The panel closed: the keyboard goes back to the desktop. */
  closed(): void;
}

export class MonitorControls {
  readonly panel: MonitorsPanel;
  readonly #desktop: string;
  readonly #monitor: number;
  readonly #room: () => Size;
  readonly #fits: boolean;
  readonly #acts: MonitorControlsActs;
  readonly #pictures: MonitorPictures;
  readonly #abort = new AbortController();
  #layout: DesktopLayout | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `room` is the stage's size in device px; `fit` makes the monitor follow it, whatever the person's setting. */
  constructor(
    desktop: string,
    monitor: number,
    surface: HTMLCanvasElement,
    room: () => Size,
    fit: boolean,
    acts: MonitorControlsActs,
  ) {
    this.#desktop = desktop;
    this.#monitor = monitor;
    this.#room = room;
    this.#fits = fit;
    this.#acts = acts;
    this.#pictures = new MonitorPictures(desktop, monitor, surface, () => this.panel.pictures());
    this.panel = new MonitorsPanel(
      () => ({
        own: monitor,
        matches: matchWindow(),
        display: displaySize({ width: screen.width, height: screen.height, devicePixelRatio }),
        picture: (number) => this.#pictures.of(number),
      }),
      {
        show: (number) => this.#show(number),
        open: (number) => this.#open([number]),
        openAll: () => this.#openAll(),
        useDisplays: knowsDisplays() ? () => void this.#useDisplays() : null,
        order: (monitors, scale) => acts.order(monitors, scale),
        match: (on) => {
          setMatchWindow(on);
          this.#match();
        },
        closed: () => {
          this.#pictures.watch(false);
          acts.closed();
        },
      },
    );
    const { signal } = this.#abort;
    window.addEventListener("resize", () => this.#later(), { signal });
    screen.orientation?.addEventListener?.("change", () => this.#later(), { signal });
    window.addEventListener("pagehide", () => rememberPlace(desktop, monitor), { signal });
    // Before the desktop's keyboard sees it.
    window.addEventListener("keydown", (event) => this.#key(event), { signal, capture: true });
  }

  toggle(open: boolean): void {
    this.#pictures.watch(open);
    this.panel.toggle(open);
  }

  layout(layout: DesktopLayout): void {
    const first = this.#layout === null;
    this.#layout = layout;
    this.panel.layout(layout);
    if (first) this.#match();
  }

  close(): void {
    rememberPlace(this.#desktop, this.#monitor);
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#pictures.close();
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

  #show(number: number): void {
    if (number === this.#monitor) this.toggle(false);
    else this.#acts.show(number);
  }

  #open(numbers: readonly number[]): void {
    // All in one go: each needs the person's click.
    const refused = numbers.filter((number) => !openWindow(this.#desktop, number));
    if (refused.length > 0) this.#acts.say(texts().monitors.blocked);
  }

  #openAll(): void {
    const others = (this.#layout?.monitors ?? []).filter((monitor) => monitor.id !== this.#monitor);
    this.#open(others.map((monitor) => monitor.id));
  }

  /** A monitor for each display, and its window full screen there. */
  async #useDisplays(): Promise<void> {
    const found = await displays();
    if (found === null || this.#layout === null) {
      this.#acts.say(texts().monitors.noDisplays);
      return;
    }
    const monitors = forDisplays(found.all);
    this.#acts.order(monitors, null);
    let refused = false;
    for (const { id } of monitors)
      if (id !== found.own) refused = !openWindow(this.#desktop, id, found.all[id]) || refused;
    const own = found.all[found.own];
    if (own !== undefined) await fillDisplay(own);
    if (refused) this.#acts.say(texts().monitors.blocked);
    this.panel.toggle(false);
    if (found.own !== this.#monitor && found.own < monitors.length) this.#acts.show(found.own);
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#match(), SETTLED_MS);
  }

  #match(): void {
    const layout = this.#layout;
    if (layout?.screen_max == null || !(this.#fits || matchWindow())) return;
    const own = layout.monitors.find((monitor) => monitor.id === this.#monitor);
    const [width, height] = layout.screen_max;
    const room = this.#room();
    if (own === undefined || room.width === 0 || room.height === 0) return;
    const monitors = resized(layout.monitors, own.id, room, { width, height });
    if (JSON.stringify(monitors) !== JSON.stringify(layout.monitors)) this.#acts.order(monitors, null);
  }
}
