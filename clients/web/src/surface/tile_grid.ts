/**
 * The tiles of a monitor (PROTOCOL.md): 64 × 64 px, numbered row by row from 0, cut off at the right and
 * bottom edge.
 */

import type { Rectangle } from "../decode/tile_decoder.ts";
import { TILE_PX } from "../protocol/generated/wire_facts.ts";

/** With more rectangles than this, the calls cost more than copying the pixels between the rectangles. */
const MAX_RECTANGLES = 24;

export class TileGrid {
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  readonly rows: number;
  readonly count: number;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.columns = Math.ceil(width / TILE_PX);
    this.rows = Math.ceil(height / TILE_PX);
    this.count = this.columns * this.rows;
  }

  /** Returns the rectangle of the columns `left` to `right` − 1 and the rows `top` to `bottom` − 1, in px. */
  rectangle(left: number, top: number, right: number, bottom: number): Rectangle {
    const x = left * TILE_PX;
    const y = top * TILE_PX;
    return {
      x,
      y,
      width: Math.min(right * TILE_PX, this.width) - x,
      height: Math.min(bottom * TILE_PX, this.height) - y,
    };
  }

  /**
   * Returns a few tile-aligned rectangles that cover every marked tile (one byte per tile in `marks`) and
   * possibly others.
   */
  cover(marks: Uint8Array): Rectangle[] {
    const exact = this.#runs(marks, false);
    return exact.length <= MAX_RECTANGLES ? exact : this.#runs(marks, true);
  }

  /** Returns tile-aligned rectangles that cover exactly the marked tiles. */
  coverExactly(marks: Uint8Array): Rectangle[] {
    return this.#runs(marks, false);
  }

  /** Returns one byte per tile: 1 for the tiles that the rectangle touches. */
  marks(rectangle: Rectangle): Uint8Array {
    const marks = new Uint8Array(this.count);
    this.mark(rectangle, marks);
    return marks;
  }

  /** Sets the marks of the tiles that the rectangle touches. */
  mark({ x, y, width, height }: Rectangle, marks: Uint8Array): void {
    const left = Math.floor(x / TILE_PX);
    const right = Math.ceil((x + width) / TILE_PX);
    for (let row = Math.floor(y / TILE_PX); row < Math.ceil((y + height) / TILE_PX); row++)
      marks.fill(1, row * this.columns + left, row * this.columns + right);
  }

  /**
   * Joins equal runs of marked tiles in adjacent rows to rectangles. `wide` uses a single run per row, from
   * its first mark to its last.
   */
  #runs(marks: Uint8Array, wide: boolean): Rectangle[] {
    const found: Rectangle[] = [];
    let open: { left: number; right: number; top: number }[] = [];
    const close = (run: { left: number; right: number; top: number }, bottom: number): void => {
      found.push(this.rectangle(run.left, run.top, run.right, bottom));
    };
    for (let row = 0; row < this.rows; row++) {
      const next: typeof open = [];
      const start = row * this.columns;
      for (const [left, right] of runsOf(marks.subarray(start, start + this.columns), wide)) {
        const above = open.find((run) => run.left === left && run.right === right);
        next.push(above ?? { left, right, top: row });
      }
      for (const run of open) if (!next.includes(run)) close(run, row);
      open = next;
    }
    for (const run of open) close(run, this.rows);
    return found;
  }
}

function runsOf(marks: Uint8Array, wide: boolean): [number, number][] {
  if (wide) {
    const first = marks.indexOf(1);
    return first < 0 ? [] : [[first, marks.lastIndexOf(1) + 1]];
  }
  const runs: [number, number][] = [];
  for (let left = marks.indexOf(1); left >= 0; ) {
    const end = marks.indexOf(0, left);
    const right = end < 0 ? marks.length : end;
    runs.push([left, right]);
    left = marks.indexOf(1, right);
  }
  return runs;
}
