/** Binary clipboard frames (kind 3, PROTOCOL.md §7): clipboard content in pieces, in both directions. */

import { ProtocolError } from "../protocol/errors.ts";
import {
  CLIPBOARD_MAX_BYTES,
  CLIPBOARD_PIECE_MAX_BYTES,
  ClipboardFailureFlag,
  type ClipboardFormat,
  ClipboardFormatNumber,
  FrameKind,
} from "../protocol/generated/wire_facts.ts";

/** Size of a frame's header, bytes. */
const HEADER_BYTES = 16;

export type { ClipboardFormat } from "../protocol/generated/wire_facts.ts";

const FORMATS: ReadonlyMap<number, ClipboardFormat> = new Map([
  [ClipboardFormatNumber.text, "text"],
  [ClipboardFormatNumber.png, "png"],
]);

/** Reason why an answer has no content. */
export type ClipboardFailure = "unavailable" | "too-large" | "denied";
const FAILURES: ReadonlyMap<number, ClipboardFailure> = new Map([
  [ClipboardFailureFlag.unavailable, "unavailable"],
  [ClipboardFailureFlag.too_large, "too-large"],
  [ClipboardFailureFlag.denied, "denied"],
]);

/** Splits clipboard content into frames; empty content gives one frame. */
export function splitIntoFrames(
  format: ClipboardFormat,
  serial: number,
  content: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer>[] {
  const frames: Uint8Array<ArrayBuffer>[] = [];
  for (let offset = 0; offset === 0 || offset < content.length; offset += CLIPBOARD_PIECE_MAX_BYTES) {
    const part = content.subarray(offset, offset + CLIPBOARD_PIECE_MAX_BYTES);
    const frame = new Uint8Array(HEADER_BYTES + part.length);
    const view = new DataView(frame.buffer);
    view.setUint8(0, FrameKind.CLIPBOARD);
    view.setUint16(2, ClipboardFormatNumber[format], true);
    view.setUint32(4, serial, true);
    view.setUint32(8, content.length, true);
    view.setUint32(12, offset, true);
    frame.set(part, HEADER_BYTES);
    frames.push(frame);
  }
  return frames;
}

/** The agent's answer to a clipboard request. */
export interface ClipboardAnswer {
  readonly format: ClipboardFormat;
  readonly serial: number;
  readonly content: Uint8Array<ArrayBuffer> | ClipboardFailure;
}

/** Assembles the frames of the agent's answers. A new answer replaces an unfinished one. */
export class ClipboardAssembly {
  #first: { readonly format: number; readonly serial: number; readonly total: number } | null = null;
  #content = new Uint8Array(0);
  #length = 0;

  /**
   * Adds a frame. Returns the answer when its last frame has arrived, otherwise null. Throws ProtocolError.
   */
  add(data: ArrayBuffer): ClipboardAnswer | null {
    if (data.byteLength < HEADER_BYTES) throw new ProtocolError("clipboard", "a header of 16 bytes");
    const view = new DataView(data);
    const flags = view.getUint8(1);
    const number = view.getUint16(2, true);
    const serial = view.getUint32(4, true);
    const total = view.getUint32(8, true);
    const offset = view.getUint32(12, true);
    const part = new Uint8Array(data, HEADER_BYTES);
    const format = FORMATS.get(number);
    if (format === undefined) throw new ProtocolError("clipboard.format", "1 or 2");
    if (flags !== 0) {
      const failure = FAILURES.get(flags);
      if (failure === undefined || total !== 0 || offset !== 0 || part.length > 0)
        throw new ProtocolError("clipboard.flags", "one reason without content");
      this.#first = null;
      return { format, serial, content: failure };
    }
    if (total > CLIPBOARD_MAX_BYTES) throw new ProtocolError("clipboard.total", `at most ${CLIPBOARD_MAX_BYTES}`);
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
      throw new ProtocolError("clipboard.offset", "the piece that follows the previous one");
    this.#content.set(part, offset);
    this.#length += part.length;
    if (this.#length < total) return null;
    const content = this.#content;
    this.#first = null;
    this.#content = new Uint8Array(0);
    return { format, serial, content };
  }
}
