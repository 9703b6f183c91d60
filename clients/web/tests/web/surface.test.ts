import { describe, expect, it } from "vitest";
import { BufferPool } from "../../src/surface/buffer_pool.ts";
import { RemoteSurface, type SurfaceCommand } from "../../src/surface/remote_surface.ts";
import { TileGrid } from "../../src/surface/tile_grid.ts";
import { SWEEP_MS, Verifier } from "../../src/worker/verifier.ts";

function marked(grid: TileGrid, tiles: readonly number[]): Uint8Array {
  const marks = new Uint8Array(grid.count);
  for (const tile of tiles) marks[tile] = 1;
  return marks;
}

describe("tile grid", () => {
  it("cuts tiles off at the right and bottom edge", () => {
    const grid = new TileGrid(130, 70);
    expect([grid.columns, grid.rows, grid.count]).toEqual([3, 2, 6]);
    expect(grid.cover(marked(grid, [5]))).toEqual([{ x: 128, y: 64, width: 2, height: 6 }]);
  });

  it("joins equal runs of adjacent rows", () => {
    const grid = new TileGrid(640, 640);
    expect(grid.cover(marked(grid, [11, 12, 21, 22, 32]))).toEqual([
      { x: 64, y: 64, width: 128, height: 128 },
      { x: 128, y: 192, width: 64, height: 64 },
    ]);
    expect(grid.cover(marked(grid, []))).toEqual([]);
  });

  it("covers every mark with tile-aligned rectangles that do not overlap", () => {
    const grid = new TileGrid(1000, 900);
    let random = 7;
    for (let round = 0; round < 200; round++) {
      const marks = new Uint8Array(grid.count);
      for (let tile = 0; tile < grid.count; tile++) {
        random = (random * 1103515245 + 12345) % 2147483648;
        marks[tile] = random % 10 < round % 10 ? 1 : 0;
      }
      const seen = new Uint8Array(grid.count);
      const rectangles = grid.cover(marks);
      expect(rectangles.length).toBeLessThanOrEqual(24);
      for (const { x, y, width, height } of rectangles) {
        expect([x % 64, y % 64]).toEqual([0, 0]);
        expect([x + width <= 1000, y + height <= 900]).toEqual([true, true]);
        for (let row = y / 64; row * 64 < y + height; row++) {
          for (let column = x / 64; column * 64 < x + width; column++)
            seen[row * grid.columns + column] = (seen[row * grid.columns + column] ?? 0) + 1;
        }
      }
      for (let tile = 0; tile < grid.count; tile++) {
        expect(seen[tile]).toBeLessThanOrEqual(1);
        if (marks[tile] === 1) expect(seen[tile]).toBe(1);
      }
    }
  });
});

describe("buffer pool", () => {
  it("returns the smallest buffer that fits, and keeps only a few", () => {
    const pool = new BufferPool();
    const buffers = [1, 2, 3, 4, 5, 6].map((units) => new ArrayBuffer(units * 65536));
    for (const buffer of buffers) pool.give(buffer);
    expect(pool.take(3 * 65536)).toBe(buffers[2]);
    expect(pool.take(65536)).toBe(buffers[3]);
    expect(pool.take(9 * 65536).byteLength).toBe(9 * 65536);
    pool.give(new ArrayBuffer(0));
    expect(pool.take(1).byteLength).toBeGreaterThan(0);
  });
});

describe("remote surface", () => {
  it("delivers the replies to paints and reads in order", () => {
    const commands: SurfaceCommand[] = [];
    const surface = new RemoteSurface((command) => commands.push(command));
    const calls: string[] = [];
    const frame = { reset: false, rectangles: [], pixels: new ArrayBuffer(8) };
    surface.paint(frame, () => calls.push("painted 1"));
    surface.read([], () => calls.push("read"));
    surface.paint(frame, () => calls.push("painted 2"));
    expect(commands.map((command) => command.kind)).toEqual(["paint", "read", "paint"]);
    surface.handleReply({ kind: "painted", shownMs: 1, pixels: new ArrayBuffer(8) });
    surface.handleReply({ kind: "read", pixels: null });
    surface.handleReply({ kind: "painted", shownMs: 2, pixels: new ArrayBuffer(8) });
    expect(calls).toEqual(["painted 1", "read", "painted 2"]);
  });
});

describe("verifier", () => {
  const digestsOf = (tiles: readonly number[], value: bigint) => [
    { tiles: Uint16Array.from(tiles), digests: BigUint64Array.from(tiles, () => value) },
  ];

  it("reads everything first, then only painted tiles", () => {
    const verifier = new Verifier(640, 128);
    verifier.painted(1, [0], true, 0);
    expect(verifier.plan("verify", 0).rectangles).toEqual([{ x: 0, y: 0, width: 640, height: 128 }]);
    verifier.painted(2, [3, 4], false, 1);
    const reading = verifier.plan("verify", 1);
    expect([reading.epoch, reading.rectangles]).toEqual([2, [{ x: 192, y: 0, width: 128, height: 64 }]]);
    expect(verifier.plan("verify", 2).rectangles).toEqual([]);
  });

  it("reports painted tiles, and swept tiles only if they changed", () => {
    const verifier = new Verifier(256, 64);
    verifier.painted(1, [0, 1, 2, 3], false, 0);
    expect(verifier.digested(verifier.plan("verify", 0), digestsOf([0, 1, 2, 3], 5n)).tiles).toEqual([0, 1, 2, 3]);
    verifier.painted(2, [1], false, 1);
    expect(verifier.digested(verifier.plan("sweep", 1), digestsOf([0, 1, 2, 3], 5n)).tiles).toEqual([1]);
    expect(verifier.digested(verifier.plan("sweep", 2), digestsOf([3, 2, 1, 0], 6n))).toEqual({
      tiles: [0, 1, 2, 3],
      digests: [6n, 6n, 6n, 6n],
    });
    expect(verifier.digested(verifier.plan("sweep", 3), digestsOf([0, 1, 2, 3], 6n)).tiles).toEqual([]);
    expect(verifier.digested(verifier.plan("full", 4), digestsOf([0, 1, 2, 3], 6n)).tiles).toEqual([0, 1, 2, 3]);
  });

  it("reads the tiles of a failed reading again", () => {
    const verifier = new Verifier(256, 64);
    verifier.painted(1, [2], false, 0);
    const reading = verifier.plan("verify", 0);
    verifier.failed(reading);
    expect(verifier.plan("verify", 1).rectangles).toEqual(reading.rectangles);
  });

  it("sweeps the whole surface in bands within the sweep time", () => {
    const verifier = new Verifier(3840, 2160);
    verifier.painted(1, [], true, 0);
    verifier.plan("full", 0);
    const seen = new Uint8Array(verifier.grid.count);
    let bands = 0;
    for (let nowMs = 1_000; nowMs < 1_000 + SWEEP_MS; nowMs += 50) {
      if (!verifier.sweepDue(nowMs)) continue;
      bands += 1;
      for (const { x, y, width, height } of verifier.plan("sweep", nowMs).rectangles) {
        expect(width * height).toBeLessThan(1.3 * 2 ** 20);
        for (let row = y / 64; row * 64 < y + height; row++)
          seen.fill(1, row * 60 + x / 64, row * 60 + Math.ceil((x + width) / 64));
      }
    }
    expect(bands).toBeGreaterThan(4);
    expect(seen.includes(0)).toBe(false);
  });

  it("sweeps at rest, but also during constant updates", () => {
    const verifier = new Verifier(640, 640);
    verifier.painted(1, [], true, 0);
    verifier.plan("sweep", 0);
    let waited = 0;
    for (let nowMs = 0; nowMs < 10_000 && waited === 0; nowMs += 16) {
      verifier.painted(nowMs, [1], false, nowMs);
      if (verifier.sweepDue(nowMs)) waited = nowMs;
    }
    expect(waited).toBeGreaterThan(SWEEP_MS);
    expect(waited).toBeLessThan(2 * SWEEP_MS);
  });
});
