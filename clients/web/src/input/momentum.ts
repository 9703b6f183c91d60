/** A scroll that rolls on after the fingers left, and comes to rest. Pure. */

/** The speed is that of the last so many ms; fingers that rested before they left roll nothing. */
const SAMPLE_MS = 80;
const REST_MS = 50;
/** Speed falls to 1/e in this time: what iPadOS calls its normal rate. */
const DECAY_MS = 325;
/** Slower is standing still, CSS px per ms. */
const STILL_PX_PER_MS = 0.02;
/** Quicker starts are cut: nobody can follow them, and a wheel message holds only so much. */
const FASTEST_PX_PER_MS = 6;
/** A frame of 60 Hz. */
const STEP_MS = 16;

interface Sample {
  readonly dxPx: number;
  readonly dyPx: number;
  readonly atMs: number;
}

export class Momentum {
  #samples: Sample[] = [];
  #speed = { x: 0, y: 0 };
  #atMs = 0;

  /** When `roll` is due next. */
  get nextMs(): number {
    return this.#atMs + STEP_MS;
  }

  add(dxPx: number, dyPx: number, atMs: number): void {
    this.#samples = this.#samples.filter((sample) => atMs - sample.atMs <= SAMPLE_MS);
    this.#samples.push({ dxPx, dyPx, atMs });
  }

  /** The fingers left. False when there is nothing to roll. */
  start(nowMs: number): boolean {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || nowMs - last.atMs > REST_MS) return false;
    // The way of the first sample was made before it.
    const ms = last.atMs - first.atMs;
    if (ms < 1) return false;
    const rest = this.#samples.filter((sample) => sample.atMs > first.atMs);
    const x = rest.reduce((sum, sample) => sum + sample.dxPx, 0) / ms;
    const y = rest.reduce((sum, sample) => sum + sample.dyPx, 0) / ms;
    const speed = Math.hypot(x, y);
    const cut = speed > FASTEST_PX_PER_MS ? FASTEST_PX_PER_MS / speed : 1;
    this.#speed = { x: x * cut, y: y * cut };
    this.#atMs = nowMs;
    this.#samples = [];
    return speed > STILL_PX_PER_MS;
  }

  /** The way since the last call, or null when it stands still. */
  roll(nowMs: number): { dxPx: number; dyPx: number } | null {
    const { x, y } = this.#speed;
    if (Math.hypot(x, y) < STILL_PX_PER_MS) return null;
    const left = Math.exp(-Math.max(0, nowMs - this.#atMs) / DECAY_MS);
    this.#speed = { x: x * left, y: y * left };
    this.#atMs = nowMs;
    return { dxPx: x * DECAY_MS * (1 - left), dyPx: y * DECAY_MS * (1 - left) };
  }

  clear(): void {
    this.#samples = [];
    this.#speed = { x: 0, y: 0 };
  }
}
