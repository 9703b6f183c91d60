/**
 * Which part of the surface is to be read back next, and what to report. No I/O: the surface and the digest function are arguments
 * of those who call.
 *
 * Every report covers all tiles touched since they were last read, so its root speaks of one epoch. The sweep, which notices pixels
 * that changed without an update, adds a band of tile rows to each reading: the page's thread is never busy for long, and the whole
 * surface is read anew every 2 s.
 */

import type { Rectangle } from "../decode/tile_decoder.ts";
import { TileGrid } from "../surface/tile_grid.ts";

/** PROTOCOL.md §4: at rest the whole surface is read in this time. */
export const SWEEP_MS = 2_000;
/** A band of this many pixels is read and copied in about 2 ms. */
const BAND_PX = 1 << 20;
/** No update for this long is rest … */
const REST_MS = 120;
/** … and a band that waited this long for rest is read anyway: an animation must not switch the sweep off. */
const MAX_DELAY_MS = 1_000;

export type ReadingKind = "verify" | "full" | "sweep";

/** One look at the surface. */
export interface Reading {
  readonly kind: ReadingKind;
  /** What the surface will show when it is read. */
  readonly epoch: number;
  readonly rectangles: readonly Rectangle[];
  /** One byte a tile: touched since last read, to be listed even if the digest is the same. */
  readonly touched: Uint8Array;
}

export class Verifier {
  readonly grid: TileGrid;
  readonly #touched: Uint8Array;
  readonly #digests: BigUint64Array;
  readonly #bandRows: number;
  readonly #bandEveryMs: number;
  /** Tiles that video shows, or showed and no update replaced since: their pixels are not the decoder's. */
  readonly #lossy: Uint8Array;
  #covered: Uint8Array | null = null;
  #nextRow = 0;
  #bandDueAtMs = 0;
  #changedAtMs = 0;
  #epoch = 0;
  #anything = false;

  constructor(width: number, height: number) {
    this.grid = new TileGrid(width, height);
    this.#touched = new Uint8Array(this.grid.count).fill(1);
    this.#lossy = new Uint8Array(this.grid.count);
    this.#digests = new BigUint64Array(this.grid.count);
    const bands = Math.max(1, Math.ceil((width * height) / BAND_PX));
    this.#bandRows = Math.ceil(this.grid.rows / bands);
    this.#bandEveryMs = SWEEP_MS / Math.ceil(this.grid.rows / this.#bandRows);
  }

  /** A frame was handed to the surface. */
  painted(epoch: number, tiles: Iterable<number>, reset: boolean, nowMs: number): void {
    this.#epoch = epoch;
    this.#anything = true;
    this.#changedAtMs = nowMs;
    if (reset) this.#touched.fill(1);
    else for (const tile of tiles) this.#touched[tile] = 1;
    if (reset) this.#lossy.fill(0);
    else for (const tile of tiles) this.#lossy[tile] = 0;
  }

  /** Video shows this from now on, and nothing else: nobody reads it back. */
  cover(rectangle: Rectangle): void {
    this.uncover();
    this.#covered = this.grid.marks(rectangle);
    for (const [tile, mark] of this.#covered.entries()) if (mark === 1) this.#lossy[tile] = 1;
  }

  /** Video shows nothing more: what it left is to be read. */
  uncover(): void {
    for (const [tile, mark] of this.#covered?.entries() ?? []) if (mark === 1) this.#touched[tile] = 1;
    this.#covered = null;
  }

  /** The rectangles of an update's tiles alone, where others would bring back what stood there before video; null: it does not matter. */
  onlyNew(tiles: Iterable<number>, reset: boolean): Rectangle[] | null {
    if (reset || !this.#lossy.includes(1)) return null;
    const marks = new Uint8Array(this.grid.count);
    for (const tile of tiles) marks[tile] = 1;
    return this.grid.exactly(marks);
  }

  /** Whether the sweep wants a look at the surface now. */
  sweepDue(nowMs: number): boolean {
    if (!this.#anything || nowMs < this.#bandDueAtMs) return false;
    return nowMs - this.#changedAtMs >= REST_MS || nowMs - this.#bandDueAtMs >= MAX_DELAY_MS;
  }

  /** What to read now. The surface must be asked at once, before the next frame is handed to it. */
  plan(kind: ReadingKind, nowMs: number): Reading {
    const touched = this.#touched.slice();
    const marks = touched.slice();
    if (kind === "full") marks.fill(1);
    if (kind === "sweep") {
      const last = Math.min(this.grid.rows, this.#nextRow + this.#bandRows);
      marks.fill(1, this.#nextRow * this.grid.columns, last * this.grid.columns);
      this.#nextRow = last === this.grid.rows ? 0 : last;
      this.#bandDueAtMs = nowMs + this.#bandEveryMs;
    }
    this.#touched.fill(0);
    for (const [tile, mark] of this.#covered?.entries() ?? []) if (mark === 1) marks[tile] = touched[tile] = 0;
    return { kind, epoch: this.#epoch, rectangles: this.grid.cover(marks), touched };
  }

  /** The reading failed: its tiles are still to be read. */
  failed(reading: Reading): void {
    for (const [tile, mark] of reading.touched.entries()) if (mark === 1) this.#touched[tile] = 1;
  }

  /** Takes the digests of what was read; gives those to list in the report, ascending. */
  digested(
    reading: Reading,
    parts: readonly { readonly tiles: Uint16Array; readonly digests: BigUint64Array }[],
  ): { tiles: number[]; digests: bigint[] } {
    const listed: [number, bigint][] = [];
    for (const part of parts) {
      for (const [index, tile] of part.tiles.entries()) {
        const digest = part.digests[index] ?? 0n;
        const changed = this.#digests[tile] !== digest;
        this.#digests[tile] = digest;
        if (reading.kind === "full" || changed || reading.touched[tile] === 1) listed.push([tile, digest]);
      }
    }
    listed.sort((left, right) => left[0] - right[0]);
    return { tiles: listed.map(([tile]) => tile), digests: listed.map(([, digest]) => digest) };
  }
}
