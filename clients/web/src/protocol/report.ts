/** The digest report of PROTOCOL.md §4: what the viewer read back from its own surface. */

const KIND_DIGESTS = 2;
const FLAG_FULL = 1;
const HEAD_BYTES = 18;
const ENTRY_BYTES = 10;
/** PROTOCOL.md §1: a viewer's binary frames end at 256 KiB. */
export const MAX_REPORT_TILES = Math.min(0xffff, Math.floor((256 * 1024 - HEAD_BYTES) / ENTRY_BYTES));

export interface DigestReport {
  readonly monitor: number;
  /** The epoch that the surface showed when it was read. */
  readonly epoch: number;
  /** Whether every tile of the monitor is listed. */
  readonly full: boolean;
  /** Over the digests of all tiles, as last read. */
  readonly root: bigint;
  /** Ascending. */
  readonly tiles: readonly number[];
  /** One per entry of `tiles`. */
  readonly digests: readonly bigint[];
}

/** Throws RangeError when there are more tiles than a frame may list. */
export function encodeReport(report: DigestReport): Uint8Array<ArrayBuffer> {
  const count = report.tiles.length;
  if (count > MAX_REPORT_TILES) throw new RangeError(`a report lists at most ${MAX_REPORT_TILES} tiles`);
  const bytes = new Uint8Array(HEAD_BYTES + count * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, KIND_DIGESTS);
  view.setUint8(1, report.full ? FLAG_FULL : 0);
  view.setUint16(2, report.monitor, true);
  view.setUint32(4, report.epoch, true);
  view.setBigUint64(8, report.root, true);
  view.setUint16(16, count, true);
  for (let index = 0; index < count; index++) {
    const offset = HEAD_BYTES + index * ENTRY_BYTES;
    view.setUint16(offset, report.tiles[index] ?? 0, true);
    view.setBigUint64(offset + 2, report.digests[index] ?? 0n, true);
  }
  return bytes;
}
