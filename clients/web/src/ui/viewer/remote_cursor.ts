/**
 * The desktop's cursor.
 *
 * With a mouse the browser shows the cursor image itself. An image element shows the cursor where there is no mouse:
 * under a finger, or when a program moves the pointer.
 */

import type { AgentMessageOf } from "../../protocol/messages.ts";
import { h } from "../dom.ts";

/** How long the cursor is shown after a program moved it, ms. */
const SHOWN_MS = 1_200;

export class RemoteCursor {
  readonly element = h("img", { class: "remote-cursor", attrs: { alt: "", draggable: "false", hidden: "" } });
  readonly #canvas: HTMLCanvasElement;
  #hotX = 0;
  #hotY = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `canvas` is the surface over which the browser shows the cursor. */
  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  setShape(cursor: AgentMessageOf<"cursor">): void {
    if (cursor.png === null) {
      this.#canvas.style.cursor = "none";
      this.element.removeAttribute("src");
      this.element.hidden = true;
      return;
    }
    const url = `data:image/png;base64,${cursor.png}`;
    // Browsers ignore a CSS cursor whose hot spot is outside its image.
    this.#hotX = Math.max(0, Math.min(cursor.width - 1, cursor.hot_x));
    this.#hotY = Math.max(0, Math.min(cursor.height - 1, cursor.hot_y));
    this.#canvas.style.cursor = `url("${url}") ${this.#hotX} ${this.#hotY}, default`;
    this.element.src = url;
  }

  /** Shows the cursor's hot spot at a position in CSS px from the surface's corner; hides it again unless `permanent`. */
  showAt(left: number, top: number, permanent: boolean): void {
    if (!this.element.hasAttribute("src")) return;
    this.element.style.left = `${left - this.#hotX}px`;
    this.element.style.top = `${top - this.#hotY}px`;
    this.element.hidden = false;
    clearTimeout(this.#timer);
    if (!permanent) this.#timer = setTimeout(() => this.hide(), SHOWN_MS);
  }

  /** Hides the image element, because a mouse shows the cursor. */
  hide(): void {
    if (!this.element.hidden) this.element.hidden = true;
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
