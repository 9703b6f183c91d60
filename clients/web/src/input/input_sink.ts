/** Receives a person's input and forwards it towards the desktop. */

import type { InputMessage } from "../protocol/messages.ts";

export interface InputSink {
  /** Sends a message at once; messages keep their order. */
  send(message: InputMessage): void;
  /**
   * Sends pointer motion that changes no button, in monitor px. While the connection is congested only the
   * latest motion is kept.
   */
  sendMotion(x: number, y: number, buttons: number): void;
}

/** Converts a page position in CSS px to a position on the monitor in px. */
export type Locate = (clientX: number, clientY: number) => { readonly x: number; readonly y: number };
