/**
 * Decides whether the browser's clipboard or the desktop's is the newer one. Pure.
 *
 * A browser does not report when its clipboard changed. Known are its content when the page last saw it, that
 * it can change only while another program has the focus, and when the desktop last copied something.
 */

import type { ClipboardStateMessage } from "../protocol/generated/messages.ts";
import type { ClipboardFormat } from "./frames.ts";

/** The agent's last `clipboard` message: the policy and what the desktop's clipboard holds. */
export type ClipboardState = Omit<ClipboardStateMessage, "type">;

/**
 * What a paste does: `send` sends the browser's clipboard first, `keep` pastes what the desktop has. With
 * `denied` and `too-large` the browser's clipboard may not be sent, and with `unreadable` the browser gave no
 * content: then nothing may be pasted, because the desktop would paste another text than the person copied.
 */
export type PasteDecision = "send" | "keep" | PasteRefusal;
export type PasteRefusal = "denied" | "too-large" | "unreadable";

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
  /** Whether `#seenHash` still holds: no other program can have changed the browser's clipboard since. */
  #seenIsCurrent = false;
  /**
   * Whether the desktop copied something after the last time that another program could have changed the
   * browser's clipboard.
   */
  #desktopIsNewer = false;
  /** Whether the person knows that copies stay on the desktop. */
  #notifiedThatCopiesStay = false;

  get state(): ClipboardState | null {
    return this.#state;
  }

  /** The preferred format of the desktop's clipboard; null when it offers nothing. */
  get offer(): ClipboardFormat | null {
    return this.#state?.formats[0] ?? null;
  }

  /**
   * Handles the agent's clipboard message. Returns true when a program on the desktop has just copied
   * something, also if that has no format that viewers can get.
   */
  stateChanged(state: ClipboardState): boolean {
    const before = this.#state;
    const offered = state.formats.length > 0;
    const another = state.serial !== this.#serial && (before !== null || offered);
    this.#state = state;
    // The first message of a connection describes an older copy. A new agent no longer has what was sent to
    // its predecessor, and starts to count at 0.
    if (before === null && !offered) this.#seenHash = null;
    if (before === null && state.serial === 0) this.#desktopIsNewer = false;
    if (another && this.#serial !== null) this.#desktopIsNewer = true;
    if (another || before === null) this.#sentHash = null;
    this.#serial = state.serial;
    return another && before !== null;
  }

  /**
   * Decides, after a program on the desktop copied something, whether to tell the person that the policy keeps
   * it on the desktop: the first time only, because people copy and paste inside a desktop all day.
   */
  mustNotifyThatCopiesStay(): boolean {
    if (this.#state?.from_desktop !== false || this.#notifiedThatCopiesStay) return false;
    this.#notifiedThatCopiesStay = true;
    return true;
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
    this.#seenIsCurrent = false;
    // Another window of this device may have sent something else in between.
    this.sendAgain();
  }

  /**
   * Records that the page wrote the desktop's content with this hash to the browser's clipboard. The desktop
   * stays the newer one, because a browser may show a paste the former content for a moment.
   */
  browserClipboardWritten(hash: string): void {
    this.#seenHash = hash;
    this.#seenIsCurrent = true;
  }

  /** Decides about a paste of the browser's content with this format, size in bytes and hash. */
  paste(format: ClipboardFormat, bytes: number, hash: string): PasteDecision {
    const state = this.#state;
    if (state === null || hash === this.#seenHash || this.#desktopIsNewer) {
      this.#seen(hash);
      return "keep";
    }
    this.#seenIsCurrent = false;
    if (!state.to_desktop || (format === "png" && !state.images)) return "denied";
    if (bytes > state.max_bytes) return "too-large";
    this.#seen(hash);
    this.#sentHash = hash;
    return "send";
  }

  /**
   * Decides about a paste for which the browser gave no content, because its clipboard is empty or because the
   * program that copied is too slow. Nobody can tell which, so the desktop may paste only what is known to be
   * the last copy.
   */
  pasteWithoutContent(): "keep" | "unreadable" {
    const sent = this.#seenIsCurrent && this.#seenHash !== null && this.#seenHash === this.#sentHash;
    return this.#desktopIsNewer || sent ? "keep" : "unreadable";
  }

  #seen(hash: string): void {
    this.#seenHash = hash;
    this.#seenIsCurrent = true;
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
