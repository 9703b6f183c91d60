/**
 * Lets the person move an overlay within its page, away from what it covers: by dragging it, or with the arrow keys
 * while it has the focus.
 *
 * The position is a fraction of the free room: 0 is the left or upper edge, 1 the right or lower one. The style sheet
 * turns it into a position, so that the overlay stays within a window of any size.
 */

import { loadJson, storeJson } from "../preferences.ts";
import { draggedPosition } from "./bar_position.ts";

/** What one press of an arrow key adds to the position. */
const KEY_STEP = 0.05;
/** Margin between the overlay and the edges of the window, CSS px; the same as in `messages.css`. */
const MARGIN_PX = 12;
/** The lower left corner. */
const DEFAULT: OverlayPlace = { x: 0, y: 1 };
/** Steps of the arrow keys. */
const STEPS: Readonly<Record<string, OverlayPlace>> = {
  ArrowLeft: { x: -KEY_STEP, y: 0 },
  ArrowRight: { x: KEY_STEP, y: 0 },
  ArrowUp: { x: 0, y: -KEY_STEP },
  ArrowDown: { x: 0, y: KEY_STEP },
};

export interface OverlayPlace {
  readonly x: number;
  readonly y: number;
}

export class OverlayPosition {
  readonly #element: HTMLElement;
  readonly #key: string;
  #place: OverlayPlace;
  #press: { readonly pointer: number; readonly x: number; readonly y: number; readonly place: OverlayPlace } | null =
    null;

  /** `key` is the name under which this browser remembers the position. */
  constructor(element: HTMLElement, key: string) {
    this.#element = element;
    this.#key = key;
    this.#place = storedPlace(key);
    this.#show();
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || (event.target as Element).closest("button") !== null) return;
      this.#press = { pointer: event.pointerId, x: event.clientX, y: event.clientY, place: this.#place };
      element.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointermove", (event) => this.#onMove(event));
    element.addEventListener("pointerup", () => this.#onEnd());
    element.addEventListener("pointercancel", () => this.#onEnd());
    element.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      if (step === undefined) return;
      event.preventDefault();
      this.#move({ x: this.#place.x + step.x, y: this.#place.y + step.y });
      storeJson(this.#key, this.#place);
    });
  }

  #onMove(event: PointerEvent): void {
    const press = this.#press;
    if (press === null || event.pointerId !== press.pointer) return;
    const { clientWidth, clientHeight } = this.#element.offsetParent ?? document.documentElement;
    const room = (whole: number, own: number): number => whole - own - 2 * MARGIN_PX;
    this.#move({
      x: draggedPosition(press.place.x, event.clientX - press.x, room(clientWidth, this.#element.offsetWidth)),
      y: draggedPosition(press.place.y, event.clientY - press.y, room(clientHeight, this.#element.offsetHeight)),
    });
  }

  #onEnd(): void {
    if (this.#press !== null) storeJson(this.#key, this.#place);
    this.#press = null;
  }

  #move({ x, y }: OverlayPlace): void {
    this.#place = { x: limited(x), y: limited(y) };
    this.#show();
  }

  #show(): void {
    this.#element.style.setProperty("--at-x", String(this.#place.x));
    this.#element.style.setProperty("--at-y", String(this.#place.y));
  }
}

function limited(fraction: number): number {
  return Math.min(1, Math.max(0, fraction));
}

function storedPlace(key: string): OverlayPlace {
  const { x, y } = (loadJson(key) ?? {}) as Partial<Record<"x" | "y", unknown>>;
  const valid = typeof x === "number" && typeof y === "number" && Number.isFinite(x) && Number.isFinite(y);
  return valid ? { x: limited(x), y: limited(y) } : DEFAULT;
}
