/**
 * A swipe from the edge must not leave the desktop by accident: the page lays an entry of its own into the history, and asks when it is
 * taken away. Only where there are fingers; with a mouse, going back is meant.
 */

import { h } from "../dom.ts";
import { texts } from "../texts.ts";

export class BackGuard {
  readonly element = h("section", { class: "note question", attrs: { role: "alertdialog", hidden: "" } });
  readonly #leave: () => void;
  readonly #stay: () => void;
  #armed = false;

  constructor(leave: () => void, stay: () => void) {
    this.#leave = leave;
    this.#stay = stay;
  }

  arm(): void {
    if (navigator.maxTouchPoints === 0) return;
    this.#armed = true;
    if ((history.state as { guard?: boolean } | null)?.guard !== true)
      history.pushState({ guard: true }, "", location.href);
  }

  /** The browser went back. True when that was the guard's own entry: the page stays, and asks. */
  back(): boolean {
    if (!this.#armed) return false;
    history.pushState({ guard: true }, "", location.href);
    this.#ask();
    return true;
  }

  #ask(): void {
    const t = texts().leave;
    const answer = (label: string, kind: string, act: () => void): HTMLButtonElement =>
      h(
        "button",
        {
          class: kind,
          attrs: { type: "button" },
          on: {
            click: () => {
              this.element.hidden = true;
              act();
            },
          },
        },
        label,
      );
    const stay = answer(t.stay, "primary", this.#stay);
    this.element.setAttribute("aria-label", t.title);
    this.element.replaceChildren(
      h("div", { class: "note-text" }, h("strong", {}, t.title), h("p", {}, t.hint)),
      h("div", { class: "note-acts" }, stay, answer(t.leave, "secondary", this.#leave)),
    );
    this.element.hidden = false;
    stay.focus({ preventScroll: true });
  }
}
