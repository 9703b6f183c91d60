/** The contract of what carries a person's input to the desktop. */

import type { InputMessage } from "../protocol/messages.ts";

export interface Hands {
  /** Sent at once, in order. */
  act(message: InputMessage): void;
  /** Pointer motion that changes no button: if the wire is busy only the latest counts. */
  motion(x: number, y: number, buttons: number): void;
}

/** Where a position on the page lies on the monitor, px. */
export type Locate = (clientX: number, clientY: number) => { readonly x: number; readonly y: number };
