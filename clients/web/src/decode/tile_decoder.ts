/**
 * Decodes the updates of one monitor to RGBA pixels and digests. The decoder is WebAssembly (codecs/native,
 * built by `python -m display_codecs.build_wasm`) and therefore gives the same result in every browser.
 */

import { DECODE_FAULTS, ENCODINGS, TILE_PX } from "../protocol/generated/wire_facts.ts";

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Effect of a binary update (PROTOCOL.md §3) on the decoded frame. */
export interface AppliedUpdate {
  epoch: number;
  /** Capture time on the agent's monotonic clock, µs. */
  capturedUs: number;
  reset: boolean;
  partial: boolean;
  /** Numbers of the changed tiles, ascending. */
  tiles: Uint16Array;
  /**
   * Tiles per encoding, and also `cached`, the tiles taken from the cache, and `moved`, the number of move
   * operations.
   */
  encodings: Record<string, number>;
  /** At most 16 rectangles that cover all changed tiles. */
  dirty: Rectangle[];
}

/** An update or payload that cannot be applied. Only a RESET update can be applied after it. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  constructor(readonly fault: number) {
    super(DECODE_FAULTS[fault] ?? `fault ${fault}`);
  }
}

const FAULT_MEMORY = 10;

/** Names of the decoder's counters, in their order. */
const COUNT_NAMES = [...ENCODINGS, "cached", "moved"] as const;

const FLAG_RESET = 1;
const FLAG_PARTIAL = 2;

/** The exports of codecs/native/wasm.c; addresses are offsets into `memory`. */
interface Native {
  memory: WebAssembly.Memory;
  create(width: number, height: number, seed: bigint, cacheBytes: number): number;
  input_buffer(bytes: number): number;
  apply(length: number): number;
  digest(stride: number, x: number, y: number, width: number, height: number): number;
  root(): bigint;
  pixels(): number;
  touched(): number;
  counts(): number;
  dirty(): number;
  dirty_count(): number;
  digested_tiles(): number;
  digests(): number;
  decode_tile(length: number, width: number, height: number): number;
}

export class TileDecoder {
  readonly #native: Native;
  readonly #width: number;
  readonly #height: number;
  readonly #tileCount: number;
  #memory: ArrayBuffer;
  #bytes: Uint8Array;

  private constructor(native: Native, width: number, height: number) {
    this.#native = native;
    this.#width = width;
    this.#height = height;
    this.#tileCount = Math.ceil(width / TILE_PX) * Math.ceil(height / TILE_PX);
    this.#memory = native.memory.buffer;
    this.#bytes = new Uint8Array(this.#memory);
  }

  /** Fetches and compiles the decoder. One module can be used for any number of monitors. */
  static async load(): Promise<WebAssembly.Module> {
    const url = new URL("./tile_decoder.wasm", import.meta.url);
    const response = await fetch(url, { credentials: "same-origin" });
    if (!response.ok) throw new Error(`the decoder could not be fetched: ${response.status}`);
    return WebAssembly.compile(await response.arrayBuffer());
  }

  /**
   * Creates a decoder with a black frame and an empty cache. The first update must be a RESET.
   * Throws DecodeError when memory is insufficient or the size is not valid.
   */
  static create(
    module: WebAssembly.Module,
    width: number,
    height: number,
    digestSeed: bigint,
    cacheBytes: number,
  ): TileDecoder {
    const native = new WebAssembly.Instance(module).exports as unknown as Native;
    const fault = native.create(width, height, BigInt.asIntN(64, digestSeed), cacheBytes);
    if (fault) throw new DecodeError(fault);
    return new TileDecoder(native, width, height);
  }

  /**
   * Applies a whole binary update. Throws DecodeError; the frame may then not be shown until a RESET was
   * applied.
   */
  apply(update: Uint8Array): AppliedUpdate {
    this.#copyIn(update);
    const fault = this.#native.apply(update.byteLength);
    if (fault) throw new DecodeError(fault);
    const header = new DataView(update.buffer, update.byteOffset, update.byteLength);
    const flags = header.getUint8(1);
    return {
      epoch: header.getUint32(4, true),
      capturedUs: Number(header.getBigUint64(8, true)),
      reset: (flags & FLAG_RESET) !== 0,
      partial: (flags & FLAG_PARTIAL) !== 0,
      tiles: this.#touched(),
      encodings: this.#encodings(),
      dirty: this.#dirty(),
    };
  }

  /**
   * Copies a rectangle of the decoded frame as RGBA with alpha 255. Throws RangeError when it leaves the
   * frame.
   */
  pixels(x: number, y: number, width: number, height: number, into: Uint8ClampedArray): void {
    if (x < 0 || y < 0 || width < 1 || height < 1 || x + width > this.#width || y + height > this.#height) {
      throw new RangeError(`${width} × ${height} px at ${x}, ${y} leave the frame`);
    }
    if (into.length < width * height * 4) throw new RangeError("the target is too small");
    const bytes = this.#view();
    const stride = this.#width * 4;
    const start = this.#native.pixels() + y * stride + x * 4;
    if (width === this.#width) {
      into.set(bytes.subarray(start, start + height * stride));
      return;
    }
    for (let row = 0; row < height; row++) {
      const from = start + row * stride;
      into.set(bytes.subarray(from, from + width * 4), row * width * 4);
    }
  }

  /**
   * Computes the digests of all tiles in a tile-aligned rectangle from RGBA pixels that were read back from
   * the surface. Throws RangeError when the rectangle is not tile-aligned or `rgba` is too short.
   */
  digest(
    rgba: Uint8Array | Uint8ClampedArray,
    strideBytes: number,
    x: number,
    y: number,
    width: number,
    height: number,
  ): { tiles: Uint16Array; digests: BigUint64Array } {
    const needed = strideBytes * (height - 1) + width * 4;
    if (rgba.length < needed) throw new RangeError("there are fewer pixels than the rectangle has");
    this.#copyIn(rgba.subarray(0, needed));
    const count = this.#native.digest(strideBytes, x, y, width, height);
    if (count < 0) throw new RangeError(`${width} × ${height} px at ${x}, ${y} is no tile-aligned rectangle`);
    const buffer = this.#view().buffer;
    const tiles = new Uint16Array(buffer, this.#native.digested_tiles(), count).slice();
    const all = new BigUint64Array(buffer, this.#native.digests(), this.#tileCount);
    return { tiles, digests: BigUint64Array.from(tiles, (tile) => all[tile] ?? 0n) };
  }

  /** Returns the root over the latest digests of all tiles. */
  root(): bigint {
    return BigInt.asUintN(64, this.#native.root());
  }

  /**
   * Decodes one tile payload to 0x00RRGGBB pixels, row by row; used with the golden vectors. Throws
   * DecodeError.
   */
  decodeTile(payload: Uint8Array, width: number, height: number): Uint32Array {
    const at = this.#copyIn(payload);
    const fault = this.#native.decode_tile(payload.byteLength, width, height);
    if (fault) throw new DecodeError(fault);
    return new Uint32Array(this.#view().buffer, at, width * height).slice();
  }

  /** Copies data into the decoder's input buffer and returns its address. */
  #copyIn(data: Uint8Array | Uint8ClampedArray): number {
    const at = this.#native.input_buffer(data.byteLength);
    if (at === 0) throw new DecodeError(FAULT_MEMORY);
    this.#view().set(data, at);
    return at;
  }

  /** Returns a view of the decoder's memory, which gets a new buffer whenever it grows. */
  #view(): Uint8Array {
    const buffer = this.#native.memory.buffer;
    if (buffer !== this.#memory) {
      this.#memory = buffer;
      this.#bytes = new Uint8Array(buffer);
    }
    return this.#bytes;
  }

  #touched(): Uint16Array {
    const at = this.#native.touched();
    const flags = this.#view().subarray(at, at + this.#tileCount);
    const tiles: number[] = [];
    for (let tile = flags.indexOf(1); tile >= 0; tile = flags.indexOf(1, tile + 1)) tiles.push(tile);
    return Uint16Array.from(tiles);
  }

  #encodings(): Record<string, number> {
    const counts = new Uint32Array(this.#view().buffer, this.#native.counts(), COUNT_NAMES.length);
    const encodings: Record<string, number> = {};
    COUNT_NAMES.forEach((name, index) => {
      const count = counts[index] ?? 0;
      if (count > 0) encodings[name] = count;
    });
    return encodings;
  }

  #dirty(): Rectangle[] {
    const count = this.#native.dirty_count();
    const numbers = new Int32Array(this.#view().buffer, this.#native.dirty(), count * 4);
    return Array.from({ length: count }, (_, i) => ({
      x: numbers[i * 4] ?? 0,
      y: numbers[i * 4 + 1] ?? 0,
      width: numbers[i * 4 + 2] ?? 0,
      height: numbers[i * 4 + 3] ?? 0,
    }));
  }
}
