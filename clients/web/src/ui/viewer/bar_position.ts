/**
 * Lets the person move a bar along the upper edge of its monitor, away from what it covers: by dragging its
 * tab, or with the arrow keys while one of the tab's controls has the focus.
 *
 * The position is a fraction: 0 is the left end of the edge, 1 the right end. The style sheet turns it into a
 * position, so that the bar stays within a window of any size.
 */

import { loadJson, storeJson } from "../preferences.ts";

/**
 * A press becomes a drag when it moves this far, CSS px; until then it is a click on the control under it.
 */
const DRAG_THRESHOLD_PX = 6;
/** What one press of an arrow key adds to the position. */
const KEY_STEP = 0.05;
/** A control in the tab that handles drags itself: the strip of monitors switches monitors by them. */
const HANDLES_DRAGS = "[data-handles-drags]";
/** The middle of the edge. */
const DEFAULT_POSITION = 0.5;

/** Returns the position after a drag by `byPx`, where the bar can move by `rangePx` in all. */
export function draggedPosition(position: number, byPx: number, rangePx: number): number {
  return rangePx > 0 ? clamped(position + byPx / rangePx) : position;
}

function clamped(position: number): number {
  return Math.min(1, Math.max(0, position));
}

export class BarPosition {
  readonly #bar: HTMLElement;
  readonly #key: string;
  #position: number;
  #press: { readonly pointer: number; readonly x: number; readonly position: number } | null = null;
  /** Whether the press became a drag, so that the click which ends it is none. */
  #dragged = false;

  /** `key` is the name under which this browser remembers the position. */
  constructor(bar: HTMLElement, tab: HTMLElement, key: string) {
    this.#bar = bar;
    this.#key = key;
    const stored = loadJson(key);
    this.#position = typeof stored === "number" && Number.isFinite(stored) ? clamped(stored) : DEFAULT_POSITION;
    this.#show();
    tab.addEventListener("pointerdown", (event) => {
      this.#dragged = false;
      const target = event.target as Element | null;
      if (event.button !== 0 || target?.closest(HANDLES_DRAGS)) return;
      this.#press = { pointer: event.pointerId, x: event.clientX, position: this.#position };
    });
    tab.addEventListener("pointermove", (event) => this.#onMove(event, tab));
    tab.addEventListener("pointerup", () => this.#onEnd());
    tab.addEventListener("pointercancel", () => this.#onEnd());
    tab.addEventListener("click", (event) => this.#dragged && event.stopPropagation(), { capture: true });
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      event.preventDefault();
      this.#move(this.#position + (event.key === "ArrowLeft" ? -KEY_STEP : KEY_STEP));
      storeJson(this.#key, this.#position);
    });
  }

  /** Whether the person is dragging the bar. */
  get dragging(): boolean {
    return this.#press !== null && this.#dragged;
  }

  #onMove(event: PointerEvent, tab: HTMLElement): void {
    const press = this.#press;
    if (press === null || event.pointerId !== press.pointer) return;
    if (event.buttons === 0) {
      this.#onEnd(); // The release happened where the page could not see it.
      return;
    }
    const byPx = event.clientX - press.x;
    if (!this.#dragged && Math.abs(byPx) < DRAG_THRESHOLD_PX) return;
    if (!this.#dragged) {
      this.#dragged = true;
      tab.setPointerCapture(press.pointer);
    }
    this.#move(draggedPosition(press.position, byPx, this.#rangePx()));
  }

  #onEnd(): void {
    if (this.dragging) storeJson(this.#key, this.#position);
    this.#press = null;
  }

  /**
   * By how much the bar can move, CSS px: the style sheet's `--bar-span` is the part of the window that it
   * may use.
   */
  #rangePx(): number {
    const span = Number.parseFloat(getComputedStyle(this.#bar).getPropertyValue("--bar-span")) / 100;
    return (this.#bar.offsetParent?.clientWidth ?? innerWidth) * span - this.#bar.offsetWidth;
  }

  #move(position: number): void {
    this.#position = clamped(position);
    this.#show();
  }

  #show(): void {
    this.#bar.style.setProperty("--bar-at", String(this.#position));
  }
}
