/**
 * A surface displays a monitor's pixels and lets them be read back for verification.
 *
 *     open(size) ─► paint(frame) … read(rectangles) … ─► open(other size) …
 *
 * Calls are carried out, and answered, in the order in which they are made: a `read` sees every `paint`
 * before it and none after. `RemoteSurface` implements the contract: it forwards each call to a
 * `CanvasPainter` in the page, whose canvas shows the pixels.
 */

import type { Rectangle } from "../decode/tile_decoder.ts";
import type { Readback } from "./readback_probe.ts";

/** The pixels that one update changed. */
export interface Frame {
  /** Whether the whole surface is painted black first. */
  readonly reset: boolean;
  readonly rectangles: readonly Rectangle[];
  /**
   * RGBA pixels of the rectangles, one rectangle after the other without gaps. The buffer is transferred with
   * the call.
   */
  readonly pixels: ArrayBuffer;
}

/** The part of the monitor in which video frames with this number are shown. */
export interface VideoRegion {
  readonly number: number;
  readonly rectangle: Rectangle;
}

export interface Surface {
  /** Sets the size in px and paints everything black. */
  open(width: number, height: number): void;
  /**
   * Paints a whole frame. `done` receives the time when it was painted, in ms of the wall clock (see
   * `wallMs`).
   */
  paint(frame: Frame, done: (shownMs: number) => void): void;
  /**
   * Reads the RGBA pixels of each rectangle from the surface; `done` receives null when they cannot be read.
   */
  read(rectangles: readonly Rectangle[], done: (pixels: readonly Uint8ClampedArray[] | null) => void): void;
  /**
   * Paints a known pattern where nobody sees it and reads it back as `read` does; `done` receives what became
   * of it.
   */
  probe(done: (result: Readback) => void): void;
  /** Shows the video frames of this region from now on, beside painted frames; null shows no video. */
  setVideoRegion(region: VideoRegion | null): void;
  /** Returns a buffer of at least this many bytes for the next frame's pixels; used buffers are recycled. */
  takeBuffer(bytes: number): ArrayBuffer;
}

/**
 * Returns the wall clock in ms with the resolution of `performance.now()`; it is the same in page and worker.
 */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
