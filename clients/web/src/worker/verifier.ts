/**
 * Decides which part of the surface is read back next and which digests are reported. It does no I/O: the
 * caller reads the surface and computes the digests.
 *
 * Every report covers all tiles that were painted since they were last read, so its root belongs to a single
 * epoch. The sweep detects pixels that changed without an update. It reads one band of tile rows at a time,
 * so that the page's thread is never blocked for long, and covers the whole surface every 2 s.
 */

import type { Rectangle } from "../decode/tile_decoder.ts";
import { TileGrid } from "../surface/tile_grid.ts";

/** Time in which the sweep reads the whole surface while no updates arrive, ms (PROTOCOL.md §4). */
export const SWEEP_MS = 2_000;
/** Size of a sweep band, px: reading and copying it takes about 2 ms. */
const BAND_PX = 1 << 20;
/** The sweep continues when no update has arrived for this long, ms. */
const REST_MS = 120;
/**
 * A sweep band is read after this delay even while updates arrive, ms: an animation must not disable the
 * sweep.
 */
const MAX_DELAY_MS = 1_000;

export type ReadingKind = "verify" | "full" | "sweep";

/** One reading of the surface. */
export interface Reading {
  readonly kind: ReadingKind;
  /** The epoch that the surface will show when it is read. */
  readonly epoch: number;
  readonly rectangles: readonly Rectangle[];
  /**
   * One byte per tile: 1 if the tile was painted since it was last read and must be reported even if its
   * digest is unchanged.
   */
  readonly touched: Uint8Array;
}

export class Verifier {
  readonly grid: TileGrid;
  readonly #touched: Uint8Array;
  readonly #digests: BigUint64Array;
  readonly #bandRows: number;
  readonly #bandEveryMs: number;
  /** One byte per tile: 1 if its pixels come from video and no update has replaced them since. */
  readonly #lossy: Uint8Array;
  /** One byte per tile: 1 if video covers the tile now; null while no video is shown. */
  #covered: Uint8Array | null = null;
  #nextRow = 0;
  #bandDueAtMs = 0;
  #changedAtMs = 0;
  #epoch = 0;
  #painted = false;

  constructor(width: number, height: number) {
    this.grid = new TileGrid(width, height);
    this.#touched = new Uint8Array(this.grid.count).fill(1);
    this.#lossy = new Uint8Array(this.grid.count);
    this.#digests = new BigUint64Array(this.grid.count);
    const bands = Math.max(1, Math.ceil((width * height) / BAND_PX));
    this.#bandRows = Math.ceil(this.grid.rows / bands);
    this.#bandEveryMs = SWEEP_MS / Math.ceil(this.grid.rows / this.#bandRows);
  }

  /** Records that a frame was passed to the surface. */
  painted(epoch: number, tiles: Iterable<number>, reset: boolean, nowMs: number): void {
    this.#epoch = epoch;
    this.#painted = true;
    this.#changedAtMs = nowMs;
    if (reset) this.#touched.fill(1);
    else for (const tile of tiles) this.#touched[tile] = 1;
    // A RESET does not end video: where it covers the surface, the next frame replaces the black pixels.
    if (reset) this.#lossy.set(this.#covered ?? new Uint8Array(this.grid.count));
    else for (const tile of tiles) this.#lossy[tile] = 0;
  }

  /**
   * Excludes this rectangle, which shows video from now on, from readings. Any earlier video rectangle is
   * included again.
   */
  cover(rectangle: Rectangle): void {
    this.uncover();
    this.#covered = this.grid.marks(rectangle);
    for (const [tile, mark] of this.#covered.entries()) if (mark === 1) this.#lossy[tile] = 1;
  }

  /** Includes the video rectangle in readings again after video has ended. */
  uncover(): void {
    for (const [tile, mark] of this.#covered?.entries() ?? []) if (mark === 1) this.#touched[tile] = 1;
    this.#covered = null;
  }

  /**
   * Returns the rectangles of exactly an update's tiles if painting other tiles would replace video pixels by
   * older ones from the decoder. Returns null if larger rectangles do no harm.
   */
  changedOnly(tiles: Iterable<number>, reset: boolean): Rectangle[] | null {
    if (reset || !this.#lossy.includes(1)) return null;
    const marks = new Uint8Array(this.grid.count);
    for (const tile of tiles) marks[tile] = 1;
    return this.grid.coverExactly(marks);
  }

  /** Returns whether the next sweep band should be read now. */
  sweepDue(nowMs: number): boolean {
    if (!this.#painted || nowMs < this.#bandDueAtMs) return false;
    return nowMs - this.#changedAtMs >= REST_MS || nowMs - this.#bandDueAtMs >= MAX_DELAY_MS;
  }

  /** Plans a reading. The caller must start it before the next frame is passed to the surface. */
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

  /** Marks the tiles of a failed reading as still unread. */
  failed(reading: Reading): void {
    for (const [tile, mark] of reading.touched.entries()) if (mark === 1) this.#touched[tile] = 1;
  }

  /**
   * Stores the digests of a reading. Returns the tiles to report and their digests, in ascending order of
   * tiles.
   */
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
