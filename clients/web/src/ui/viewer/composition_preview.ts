/** Shows the text that an input method is composing: the field that holds it lies under the surface. */

import { h } from "../dom.ts";

export class CompositionPreview {
  readonly element = h("div", { class: "composing", attrs: { "aria-hidden": "true", hidden: "" } });

  /** Shows the text; hides the preview when it is empty. */
  show(text: string): void {
    this.element.textContent = text;
    this.element.hidden = text === "";
  }
}
