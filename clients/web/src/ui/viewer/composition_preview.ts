/**
 * Shows the text that an input method of this device is composing, at the desktop's caret: the field that holds the text
 * is invisible. Where the caret is unknown, the preview stands below the last press.
 */

import { h } from "../dom.ts";
import type { CompositionPlace, Viewport } from "./viewport.ts";

/** Distance of the preview below a press, CSS px: the finger or the line that was pressed stays visible. */
const BELOW_PRESS_PX = 18;
/** Smallest distance of the preview from the edges of the visible part of the page, CSS px. */
const EDGE_PX = 6;
/** Part of a caret's height that the letters beside it have. */
const LETTER_FRACTION = 0.78;
/** Letters at the caret are at least and at most this large, CSS px: some programs report carets as high as the field. */
const LETTER_MIN_PX = 14;
const LETTER_MAX_PX = 22;

interface PreviewSize {
  readonly width: number;
  readonly height: number;
}

/** Returns the upper left corner of a preview of this size, CSS px on the page, which is `pageWidth` wide. */
export function previewCorner(
  place: CompositionPlace,
  size: PreviewSize,
  pageWidth: number,
): { readonly x: number; readonly y: number } {
  const atCaret = place.height > 0;
  const highest = EDGE_PX;
  const lowest = place.bottom - EDGE_PX - size.height;
  const below = place.y + BELOW_PRESS_PX;
  const wanted = atCaret
    ? place.y + (place.height - size.height) / 2
    : below <= lowest
      ? below
      : place.y - BELOW_PRESS_PX - size.height;
  return {
    x: Math.max(EDGE_PX, Math.min(place.x, pageWidth - EDGE_PX - size.width)),
    y: Math.max(highest, Math.min(wanted, lowest)),
  };
}

export class CompositionPreview {
  readonly element = h("div", { class: "composing", attrs: { "aria-hidden": "true", hidden: "" } });
  readonly #viewport: Viewport;

  constructor(viewport: Viewport) {
    this.#viewport = viewport;
  }

  /** Shows the text; hides the preview when it is empty. */
  show(text: string): void {
    this.element.textContent = text;
    this.element.hidden = text === "";
    this.place();
  }

  /** Moves the preview to the caret, which may have moved. */
  place(): void {
    if (this.element.hidden) return;
    const { element } = this;
    const place = this.#viewport.composition;
    element.dataset.at = place.height > 0 ? "caret" : "press";
    const letterPx = Math.min(LETTER_MAX_PX, Math.max(LETTER_MIN_PX, place.height * LETTER_FRACTION));
    element.style.fontSize = place.height > 0 ? `${letterPx}px` : "";
    const size = { width: element.offsetWidth, height: element.offsetHeight };
    const { x, y } = previewCorner(place, size, window.innerWidth);
    element.style.left = `${x}px`;
    element.style.top = `${y}px`;
  }
}
