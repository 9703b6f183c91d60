/** Video without a browser: numbers of frames, and the tiles that video covers. */

import { describe, expect, it } from "vitest";
import { TileGrid } from "../../src/surface/tile_grid.ts";
import { BLOCK_PX, frameNumber, STRIP_PX } from "../../src/video/frame_number.ts";
import { Verifier } from "../../src/worker/verifier.ts";

/** Returns a row of the number strip as display_server/agent/motion/frame_number.py draws it, with the error that a codec adds. */
function row(number: number, noise = 0): Uint8ClampedArray {
  const check = (number ^ (number >> 4) ^ (number >> 8) ^ 10) & 15;
  const word = (number << 4) | check;
  return Uint8ClampedArray.from({ length: STRIP_PX * 4 }, (_, at) => {
    const bit = (word >> (15 - Math.floor(at / 4 / BLOCK_PX))) & 1;
    return bit === 1 ? 255 - noise : noise;
  });
}

describe("frame number", () => {
  it.each([1, 2, 0x555, 0xaaa, 4095])("decodes %i despite codec noise", (number) => {
    expect(frameNumber(row(number))).toBe(number);
    expect(frameNumber(row(number, 100))).toBe(number);
  });

  it("returns null for pixels that are not a number strip", () => {
    expect(frameNumber(new Uint8ClampedArray(STRIP_PX * 4))).toBeNull();
    expect(frameNumber(new Uint8ClampedArray(STRIP_PX * 4).fill(255))).toBeNull();
    const other = row(77);
    other.fill(255 - (other[60] ?? 0), 0, BLOCK_PX * 4);
    expect(frameNumber(other)).toBeNull();
  });
});

describe("tiles beside video", () => {
  const region = { x: 64, y: 0, width: 128, height: 64 };

  it("marks the tiles that a rectangle touches, also at the monitor's edge", () => {
    const grid = new TileGrid(300, 100);
    expect([...grid.marks({ x: 192, y: 64, width: 108, height: 36 })]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
  });

  it("are not read while video covers them, and read completely afterwards", () => {
    const verifier = new Verifier(300, 100);
    verifier.painted(1, [], true, 0);
    verifier.plan("full", 1);
    verifier.cover(region);
    for (const kind of ["verify", "full", "sweep"] as const) {
      const { rectangles, touched } = verifier.plan(kind, 2);
      const grid = new TileGrid(300, 100);
      const read = new Uint8Array(grid.count);
      for (const rectangle of rectangles)
        for (const [tile, mark] of grid.marks(rectangle).entries()) if (mark) read[tile] = 1;
      expect([read[1], read[2], touched[1], touched[2]]).toEqual([0, 0, 0, 0]);
    }
    verifier.uncover();
    expect([...verifier.plan("verify", 3).touched]).toEqual([0, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("are not overwritten with older pixels by an update", () => {
    const verifier = new Verifier(300, 100);
    verifier.painted(1, [], true, 0);
    expect(verifier.changedOnly([0, 3], false)).toBeNull();
    verifier.cover(region);
    verifier.uncover();
    expect(verifier.changedOnly([0, 3], false)).toEqual([
      { x: 0, y: 0, width: 64, height: 64 },
      { x: 192, y: 0, width: 64, height: 64 },
    ]);
    verifier.painted(2, [1, 2], false, 1);
    expect(verifier.changedOnly([0, 3], false)).toBeNull();
  });

  it("stay video across a RESET, which the agent may send while video begins", () => {
    const verifier = new Verifier(300, 100);
    verifier.cover(region);
    verifier.painted(1, [], true, 0);
    expect(verifier.changedOnly([0], false)).toEqual([{ x: 0, y: 0, width: 64, height: 64 }]);
    expect([...verifier.plan("verify", 1).touched].slice(0, 4)).toEqual([1, 0, 0, 1]);
  });
});
