/**
 * Which of two clipboards is the newer one. Pure.
 *
 * A browser does not tell when its clipboard changed. What is known: what it held when we last saw it, that it can only change
 * while another program has the focus, and when the desktop last copied something.
 */

import type { ClipboardFormat } from "./frames.ts";

/** What may cross, and what the desktop has, as the agent last said. */
export interface ClipboardState {
  readonly to_desktop: boolean;
  readonly from_desktop: boolean;
  readonly images: boolean;
  readonly max_bytes: number;
  readonly serial: number;
  readonly formats: readonly ClipboardFormat[];
}

/** What a person pastes here goes to the desktop, or the desktop pastes what it has, or it cannot go. */
export type PasteDecision = "bring" | "keep" | "denied" | "too-large";

export class ClipboardCore {
  #state: ClipboardState | null = null;
  #serial: number | null = null;
  #seen: string | null = null;
  /** The desktop copied something since another program could have. */
  #desktopIsNewer = false;

  get state(): ClipboardState | null {
    return this.#state;
  }

  /** What the desktop offers, and we could take. */
  get offer(): ClipboardFormat | null {
    return this.#state?.formats[0] ?? null;
  }

  /** The agent said how things stand. True when a program has just copied something that we may have. */
  told(state: ClipboardState): boolean {
    const before = this.#state;
    const another = state.serial !== this.#serial && state.formats.length > 0;
    this.#state = state;
    // The first word of a connection tells of old news. A new agent has lost what we brought to the one before it.
    if (before === null && state.formats.length === 0) this.#seen = null;
    if (another && this.#serial !== null) this.#desktopIsNewer = true;
    this.#serial = state.serial;
    return another && before !== null;
  }

  /** The connection is lost. */
  forget(): void {
    this.#state = null;
  }

  /** The person means what the browser has, whatever happened since. */
  insist(): void {
    this.#seen = null;
    this.#desktopIsNewer = false;
  }

  /** The page has the focus again: meanwhile something may have been copied elsewhere. */
  focused(): void {
    this.#desktopIsNewer = false;
  }

  /** The browser's clipboard holds this now, because we put it there. */
  took(mark: string): void {
    this.#seen = mark;
    this.#desktopIsNewer = false;
  }

  /** The person pastes, and this is what the browser has. `mark` tells one content from another. */
  paste(format: ClipboardFormat, bytes: number, mark: string): PasteDecision {
    const state = this.#state;
    const unchanged = mark === this.#seen;
    if (state === null || unchanged || (this.#desktopIsNewer && state.from_desktop)) {
      this.#seen = mark;
      return "keep";
    }
    if (!state.to_desktop || (format === "png" && !state.images)) return "denied";
    if (bytes > state.max_bytes) return "too-large";
    this.#seen = mark;
    return "bring";
  }
}

/** Tells one content from another, without keeping it. FNV-1a, twice with different starts. */
export function markOf(content: Uint8Array): string {
  let some = 0x811c9dc5;
  let other = 0x01000193;
  for (const byte of content) {
    some = Math.imul(some ^ byte, 0x01000193);
    other = Math.imul(other ^ byte, 0x85ebca6b);
  }
  return `${content.length}.${some >>> 0}.${other >>> 0}`;
}
