/** Which of a window's connections carries what: keys go by its own, the pointer by that of the monitor it is on. */

import type { Hands } from "../../../input/hands.ts";
import type { InputMessage } from "../../../protocol/messages.ts";

export class Ways implements Hands {
  readonly #own: Hands;
  #pointer: Hands;

  constructor(own: Hands) {
    this.#own = own;
    this.#pointer = own;
  }

  act(message: InputMessage): void {
    const way = message.type === "pointer" || message.type === "wheel" ? this.#pointer : this.#own;
    way.act(message);
  }

  motion(x: number, y: number, buttons: number): void {
    this.#pointer.motion(x, y, buttons);
  }

  /** Hands for another monitor: `hands`, which end here, with the pointer going by `pointer`. */
  by(pointer: Hands, hands: Hands): Hands {
    const through = (act: () => void): void => {
      this.#pointer = pointer;
      act();
      this.#pointer = this.#own;
    };
    return {
      act: (message) => through(() => hands.act(message)),
      motion: (x, y, buttons) => through(() => hands.motion(x, y, buttons)),
    };
  }
}
