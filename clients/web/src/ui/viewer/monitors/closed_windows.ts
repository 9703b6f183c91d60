/**
 * Notices that a window which showed other monitors of the desktop was closed: programs on these monitors would be
 * out of sight.
 *
 * A window announces in its last moments which monitors it showed. A window that is loaded again, or another one that
 * shows the same monitor, says so, and nothing happens.
 */

import { Emitter } from "../../emitter.ts";

/** Time within which a monitor may be shown again, ms: a page that is loaded again takes a moment. */
const REOPENED_WITHIN_MS = 5_000;

/** What windows of one browser send each other. */
type Message =
  | { readonly kind: "closed"; readonly monitors: readonly number[] }
  | { readonly kind: "shown"; readonly monitors: readonly number[] }
  /** Asks the windows that are left which monitors they show. */
  | { readonly kind: "ask" };

export class ClosedWindows {
  /** Announces a monitor that no window shows any more. */
  readonly closed = new Emitter<number>();
  readonly #shown: () => readonly number[];
  readonly #channel: BroadcastChannel;
  /** This window has announced its end, and shows nothing any more. */
  #ended = false;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  /** `shown` returns the monitors of this window. */
  constructor(desktop: string, shown: () => readonly number[], signal: AbortSignal) {
    this.#shown = shown;
    this.#channel = new BroadcastChannel(`lightbox.closed.${desktop}`);
    this.#channel.onmessage = (event: MessageEvent<Message>) => this.#onMessage(event.data);
    // A page that the browser keeps may come back as it was.
    window.addEventListener("pagehide", (event) => event.persisted || this.announceClosed(), { signal });
  }

  /** This window shows other monitors than before. */
  shownChanged(): void {
    const monitors = this.#shown();
    for (const monitor of monitors) this.#cancel(monitor);
    this.#post({ kind: "shown", monitors });
  }

  /** This window stops to show the desktop. */
  announceClosed(): void {
    this.#ended = true;
    this.#post({ kind: "closed", monitors: this.#shown() });
  }

  close(): void {
    for (const monitor of [...this.#timers.keys()]) this.#cancel(monitor);
    this.#channel.close();
  }

  #onMessage(message: Message): void {
    if (this.#ended) return;
    if (message.kind === "ask") this.#post({ kind: "shown", monitors: this.#shown() });
    else if (message.kind === "shown") for (const monitor of message.monitors) this.#cancel(monitor);
    else {
      for (const monitor of message.monitors) if (!this.#shown().includes(monitor)) this.#wait(monitor);
      this.#post({ kind: "ask" });
    }
  }

  #wait(monitor: number): void {
    this.#cancel(monitor);
    const timer = setTimeout(() => {
      this.#timers.delete(monitor);
      this.closed.emit(monitor);
    }, REOPENED_WITHIN_MS);
    this.#timers.set(monitor, timer);
  }

  #cancel(monitor: number): void {
    clearTimeout(this.#timers.get(monitor));
    this.#timers.delete(monitor);
  }

  #post(message: Message): void {
    this.#channel.postMessage(message);
  }
}
