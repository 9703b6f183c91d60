/** Used buffers, kept for the next frame: a stack at 60 slices/s would otherwise leave 250 MB/s to the garbage collector. */

/** As many as an agent's window of unacknowledged updates can make use of. */
const MAX_KEPT = 4;
/** Room is rounded up to this, so that a buffer fits the next, slightly larger frame too. */
const GRAIN_BYTES = 64 * 1024;

export class BufferPool {
  readonly #free: ArrayBuffer[] = [];

  /** The smallest that fits, else a new one. */
  take(bytes: number): ArrayBuffer {
    let best = -1;
    for (const [index, buffer] of this.#free.entries()) {
      const held = this.#free[best];
      if (buffer.byteLength >= bytes && (held === undefined || buffer.byteLength < held.byteLength)) best = index;
    }
    const found = best < 0 ? undefined : this.#free.splice(best, 1)[0];
    return found ?? new ArrayBuffer(Math.max(GRAIN_BYTES, Math.ceil(bytes / GRAIN_BYTES) * GRAIN_BYTES));
  }

  give(buffer: ArrayBuffer): void {
    if (buffer.byteLength === 0) return;
    this.#free.push(buffer);
    if (this.#free.length <= MAX_KEPT) return;
    // The smallest goes: it is the one that will most likely not fit.
    let smallest = 0;
    for (const [index, candidate] of this.#free.entries()) {
      if (candidate.byteLength < (this.#free[smallest]?.byteLength ?? 0)) smallest = index;
    }
    this.#free.splice(smallest, 1);
  }
}
