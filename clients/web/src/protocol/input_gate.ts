/**
 * Decides which input is sent while the desktop does not answer (PROTOCOL.md §12). Pure: serialized messages and the time go in.
 *
 * Input that is made on an old picture must not take effect later on another one, so it is dropped. Afterwards a `release`
 * brings the desktop's keys and buttons back to a known state, if anything was dropped that changes them.
 */

import type { InputMessage } from "./messages.ts";

export class InputGate {
  #closed = false;
  #dropped = false;
  #announced = false;
  /** Buttons that the person presses, by the latest message. */
  #buttons = 0;

  /** Opens or closes the gate. Returns a message to send before any other, or null. */
  setOpen(open: boolean): string | null {
    if (open === !this.#closed) return null;
    this.#closed = !open;
    if (!open) return null;
    const release = this.#dropped ? JSON.stringify({ type: "release", buttons: this.#buttons }) : null;
    this.#dropped = false;
    this.#announced = false;
    return release;
  }

  /** Returns the message with the agent's clock, `clockMs`, as its time, or null if it is dropped. */
  admit(text: string, clockMs: number | null): string | null {
    const pressed = /^{"type":"pointer".*"buttons":(\d+)/.exec(text)?.[1];
    if (pressed !== undefined) this.#buttons = Number(pressed);
    if (this.#closed) {
      this.#dropped = true;
      return null;
    }
    return stamped(text, clockMs);
  }

  /** Whether the gate is closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Returns whether to notify the person that this dropped message had no effect: once per gap. */
  mustAnnounce(text: string): boolean {
    if (this.#announced || !isAction(JSON.parse(text) as InputMessage)) return false;
    this.#announced = true;
    return true;
  }
}

/** Returns a serialized input message with the time at which it was made, on the agent's clock, ms. */
export function stamped(text: string, clockMs: number | null): string {
  return clockMs === null ? text : `${text.slice(0, -1)},"t":${clockMs.toFixed(1)}}`;
}

/** Whether a message does something. A release and a motion are no loss. */
function isAction(message: InputMessage): boolean {
  if (message.type === "key") return message.down;
  if (message.type === "pointer") return message.buttons !== 0;
  return message.type !== "release";
}
