/**
 * Shows what a finger hides: a ring that fills while the finger is held, then a loupe beside the finger with the
 * surface's pixels enlarged. Positions are CSS px on the page.
 */

import type { Locate } from "../../input/input_sink.ts";
import type { Gesture } from "../../input/touch_table.ts";
import { h } from "../dom.ts";

/** Diameter of the loupe, CSS px. */
const LOUPE_PX = 168;
/** Size of one enlarged surface pixel, CSS px. */
const PIXEL_PX = 6;
/** Distance between the finger's centre and the loupe, CSS px: half a fingertip and some space. */
const GAP_PX = 44;
/** Distance that the loupe keeps from the window's edges, CSS px. */
const EDGE_PX = 6;

interface Position {
  readonly x: number;
  readonly y: number;
}

export class Magnifier {
  readonly ring = h("div", { class: "hold-ring", attrs: { "aria-hidden": "true", hidden: "" } });
  readonly loupe = h("canvas", { class: "loupe", attrs: { "aria-hidden": "true", hidden: "" } });
  readonly #surface: HTMLCanvasElement;
  readonly #locate: Locate;
  #finger: Position = { x: 0, y: 0 };
  #frame = 0;

  /** `locate` finds the pixel of `surface` under a page position. */
  constructor(surface: HTMLCanvasElement, locate: Locate) {
    this.#surface = surface;
    this.#locate = locate;
  }

  /** Shows what fits the gesture; `finger` is the position of the finger that leads it. */
  follow(gesture: Gesture, finger: Position | null): void {
    if (finger !== null && gesture === "pending") this.#showRing(finger);
    else if (finger !== null && (gesture === "held" || gesture === "aim")) this.#showLoupe(finger);
    else this.hide();
  }

  hide(): void {
    this.ring.hidden = true;
    this.#hideLoupe();
  }

  /** The finger may become a hold: the style sheet fills the ring in the time that a hold takes. */
  #showRing(finger: Position): void {
    this.#hideLoupe();
    this.ring.style.left = `${finger.x}px`;
    this.ring.style.top = `${finger.y}px`;
    this.ring.hidden = false;
  }

  #showLoupe(finger: Position): void {
    this.ring.hidden = true;
    this.#finger = finger;
    const maxLeft = window.innerWidth - LOUPE_PX - EDGE_PX;
    let left = finger.x - LOUPE_PX / 2;
    let top = finger.y - GAP_PX - LOUPE_PX;
    // Without space above the finger, the loupe goes to the wider side: never under the hand.
    if (top < EDGE_PX) {
      top = Math.max(EDGE_PX, finger.y - LOUPE_PX / 2);
      left = finger.x > window.innerWidth / 2 ? finger.x - GAP_PX - LOUPE_PX : finger.x + GAP_PX;
    }
    this.loupe.style.left = `${Math.max(EDGE_PX, Math.min(maxLeft, left))}px`;
    this.loupe.style.top = `${top}px`;
    if (this.loupe.hidden) {
      this.loupe.hidden = false;
      this.#draw();
    }
  }

  #hideLoupe(): void {
    cancelAnimationFrame(this.#frame);
    this.loupe.hidden = true;
  }

  /** Draws once per animation frame, because the surface under the finger may change. */
  #draw(): void {
    const ratio = window.devicePixelRatio;
    const size = Math.round(LOUPE_PX * ratio);
    const pixel = Math.round(PIXEL_PX * ratio);
    if (this.loupe.width !== size) {
      this.loupe.width = size;
      this.loupe.height = size;
    }
    const context = this.loupe.getContext("2d", { alpha: false });
    if (context === null) return;
    const { x, y } = this.#locate(this.#finger.x, this.#finger.y);
    // An odd number of pixels with the aimed one in the middle; each covers a whole number of device pixels.
    const half = Math.ceil(size / pixel / 2);
    const corner = Math.round(size / 2 - (half + 0.5) * pixel);
    const side = 2 * half + 1;
    context.imageSmoothingEnabled = false;
    context.fillStyle = "#000";
    context.fillRect(0, 0, size, size);
    context.drawImage(this.#surface, x - half, y - half, side, side, corner, corner, side * pixel, side * pixel);
    const aimed = corner + half * pixel;
    for (const [colour, margin] of [
      ["#000", 2],
      ["#fff", 1],
    ] as const) {
      const start = aimed - margin * ratio;
      const length = pixel + 2 * margin * ratio;
      context.strokeStyle = colour;
      context.lineWidth = ratio;
      context.strokeRect(start, start, length, length);
    }
    this.#frame = requestAnimationFrame(() => this.#draw());
  }
}
