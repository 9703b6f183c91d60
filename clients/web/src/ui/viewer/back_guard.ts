/**
 * Asks before a swipe from the screen's edge leaves the desktop.
 *
 * The guard adds a history entry of its own; when the browser goes back to the entry before, it adds another one and
 * asks. Active on touch screens only: with a mouse, going back is intended.
 */

import { h } from "../dom.ts";
import { texts } from "../texts.ts";

export class BackGuard {
  readonly element = h("section", { class: "message-card question", attrs: { role: "alertdialog", hidden: "" } });
  readonly #onLeave: () => void;
  readonly #onStay: () => void;
  #armed = false;

  constructor(onLeave: () => void, onStay: () => void) {
    this.#onLeave = onLeave;
    this.#onStay = onStay;
  }

  arm(): void {
    if (navigator.maxTouchPoints === 0) return;
    this.#armed = true;
    if ((history.state as { guard?: boolean } | null)?.guard !== true)
      history.pushState({ guard: true }, "", location.href);
  }

  /** Handles that the browser went back. Returns true when the page stays and the person is asked. */
  back(): boolean {
    if (!this.#armed) return false;
    history.pushState({ guard: true }, "", location.href);
    this.#ask();
    return true;
  }

  #ask(): void {
    const t = texts().leave;
    const answer = (label: string, className: string, handle: () => void): HTMLButtonElement =>
      h(
        "button",
        {
          class: className,
          attrs: { type: "button" },
          on: {
            click: () => {
              this.element.hidden = true;
              handle();
            },
          },
        },
        label,
      );
    const stay = answer(t.stay, "primary", this.#onStay);
    this.element.setAttribute("aria-label", t.title);
    this.element.replaceChildren(
      h("div", { class: "message-text" }, h("strong", {}, t.title), h("p", {}, t.hint)),
      h("div", { class: "message-actions" }, stay, answer(t.leave, "secondary", this.#onLeave)),
    );
    this.element.hidden = false;
    stay.focus({ preventScroll: true });
  }
}
