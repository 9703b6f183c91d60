/**
 * The browser's decoder of one monitor: whole updates in, RGBA pixels and digests out. The work is done by WebAssembly
 * (codecs/native, built by `python -m display_codecs.build_wasm`), the same in every browser.
 */

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What a binary update (PROTOCOL.md, section 3) did to the picture. */
export interface AppliedUpdate {
  epoch: number;
  /** The agent's monotonic clock in microseconds. */
  capturedUs: number;
  reset: boolean;
  partial: boolean;
  /** Touched tiles, ascending. */
  tiles: Uint16Array;
  /** Tiles per encoding; besides, `cached` of them came from the cache, and `moved` counts moves. */
  encodings: Record<string, number>;
  /** What was touched, as at most 16 rectangles. */
  dirty: Rectangle[];
}

/** An update or payload that cannot be applied. After this only a RESET update helps. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  constructor(readonly fault: number) {
    super(FAULTS[fault] ?? `fault ${fault}`);
  }
}

/** `enum fault` of codecs/native/tile.h. */
const FAULTS: Readonly<Record<number, string>> = {
  1: "the data ends early",
  2: "unknown encoding or parameter out of range",
  3: "the data does not end where it must",
  4: "not an update",
  5: "unknown operation",
  6: "no such tile",
  7: "no such slot, or the cache is over its limit",
  8: "a move leaves the picture",
  9: "an earlier update failed and no RESET came since",
  10: "out of memory",
};
const FAULT_MEMORY = 10;

/** Names in the order of the decoder's counts. */
const COUNT_NAMES = ["solid", "palette", "grey", "colour", "raw", "cached", "moved"] as const;

const FLAG_RESET = 1;
const FLAG_PARTIAL = 2;

/** What codecs/native/wasm.c exports; addresses are offsets into `memory`. */
interface Native {
  memory: WebAssembly.Memory;
  create(width: number, height: number, seed: bigint, cacheBytes: number): number;
  room(bytes: number): number;
  apply(length: number): number;
  digest(stride: number, x: number, y: number, width: number, height: number): number;
  root(): bigint;
  pixels(): number;
  touched(): number;
  counts(): number;
  dirty(): number;
  dirty_count(): number;
  listed(): number;
  digests(): number;
  decode_tile(length: number, width: number, height: number): number;
}

const TILE_PX = 64;

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

  /** Fetches and compiles the decoder; the module serves any number of monitors. */
  static async load(): Promise<WebAssembly.Module> {
    const url = new URL("./tile_decoder.wasm", import.meta.url);
    const response = await fetch(url, { credentials: "same-origin" });
    if (!response.ok) throw new Error(`the decoder could not be fetched: ${response.status}`);
    return WebAssembly.compile(await response.arrayBuffer());
  }

  /**
   * A black picture with an empty cache; the first update must be a RESET.
   * Throws DecodeError when there is no memory or no such picture.
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

  /** Applies a whole binary update. Throws DecodeError; then nothing of the picture may be shown until a RESET. */
  apply(update: Uint8Array): AppliedUpdate {
    this.#put(update);
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

  /** Copies a rectangle of the decoded picture, RGBA with alpha 255. Throws RangeError. */
  pixels(x: number, y: number, width: number, height: number, into: Uint8ClampedArray): void {
    if (x < 0 || y < 0 || width < 1 || height < 1 || x + width > this.#width || y + height > this.#height) {
      throw new RangeError(`${width} × ${height} px at ${x}, ${y} leave the picture`);
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
   * Digests of the tiles wholly inside a tile-aligned rectangle, from RGBA pixels that were read back from the surface.
   * Throws RangeError.
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
    this.#put(rgba.subarray(0, needed));
    const count = this.#native.digest(strideBytes, x, y, width, height);
    if (count < 0) throw new RangeError(`${width} × ${height} px at ${x}, ${y} is no tile-aligned rectangle`);
    const buffer = this.#view().buffer;
    const tiles = new Uint16Array(buffer, this.#native.listed(), count).slice();
    const all = new BigUint64Array(buffer, this.#native.digests(), this.#tileCount);
    return { tiles, digests: BigUint64Array.from(tiles, (tile) => all[tile] ?? 0n) };
  }

  /** The root over the digests of all tiles, as last given by `digest`. */
  root(): bigint {
    return BigInt.asUintN(64, this.#native.root());
  }

  /** Decodes one payload: pixels as 0x00RRGGBB, row by row. For checking against the golden vectors. Throws DecodeError. */
  decodeTile(payload: Uint8Array, width: number, height: number): Uint32Array {
    const at = this.#put(payload);
    const fault = this.#native.decode_tile(payload.byteLength, width, height);
    if (fault) throw new DecodeError(fault);
    return new Uint32Array(this.#view().buffer, at, width * height).slice();
  }

  /** Puts data where the decoder reads it. */
  #put(data: Uint8Array | Uint8ClampedArray): number {
    const at = this.#native.room(data.byteLength);
    if (at === 0) throw new DecodeError(FAULT_MEMORY);
    this.#view().set(data, at);
    return at;
  }

  /** The decoder's memory, which gets a new buffer each time it grows. */
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
