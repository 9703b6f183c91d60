/** Offers what was copied on the desktop, where the browser wants a tap for it. Covers nothing else, and goes by itself. */

import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { texts } from "../texts.ts";

/** What was copied is usually wanted at once. */
const SHOWN_MS = 20_000;

export class ClipboardChip {
  readonly element: HTMLButtonElement;
  readonly #text = h("span", {});
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(take: () => void) {
    this.element = h(
      "button",
      { class: "clipboard-chip", attrs: { type: "button", hidden: "" }, on: { click: take } },
      icon("copied"),
      this.#text,
    );
    // The keyboard stays with the desktop.
    this.element.addEventListener("mousedown", (event) => event.preventDefault());
  }

  show(shown: boolean): void {
    clearTimeout(this.#timer);
    this.element.hidden = !shown;
    if (!shown) return;
    this.#text.textContent = texts().clipboard.copied;
    this.#timer = setTimeout(() => this.show(false), SHOWN_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
