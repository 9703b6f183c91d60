/** A short message at the lower edge of the page, which disappears by itself. */

import { h } from "../dom.ts";
import { type Message, sentences } from "../message.ts";

/** How long a message is shown, ms: long enough to read three sentences. */
const SHOWN_MS = 12_000;

/** Shows a message to the person. A newer agent's notices are plain text. */
export interface Announcer {
  show(message: Message | string): void;
}

export class Toast implements Announcer {
  readonly element = h("div", { class: "toast", attrs: { role: "status", hidden: "" } });
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(message: Message | string): void {
    this.element.textContent = typeof message === "string" ? message : sentences(message);
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
