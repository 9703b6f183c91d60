/** Converts the browser's button numbers to the protocol's and filters repeated pointer events. Pure. */

/**
 * Converts `MouseEvent.buttons` (1 left, 2 right, 4 middle, 8 back, 16 forward) to the protocol's bits (1
 * left, 2 middle, 4 right, 8 back, 16 forward).
 */
export function protocolButtons(buttons: number): number {
  return (buttons & 0b11001) | ((buttons & 2) << 1) | ((buttons & 4) >> 1);
}

export interface PointerState {
  readonly x: number;
  readonly y: number;
  readonly buttons: number;
}

/**
 * Remembers the last pointer state and drops events that change nothing: raw and frame-aligned events repeat
 * each other.
 */
export class PointerCore {
  #last: PointerState = { x: -1, y: -1, buttons: 0 };

  get buttons(): number {
    return this.#last.buttons;
  }

  get last(): PointerState {
    return this.#last;
  }

  /**
   * Stores the state and returns what changed: `press` for a button change, `motion` for a position change,
   * null for nothing.
   */
  update(state: PointerState): "press" | "motion" | null {
    const { x, y, buttons } = this.#last;
    if (state.buttons !== buttons) {
      this.#last = state;
      return "press";
    }
    if (state.x === x && state.y === y) return null;
    this.#last = state;
    return "motion";
  }

  /** Marks all buttons as released and keeps the position. Returns whether a button was held. */
  forget(): boolean {
    const held = this.#last.buttons !== 0;
    this.#last = { ...this.#last, buttons: 0 };
    return held;
  }
}
