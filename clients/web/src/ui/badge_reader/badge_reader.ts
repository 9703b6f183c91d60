/**
 * Takes the keys of a badge out of those of the window, before any page, field or desktop sees them. Works while the
 * window has the focus, whatever it shows.
 */

import { Emitter } from "../emitter.ts";
import { BADGE_MAX_MS, BadgeReaderCore, type ReaderFormat } from "./badge_reader_core.ts";

export class BadgeReader {
  /** A badge was held to the reader: its number. */
  readonly tapped = new Emitter<string>();
  /** Null where badges do not work: then no key is held back. */
  #core: BadgeReaderCore | null = null;
  #format: ReaderFormat | null = null;
  /** Codes of keys that were held back, whose release must not be seen either. */
  readonly #held = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Created before anything else that listens to keys of the window, so that it comes first. */
  constructor() {
    window.addEventListener("keydown", (event) => this.#keyDown(event), { capture: true });
    window.addEventListener("keyup", (event) => this.#keyUp(event), { capture: true });
    window.addEventListener("blur", () => {
      this.#held.clear();
      this.#release();
    });
  }

  /** Says how the reader of this device types; null: there is none. */
  use(format: ReaderFormat | null): void {
    if (JSON.stringify(format) === JSON.stringify(this.#format)) return;
    this.#release();
    this.#format = format;
    this.#core = format === null ? null : new BadgeReaderCore(format);
  }

  #keyDown(event: KeyboardEvent): void {
    if (this.#core === null || !event.isTrusted) return;
    if (event.isComposing) {
      this.#release();
      return;
    }
    const unusual = event.repeat || event.ctrlKey || event.altKey || event.metaKey;
    const { text, hold, number } = this.#core.key({ key: event.key, timeMs: event.timeStamp, unusual });
    clearTimeout(this.#timer);
    type(text);
    // Longer than between two keys of a reader: on a busy device the next one may be late, and its time is exact.
    if (this.#core.reading) this.#timer = setTimeout(() => this.#release(), BADGE_MAX_MS);
    if (!hold) return;
    swallow(event);
    this.#held.add(event.code);
    if (number !== null) this.tapped.emit(number);
  }

  #keyUp(event: KeyboardEvent): void {
    if (event.isTrusted && this.#held.delete(event.code)) swallow(event);
  }

  /** No badge follows. */
  #release(): void {
    clearTimeout(this.#timer);
    type(this.#core?.release() ?? "");
  }
}

function swallow(event: Event): void {
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** Types text where the focus is, as if the keys were pressed there. Where nothing takes text, nothing happens. */
function type(text: string): void {
  // Deprecated without a successor: the only function by which a field handles text as if it was typed.
  if (text !== "") document.execCommand("insertText", false, text);
}
