/**
 * The browser's clipboard and the desktop's.
 *
 * To the desktop: what a `paste` event holds goes first, then the key that pastes. No permission is needed for that in any engine.
 * From the desktop: written at once where the browser lets a page write (Chrome), with the key that copied where it wants a
 * gesture (Firefox, Safari), and otherwise when the person taps the chip.
 */

import { ClipboardCore, type ClipboardState, markOf } from "./clipboard_core.ts";
import type { Answer, ClipboardFailure, ClipboardFormat } from "./frames.ts";

/** What carries content to and from the agent. */
export interface ClipboardRequests {
  requestClipboard(serial: number, format: ClipboardFormat): void;
  /** Arrives before any input that is sent later. */
  sendClipboard(format: ClipboardFormat, content: ArrayBuffer): void;
}

export type ClipboardNotice = "denied" | "too-large" | "unavailable" | "empty" | "sent" | "blocked";

export interface ClipboardEvents {
  /** The desktop has something that could not be written by itself; null when that is over. */
  offerChanged(format: ClipboardFormat | null): void;
  notify(news: ClipboardNotice): void;
}

const TYPES: Readonly<Record<ClipboardFormat, string>> = { text: "text/plain", png: "image/png" };
/** The agent answers in time even where a program hangs; after this the way is the problem. */
const ANSWER_WITHIN_MS = 20_000;
/** After the key that copies, a program has so long to copy. */
const COPY_WITHIN_MS = 1_500;

interface Waiting {
  readonly serial: number;
  readonly format: ClipboardFormat;
  resolve(content: Uint8Array<ArrayBuffer>): void;
  reject(reason: Unanswered): void;
}

class Unanswered extends Error {
  readonly reason: ClipboardFailure;

  constructor(reason: ClipboardFailure) {
    super(reason);
    this.reason = reason;
  }
}

/** The key that copies copied nothing. */
class NothingCopied extends Error {}

export class PageClipboard {
  readonly #requests: ClipboardRequests;
  readonly #hooks: ClipboardEvents;
  readonly #core = new ClipboardCore();
  #waiting: Waiting | null = null;
  /** The key that copies was pressed: a write that waits for what will be copied. */
  #gesture: { copied(): void } | null = null;
  #mayWrite = false;

  constructor(wire: ClipboardRequests, hooks: ClipboardEvents) {
    this.#requests = wire;
    this.#hooks = hooks;
    void this.#askPermission();
  }

  // ── from the worker ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  stateChanged(state: ClipboardState): void {
    if (!this.#core.told(state)) {
      if (state.formats.length === 0) this.#hooks.offerChanged(null);
      return;
    }
    if (this.#gesture !== null && this.#core.offer === "text") this.#gesture.copied();
    else if (this.#mayWrite && document.hasFocus()) void this.#write(() => this.#fetch());
    else this.#hooks.offerChanged(this.#core.offer);
  }

  contentReceived(answer: Answer): void {
    const waiting = this.#waiting;
    if (waiting === null || waiting.serial !== answer.serial || waiting.format !== answer.format) return;
    this.#waiting = null;
    if (typeof answer.content === "string") waiting.reject(new Unanswered(answer.content));
    else waiting.resolve(answer.content);
  }

  /** The connection is lost. */
  disconnected(): void {
    this.#core.forget();
    this.#waiting?.reject(new Unanswered("unavailable"));
    this.#waiting = null;
    this.#hooks.offerChanged(null);
  }

  // ── from the person ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  pageFocused(): void {
    this.#core.focused();
  }

  /** Whether a key that pastes should fetch the browser's clipboard first. */
  get canPaste(): boolean {
    return this.#core.state?.to_desktop === true;
  }

  /** A `paste` event. Done when what it holds is on its way, or stays here. */
  async paste(data: DataTransfer | null): Promise<void> {
    const text = data?.getData("text/plain") ?? "";
    const image = [...(data?.files ?? [])].find((file) => file.type === TYPES.png);
    if (text !== "") this.#bring("text", new TextEncoder().encode(text), false);
    else if (image !== undefined) this.#bring("png", new Uint8Array(await image.arrayBuffer()), false);
  }

  /** The key that copies was pressed: where a page may write with a gesture alone, this is it. */
  copyKeyPressed(): void {
    if (this.#mayWrite || this.#core.state?.from_desktop !== true || !("ClipboardItem" in globalThis)) return;
    let copied: () => void = () => {};
    const text = new Promise<void>((resolve, reject) => {
      copied = resolve;
      setTimeout(() => reject(new NothingCopied()), COPY_WITHIN_MS);
    });
    const gesture = { copied };
    this.#gesture = gesture;
    void this.#write(() => text.then(() => this.#fetch()), "text").finally(() => {
      if (this.#gesture === gesture) this.#gesture = null;
    });
  }

  /** The chip was tapped. */
  copyOffered(): void {
    if (this.#core.offer === null) return;
    void this.#write(() => this.#fetch());
  }

  /** The person asks to have the browser's clipboard on the desktop, where there is no key for it. */
  async sendBrowserClipboard(): Promise<void> {
    let items: ClipboardItems;
    try {
      items = await navigator.clipboard.read();
    } catch {
      this.#hooks.notify("blocked");
      return;
    }
    for (const format of ["text", "png"] as const) {
      for (const item of items) {
        if (!item.types.includes(TYPES[format])) continue;
        const blob = await item.getType(TYPES[format]);
        if (this.#bring(format, new Uint8Array(await blob.arrayBuffer()), true)) this.#hooks.notify("sent");
        return;
      }
    }
    this.#hooks.notify("empty");
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** `always`: the person means this content, whatever the desktop copied since. */
  #bring(format: ClipboardFormat, content: Uint8Array<ArrayBuffer>, always: boolean): boolean {
    if (always) this.#core.insist();
    const decision = this.#core.paste(format, content.length, markOf(content));
    if (decision === "keep") return false;
    if (decision !== "bring") {
      this.#hooks.notify(decision);
      return false;
    }
    this.#requests.sendClipboard(format, content.buffer);
    this.#hooks.offerChanged(null);
    return true;
  }

  /** Asks the agent for what the desktop offers now. */
  #fetch(): Promise<Uint8Array<ArrayBuffer>> {
    const format = this.#core.offer;
    const serial = this.#core.state?.serial;
    if (format === null || serial === undefined) return Promise.reject(new Unanswered("unavailable"));
    this.#waiting?.reject(new Unanswered("unavailable"));
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { serial, format, resolve, reject };
      this.#waiting = waiting;
      setTimeout(() => {
        if (this.#waiting === waiting) this.#waiting = null;
        reject(new Unanswered("unavailable"));
      }, ANSWER_WITHIN_MS);
      this.#requests.requestClipboard(serial, format);
    });
  }

  /** Writes what `content` will give: the browser must be asked at once, within the gesture. */
  async #write(content: () => Promise<Uint8Array<ArrayBuffer>>, format = this.#core.offer): Promise<void> {
    if (format === null) return;
    let failure: unknown = null;
    let mark = "";
    const type = TYPES[format];
    const blob = content().then(
      (bytes) => {
        mark = markOf(bytes);
        return new Blob([bytes], { type });
      },
      (error: unknown) => {
        failure = error;
        throw error;
      },
    );
    blob.catch(() => {}); // Whoever waits for it may have refused already.
    try {
      await navigator.clipboard.write([new ClipboardItem({ [type]: blob })]);
      this.#core.took(mark);
      this.#hooks.offerChanged(null);
    } catch {
      if (failure instanceof NothingCopied) return;
      // Without content there is nothing to offer; the browser's refusal leaves it to the person's tap.
      if (failure instanceof Unanswered && failure.reason !== "unavailable") this.#hooks.notify(failure.reason);
      this.#hooks.offerChanged(failure === null ? this.#core.offer : null);
    }
  }

  /** Chrome alone has this permission; elsewhere each write needs a gesture. */
  async #askPermission(): Promise<void> {
    try {
      const status = await navigator.permissions.query({ name: "clipboard-write" as PermissionName });
      const note = (): void => {
        this.#mayWrite = status.state === "granted";
      };
      status.addEventListener("change", note);
      note();
    } catch {
      this.#mayWrite = false;
    }
  }
}
