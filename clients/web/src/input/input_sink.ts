/** The contract of what carries a person's input to the desktop. */

import type { InputMessage } from "../protocol/messages.ts";

export interface InputSink {
  /** Sent at once, in order. */
  send(message: InputMessage): void;
  /** Pointer motion that changes no button: if the wire is busy only the latest counts. */
  sendMotion(x: number, y: number, buttons: number): void;
}

/** Where a position on the page lies on the monitor, px. */
export type Locate = (clientX: number, clientY: number) => { readonly x: number; readonly y: number };
