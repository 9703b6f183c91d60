/**
 * Asks before a swipe from the screen's edge, or the mouse's back button in Firefox, leaves the desktop.
 *
 * The guard adds a history entry of its own; when the browser goes back to the entry before, it adds another one and
 * asks. Elsewhere the back button is a button of the desktop's mouse, and going back is intended.
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
    if (navigator.maxTouchPoints > 0) this.#addEntry();
    // Firefox skips entries in which nobody did anything, and with them the entry that the guard waits for.
    else if (hidesBackButton()) addEventListener("pointerup", () => this.#addEntry(), { once: true });
  }

  /** Handles that the browser went back. Returns true when the page stays and the person is asked. */
  back(): boolean {
    if (!this.#armed) return false;
    history.pushState({ guard: true }, "", location.href);
    this.#ask();
    return true;
  }

  #addEntry(): void {
    if (!this.element.isConnected) return;
    this.#armed = true;
    if ((history.state as { guard?: boolean } | null)?.guard !== true)
      history.pushState({ guard: true }, "", location.href);
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

/**
 * Returns whether the browser goes back by the mouse's button without an event for the page, as Firefox does
 * (widget/gtk/nsWindow.cpp, `OnButtonPressEvent`).
 */
function hidesBackButton(): boolean {
  return navigator.userAgent.includes("Firefox/");
}
