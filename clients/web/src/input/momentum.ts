/**
 * Continues a touch scroll with decreasing speed after the fingers were lifted (momentum scrolling). Pure.
 */

/** The initial speed is measured over the finger movements of this last period, ms. */
const SAMPLE_MS = 80;
/** Fingers that did not move for this long before they were lifted start no momentum, ms. */
const REST_MS = 50;
/** Time in which the speed falls to 1/e, ms: iPadOS' normal deceleration rate. */
const DECAY_MS = 325;
/** Speeds below this count as standing still, CSS px per ms. */
const STILL_PX_PER_MS = 0.02;
/**
 * Highest initial speed, CSS px per ms: nobody can follow a faster scroll, and a wheel message has a limited
 * range.
 */
const FASTEST_PX_PER_MS = 6;
/** Interval of scroll steps, ms: one frame at 60 Hz. */
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

  /** Time at which `step` is due next, ms. */
  get nextMs(): number {
    return this.#atMs + STEP_MS;
  }

  /** Records a finger movement from which `start` will compute the initial speed. */
  add(dxPx: number, dyPx: number, atMs: number): void {
    this.#samples = this.#samples.filter((sample) => atMs - sample.atMs <= SAMPLE_MS);
    this.#samples.push({ dxPx, dyPx, atMs });
  }

  /** Starts the momentum when the fingers were lifted. Returns false when they moved too slowly for any. */
  start(nowMs: number): boolean {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || nowMs - last.atMs > REST_MS) return false;
    // The first sample's distance was covered before its time stamp, so only the later ones count.
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

  /** Returns the distance scrolled since the last call, or null when the scroll has come to rest. */
  step(nowMs: number): { dxPx: number; dyPx: number } | null {
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
