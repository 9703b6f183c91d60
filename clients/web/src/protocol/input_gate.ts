/**
 * Decides which input is sent while the desktop does not answer (PROTOCOL.md §12). Pure: serialized messages and the time go in.
 *
 * Input that is made on an old picture must not take effect later on another one, so it is dropped. Afterwards a `release`
 * brings the desktop's keys and buttons back to a known state, if anything was dropped that changes them. Modifiers that
 * the person still holds are pressed again, because without them the next shortcut would type a letter.
 */

import type { InputMessage } from "./messages.ts";

/** Keysyms of Shift_L and of the last modifier, Hyper_R. */
const FIRST_MODIFIER = 0xffe1;
const LAST_MODIFIER = 0xffee;

export class InputGate {
  #closed = false;
  #dropped = false;
  #announced = false;
  /** Buttons that the person presses, by the latest message. */
  #buttons = 0;
  /** Presses of the modifiers that the person holds, by their code. */
  readonly #modifiers = new Map<string, string>();

  /** Opens or closes the gate. Returns the messages to send before any other. */
  setOpen(open: boolean): string[] {
    if (open === !this.#closed) return [];
    this.#closed = !open;
    if (!open) return [];
    const release = this.#dropped ? [JSON.stringify({ type: "release", buttons: this.#buttons })] : [];
    this.#dropped = false;
    this.#announced = false;
    return [...release, ...this.#modifiers.values()];
  }

  /** Returns the message with the agent's clock, `clockMs`, as its time, or null if it is dropped. */
  admit(text: string, clockMs: number | null): string | null {
    const pressed = /^{"type":"pointer".*"buttons":(\d+)/.exec(text)?.[1];
    if (pressed !== undefined) this.#buttons = Number(pressed);
    this.#observeModifiers(text);
    if (this.#closed) {
      this.#dropped = true;
      return null;
    }
    return stamped(text, clockMs);
  }

  #observeModifiers(text: string): void {
    if (text.startsWith('{"type":"release"')) this.#modifiers.clear();
    if (!text.startsWith('{"type":"key"')) return;
    const message = JSON.parse(text) as Extract<InputMessage, { type: "key" }>;
    if (!message.down) this.#modifiers.delete(message.code);
    else if (message.keysym >= FIRST_MODIFIER && message.keysym <= LAST_MODIFIER)
      this.#modifiers.set(message.code, JSON.stringify({ ...message, repeat: false }));
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
