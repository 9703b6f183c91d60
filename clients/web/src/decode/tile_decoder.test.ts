/** The decoder and its wrapper, checked with the golden vectors that pytest reads as well. */

import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { DecodeError, TileDecoder } from "./tile_decoder.ts";

interface TileVector {
  name: string;
  width: number;
  height: number;
  payload: string;
  digest?: string;
  fault?: number;
}
interface Step {
  update: string;
  fault: number;
  root?: string;
  tiles?: number[];
}
interface Story {
  name: string;
  width: number;
  height: number;
  seed: string;
  cache_bytes: number;
  steps: Step[];
}

const root = new URL("../../../../", import.meta.url);
const read = async (path: string) => JSON.parse(await readFile(new URL(path, root), "utf8"));
const tiles: { seed: string; good: TileVector[]; bad: TileVector[] } = await read("codecs/vectors/tiles.json");
const { stories }: { stories: Story[] } = await read("tests/vectors/updates.json");
const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
const hex = (value: bigint) => value.toString(16).padStart(16, "0");

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await WebAssembly.compile(await readFile(new URL("./tile_decoder.wasm", import.meta.url)));
});

/** Returns a RESET update that draws tile 0. */
function single(payload: Uint8Array): Uint8Array {
  const update = new Uint8Array(16 + 5 + payload.length);
  update.set([1, 1]);
  new DataView(update.buffer).setUint16(19, payload.length, true);
  update.set(payload, 21);
  return update;
}

function faultOf(action: () => unknown): number {
  try {
    action();
  } catch (error) {
    if (error instanceof DecodeError) return error.fault;
    throw error;
  }
  return 0;
}

function rgba(decoder: TileDecoder, width: number, height: number): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray(width * height * 4);
  decoder.pixels(0, 0, width, height, pixels);
  return pixels;
}

describe("tiles", () => {
  it.each(tiles.good)("$name", ({ width, height, payload, digest }) => {
    const decoder = TileDecoder.create(module, width, height, BigInt(`0x${tiles.seed}`), 0);
    const data = bytes(payload);
    expect(Array.from(decoder.apply(single(data)).tiles)).toEqual([0]);
    const shown = rgba(decoder, width, height);
    const found = decoder.digest(shown, width * 4, 0, 0, width, height);
    expect(Array.from(found.tiles)).toEqual([0]);
    expect(hex(found.digests[0] ?? 0n)).toBe(digest);
    const pixels = decoder.decodeTile(data, width, height);
    expect(pixels[0]).toBe(((shown[0] ?? 0) << 16) | ((shown[1] ?? 0) << 8) | (shown[2] ?? 0));
  });

  it.each(tiles.bad)("refuses: $name", ({ width, height, payload, fault }) => {
    const decoder = TileDecoder.create(module, width, height, 0n, 0);
    expect(faultOf(() => decoder.decodeTile(bytes(payload), width, height))).toBe(fault);
    expect(faultOf(() => decoder.apply(single(bytes(payload))))).toBe(fault);
  });
});

describe("updates", () => {
  it.each(stories)("$name", ({ width, height, seed, cache_bytes, steps }) => {
    const decoder = TileDecoder.create(module, width, height, BigInt(`0x${seed}`), cache_bytes);
    for (const step of steps) {
      const update = bytes(step.update);
      if (step.fault) {
        expect(faultOf(() => decoder.apply(update))).toBe(step.fault);
        continue;
      }
      const applied = decoder.apply(update);
      expect(Array.from(applied.tiles)).toEqual(step.tiles);
      expect(applied.reset).toBe((update[1] ?? 0) % 2 === 1);
      decoder.digest(rgba(decoder, width, height), width * 4, 0, 0, width, height);
      expect(hex(decoder.root())).toBe(step.root);
    }
  });

  it("reports the header, the encodings and the dirty rectangles", () => {
    const decoder = TileDecoder.create(module, 130, 70, 0n, 0);
    const update = single(Uint8Array.of(0, 10, 20, 30));
    new DataView(update.buffer).setUint32(4, 4000000000, true);
    new DataView(update.buffer).setBigUint64(8, 1234567890123n, true);
    update[1] = 3;
    expect(decoder.apply(update)).toMatchObject({
      epoch: 4000000000,
      capturedUs: 1234567890123,
      reset: true,
      partial: true,
      encodings: { solid: 1 },
      dirty: [{ x: 0, y: 0, width: 130, height: 70 }],
    });
    update[1] = 0;
    expect(decoder.apply(update)).toMatchObject({
      reset: false,
      partial: false,
      dirty: [{ x: 0, y: 0, width: 64, height: 64 }],
    });
    const part = new Uint8ClampedArray(2 * 2 * 4);
    decoder.pixels(63, 0, 2, 2, part);
    expect(Array.from(part)).toEqual([10, 20, 30, 255, 0, 0, 0, 255, 10, 20, 30, 255, 0, 0, 0, 255]);
  });
});

describe("limits", () => {
  it("keeps working while memory grows", () => {
    const decoder = TileDecoder.create(module, 64, 64, 0n, 1 << 26);
    decoder.apply(single(Uint8Array.of(0, 1, 2, 3)));
    const raw = new Uint8Array(12289).fill(77);
    raw[0] = 4;
    const store = new Uint8Array(16 + 9 + raw.length);
    store.set([1]);
    store[16] = 1;
    new DataView(store.buffer).setUint16(23, raw.length, true);
    store.set(raw, 25);
    for (let slot = 0; slot < 600; slot++) {
      new DataView(store.buffer).setUint32(19, slot, true);
      decoder.apply(store);
    }
    expect(rgba(decoder, 64, 64).subarray(0, 4)).toEqual(Uint8ClampedArray.of(77, 77, 77, 255));
  });

  it("refuses rectangles that leave the frame", () => {
    const decoder = TileDecoder.create(module, 100, 100, 0n, 0);
    expect(() => decoder.pixels(90, 0, 11, 1, new Uint8ClampedArray(44))).toThrow(RangeError);
    expect(() => decoder.pixels(0, 0, 10, 1, new Uint8ClampedArray(39))).toThrow(RangeError);
    expect(() => decoder.digest(new Uint8Array(40000), 400, 1, 0, 99, 100)).toThrow(RangeError);
    expect(() => decoder.digest(new Uint8Array(399), 400, 0, 0, 100, 1)).toThrow(RangeError);
  });

  it("creates no decoder for an invalid size", () => {
    expect(() => TileDecoder.create(module, 0, 10, 0n, 0)).toThrow(DecodeError);
    expect(() => TileDecoder.create(module, 40000, 40000, 0n, 0)).toThrow(DecodeError);
  });

  it("keeps the decoders of two monitors independent", () => {
    const [one, two] = [1, 2].map(() => TileDecoder.create(module, 64, 64, 0n, 0));
    one?.apply(single(Uint8Array.of(0, 9, 9, 9)));
    expect(two && rgba(two, 64, 64)[0]).toBe(0);
  });
});
