/**
 * Decides whether the browser's clipboard or the desktop's is the newer one. Pure.
 *
 * A browser does not report when its clipboard changed. Known are its content when the page last saw it, that
 * it can change only while another program has the focus, and when the desktop last copied something.
 */

import type { ClipboardStateMessage } from "../protocol/generated.ts";
import type { ClipboardFormat } from "./frames.ts";

/** The agent's last `clipboard` message: the policy and what the desktop's clipboard holds. */
export type ClipboardState = Omit<ClipboardStateMessage, "type">;

/**
 * What a paste does: `send` sends the browser's clipboard first, `keep` pastes what the desktop has; with
 * `denied` and `too-large` the browser's clipboard may not be sent.
 */
export type PasteDecision = "send" | "keep" | "denied" | "too-large";

export class ClipboardCore {
  #state: ClipboardState | null = null;
  #serial: number | null = null;
  /** Hash of the browser clipboard's content when the page last saw it. */
  #seenHash: string | null = null;
  /**
   * Hash of the content that the desktop got from here and still has; null when a program copied something
   * since.
   */
  #sentHash: string | null = null;
  /**
   * Whether the desktop copied something after the last time that another program could have changed the
   * browser's clipboard.
   */
  #desktopIsNewer = false;

  get state(): ClipboardState | null {
    return this.#state;
  }

  /** The preferred format of the desktop's clipboard; null when it offers nothing. */
  get offer(): ClipboardFormat | null {
    return this.#state?.formats[0] ?? null;
  }

  /**
   * Handles the agent's clipboard message. Returns true when a program on the desktop has just copied
   * something.
   */
  stateChanged(state: ClipboardState): boolean {
    const before = this.#state;
    const another = state.serial !== this.#serial && state.formats.length > 0;
    this.#state = state;
    // The first message of a connection describes an older copy. A new agent no longer has what was sent to
    // its predecessor.
    if (before === null && state.formats.length === 0) this.#seenHash = null;
    if (another && this.#serial !== null) this.#desktopIsNewer = true;
    if (another) this.#sentHash = null;
    this.#serial = state.serial;
    return another && before !== null;
  }

  /** Handles the loss of the connection. */
  disconnected(): void {
    this.#state = null;
  }

  /** Makes the next paste send the browser's clipboard, because the person explicitly asked for it. */
  preferBrowser(): void {
    this.#seenHash = null;
    this.#desktopIsNewer = false;
  }

  /** Makes the next paste send what was sent last once more, unless the desktop copied something since. */
  sendAgain(): void {
    if (this.#seenHash === this.#sentHash) this.#seenHash = null;
  }

  /** Handles the return of the focus: another program may have changed the browser's clipboard meanwhile. */
  pageFocused(): void {
    this.#desktopIsNewer = false;
  }

  /**
   * Records that the page wrote the desktop's content with this hash to the browser's clipboard. The desktop
   * stays the newer one, because a browser may show a paste the former content for a moment.
   */
  browserClipboardWritten(hash: string): void {
    this.#seenHash = hash;
  }

  /** Decides about a paste of the browser's content with this format, size in bytes and hash. */
  paste(format: ClipboardFormat, bytes: number, hash: string): PasteDecision {
    const state = this.#state;
    const unchanged = hash === this.#seenHash;
    if (state === null || unchanged || (this.#desktopIsNewer && state.from_desktop)) {
      this.#seenHash = hash;
      return "keep";
    }
    if (!state.to_desktop || (format === "png" && !state.images)) return "denied";
    if (bytes > state.max_bytes) return "too-large";
    this.#seenHash = hash;
    this.#sentHash = hash;
    return "send";
  }
}

/**
 * Returns a hash that distinguishes contents without keeping them: the length and two FNV-1a hashes with
 * different parameters.
 */
export function contentHash(content: Uint8Array): string {
  let first = 0x811c9dc5;
  let second = 0x01000193;
  for (const byte of content) {
    first = Math.imul(first ^ byte, 0x01000193);
    second = Math.imul(second ^ byte, 0x85ebca6b);
  }
  return `${content.length}.${first >>> 0}.${second >>> 0}`;
}
