/** Finds out that WebSockets do not reach the gateway although HTTPS does. Pure. */

/** After this many WebSockets in a row that did not open although HTTPS worked, something in between prevents them. */
const BLOCKED_AFTER = 3;
/** Delay before the next attempt while WebSockets are blocked, ms: somebody has to mend a proxy or firewall. */
export const BLOCKED_RETRY_MS = 10_000;

export class WebSocketCheck {
  #unopened = 0;

  /** Whether HTTPS works but WebSockets do not. */
  get blocked(): boolean {
    return this.#unopened >= BLOCKED_AFTER;
  }

  opened(): void {
    this.#unopened = 0;
  }

  /** A connection was lost. `unopened` says that its WebSocket did not open although HTTPS had just worked. */
  lost(unopened: boolean): void {
    this.#unopened = unopened ? this.#unopened + 1 : 0;
  }
}
