/** A row of buttons beside the badge, one per monitor: a tap or a swipe shows another monitor. */

import type { Monitor } from "../../../protocol/messages.ts";
import { button, h } from "../../dom.ts";
import { Emitter } from "../../emitter.ts";
import { icon } from "../../icons.ts";
import { texts } from "../../texts.ts";
import { readingOrder } from "./monitor_order.ts";
import { listenForSwipes, type Swipe } from "./swipe_core.ts";

export interface StripState {
  readonly monitors: readonly Monitor[];
  /** Numbers of the monitors that this window shows. */
  readonly shown: readonly number[];
  /** Whether two monitors are shown side by side; null where that is impossible. */
  readonly split: boolean | null;
}

export class MonitorStrip {
  readonly element = h("div", { class: "strip", attrs: { role: "group", hidden: "", "data-handles-drags": "" } });
  /** Announces the number of a monitor that was tapped. */
  readonly chosen = new Emitter<number>();
  readonly swiped = new Emitter<Swipe>();
  /** Announces whether the person wants two monitors side by side. */
  readonly splitChosen = new Emitter<boolean>();
  #state: StripState = { monitors: [], shown: [], split: null };
  #drawn = "";

  constructor(signal: AbortSignal) {
    listenForSwipes(
      this.element,
      1,
      signal,
      () => true,
      (swipe) => this.swiped.emit(swipe),
    );
  }

  show(state: StripState): void {
    this.#state = state;
    const { monitors, shown, split } = state;
    const drawn = JSON.stringify([readingOrder(monitors), shown, split]);
    // A button that is replaced under a finger gets no click.
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.redraw();
  }

  /** Redraws all buttons after the state or the language changed. */
  redraw(): void {
    const t = texts().monitors;
    const { monitors, shown, split } = this.#state;
    this.element.hidden = monitors.length < 2;
    this.element.setAttribute("aria-label", t.title);
    const numbers = readingOrder(monitors).map((monitor) =>
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
          on: { click: () => this.chosen.emit(monitor) },
        },
        String(monitor + 1),
      ),
    );
    const splitButton = button(t.split, icon("split"), "quiet square", () => this.splitChosen.emit(split !== true));
    splitButton.dataset.act = "strip-split";
    splitButton.setAttribute("aria-pressed", String(split === true));
    this.element.replaceChildren(...numbers, ...(split === null ? [] : [splitButton]));
  }
}
