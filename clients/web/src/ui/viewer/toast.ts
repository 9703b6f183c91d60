/** A short message at the lower edge of the page, which disappears by itself. */

import { h } from "../dom.ts";

/** How long a message is shown, ms. */
const SHOWN_MS = 8_000;

/** Shows a message to the person. */
export interface Announcer {
  show(message: string): void;
}

export class Toast implements Announcer {
  readonly element = h("div", { class: "toast", attrs: { role: "status", hidden: "" } });
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(message: string): void {
    this.element.textContent = message;
    this.element.hidden = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.element.hidden = true;
    }, SHOWN_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
