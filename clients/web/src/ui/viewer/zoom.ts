/**
 * Computes the box of a surface that the person has enlarged with a pinch, panned with two fingers, or pushed up
 * above a soft keyboard. Pure.
 *
 * The surface is enlarged up to `DEVICE_PX_MAX` device pixels per surface pixel. Near a whole number the factor snaps
 * to it, so that surface pixels stay exact squares. The surface is never made smaller than its layout: the modes fit
 * and 1:1 are chosen in the toolbar.
 */

import type { Box, Extent } from "../../input/geometry.ts";

/** Largest enlargement, device px per surface px. */
export const DEVICE_PX_MAX = 12;
/** Distance from a whole number of device px per surface px within which the factor snaps to it. */
const SNAP = 0.09;

export class Zoom {
  /** Enlargement that the fingers made; the displayed one may be the nearest whole number of device pixels. */
  #factor = 1;
  #active = false;
  /** The box that was computed last, CSS px from the viewport's corner. */
  #box: Box = { x: 0, y: 0, width: 0, height: 0 };
  /** A point of the surface (u and v are fractions of its size) and the position in the viewport that it must have. */
  #anchor: { readonly u: number; readonly v: number; readonly x: number; readonly y: number } | null = null;

  /** Whether the person, not the layout, determines where the surface is. */
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

  /** Takes over from the layout, with the surface's corner at its current position in CSS px from the viewport's corner. */
  start(corner: { readonly x: number; readonly y: number }): void {
    if (!this.#active) this.#box = { ...this.#box, x: corner.x, y: corner.y };
    this.#active = true;
  }

  /**
   * Pans by dxPx, dyPx and enlarges by `factor` around x, y: the surface point that was at x − dxPx, y − dyPx moves to
   * x, y. CSS px from the viewport's corner.
   */
  move(x: number, y: number, dxPx: number, dyPx: number, factor: number): void {
    const box = this.#box;
    this.#factor *= factor;
    const fraction = (position: number, corner: number, length: number): number =>
      length > 0 ? (position - corner) / length : 0;
    this.#anchor = {
      u: fraction(x - dxPx, box.x, box.width),
      v: fraction(y - dyPx, box.y, box.height),
      x,
      y,
    };
  }

  /**
   * Computes the surface's box from the box that the layout gives it. CSS px from the viewport's corner.
   *
   * `coveredPx` at the lower edge of the viewport are covered by a soft keyboard; `ratio` is device px per CSS px.
   */
  box(base: Box, viewport: Extent, coveredPx: number, surface: Extent, ratio: number): Box {
    const baseScale = (base.width * ratio) / surface.width;
    this.#factor = Math.max(1, Math.min(this.#factor, DEVICE_PX_MAX / baseScale));
    const whole = Math.round(baseScale * this.#factor);
    const snaps = this.#factor > 1 && Math.abs(baseScale * this.#factor - whole) < SNAP && whole > baseScale;
    const scale = snaps ? whole / baseScale : this.#factor;
    const width = base.width * scale;
    const height = base.height * scale;
    const { u, v, x, y } = this.#anchor ?? { u: 0, v: 0, x: this.#box.x, y: this.#box.y };
    this.#anchor = null;
    const left = this.#active ? x - u * width : base.x;
    const top = this.#active ? y - v * height : base.y;
    if (this.#factor === 1 && width <= viewport.width && height <= viewport.height - coveredPx) this.#active = false;
    if (!this.#active && coveredPx === 0) {
      this.#box = base;
      return base;
    }
    const snap = (value: number): number => Math.round(value * ratio) / ratio;
    this.#box = {
      x: snap(limitPosition(left, width, viewport.width, 0)),
      y: snap(limitPosition(top, height, viewport.height, coveredPx)),
      width,
      height,
    };
    return this.#box;
  }
}

/** Limits a surface's position so that it leaves no gap; centres it where it is smaller than the viewport. */
function limitPosition(position: number, length: number, viewport: number, covered: number): number {
  const free = viewport - covered - length;
  const centred = Math.max(0, (viewport - length) / 2);
  if (free >= 0) return Math.min(centred, free);
  return Math.max(free, Math.min(centred, position));
}
