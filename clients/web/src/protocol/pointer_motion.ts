/** A motion of the pointer as a datagram (PROTOCOL.md §11). */

import { FrameKind } from "./generated/wire_facts.ts";

const BYTES = 10;
const COORDINATE_MIN = -32_768;
const COORDINATE_MAX = 32_767;

/**
 * Serializes a motion. `turn` is 1…65535, `step` 0…65535; `x` and `y` are whole px on the monitor and are clamped to
 * 16 bits.
 */
export function encodePointerMotion(turn: number, step: number, x: number, y: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, FrameKind.POINTER_MOTION);
  view.setUint16(2, turn, true);
  view.setUint16(4, step, true);
  view.setInt16(6, clamp(x), true);
  view.setInt16(8, clamp(y), true);
  return bytes;
}

function clamp(coordinate: number): number {
  return Math.max(COORDINATE_MIN, Math.min(COORDINATE_MAX, coordinate));
}
