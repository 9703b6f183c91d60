/** A motion of the pointer as a datagram (PROTOCOL.md §11). */

export const KIND_MOTION = 4;
const BYTES = 10;
const PLACE_MIN = -32_768;
const PLACE_MAX = 32_767;

/** `turn` 1…65535, `step` 0…65535; `x` and `y` whole px on the monitor, kept within what a datagram holds. */
export function encodeMotion(turn: number, step: number, x: number, y: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, KIND_MOTION);
  view.setUint16(2, turn, true);
  view.setUint16(4, step, true);
  view.setInt16(6, within(x), true);
  view.setInt16(8, within(y), true);
  return bytes;
}

function within(place: number): number {
  return Math.max(PLACE_MIN, Math.min(PLACE_MAX, place));
}
