/** Sends the input of one window over the right connection when the window shows two monitors. */

import type { InputSink } from "../../../input/input_sink.ts";
import { PINCH_CODE } from "../../../input/wheel.ts";
import type { InputMessage } from "../../../protocol/messages.ts";

/**
 * Sends keys and text over the window's own connection, and pointer and wheel over the connection of the monitor
 * that the pointer is on.
 */
export class InputRouter implements InputSink {
  readonly #own: InputSink;
  #pointer: InputSink;

  /** `own` is the window's own connection. */
  constructor(own: InputSink) {
    this.#own = own;
    this.#pointer = own;
  }

  send(message: InputMessage): void {
    // The Ctrl of a pinch must not overtake the wheel or follow it.
    const pinch = message.type === "key" && message.code === PINCH_CODE;
    const connection = message.type === "pointer" || message.type === "wheel" || pinch ? this.#pointer : this.#own;
    connection.send(message);
  }

  sendMotion(x: number, y: number, buttons: number): void {
    this.#pointer.sendMotion(x, y, buttons);
  }

  /**
   * Returns a sink for the pointer of another monitor of the window.
   *
   * Input passes through `chain`, a sink that ends in this router (it holds the sticky modifiers, for example);
   * what reaches the router meanwhile goes to `connection` if it is pointer input.
   */
  forMonitor(connection: InputSink, chain: InputSink): InputSink {
    const routed = (send: () => void): void => {
      this.#pointer = connection;
      send();
      this.#pointer = this.#own;
    };
    return {
      send: (message) => routed(() => chain.send(message)),
      sendMotion: (x, y, buttons) => routed(() => chain.sendMotion(x, y, buttons)),
    };
  }
}
