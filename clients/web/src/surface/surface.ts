/**
 * The contract of what shows a monitor's pixels and lets them be read back.
 *
 *     open(size) ─► paint(frame) … read(rectangles) … ─► open(other size) …
 *
 * Calls are carried out, and answered, in the order in which they are made: a `read` sees every `paint` before it and none after.
 * `RemoteSurface` implements the contract: it forwards each call to a `CanvasPainter` in the page, whose canvas shows the pixels.
 */

import type { Rectangle } from "../decode/tile_decoder.ts";

/** What one update changed. */
export interface Frame {
  /** Paint everything black first. */
  readonly reset: boolean;
  readonly rectangles: readonly Rectangle[];
  /** RGBA of the rectangles, one after the other, without gaps. Given away with the call. */
  readonly pixels: ArrayBuffer;
}

/** Where frames with this number are shown. */
export interface VideoRegion {
  readonly number: number;
  readonly rectangle: Rectangle;
}

export interface Surface {
  /** A black picture of this size, in px. */
  open(width: number, height: number): void;
  /** Paints a frame as a whole; `done` gets the time it was there, in ms on the wall clock (`performance.timeOrigin` added). */
  paint(frame: Frame, done: (shownMs: number) => void): void;
  /** RGBA of each rectangle, as the surface holds it now; null when it cannot be read. */
  read(rectangles: readonly Rectangle[], done: (pixels: readonly Uint8ClampedArray[] | null) => void): void;
  /** From now on only frames of this place are shown, beside what is painted; null: none. */
  video(place: VideoRegion | null): void;
  /** A buffer of at least this many bytes to put the next frame's pixels in: a used one, where there is one. */
  take(bytes: number): ArrayBuffer;
}

/** Wall clock in ms with the resolution of `performance.now()`; the same in page and worker. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
