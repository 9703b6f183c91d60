/**
 * Finds out whether the browser alters what a page reads back from a canvas.
 *
 * Browsers do so against fingerprinting: Firefox in private windows and with strict protection (some pixels
 * change by one level) or with `privacy.resistFingerprinting` (nothing but noise), Brave, and several
 * extensions. Digests of altered pixels prove nothing.
 */

import { CanvasPainter } from "./canvas_painter.ts";

/**
 * Side of the pattern, px. Firefox changes at least 20 pixels of a reading, but none of one that has a single
 * colour.
 */
const PATTERN_PX = 128;
const PATTERN = { x: 0, y: 0, width: PATTERN_PX, height: PATTERN_PX };

/**
 * What became of a known pattern that was painted and read back: the browser may also refuse to read at all.
 */
export type Readback = "intact" | "altered" | "refused";

/**
 * Returns opaque RGBA noise of `pixels` pixels. It differs for each seed, so that nobody can recognize the
 * pattern.
 */
export function noise(pixels: number, seed: number): Uint8ClampedArray<ArrayBuffer> {
  const bytes = new Uint8ClampedArray(pixels * 4);
  const words = new Uint32Array(bytes.buffer);
  let state = seed | 1;
  for (let index = 0; index < pixels; index++) {
    // Xorshift by Marsaglia: fast, and no two neighbouring pixels are equal.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
    bytes[index * 4 + 3] = 255;
  }
  return bytes;
}

/** Returns whether two RGBA images have the same colours. Alpha does not count: it is no part of a digest. */
export function sameColours(one: Uint8ClampedArray, other: Uint8ClampedArray): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) if (index % 4 !== 3 && one[index] !== other[index]) return false;
  return true;
}

export class ReadbackProbe {
  readonly #painter: CanvasPainter;

  /**
   * The canvas is like that of the surface and is painted and read by the same code, but it is never shown: a
   * pattern on the surface itself might be left there by an error. Throws when the browser gives no 2D
   * context.
   */
  constructor(canvas: HTMLCanvasElement) {
    this.#painter = new CanvasPainter(canvas);
    this.#painter.open(PATTERN_PX, PATTERN_PX);
  }

  /** Paints a new pattern and reads it back. */
  run(): Readback {
    const pattern = noise(PATTERN_PX * PATTERN_PX, Math.floor(Math.random() * 2 ** 32));
    this.#painter.paint({ reset: true, rectangles: [PATTERN], pixels: pattern.buffer });
    const read = this.#painter.read([PATTERN])?.[0];
    if (read === undefined) return "refused";
    return sameColours(pattern, read) ? "intact" : "altered";
  }
}
