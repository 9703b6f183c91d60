/** Which of a window's connections carries what: keys go by its own, the pointer by that of the monitor it is on. */

import type { InputSink } from "../../../input/input_sink.ts";
import type { InputMessage } from "../../../protocol/messages.ts";

export class Ways implements InputSink {
  readonly #own: InputSink;
  #pointer: InputSink;

  constructor(own: InputSink) {
    this.#own = own;
    this.#pointer = own;
  }

  send(message: InputMessage): void {
    const way = message.type === "pointer" || message.type === "wheel" ? this.#pointer : this.#own;
    way.send(message);
  }

  sendMotion(x: number, y: number, buttons: number): void {
    this.#pointer.sendMotion(x, y, buttons);
  }

  /** InputSink for another monitor: `hands`, which end here, with the pointer going by `pointer`. */
  by(pointer: InputSink, hands: InputSink): InputSink {
    const through = (act: () => void): void => {
      this.#pointer = pointer;
      act();
      this.#pointer = this.#own;
    };
    return {
      send: (message) => through(() => hands.send(message)),
      sendMotion: (x, y, buttons) => through(() => hands.sendMotion(x, y, buttons)),
    };
  }
}
