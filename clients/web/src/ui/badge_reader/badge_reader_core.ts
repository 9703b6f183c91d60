/**
 * Recognises in the keys of a window that a reader typed the number of a badge: a prefix, digits and Enter, faster
 * than anybody types. Pure: times are those of the events, in ms.
 *
 *     idle ── prefix ──► reading ── digit ──► reading ── Enter after enough digits, in time ──► idle (a badge)
 *                          └── any other key, too slow, too many digits ──► idle (the keys are typed)
 *
 * Keys of a badge must reach no program and no field, so they are held back from the prefix on. When they turn out to
 * be none of a badge, they are typed after all, before the key that showed it.
 */

/** What a reader types. */
export interface ReaderFormat {
  readonly prefix: string;
  readonly digitsMin: number;
  readonly digitsMax: number;
}

export interface ReaderKey {
  readonly key: string;
  readonly timeMs: number;
  /** It is held, or Ctrl, Alt or Meta are: no reader does that. */
  readonly unusual: boolean;
}

/** `text` was held back and is typed now. Then the key itself is held back, unless it is none of a reader. */
export interface Decision {
  readonly text: string;
  readonly hold: boolean;
  /** The number of a badge that is complete now; otherwise null. */
  readonly number: string | null;
}

/** A reader types a badge within this time from its first key to its last, ms. */
export const BADGE_MAX_MS = 300;
/** A reader types the next key within this time, ms. */
export const GAP_MAX_MS = 120;

const DIGIT = /^[0-9]$/;
const PASS: Decision = { text: "", hold: false, number: null };

export class BadgeReaderCore {
  readonly #format: ReaderFormat;
  /** The keys that are held back: the prefix and the digits after it. Empty while nothing is read. */
  #held = "";
  #beganMs = 0;
  #lastMs = 0;

  constructor(format: ReaderFormat) {
    this.#format = format;
  }

  get reading(): boolean {
    return this.#held !== "";
  }

  /** Decides what happens to a key that was pressed. */
  key({ key, timeMs, unusual }: ReaderKey): Decision {
    // Readers press Shift for some prefixes. It types nothing by itself.
    if (key === "Shift") return PASS;
    const late = timeMs - this.#beganMs > BADGE_MAX_MS || timeMs - this.#lastMs > GAP_MAX_MS;
    const text = this.reading && (late || unusual) ? this.release() : "";
    if (unusual) return { ...PASS, text };
    if (this.reading && DIGIT.test(key) && this.#held.length <= this.#format.digitsMax) {
      this.#held += key;
      this.#lastMs = timeMs;
      return { text, hold: true, number: null };
    }
    if (this.reading && key === "Enter" && this.#held.length > this.#format.digitsMin) {
      const number = this.#held.slice(1);
      this.#held = "";
      return { text, hold: true, number };
    }
    const typed = text + this.release();
    if (key !== this.#format.prefix) return { ...PASS, text: typed };
    this.#held = key;
    this.#beganMs = timeMs;
    this.#lastMs = timeMs;
    return { text: typed, hold: true, number: null };
  }

  /** Returns what is held back, which is typed: no badge follows. */
  release(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }
}
