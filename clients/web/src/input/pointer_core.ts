/** Buttons of a browser to those of PROTOCOL.md. Pure. */

/** `MouseEvent.buttons`: 1 left, 2 right, 4 middle, 8 back, 16 forward. PROTOCOL.md: 1 left, 2 middle, 4 right, 8 back, 16 forward. */
export function protocolButtons(buttons: number): number {
  return (buttons & 0b11001) | ((buttons & 2) << 1) | ((buttons & 4) >> 1);
}

export interface PointerState {
  readonly x: number;
  readonly y: number;
  readonly buttons: number;
}

/** Drops events that say nothing new: raw and frame-aligned events repeat one another. */
export class PointerCore {
  #last: PointerState = { x: -1, y: -1, buttons: 0 };

  get buttons(): number {
    return this.#last.buttons;
  }

  get last(): PointerState {
    return this.#last;
  }

  /** What kind of news this is, or null for none. */
  news(state: PointerState): "press" | "motion" | null {
    const { x, y, buttons } = this.#last;
    if (state.buttons !== buttons) {
      this.#last = state;
      return "press";
    }
    if (state.x === x && state.y === y) return null;
    this.#last = state;
    return "motion";
  }

  /** Everything is up; the place stays. True when a button was held. */
  forget(): boolean {
    const held = this.#last.buttons !== 0;
    this.#last = { ...this.#last, buttons: 0 };
    return held;
  }
}
