/**
 * Reads the number that the agent draws below each video frame (display_server/agent/motion/frame_number.py):
 * 16 black or white blocks of 16 px, 12 for the number and 4 for its checksum. The number is part of the
 * picture because no browser reports reliably which frame it is showing.
 */

import { VIDEO_NUMBER_BITS } from "../protocol/generated/wire_facts.ts";

export const BLOCK_PX = 16;
const BITS = VIDEO_NUMBER_BITS;
const CHECK_BITS = 4;
export const STRIP_PX = BLOCK_PX * (BITS + CHECK_BITS);

/**
 * Decodes the number from a row of STRIP_PX RGBA pixels in the middle of the strip. Returns null if the
 * checksum is wrong.
 */
export function frameNumber(row: Uint8ClampedArray): number | null {
  let word = 0;
  for (let bit = 0; bit < BITS + CHECK_BITS; bit++)
    word = (word << 1) | ((row[(bit * BLOCK_PX + BLOCK_PX / 2) * 4] ?? 0) > 127 ? 1 : 0);
  const number = word >> CHECK_BITS;
  const check = (number ^ (number >> 4) ^ (number >> 8) ^ 0b1010) & 0xf;
  return (word & 0xf) === check ? number : null;
}
