/** Chooses the message for an error response of the gateway. */

import type { Message } from "./message.ts";
import type { Messages } from "./messages.ts";
import { texts } from "./texts.ts";

/** Returns the message of a language for a code, or null when this page does not know the code. Pure. */
export function findMessage(messages: Messages, code: string): Message | null {
  const known: Readonly<Record<string, Message>> = messages.api;
  return Object.hasOwn(known, code) ? (known[code] ?? null) : null;
}

/** Returns the message for a code in the current language, or null when this page does not know the code. */
export function messageForCode(code: string): Message | null {
  return findMessage(texts().messages, code);
}

/** Returns the message for a code; that for the HTTP status when this page does not know the code. */
export function apiMessage(code: string, status: number): Message {
  return messageForCode(code) ?? texts().messages.signIn.server(status);
}
