/** Two monitors side by side in one window, where it is wide enough: a tablet held across, or a single large display. */

import type { TouchMode } from "../../../input/touch_table.ts";
import type { Monitor } from "../../../protocol/messages.ts";
import { beside } from "./monitor_order.ts";
import { Pane, type PaneActs } from "./split_pane.ts";
import type { MonitorPictures } from "./thumbnails.ts";

/** Narrower halves show nothing one could read, CSS px. Upright, monitors are swiped through. */
const ROOM = "(orientation: landscape) and (min-width: 900px)";

export class Beside {
  readonly #desktop: string;
  readonly #own: number;
  readonly #pictures: MonitorPictures;
  readonly #acts: PaneActs;
  readonly #changed: () => void;
  readonly #room = matchMedia(ROOM);
  #host: HTMLElement | null = null;
  #monitors: readonly Monitor[] = [];
  #wanted: boolean;
  #touchMode: TouchMode;
  #pane: Pane | null = null;
  #coverPx = 0;

  constructor(
    desktop: string,
    own: number,
    wanted: boolean,
    mode: TouchMode,
    pictures: MonitorPictures,
    signal: AbortSignal,
    acts: PaneActs,
    changed: () => void,
  ) {
    this.#desktop = desktop;
    this.#own = own;
    this.#wanted = wanted;
    this.#touchMode = mode;
    this.#pictures = pictures;
    this.#acts = acts;
    this.#changed = changed;
    this.#room.addEventListener("change", () => this.#update(), { signal });
  }

  get pane(): Pane | null {
    return this.#pane;
  }

  /** Whether two are shown; null where there is no room or no second monitor. */
  get state(): boolean | null {
    return this.#room.matches && this.#monitors.length > 1 ? this.#wanted : null;
  }

  /** What the window shows, its own monitor first. */
  get shown(): readonly number[] {
    return this.#pane === null ? [this.#own] : [this.#own, this.#pane.monitor];
  }

  /** The window's page is there. */
  open(host: HTMLElement): void {
    this.#host = host;
    this.#update();
  }

  layout(monitors: readonly Monitor[]): void {
    this.#monitors = monitors;
    this.#update();
  }

  choose(wanted: boolean): void {
    this.#wanted = wanted;
    this.#update();
  }

  set touchMode(mode: TouchMode) {
    this.#touchMode = mode;
    if (this.#pane !== null) this.#pane.touchMode = mode;
  }

  cover(coverPx: number): void {
    this.#coverPx = coverPx;
    this.#pane?.cover(coverPx);
  }

  close(): void {
    this.#pane?.close();
    this.#pane = null;
  }

  #update(): void {
    const host = this.#host;
    const found = host !== null && this.state === true ? beside(this.#monitors, this.#own) : null;
    if (this.#pane !== null && this.#pane.monitor !== found?.monitor) {
      this.#pictures.shows(this.#pane.monitor, null);
      this.close();
    }
    if (host !== null && found !== null && this.#pane === null) {
      const pane = new Pane(this.#desktop, found.monitor, this.#touchMode, this.#acts);
      this.#pane = pane;
      host.append(pane.element);
      pane.cover(this.#coverPx);
      pane.tellView();
      this.#pictures.shows(pane.monitor, pane.canvas);
    }
    if (host !== null) {
      if (this.#pane === null || found === null) delete host.dataset.beside;
      else host.dataset.beside = found.side;
    }
    this.#changed();
  }
}
