/** Shows two monitors side by side in one window where it is wide enough: a tablet in landscape, or one large display. */

import type { Monitor } from "../../../protocol/messages.ts";
import { Emitter } from "../../emitter.ts";
import { splitPartner } from "./monitor_order.ts";
import type { SplitPane } from "./split_pane.ts";

/** Windows in which two halves are readable. In portrait orientation the person swipes from monitor to monitor. */
const WIDE_ENOUGH = "(orientation: landscape) and (min-width: 900px)";

export interface SplitViewOptions {
  /** The page's element: the pane is appended to it, and its `data-split` tells the style sheet the pane's side. */
  readonly page: HTMLElement;
  /** The window's own monitor. */
  readonly monitor: number;
  /** Whether the person wants two monitors. */
  readonly wanted: boolean;
  readonly createPane: (monitor: number) => SplitPane;
}

export class SplitView {
  /** Announces that the pane, or whether there can be one, may have changed. */
  readonly changed = new Emitter<void>();
  /** Announces that the window's own monitor has another part of the window, because the pane appeared or went. */
  readonly resized = new Emitter<void>();
  readonly #options: SplitViewOptions;
  readonly #wideEnough = matchMedia(WIDE_ENOUGH);
  #monitors: readonly Monitor[] = [];
  #wanted: boolean;
  #pane: SplitPane | null = null;

  constructor(options: SplitViewOptions, signal: AbortSignal) {
    this.#options = options;
    this.#wanted = options.wanted;
    this.#wideEnough.addEventListener("change", () => this.#update(), { signal });
  }

  /** The second monitor; null while one is shown. */
  get pane(): SplitPane | null {
    return this.#pane;
  }

  /** Whether two monitors are shown; null where the window is too narrow or there is no second monitor. */
  get state(): boolean | null {
    return this.#wideEnough.matches && this.#monitors.length > 1 ? this.#wanted : null;
  }

  setMonitors(monitors: readonly Monitor[]): void {
    this.#monitors = monitors;
    this.#update();
  }

  setWanted(wanted: boolean): void {
    this.#wanted = wanted;
    this.#update();
  }

  close(): void {
    this.#pane?.close();
    this.#pane = null;
  }

  #update(): void {
    const { page, monitor, createPane } = this.#options;
    const before = this.#pane;
    const partner = this.state === true ? splitPartner(this.#monitors, monitor) : null;
    if (this.#pane !== null && this.#pane.view.monitor !== partner?.monitor) this.close();
    if (partner !== null && this.#pane === null) {
      this.#pane = createPane(partner.monitor);
      page.append(this.#pane.element);
    }
    if (partner === null) delete page.dataset.split;
    else page.dataset.split = partner.side;
    this.changed.emit();
    if (this.#pane !== before) this.resized.emit();
  }
}
