/**
 * Connects the browser's clipboard with the desktop's.
 *
 * To the desktop: the content of the browser's `paste` event is sent first, then the paste shortcut. No
 * engine requires a permission for this. Where the person has allowed the page to read the clipboard (Chrome),
 * new content is also sent when the page gets the focus, because a middle click and the menus of the desktop
 * paste without telling the page. From the desktop: the content is written at once where pages may write the
 * clipboard (Chrome), during the copy shortcut where a user gesture is required (Firefox, Safari), and
 * otherwise when the person taps the clipboard chip.
 */

import {
  ClipboardCore,
  type ClipboardState,
  contentHash,
  type PasteDecision,
  type PasteRefusal,
} from "./clipboard_core.ts";
import type { ClipboardAnswer, ClipboardFailure, ClipboardFormat } from "./frames.ts";
import type { PasteKey } from "./shortcuts.ts";

/** Requests clipboard content from the agent and sends content to it. */
export interface ClipboardRequests {
  requestClipboard(serial: number, format: ClipboardFormat): void;
  /** Sends content, which the agent applies before any input that is sent later. */
  sendClipboard(format: ClipboardFormat, content: ArrayBuffer): void;
}

/** Outcome that the page tells the person about. */
export type ClipboardNotice = PasteRefusal | "unavailable" | "empty" | "sent" | "blocked" | "stays";

/** The other windows of this browser that show the same desktop, as a BroadcastChannel of hashes. */
export type ClipboardPeers = Pick<BroadcastChannel, "postMessage" | "onmessage">;

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

/** Content of the browser's clipboard. */
interface Content {
  readonly format: ClipboardFormat;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

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
  readonly #peers: ClipboardPeers;
  /** Hash of the browser clipboard's content when the page last had the focus; null before that is known. */
  #knownHash: string | null = null;
  #mayRead = false;
  #mayWrite = false;

  constructor(wire: ClipboardRequests, events: ClipboardEvents, peers: ClipboardPeers) {
    this.#requests = wire;
    this.#events = events;
    this.#peers = peers;
    // What another window wrote to the browser's clipboard is not sent back: the desktop would lose its formatting.
    peers.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === "string") this.#written(data);
    };
    void watchPermission("clipboard-read", (granted) => {
      this.#mayRead = granted;
      void this.#readIfUnknown();
    });
    void watchPermission("clipboard-write", (granted) => {
      this.#mayWrite = granted;
    });
  }

  // ── from the worker ──────────────────────────────────────────────────────────────────────────────────────

  stateChanged(state: ClipboardState): void {
    void this.#readIfUnknown();
    if (!this.#core.stateChanged(state)) {
      if (state.formats.length === 0) this.#events.offerChanged(null);
      return;
    }
    if (this.#core.mustNotifyThatCopiesStay()) this.#events.notify("stays");
    const awaited = this.#awaited;
    awaited?.resolve();
    if (this.#core.offer === null) {
      this.#events.offerChanged(null);
      return;
    }
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

  /**
   * Handles the return of the focus. Returns a promise when the browser's clipboard is read and sent meanwhile,
   * so that input can wait for it; otherwise null.
   */
  pageFocused(): Promise<void> | null {
    this.#core.pageFocused();
    return this.#mayRead && this.canPaste ? this.#sendIfNew() : null;
  }

  /**
   * Whether the policy permits sending the browser's clipboard, so that a paste shortcut must wait for it.
   */
  get canPaste(): boolean {
    return this.#core.state?.to_desktop === true;
  }

  /**
   * Handles a `paste` event after the shortcut `key`; `data` is null when the browser fired none. Resolves when
   * the content was sent or was found not to be needed. Returns whether the desktop may paste: if not, it would
   * paste an old text, and the page has said why nothing is pasted.
   */
  async paste(data: DataTransfer | null, key: PasteKey | null): Promise<boolean> {
    // Browsers empty `data` after the event, so it is read before anything else.
    const content = await contentOf(data);
    // What is cut and pasted in one go must not be replaced by what the device copied before.
    await this.#awaited?.copied.catch(() => {});
    // Terminals paste PRIMARY, which a program may have taken by a mere selection since the content was sent.
    if (key === "insert") this.#core.sendAgain();
    const decision = content === null ? this.#core.pasteWithoutContent() : this.#offerContent(content);
    if (decision === "keep" || decision === "send") return true;
    this.#events.notify(decision);
    return false;
  }

  /**
   * Handles the copy shortcut: where writing the clipboard requires a user gesture, the write must start now.
   */
  copyKeyPressed(): void {
    const { state } = this.#core;
    if (state === null) return;
    const awaited = this.#awaitCopy();
    if (!state.from_desktop || this.#mayWrite || !("ClipboardItem" in globalThis)) return;
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
    let content: Content | null;
    try {
      content = await readClipboard();
    } catch {
      this.#events.notify("blocked");
      return;
    }
    if (content === null) {
      this.#events.notify("empty");
      return;
    }
    this.#core.preferBrowser();
    const decision = this.#offerContent(content);
    if (decision !== "keep") this.#events.notify(decision === "send" ? "sent" : decision);
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Sends the browser's clipboard if another program changed it while the page did not have the focus. Says nothing
   * if that may not be sent: a paste shortcut does. Unchanged content may be older than the desktop's copy.
   */
  async #sendIfNew(): Promise<void> {
    const before = this.#knownHash;
    const content = await this.#read();
    if (content !== null && before !== null && this.#knownHash !== before) this.#offerContent(content);
  }

  async #readIfUnknown(): Promise<void> {
    if (this.#knownHash === null && this.#mayRead && document.hasFocus()) await this.#read();
  }

  /** Reads the browser's clipboard, and remembers its hash; null if there is no content, or it cannot be read. */
  async #read(): Promise<Content | null> {
    try {
      const content = await readClipboard();
      this.#knownHash = content === null ? "" : contentHash(content.bytes);
      return content;
    } catch {
      return null; // The page lost the focus again.
    }
  }

  #written(hash: string): void {
    this.#core.browserClipboardWritten(hash);
    this.#knownHash = hash;
  }

  /** Sends content if it is newer than the desktop's and the policy permits it. */
  #offerContent({ format, bytes }: Content): PasteDecision {
    const decision = this.#core.paste(format, bytes.length, contentHash(bytes));
    if (decision === "send") {
      this.#requests.sendClipboard(format, bytes.buffer);
      this.#events.offerChanged(null);
    }
    return decision;
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
      this.#written(hash);
      this.#peers.postMessage(hash);
      this.#events.offerChanged(null);
    } catch {
      if (failure instanceof NothingCopied) return;
      // If the browser refused the write, the person can still tap the chip; if there is no content, there is
      // nothing to offer.
      if (failure instanceof RequestFailed && failure.reason !== "unavailable") this.#events.notify(failure.reason);
      this.#events.offerChanged(failure === null ? this.#core.offer : null);
    }
  }
}

/** Returns the content of a `paste` event, as text if there is any; null if the browser gave none. */
function contentOf(data: DataTransfer | null): Promise<Content | null> {
  const text = data?.getData(MIME_TYPES.text) ?? "";
  if (text !== "") return Promise.resolve(textContent(text));
  const image = [...(data?.files ?? [])].find((file) => file.type === MIME_TYPES.png);
  if (image === undefined) return Promise.resolve(null);
  return image.arrayBuffer().then(
    (bytes) => ({ format: "png", bytes: new Uint8Array(bytes) }),
    () => null, // The image vanished from the clipboard.
  );
}

/** Reads the browser's clipboard; null if it has neither text nor an image. Rejects if the page may not read it. */
async function readClipboard(): Promise<Content | null> {
  const items = await navigator.clipboard.read();
  for (const format of ["text", "png"] as const) {
    const type = MIME_TYPES[format];
    for (const item of items) {
      if (!item.types.includes(type)) continue;
      const blob = await item.getType(type);
      if (blob.size === 0) continue;
      if (format === "text") return textContent(await blob.text());
      return { format, bytes: new Uint8Array(await blob.arrayBuffer()) };
    }
  }
  return null;
}

/** Lines of clipboard text end with LF (PROTOCOL.md §7). */
function textContent(text: string): Content {
  return { format: "text", bytes: new TextEncoder().encode(text.replaceAll("\r\n", "\n")) };
}

/** Reports a permission of the page now and whenever it changes. Only Chrome has those of the clipboard. */
async function watchPermission(name: string, report: (granted: boolean) => void): Promise<void> {
  try {
    const status = await navigator.permissions.query({ name: name as PermissionName });
    const update = (): void => report(status.state === "granted");
    status.addEventListener("change", update);
    update();
  } catch {
    report(false); // The browser does not know this permission.
  }
}
