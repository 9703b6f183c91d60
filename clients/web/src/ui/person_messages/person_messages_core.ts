/** Which messages to the person are shown, and how much time they leave. Pure: times are arguments, in ms. */

/** The messages that this page knows. */
export const PERSON_MESSAGE_CODES = [
  "access-ends",
  "access-ends-at-sign-out",
  "desktop-renews",
  "emergency-access",
  "from-administrator",
  "time-ends",
] as const;
export type PersonMessageCode = (typeof PERSON_MESSAGE_CODES)[number];

/** A message of the administrator, or of the server on the administrator's behalf. */
export interface PersonMessage {
  /** The same as long as the message says the same. */
  readonly id: string;
  readonly code: PersonMessageCode;
  /** The name of the desktop that it is about; empty if it is about none. */
  readonly desktop: string;
  /** The names of the desktop that it is about, by language. */
  readonly titles: Readonly<Record<string, string>>;
  /** The time that is left, ms; null if there is no such time. */
  readonly remainingMs: number | null;
  /** What a person wrote; null for a message that the page has a text for. */
  readonly text: string | null;
}

export interface ShownMessage {
  readonly message: PersonMessage;
  /** The whole minutes that are left, at least 1; null if there is no such time. */
  readonly minutes: number | null;
}

/** A message that was closed is shown again in this last time, ms. */
export const LAST_MS = 60_000;

export class PersonMessagesCore {
  #messages: readonly PersonMessage[] = [];
  #receivedAtMs = 0;
  readonly #closed = new Set<string>();

  /** The server said which messages there are at the moment. */
  received(messages: readonly PersonMessage[], nowMs: number): void {
    this.#messages = messages;
    this.#receivedAtMs = nowMs;
    const present = new Set(messages.map(({ id }) => id));
    for (const id of this.#closed) if (!present.has(id)) this.#closed.delete(id);
  }

  /** The person has read a message. */
  close(id: string): void {
    this.#closed.add(id);
  }

  /** Nobody is signed in any more, or the screen is locked. */
  clear(): void {
    this.#messages = [];
  }

  shown(nowMs: number): ShownMessage[] {
    return this.#messages.flatMap((message) => {
      const leftMs = message.remainingMs === null ? null : message.remainingMs - (nowMs - this.#receivedAtMs);
      if (this.#closed.has(message.id) && (leftMs === null || leftMs > LAST_MS)) return [];
      return [{ message, minutes: leftMs === null ? null : Math.max(1, Math.ceil(leftMs / 60_000)) }];
    });
  }
}
