/** The warning that the screen will be locked, with a countdown. */

import { h } from "../dom.ts";
import { texts } from "../texts.ts";

export class LockWarning {
  #element: HTMLElement | null = null;
  #count: HTMLElement | null = null;

  /** Shows the seconds that remain. Any input of the person hides the warning. */
  show(seconds: number): void {
    if (this.#element === null) this.#draw();
    const text = texts().lock.seconds(seconds);
    if (this.#count !== null && this.#count.textContent !== text) this.#count.textContent = text;
  }

  hide(): void {
    this.#element?.remove();
    this.#element = null;
    this.#count = null;
  }

  #draw(): void {
    const { what, why, next } = texts().messages.lock.warning;
    // Screen readers read the sentences once, and not every second of the countdown.
    this.#count = h("span", { class: "lock-count", attrs: { "aria-hidden": "true" } });
    this.#element = h(
      "section",
      { class: "lock-warning", attrs: { role: "alert" } },
      h("div", { class: "message-text" }, h("strong", {}, what), h("p", {}, `${why} ${next}`)),
      this.#count,
      h("button", { class: "primary", attrs: { type: "button" } }, texts().lock.stay),
    );
    document.body.append(this.#element);
  }
}
