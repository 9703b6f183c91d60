/**
 * A button that offers what was copied on the desktop, in browsers that write the clipboard only on a tap.
 * Disappears by itself.
 */

import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { texts } from "../texts.ts";

/** How long the button is shown, ms: copied content is usually wanted at once. */
const SHOWN_MS = 20_000;

export class ClipboardChip {
  readonly element: HTMLButtonElement;
  readonly #label = h("span", {});
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(onClick: () => void) {
    this.element = h(
      "button",
      { class: "clipboard-chip", attrs: { type: "button", hidden: "" }, on: { click: onClick } },
      icon("copied"),
      this.#label,
    );
    // The keyboard focus stays with the desktop.
    this.element.addEventListener("mousedown", (event) => event.preventDefault());
  }

  show(shown: boolean): void {
    clearTimeout(this.#timer);
    this.element.hidden = !shown;
    if (!shown) return;
    this.#label.textContent = texts().clipboard.copied;
    this.#timer = setTimeout(() => this.show(false), SHOWN_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
