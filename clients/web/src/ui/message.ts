/** The form of every message that tells a person that something did not work or has changed. Pure. */

/** A message says what happened, why, and what the person can do next. */
export interface Message {
  readonly what: string;
  readonly why: string;
  readonly next: string;
}

/** Messages by name; some need values. */
export interface MessageGroup {
  readonly [name: string]: Message | ((...values: never[]) => Message) | MessageGroup;
}

/** Returns a message as one text. */
export function sentences({ what, why, next }: Message): string {
  const end = /[.?!…]$/.test(what) ? "" : ".";
  return `${what}${end} ${why} ${next}`;
}
