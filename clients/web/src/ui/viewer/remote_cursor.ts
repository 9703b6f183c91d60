/**
 * The desktop's cursor: one of its pixels covers as much of the page as one pixel of the desktop.
 *
 * With a mouse the browser shows the cursor image itself, because that follows the hand without the delay of a frame. An image element
 * shows the cursor where the browser cannot: under a finger, when a program moves the pointer, and for large cursors, which browsers
 * replace by an arrow at the edges of the page (32 CSS px) or everywhere (128 CSS px).
 */

import type { AgentMessageOf } from "../../protocol/messages.ts";
import { h } from "../dom.ts";

/** How long the cursor is shown after a program moved it, ms. */
const SHOWN_MS = 1_200;
/** Largest cursor that browsers show everywhere on a page, CSS px. */
const BROWSER_MAX_PX = 32;
/** Scales that differ by less show the same cursor. */
const SCALE_TOLERANCE = 1e-6;

type Cursor = AgentMessageOf<"cursor"> & { readonly png: string };

export class RemoteCursor {
  readonly element = h("img", { class: "remote-cursor", attrs: { alt: "", draggable: "false", hidden: "" } });
  readonly #canvas: HTMLCanvasElement;
  readonly #abort = new AbortController();
  /** The latest cursor; null while a program hides it. */
  #cursor: Cursor | null = null;
  /** CSS px per pixel of the desktop. */
  #scale = 1 / window.devicePixelRatio;
  /** Whether the element shows the cursor under the mouse as well. */
  #followsMouse = false;
  /** Position of the hot spot in CSS px from the surface's corner. */
  #position = { left: 0, top: 0 };
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `canvas` is the surface over which the browser shows the cursor. */
  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    const { signal } = this.#abort;
    for (const type of ["pointermove", "pointerdown", "pointerup"] as const)
      canvas.addEventListener(type, (event) => this.#mouseMoved(event), { signal });
    canvas.addEventListener("pointerleave", () => this.#mouseLeft(), { signal });
  }

  setShape(cursor: AgentMessageOf<"cursor">): void {
    const { png } = cursor;
    if (png === null) {
      this.#cursor = null;
      this.#followsMouse = false;
      this.#canvas.style.cursor = "none";
      this.element.removeAttribute("src");
      this.element.hidden = true;
      return;
    }
    // Browsers ignore a CSS cursor whose hot spot is outside its image.
    const hot_x = Math.max(0, Math.min(cursor.width - 1, cursor.hot_x));
    const hot_y = Math.max(0, Math.min(cursor.height - 1, cursor.hot_y));
    this.#cursor = { ...cursor, png, hot_x, hot_y };
    this.element.src = dataUrl(png);
    this.#show();
  }

  /** Sets how many CSS px a pixel of the desktop covers. */
  setScale(cssPxPerPixel: number): void {
    if (Math.abs(cssPxPerPixel - this.#scale) < SCALE_TOLERANCE) return;
    this.#scale = cssPxPerPixel;
    this.#show();
  }

  /** Shows the cursor's hot spot at a position in CSS px from the surface's corner; hides it again unless `permanent`. */
  showAt(left: number, top: number, permanent: boolean): void {
    if (this.#cursor === null) return;
    this.#position = { left, top };
    this.#place();
    this.element.hidden = false;
    clearTimeout(this.#timer);
    if (!permanent) this.#timer = setTimeout(() => this.hide(), SHOWN_MS);
  }

  /** Hides the image element where the browser shows the cursor under the mouse. */
  hide(): void {
    if (!this.#followsMouse && !this.element.hidden) this.element.hidden = true;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  #show(): void {
    const cursor = this.#cursor;
    if (cursor === null) return;
    const width = cursor.width * this.#scale;
    const height = cursor.height * this.#scale;
    this.element.style.width = `${width}px`;
    this.element.style.height = `${height}px`;
    this.#place();
    const before = this.#followsMouse;
    this.#followsMouse = Math.max(width, height) > BROWSER_MAX_PX;
    if (before && !this.#followsMouse) this.element.hidden = true;
    this.#canvas.style.cursor = this.#followsMouse ? "none" : cssCursor(cursor, this.#scale);
  }

  #place(): void {
    const cursor = this.#cursor;
    if (cursor === null) return;
    this.element.style.left = `${this.#position.left - cursor.hot_x * this.#scale}px`;
    this.element.style.top = `${this.#position.top - cursor.hot_y * this.#scale}px`;
  }

  #mouseMoved(event: PointerEvent): void {
    if (!this.#followsMouse || event.pointerType === "touch") return;
    const box = this.#canvas.getBoundingClientRect();
    this.showAt(event.clientX - box.left, event.clientY - box.top, true);
  }

  #mouseLeft(): void {
    if (this.#followsMouse) this.element.hidden = true;
  }
}

function dataUrl(png: string): string {
  return `data:image/png;base64,${png}`;
}

/** Returns the CSS `cursor` that shows each pixel of the image as `scale` CSS px. */
function cssCursor(cursor: Cursor, scale: number): string {
  const hot = `${Math.floor(cursor.hot_x * scale)} ${Math.floor(cursor.hot_y * scale)}`;
  if (Math.abs(scale - 1) < SCALE_TOLERANCE) return `url("${dataUrl(cursor.png)}") ${hot}, default`;
  // An image of 2x has two pixels per CSS px. Older engines know the prefixed function alone.
  for (const name of ignoresDensity() ? [] : ["image-set", "-webkit-image-set"]) {
    const value = `${name}(url("${dataUrl(cursor.png)}") ${1 / scale}x) ${hot}, default`;
    if (CSS.supports("cursor", value)) return value;
  }
  // Firefox has no image-set here, but draws SVG images of any size at the display's density. WebKitGTK draws them as well.
  const size = `width="${cursor.width * scale}" height="${cursor.height * scale}"`;
  const image = `<image href="${dataUrl(cursor.png)}" width="${cursor.width}" height="${cursor.height}"/>`;
  const view = `viewBox="0 0 ${cursor.width} ${cursor.height}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${view}>${image}</svg>`;
  return `url("data:image/svg+xml;base64,${btoa(svg)}") ${hot}, default`;
}

/**
 * Returns whether this is WebKitGTK, which accepts the density of a cursor and ignores it
 * (Source/WebCore/platform/gtk/CursorGtk.cpp, `createCustomCursor`).
 */
function ignoresDensity(): boolean {
  const agent = navigator.userAgent;
  return /X11|Wayland|Linux/.test(agent) && agent.includes("AppleWebKit/") && !agent.includes("Chrome/");
}
