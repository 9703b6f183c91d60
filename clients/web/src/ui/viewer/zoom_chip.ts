/** Says how far the person enlarged the picture, and takes it back. */

import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { texts } from "../texts.ts";

export class ZoomChip {
  readonly element: HTMLButtonElement;
  readonly #figure = h("span", {});

  constructor(reset: () => void) {
    this.element = h(
      "button",
      { class: "zoom-chip", attrs: { type: "button", hidden: "" }, on: { click: reset } },
      this.#figure,
      icon("window"),
    );
    this.element.addEventListener("mousedown", (event) => event.preventDefault());
  }

  /** Device pixels per pixel of the surface; null when nothing is enlarged. */
  show(scale: number | null): void {
    this.element.hidden = scale === null;
    if (scale === null) return;
    const percent = Math.round(scale * 100);
    const label = texts().zoom(percent);
    this.#figure.textContent = `${percent} %`;
    this.element.title = label;
    this.element.setAttribute("aria-label", label);
  }
}
