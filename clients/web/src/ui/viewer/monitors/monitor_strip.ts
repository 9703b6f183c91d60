/** The monitors beside the badge, a number each: which one this window shows, a tap or a swipe away from the others. */

import type { Monitor } from "../../../protocol/messages.ts";
import { button, h } from "../../dom.ts";
import { icon } from "../../icons.ts";
import { texts } from "../../texts.ts";
import { reading } from "./monitor_order.ts";
import { onSwipe, type Swipe } from "./swipe_core.ts";

export interface StripActs {
  show(monitor: number): void;
  swiped(swipe: Swipe): void;
  /** Two side by side, or one again. */
  beside(on: boolean): void;
}

export interface StripState {
  readonly monitors: readonly Monitor[];
  readonly shown: readonly number[];
  /** Whether two are shown side by side; null where there is no room for it. */
  readonly beside: boolean | null;
}

export class MonitorStrip {
  readonly element = h("div", { class: "strip", attrs: { role: "group", hidden: "" } });
  readonly #acts: StripActs;
  #state: StripState = { monitors: [], shown: [], beside: null };
  #drawn = "";

  constructor(acts: StripActs, signal: AbortSignal) {
    this.#acts = acts;
    onSwipe(
      this.element,
      1,
      signal,
      () => true,
      (swipe) => acts.swiped(swipe),
    );
  }

  show(state: StripState): void {
    this.#state = state;
    const { monitors, shown, beside } = state;
    const drawn = JSON.stringify([reading(monitors), shown, beside]);
    // A button that is made anew under a finger would lose its tap.
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.redraw();
  }

  redraw(): void {
    const t = texts().monitors;
    const { monitors, shown, beside } = this.#state;
    this.element.hidden = monitors.length < 2;
    this.element.setAttribute("aria-label", t.title);
    const numbers = reading(monitors).map((monitor) =>
      h(
        "button",
        {
          class: "strip-number",
          attrs: {
            type: "button",
            "data-strip": String(monitor),
            "aria-current": String(shown.includes(monitor)),
            "aria-label": t.name(monitor + 1),
            title: t.name(monitor + 1),
          },
          on: { click: () => this.#acts.show(monitor) },
        },
        String(monitor + 1),
      ),
    );
    const two = button(t.beside, icon("beside"), "quiet square", () => this.#acts.beside(beside !== true));
    two.dataset.act = "strip-beside";
    two.setAttribute("aria-pressed", String(beside === true));
    this.element.replaceChildren(...numbers, ...(beside === null ? [] : [two]));
  }
}
