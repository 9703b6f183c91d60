/** The digest report of PROTOCOL.md §4: what the viewer read back from its own surface. */

import { FrameKind, VIEWER_BINARY_MAX_BYTES } from "./generated/wire_facts.ts";

const FLAG_FULL = 1;
const HEADER_BYTES = 18;
const ENTRY_BYTES = 10;
/** Tiles in one report: the count has 16 bits, and a binary frame has a limit. */
export const MAX_REPORT_TILES = Math.min(0xffff, Math.floor((VIEWER_BINARY_MAX_BYTES - HEADER_BYTES) / ENTRY_BYTES));

export interface DigestReport {
  readonly monitor: number;
  /** The epoch that the surface showed when it was read. */
  readonly epoch: number;
  /** Whether every tile of the monitor is listed. */
  readonly full: boolean;
  /** Digest over the digests of all tiles, as last read. */
  readonly root: bigint;
  /** Tile numbers in ascending order. */
  readonly tiles: readonly number[];
  /** The digest of each entry of `tiles`. */
  readonly digests: readonly bigint[];
}

/** Serializes a report. Throws RangeError if it lists more than `MAX_REPORT_TILES`. */
export function encodeReport(report: DigestReport): Uint8Array<ArrayBuffer> {
  const count = report.tiles.length;
  if (count > MAX_REPORT_TILES) throw new RangeError(`a report lists at most ${MAX_REPORT_TILES} tiles`);
  const bytes = new Uint8Array(HEADER_BYTES + count * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, FrameKind.DIGEST_REPORT);
  view.setUint8(1, report.full ? FLAG_FULL : 0);
  view.setUint16(2, report.monitor, true);
  view.setUint32(4, report.epoch, true);
  view.setBigUint64(8, report.root, true);
  view.setUint16(16, count, true);
  for (let index = 0; index < count; index++) {
    const offset = HEADER_BYTES + index * ENTRY_BYTES;
    view.setUint16(offset, report.tiles[index] ?? 0, true);
    view.setBigUint64(offset + 2, report.digests[index] ?? 0n, true);
  }
  return bytes;
}
