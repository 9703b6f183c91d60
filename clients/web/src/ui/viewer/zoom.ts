/**
 * The person's own view of the picture: enlarged by a pinch, panned by two fingers, pushed up by a soft keyboard. Pure.
 *
 * Enlarges up to `DEVICE_PX_MAX` device pixels per pixel and snaps to whole numbers, where pixels stay exact squares. Never reduces below the
 * view it starts from: fit and 1:1 are chosen in the toolbar.
 */

import type { Box, Extent } from "../../input/geometry.ts";

export const DEVICE_PX_MAX = 12;
/** This near to a whole number of device pixels it becomes one. */
const SNAP = 0.09;

export class Zoom {
  /** What the fingers made; what is shown may be a whole number near to it. */
  #factor = 1;
  #active = false;
  #shown: Box = { x: 0, y: 0, width: 0, height: 0 };
  /** A share of the picture, and where on the stage it has to be. */
  #anchor: { readonly u: number; readonly v: number; readonly x: number; readonly y: number } | null = null;

  /** Whether the place of the picture is the person's, not the layout's. */
  get active(): boolean {
    return this.#active;
  }

  get enlarged(): boolean {
    return this.#active && this.#factor > 1;
  }

  reset(): void {
    this.#factor = 1;
    this.#active = false;
    this.#anchor = null;
  }

  /** Begins where the picture stands now, CSS px from the stage's corner, unless it did before. */
  take(corner: { readonly x: number; readonly y: number }): void {
    if (!this.#active) this.#shown = { ...this.#shown, x: corner.x, y: corner.y };
    this.#active = true;
  }

  /** Pans by dx, dy; the point of the picture that was at x − dx, y − dy comes to x, y. CSS px from the stage's corner. */
  move(x: number, y: number, dxPx: number, dyPx: number, factor: number): void {
    const shown = this.#shown;
    this.#factor *= factor;
    const share = (place: number, corner: number, length: number): number =>
      length > 0 ? (place - corner) / length : 0;
    this.#anchor = {
      u: share(x - dxPx, shown.x, shown.width),
      v: share(y - dyPx, shown.y, shown.height),
      x,
      y,
    };
  }

  /** The picture's box, given the one of the layout, and the stage's size of which `coverPx` at the lower edge are covered. */
  box(base: Box, stage: Extent, coverPx: number, surface: Extent, ratio: number): Box {
    const one = (base.width * ratio) / surface.width;
    this.#factor = Math.max(1, Math.min(this.#factor, DEVICE_PX_MAX / one));
    const whole = Math.round(one * this.#factor);
    const snaps = this.#factor > 1 && Math.abs(one * this.#factor - whole) < SNAP && whole > one;
    const scale = snaps ? whole / one : this.#factor;
    const width = base.width * scale;
    const height = base.height * scale;
    const { u, v, x, y } = this.#anchor ?? { u: 0, v: 0, x: this.#shown.x, y: this.#shown.y };
    this.#anchor = null;
    const left = this.#active ? x - u * width : base.x;
    const top = this.#active ? y - v * height : base.y;
    if (this.#factor === 1 && width <= stage.width && height <= stage.height - coverPx) this.#active = false;
    if (!this.#active && coverPx === 0) {
      this.#shown = base;
      return base;
    }
    const snap = (value: number): number => Math.round(value * ratio) / ratio;
    this.#shown = {
      x: snap(held(left, width, stage.width, 0)),
      y: snap(held(top, height, stage.height, coverPx)),
      width,
      height,
    };
    return this.#shown;
  }
}

/** Keeps a picture over its stage: centred where it has room, else without a gap; a cover lets it be pushed up. */
function held(wanted: number, length: number, stage: number, cover: number): number {
  const free = stage - cover - length;
  const rest = Math.max(0, (stage - length) / 2);
  if (free >= 0) return Math.min(rest, free);
  return Math.max(free, Math.min(rest, wanted));
}
