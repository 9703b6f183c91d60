/**
 * What a finger hides: a ring that fills while it is held, then a loupe beside it with the surface's own pixels, for small targets.
 *
 * Positions are CSS px on the page.
 */

import type { Gesture } from "../../input/touch_table.ts";
import { h } from "../dom.ts";

/** Diameter of the loupe, and how large it shows one pixel of the surface: CSS px. */
const LOUPE_PX = 168;
const PIXEL_PX = 6;
/** Between finger and loupe: a fingertip's half, and some air. */
const GAP_PX = 44;
const EDGE_PX = 6;

export class Magnifier {
  readonly ring = h("div", { class: "hold-ring", attrs: { "aria-hidden": "true", hidden: "" } });
  readonly loupe = h("canvas", { class: "loupe", attrs: { "aria-hidden": "true", hidden: "" } });
  readonly #surface: HTMLCanvasElement;
  readonly #locate: (x: number, y: number) => { readonly x: number; readonly y: number };
  #finger = { x: 0, y: 0 };
  #frame = 0;

  /** `locate` finds the pixel of `surface` under a place on the page. */
  constructor(
    surface: HTMLCanvasElement,
    locate: (x: number, y: number) => { readonly x: number; readonly y: number },
  ) {
    this.#surface = surface;
    this.#locate = locate;
  }

  /** What the fingers do, and where the leading one is. */
  follow(gesture: Gesture, finger: { readonly x: number; readonly y: number } | null): void {
    if (finger !== null && gesture === "pending") this.wait(finger);
    else if (finger !== null && (gesture === "held" || gesture === "aim")) this.show(finger);
    else this.hide();
  }

  /** The finger touches and may become a hold. */
  wait(finger: { readonly x: number; readonly y: number }): void {
    this.#stop();
    this.ring.style.left = `${finger.x}px`;
    this.ring.style.top = `${finger.y}px`;
    this.ring.hidden = false;
  }

  /** It is held, and may move. */
  show(finger: { readonly x: number; readonly y: number }): void {
    this.ring.hidden = true;
    this.#finger = finger;
    const across = window.innerWidth - LOUPE_PX - EDGE_PX;
    let left = finger.x - LOUPE_PX / 2;
    let top = finger.y - GAP_PX - LOUPE_PX;
    // Without room above it goes beside the finger, where there is more room: never under the hand.
    if (top < EDGE_PX) {
      top = Math.max(EDGE_PX, finger.y - LOUPE_PX / 2);
      left = finger.x > window.innerWidth / 2 ? finger.x - GAP_PX - LOUPE_PX : finger.x + GAP_PX;
    }
    this.loupe.style.left = `${Math.max(EDGE_PX, Math.min(across, left))}px`;
    this.loupe.style.top = `${top}px`;
    if (this.loupe.hidden) {
      this.loupe.hidden = false;
      this.#draw();
    }
  }

  hide(): void {
    this.ring.hidden = true;
    this.#stop();
  }

  #stop(): void {
    cancelAnimationFrame(this.#frame);
    this.loupe.hidden = true;
  }

  /** Anew with each frame of the page: the picture under the finger lives. */
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
    // An odd number of pixels, the aimed one in the middle; a whole number of device pixels each.
    const half = Math.ceil(size / pixel / 2);
    const corner = Math.round(size / 2 - (half + 0.5) * pixel);
    const side = 2 * half + 1;
    context.imageSmoothingEnabled = false;
    context.fillStyle = "#000";
    context.fillRect(0, 0, size, size);
    context.drawImage(this.#surface, x - half, y - half, side, side, corner, corner, side * pixel, side * pixel);
    const at = corner + half * pixel;
    for (const [colour, out] of [
      ["#000", 2],
      ["#fff", 1],
    ] as const) {
      context.strokeStyle = colour;
      context.lineWidth = ratio;
      context.strokeRect(at - out * ratio, at - out * ratio, pixel + 2 * out * ratio, pixel + 2 * out * ratio);
    }
    this.#frame = requestAnimationFrame(() => this.#draw());
  }
}
