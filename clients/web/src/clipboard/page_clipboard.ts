/**
 * Connects the browser's clipboard with the desktop's.
 *
 * To the desktop: the content of the browser's `paste` event is sent first, then the paste shortcut. No
 * engine requires a permission for this. From the desktop: the content is written at once where pages may
 * write the clipboard (Chrome), during the copy shortcut where a user gesture is required (Firefox, Safari),
 * and otherwise when the person taps the clipboard chip.
 */

import { ClipboardCore, type ClipboardState, contentHash } from "./clipboard_core.ts";
import type { ClipboardAnswer, ClipboardFailure, ClipboardFormat } from "./frames.ts";
import type { PasteKey } from "./shortcuts.ts";

/** Requests clipboard content from the agent and sends content to it. */
export interface ClipboardRequests {
  requestClipboard(serial: number, format: ClipboardFormat): void;
  /** Sends content, which the agent applies before any input that is sent later. */
  sendClipboard(format: ClipboardFormat, content: ArrayBuffer): void;
}

/** Outcome that the page tells the person about. */
export type ClipboardNotice = "denied" | "too-large" | "unavailable" | "empty" | "unreadable" | "sent" | "blocked";

export interface ClipboardEvents {
  /** Called when the desktop's clipboard needs a tap to be copied; null when it no longer does. */
  offerChanged(format: ClipboardFormat | null): void;
  notify(notice: ClipboardNotice): void;
}

/** MIME types of the formats. */
const MIME_TYPES: Readonly<Record<ClipboardFormat, string>> = { text: "text/plain", png: "image/png" };
/**
 * Timeout of a clipboard request, ms. The agent answers earlier even if a program hangs, so after this the
 * connection has failed.
 */
const ANSWER_TIMEOUT_MS = 20_000;
/** How long a program on the desktop may take to copy after the copy shortcut, ms. */
const COPY_TIMEOUT_MS = 1_500;

/** A request that the agent has not answered yet. */
interface PendingRequest {
  readonly serial: number;
  readonly format: ClipboardFormat;
  resolve(content: Uint8Array<ArrayBuffer>): void;
  reject(reason: RequestFailed): void;
}

/** The agent answered a request without content. */
class RequestFailed extends Error {
  readonly reason: ClipboardFailure;

  constructor(reason: ClipboardFailure) {
    super(reason);
    this.reason = reason;
  }
}

/** No program copied anything after the copy shortcut. */
class NothingCopied extends Error {}

/** What the person asked the desktop to copy with the copy shortcut. */
interface AwaitedCopy {
  /** Resolves when a program copied something, and rejects with NothingCopied after COPY_TIMEOUT_MS. */
  readonly copied: Promise<void>;
  resolve(): void;
}

export class PageClipboard {
  readonly #requests: ClipboardRequests;
  readonly #events: ClipboardEvents;
  readonly #core = new ClipboardCore();
  #pending: PendingRequest | null = null;
  /** Until a program copied something after the copy shortcut, or too long ago. */
  #awaited: AwaitedCopy | null = null;
  #mayWrite = false;

  constructor(wire: ClipboardRequests, events: ClipboardEvents) {
    this.#requests = wire;
    this.#events = events;
    void this.#askPermission();
  }

  // ── from the worker ──────────────────────────────────────────────────────────────────────────────────────

  stateChanged(state: ClipboardState): void {
    if (!this.#core.stateChanged(state)) {
      if (state.formats.length === 0) this.#events.offerChanged(null);
      return;
    }
    const awaited = this.#awaited;
    awaited?.resolve();
    if (awaited !== null && !this.#mayWrite && this.#core.offer === "text") return; // written by copyKeyPressed
    if (this.#mayWrite && document.hasFocus()) void this.#write(() => this.#fetch());
    else this.#events.offerChanged(this.#core.offer);
  }

  contentReceived(answer: ClipboardAnswer): void {
    const pending = this.#pending;
    if (pending === null || pending.serial !== answer.serial || pending.format !== answer.format) return;
    this.#pending = null;
    if (typeof answer.content === "string") pending.reject(new RequestFailed(answer.content));
    else pending.resolve(answer.content);
  }

  /** Handles the loss of the connection. */
  disconnected(): void {
    this.#core.disconnected();
    this.#pending?.reject(new RequestFailed("unavailable"));
    this.#pending = null;
    this.#events.offerChanged(null);
  }

  // ── from the person ──────────────────────────────────────────────────────────────────────────────────────

  pageFocused(): void {
    this.#core.pageFocused();
  }

  /**
   * Whether the policy permits sending the browser's clipboard, so that a paste shortcut must wait for it.
   */
  get canPaste(): boolean {
    return this.#core.state?.to_desktop === true;
  }

  /**
   * Handles a `paste` event after the shortcut `key`. Resolves when its content was sent or was found not to
   * be needed.
   */
  async paste(data: DataTransfer | null, key: PasteKey | null): Promise<void> {
    const text = data?.getData("text/plain") ?? "";
    const image = [...(data?.files ?? [])].find((file) => file.type === MIME_TYPES.png);
    // What is cut and pasted in one go must not be replaced by what the device copied before.
    await this.#awaited?.copied.catch(() => {});
    // Terminals paste PRIMARY, which a program may have taken by a mere selection since the content was sent.
    if (key === "insert") this.#core.sendAgain();
    if (text !== "") this.#sendContent("text", new TextEncoder().encode(text), false);
    else if (image !== undefined) this.#sendContent("png", new Uint8Array(await image.arrayBuffer()), false);
    // Firefox fires the event without content when the program that copied needs more than a second.
    else if (this.#core.offer === null) this.#events.notify("unreadable");
  }

  /**
   * Handles the copy shortcut: where writing the clipboard requires a user gesture, the write must start now.
   */
  copyKeyPressed(): void {
    if (this.#core.state?.from_desktop !== true) return;
    const awaited = this.#awaitCopy();
    if (this.#mayWrite || !("ClipboardItem" in globalThis)) return;
    const text = (): Promise<Uint8Array<ArrayBuffer>> =>
      this.#core.offer === "text" ? this.#fetch() : Promise.reject(new NothingCopied());
    void this.#write(() => awaited.copied.then(text), "text");
  }

  /** Copies the desktop's content to the browser's clipboard after the person tapped the chip. */
  copyOffered(): void {
    if (this.#core.offer === null) return;
    void this.#write(() => this.#fetch());
  }

  /** Sends the browser's clipboard to the desktop when the person asks for it without a paste shortcut. */
  async sendBrowserClipboard(): Promise<void> {
    let items: ClipboardItems;
    try {
      items = await navigator.clipboard.read();
    } catch {
      this.#events.notify("blocked");
      return;
    }
    for (const format of ["text", "png"] as const) {
      for (const item of items) {
        if (!item.types.includes(MIME_TYPES[format])) continue;
        const blob = await item.getType(MIME_TYPES[format]);
        if (this.#sendContent(format, new Uint8Array(await blob.arrayBuffer()), true)) this.#events.notify("sent");
        return;
      }
    }
    this.#events.notify("empty");
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Sends content if it is newer than the desktop's, or always if `force` is set. Returns whether it was
   * sent.
   */
  #sendContent(format: ClipboardFormat, content: Uint8Array<ArrayBuffer>, force: boolean): boolean {
    if (force) this.#core.preferBrowser();
    const decision = this.#core.paste(format, content.length, contentHash(content));
    if (decision === "keep") return false;
    if (decision !== "send") {
      this.#events.notify(decision);
      return false;
    }
    this.#requests.sendClipboard(format, content.buffer);
    this.#events.offerChanged(null);
    return true;
  }

  #awaitCopy(): AwaitedCopy {
    let resolve: () => void = () => {};
    const copied = new Promise<void>((done, failed) => {
      resolve = done;
      setTimeout(() => failed(new NothingCopied()), COPY_TIMEOUT_MS);
    });
    const awaited = { copied, resolve };
    this.#awaited = awaited;
    const ended = (): void => {
      if (this.#awaited === awaited) this.#awaited = null;
    };
    copied.then(ended, ended);
    return awaited;
  }

  /** Requests the desktop's clipboard content from the agent. */
  #fetch(): Promise<Uint8Array<ArrayBuffer>> {
    const format = this.#core.offer;
    const serial = this.#core.state?.serial;
    if (format === null || serial === undefined) return Promise.reject(new RequestFailed("unavailable"));
    this.#pending?.reject(new RequestFailed("unavailable"));
    return new Promise((resolve, reject) => {
      const pending: PendingRequest = { serial, format, resolve, reject };
      this.#pending = pending;
      setTimeout(() => {
        if (this.#pending === pending) this.#pending = null;
        reject(new RequestFailed("unavailable"));
      }, ANSWER_TIMEOUT_MS);
      this.#requests.requestClipboard(serial, format);
    });
  }

  /**
   * Writes the future result of `content` to the clipboard. The write starts at once, as it must happen
   * within the user gesture.
   */
  async #write(content: () => Promise<Uint8Array<ArrayBuffer>>, format = this.#core.offer): Promise<void> {
    if (format === null) return;
    let failure: unknown = null;
    let hash = "";
    const type = MIME_TYPES[format];
    const blob = content().then(
      (bytes) => {
        hash = contentHash(bytes);
        return new Blob([bytes], { type });
      },
      (error: unknown) => {
        failure = error;
        throw error;
      },
    );
    blob.catch(() => {}); // The clipboard may have rejected already and then never looks at the blob.
    try {
      await navigator.clipboard.write([new ClipboardItem({ [type]: blob })]);
      this.#core.browserClipboardWritten(hash);
      this.#events.offerChanged(null);
    } catch {
      if (failure instanceof NothingCopied) return;
      // If the browser refused the write, the person can still tap the chip; if there is no content, there is
      // nothing to offer.
      if (failure instanceof RequestFailed && failure.reason !== "unavailable") this.#events.notify(failure.reason);
      this.#events.offerChanged(failure === null ? this.#core.offer : null);
    }
  }

  /**
   * Watches the permission to write the clipboard. Only Chrome has it; in other browsers each write needs a
   * user gesture.
   */
  async #askPermission(): Promise<void> {
    try {
      const status = await navigator.permissions.query({ name: "clipboard-write" as PermissionName });
      const update = (): void => {
        this.#mayWrite = status.state === "granted";
      };
      status.addEventListener("change", update);
      update();
    } catch {
      this.#mayWrite = false;
    }
  }
}
