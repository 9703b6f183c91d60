/** A button that shows how much the surface is enlarged, and resets the enlargement. */

import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { texts } from "../texts.ts";

export class ZoomChip {
  readonly element: HTMLButtonElement;
  readonly #percent = h("span", {});

  constructor(onClick: () => void) {
    this.element = h(
      "button",
      { class: "zoom-chip", attrs: { type: "button", hidden: "" }, on: { click: onClick } },
      this.#percent,
      icon("window"),
    );
    // The keyboard focus stays with the desktop.
    this.element.addEventListener("mousedown", (event) => event.preventDefault());
  }

  /** Shows the scale in device pixels per surface pixel; hides the button with null. */
  show(scale: number | null): void {
    this.element.hidden = scale === null;
    if (scale === null) return;
    const percent = Math.round(scale * 100);
    const label = texts().zoom(percent);
    this.#percent.textContent = `${percent} %`;
    this.element.title = label;
    this.element.setAttribute("aria-label", label);
  }
}
