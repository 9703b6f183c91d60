/**
 * The number that stands below a frame of video (display_server/agent/motion/frame_number.py): 16 blocks of 16 px, black or white, the first 12 the
 * number, the last 4 its check. No browser tells reliably which frame it shows; the picture itself does.
 */

export const BLOCK_PX = 16;
const BITS = 12;
const CHECK_BITS = 4;
export const STRIP_PX = BLOCK_PX * (BITS + CHECK_BITS);

/** `row` is RGBA of STRIP_PX pixels from the middle of the strip; null where no number stands there. */
export function frameNumber(row: Uint8ClampedArray): number | null {
  let word = 0;
  for (let bit = 0; bit < BITS + CHECK_BITS; bit++)
    word = (word << 1) | ((row[(bit * BLOCK_PX + BLOCK_PX / 2) * 4] ?? 0) > 127 ? 1 : 0);
  const number = word >> CHECK_BITS;
  const check = (number ^ (number >> 4) ^ (number >> 8) ^ 0b1010) & 0xf;
  return (word & 0xf) === check ? number : null;
}
