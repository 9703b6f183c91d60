/** Recycles pixel buffers: scrolling a stack at 60 slices/s would otherwise produce 250 MB/s of garbage. */

/** Number of buffers kept: the agent's send window permits about this many unacknowledged updates. */
const MAX_KEPT = 4;
/** Sizes are rounded up to a multiple of this, so that a buffer also fits the next, slightly larger frame. */
const GRANULARITY_BYTES = 64 * 1024;

export class BufferPool {
  readonly #free: ArrayBuffer[] = [];

  /** Returns the smallest kept buffer that is large enough, or a new one. */
  take(bytes: number): ArrayBuffer {
    let best = -1;
    for (const [index, buffer] of this.#free.entries()) {
      const held = this.#free[best];
      if (buffer.byteLength >= bytes && (held === undefined || buffer.byteLength < held.byteLength)) best = index;
    }
    const found = best < 0 ? undefined : this.#free.splice(best, 1)[0];
    return (
      found ?? new ArrayBuffer(Math.max(GRANULARITY_BYTES, Math.ceil(bytes / GRANULARITY_BYTES) * GRANULARITY_BYTES))
    );
  }

  /** Takes a buffer back. */
  give(buffer: ArrayBuffer): void {
    if (buffer.byteLength === 0) return;
    this.#free.push(buffer);
    if (this.#free.length <= MAX_KEPT) return;
    // The smallest buffer is dropped, because it is the least likely to fit the next frame.
    let smallest = 0;
    for (const [index, candidate] of this.#free.entries()) {
      if (candidate.byteLength < (this.#free[smallest]?.byteLength ?? 0)) smallest = index;
    }
    this.#free.splice(smallest, 1);
  }
}
