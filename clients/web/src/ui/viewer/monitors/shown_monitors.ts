/** The monitors that one window shows: its own, and in a split view a second one. */

import type { ViewMode } from "../../../input/geometry.ts";
import type { TouchMode } from "../../../input/touch_table.ts";
import { DEFAULT_FINGER, type FingerSettings } from "../../../input/touch_tools.ts";
import { setViewMode } from "../../preferences.ts";
import type { MonitorPosition, MonitorView } from "../monitor_view.ts";
import type { Size } from "./monitor_layout.ts";

export class ShownMonitors {
  readonly #views = new Set<MonitorView>();
  #covered = { keyboardPx: 0, keyBarPx: 0 };
  #finger: FingerSettings = DEFAULT_FINGER;

  /** The numbers of the monitors, the window's own first. */
  get numbers(): readonly number[] {
    return [...this.#views].map((view) => view.monitor);
  }

  get views(): readonly MonitorView[] {
    return [...this.#views];
  }

  add(view: MonitorView): void {
    this.#views.add(view);
    view.viewport.setCovered(this.#covered.keyboardPx, this.#covered.keyBarPx);
    view.pointer.finger = this.#finger;
  }

  remove(view: MonitorView): void {
    this.#views.delete(view);
  }

  /** The size that the window has for each monitor, device px. */
  sizes(): ReadonlyMap<number, Size> {
    return new Map([...this.#views].map((view) => [view.monitor, view.viewport.deviceSize]));
  }

  /**
   * Returns the position under a page position in px of `origin`'s monitor, where it is over another monitor.
   *
   * Returns null elsewhere. A drag that starts on one monitor may end on the other.
   */
  positionOutside(origin: MonitorView, clientX: number, clientY: number): MonitorPosition | null {
    if (origin.placement === null) return null;
    for (const view of this.#views) {
      const position = view === origin ? null : view.positionRelativeTo(origin.placement, clientX, clientY);
      if (position !== null) return position;
    }
    return null;
  }

  /** Sets and stores whether surfaces are fitted to the window or shown 1:1. Undoes every zoom. */
  setViewMode(mode: ViewMode): void {
    setViewMode(mode);
    for (const view of this.#views) view.viewport.resetZoom();
  }

  setTouchMode(mode: TouchMode): void {
    for (const view of this.#views) view.pointer.touchMode = mode;
  }

  /** Sets what one moving finger does, also on monitors that are shown later. */
  setFinger(settings: FingerSettings): void {
    this.#finger = settings;
    for (const view of this.#views) view.pointer.finger = settings;
  }

  /** Sets the mouse button that fingers press: 1 left, 2 middle, 4 right. */
  setTouchButton(button: number): void {
    for (const view of this.#views) view.pointer.touchButton = button;
  }

  /** A soft keyboard and the key bar cover these heights of the window, CSS px. */
  setCovered(keyboardPx: number, keyBarPx: number): void {
    this.#covered = { keyboardPx, keyBarPx };
    for (const view of this.#views) view.viewport.setCovered(keyboardPx, keyBarPx);
  }

  /** Connects again; with `force` also where a connection seems to work. */
  reconnect(force: boolean): void {
    for (const view of this.#views) view.reconnect(force);
  }

  /** Redraws all texts after the language changed. */
  redraw(): void {
    for (const view of this.#views) view.badge.redraw();
  }
}
