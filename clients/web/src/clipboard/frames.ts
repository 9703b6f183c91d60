/** Binary frames of kind 3 (PROTOCOL.md §7): one copy's content, in pieces, either way. */

import { ProtocolError } from "../protocol/errors.ts";

export const KIND_CLIPBOARD = 3;
/** Content per frame, bytes: well below a viewer's limit of frames. */
export const PIECE_BYTES = 64 * 1024;
const HEAD_BYTES = 16;
/** More than any policy lets through. */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024;

export type ClipboardFormat = "text" | "png";
const NUMBERS: Readonly<Record<ClipboardFormat, number>> = { text: 1, png: 2 };
const FORMATS: ReadonlyMap<number, ClipboardFormat> = new Map([
  [1, "text"],
  [2, "png"],
]);

/** Why an answer has no content. */
export type ClipboardFailure = "unavailable" | "too-large" | "denied";
const FAILURES: ReadonlyMap<number, ClipboardFailure> = new Map([
  [1, "unavailable"],
  [2, "too-large"],
  [4, "denied"],
]);

/** The frames of one copy, at least one. */
export function pieces(
  format: ClipboardFormat,
  serial: number,
  content: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer>[] {
  const frames: Uint8Array<ArrayBuffer>[] = [];
  for (let offset = 0; offset === 0 || offset < content.length; offset += PIECE_BYTES) {
    const part = content.subarray(offset, offset + PIECE_BYTES);
    const frame = new Uint8Array(HEAD_BYTES + part.length);
    const view = new DataView(frame.buffer);
    view.setUint8(0, KIND_CLIPBOARD);
    view.setUint16(2, NUMBERS[format], true);
    view.setUint32(4, serial, true);
    view.setUint32(8, content.length, true);
    view.setUint32(12, offset, true);
    frame.set(part, HEAD_BYTES);
    frames.push(frame);
  }
  return frames;
}

export interface Answer {
  readonly format: ClipboardFormat;
  readonly serial: number;
  readonly content: Uint8Array<ArrayBuffer> | ClipboardFailure;
}

/** Puts the agent's pieces together. A new answer takes the place of an unfinished one. */
export class Assembly {
  #first: { readonly format: number; readonly serial: number; readonly total: number } | null = null;
  #content = new Uint8Array(0);
  #length = 0;

  /** The whole answer with its last piece, else null. Throws ProtocolError. */
  add(data: ArrayBuffer): Answer | null {
    if (data.byteLength < HEAD_BYTES) throw new ProtocolError("clipboard", "a head of 16 bytes");
    const view = new DataView(data);
    const flags = view.getUint8(1);
    const number = view.getUint16(2, true);
    const serial = view.getUint32(4, true);
    const total = view.getUint32(8, true);
    const offset = view.getUint32(12, true);
    const part = new Uint8Array(data, HEAD_BYTES);
    const format = FORMATS.get(number);
    if (format === undefined) throw new ProtocolError("clipboard.format", "1 or 2");
    if (flags !== 0) {
      const failure = FAILURES.get(flags);
      if (failure === undefined || total !== 0 || offset !== 0 || part.length > 0)
        throw new ProtocolError("clipboard.flags", "one reason without content");
      this.#first = null;
      return { format, serial, content: failure };
    }
    if (total > MAX_TOTAL_BYTES) throw new ProtocolError("clipboard.total", `at most ${MAX_TOTAL_BYTES}`);
    if (offset === 0) {
      this.#first = { format: number, serial, total };
      this.#content = new Uint8Array(total);
      this.#length = 0;
    }
    const first = this.#first;
    const fits = offset + part.length <= total && (part.length > 0 || total === 0);
    if (
      first === null ||
      first.format !== number ||
      first.serial !== serial ||
      first.total !== total ||
      offset !== this.#length ||
      !fits
    )
      throw new ProtocolError("clipboard.offset", "the piece after the one before");
    this.#content.set(part, offset);
    this.#length += part.length;
    if (this.#length < total) return null;
    const content = this.#content;
    this.#first = null;
    this.#content = new Uint8Array(0);
    return { format, serial, content };
  }
}
