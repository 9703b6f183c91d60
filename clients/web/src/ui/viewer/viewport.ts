/** The surface on the page: its size and place in CSS px, and whether it is shown one to one. */

import {
  type Box,
  type Extent,
  isOneToOne,
  layout,
  naturalMode,
  unclampedPixelAt,
  pixelAt,
  type ViewMode,
} from "../../input/geometry.ts";
import type { AgentMessageOf } from "../../protocol/messages.ts";
import { h } from "../dom.ts";
import { setViewMode, viewMode } from "../preferences.ts";
import { Reduction } from "./downscaled_view.ts";
import { Zoom } from "./zoom.ts";

/** What comes into sight stands at least this far from the edge, CSS px. */
const REVEAL_PX = 48;
/** The text field follows a press after this: sooner than anybody types, later than the desktop answers. */
const FIELD_AFTER_MS = 150;

/** How the surface comes to the size that is shown: not at all, as squares, averaged, or by whatever the browser does. */
export type Scaling = "none" | "squares" | "area" | "browser";

export interface StageView {
  readonly oneToOne: boolean;
  /** Device pixels per CSS px. */
  readonly ratio: number;
  readonly mode: ViewMode;
  /** Device pixels per pixel of the surface. */
  readonly scale: number;
  readonly scaling: Scaling;
  /** The person enlarged the picture by hand. */
  readonly zoomed: boolean;
  /** The picture is larger than the stage: two fingers pan it. */
  readonly pannable: boolean;
}

export class Stage {
  /** Fills the window; scrolls when the surface is larger. */
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** Lies under the canvas and has the keyboard. */
  readonly field: HTMLTextAreaElement;
  /** The desktop's pointer, where the person's own cannot show it. */
  readonly ghost: HTMLImageElement;
  readonly #sheet: HTMLElement;
  readonly #reduction: Reduction;
  readonly #changed: (view: StageView) => void;
  readonly #abort = new AbortController();
  readonly #sizes: ResizeObserver;
  #surface: Extent | null = null;
  #mode: ViewMode = "actual";
  #box: Box = { x: 0, y: 0, width: 0, height: 0 };
  readonly #zoom = new Zoom();
  /** CSS px at the lower edge that a soft keyboard and its bar cover. */
  #coverPx = 0;
  /** Device pixels that the canvas covers, as the browser counts them; null where it does not say. */
  #devicePixels: Extent | null = null;
  /** The canvas on the page; null after anything that may have moved it. */
  #onPage: Box | null = null;
  #fieldTimer: ReturnType<typeof setTimeout> | undefined;
  #ghostTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(monitor: number, name: string, fieldLabel: string, changed: (view: StageView) => void) {
    this.#changed = changed;
    this.canvas = h("canvas", {
      class: "surface",
      attrs: { "data-monitor": String(monitor), role: "img", "aria-label": name },
    });
    this.field = h("textarea", {
      class: "live-field",
      attrs: {
        "aria-label": fieldLabel,
        autocapitalize: "off",
        autocomplete: "off",
        autocorrect: "off",
        spellcheck: "false",
        rows: "1",
        "data-gramm": "false",
      },
    });
    this.ghost = h("img", { class: "ghost", attrs: { alt: "", draggable: "false", hidden: "" } });
    this.#sheet = h("div", { class: "sheet" }, this.field, this.canvas, this.ghost);
    this.element = h("div", { class: "stage" }, this.#sheet);
    this.#reduction = new Reduction(this.canvas);
    const { signal } = this.#abort;
    const moved = (): void => {
      this.#onPage = null;
    };
    this.element.addEventListener("scroll", moved, { signal, passive: true });
    window.addEventListener("resize", () => this.arrange(), { signal });
    window.visualViewport?.addEventListener("resize", () => this.arrange(), { signal });
    window.visualViewport?.addEventListener("scroll", moved, { signal });
    this.#sizes = new ResizeObserver((entries) => this.#resized(entries));
    this.#sizes.observe(this.element);
    try {
      this.#sizes.observe(this.canvas, { box: "device-pixel-content-box" });
    } catch {
      this.#sizes.observe(this.canvas); // Safari has no such box; CSS px × ratio must do.
    }
  }

  get mode(): ViewMode {
    return this.#mode;
  }

  /** The monitor has this size, px. */
  open(surface: Extent): void {
    this.#surface = surface;
    this.arrange();
  }

  choose(mode: ViewMode): void {
    setViewMode(mode);
    this.#zoom.reset();
    this.arrange();
  }

  /** Back from what fingers made of it. */
  unzoom(): void {
    this.#zoom.reset();
    this.arrange();
  }

  /** Pans by dx, dy and enlarges by `factor` around x, y: CSS px on the page. */
  view(x: number, y: number, dxPx: number, dyPx: number, factor: number): void {
    if (this.#surface === null) return;
    const { element } = this;
    this.#zoom.take({ x: this.#box.x - element.scrollLeft, y: this.#box.y - element.scrollTop });
    element.scrollTo(0, 0);
    this.#zoom.move(x - element.offsetLeft, y - element.offsetTop, dxPx, dyPx, factor);
    this.arrange();
  }

  /** A soft keyboard covers so much of the lower edge: the picture keeps its size, and the text that is typed comes into sight. */
  cover(coverPx: number): void {
    if (Math.abs(coverPx - this.#coverPx) < 1) return;
    this.#coverPx = coverPx;
    this.arrange();
    if (coverPx > 0) this.#reveal(this.field.offsetLeft, this.field.offsetTop);
  }

  /** Brings a pixel of the monitor into sight, where the picture is larger than the stage. */
  reveal(x: number, y: number): void {
    if (this.#surface === null) return;
    this.#reveal((x / this.#surface.width) * this.#box.width, (y / this.#surface.height) * this.#box.height);
  }

  /** What the stage has room for, device px. */
  get room(): Extent {
    const ratio = window.devicePixelRatio;
    const { offsetWidth, offsetHeight } = this.element;
    return { width: Math.round(offsetWidth * ratio), height: Math.round(offsetHeight * ratio) };
  }

  /** The monitor's size, and how many of its pixels a CSS px covers. */
  get scale(): { readonly width: number; readonly height: number; readonly perCssPx: number } {
    const { width, height } = this.#surface ?? { width: 1, height: 1 };
    return { width, height, perCssPx: this.#box.width > 0 ? width / this.#box.width : 1 };
  }

  locate(clientX: number, clientY: number): { x: number; y: number } {
    const surface = this.#surface;
    if (surface === null) return { x: 0, y: 0 };
    // Measured once after each change: a measurement per event could make the browser lay out the page first.
    this.#onPage ??= this.canvas.getBoundingClientRect();
    return pixelAt(this.#onPage, surface, clientX, clientY);
  }

  /** The same, beyond the picture's edges as well. */
  around(clientX: number, clientY: number): { x: number; y: number } {
    const surface = this.#surface;
    if (surface === null) return { x: 0, y: 0 };
    this.#onPage ??= this.canvas.getBoundingClientRect();
    return unclampedPixelAt(this.#onPage, surface, clientX, clientY);
  }

  /** Whether a place on the page is on the picture. */
  holds(clientX: number, clientY: number): boolean {
    this.#onPage ??= this.canvas.getBoundingClientRect();
    const { x, y, width, height } = this.#onPage;
    return clientX >= x && clientX < x + width && clientY >= y && clientY < y + height;
  }

  arrange(): void {
    this.#onPage = null;
    const surface = this.#surface;
    if (surface === null) return;
    const ratio = window.devicePixelRatio;
    const stage = { width: this.element.clientWidth, height: this.element.clientHeight };
    if (stage.width === 0 || stage.height === 0) return;
    const window_ = { width: this.element.offsetWidth, height: this.element.offsetHeight };
    this.#mode = viewMode() ?? naturalMode(window_, surface, ratio);
    this.element.dataset.view = this.#mode;
    const room = this.#mode === "fit" ? window_ : stage;
    this.#box = this.#zoom.box(layout(room, surface, ratio, this.#mode), window_, this.#coverPx, surface, ratio);
    this.element.dataset.free = String(this.#zoom.active || this.#coverPx > 0);
    const { style } = this.#sheet;
    style.left = `${this.#box.x}px`;
    style.top = `${this.#box.y}px`;
    style.width = `${this.#box.width}px`;
    style.height = `${this.#box.height}px`;
    this.#report();
  }

  /** The desktop's pointer has this shape now. */
  cursor(cursor: AgentMessageOf<"cursor">): void {
    const { canvas, ghost } = this;
    if (cursor.png === null) {
      canvas.style.cursor = "none";
      ghost.removeAttribute("src");
      ghost.hidden = true;
      return;
    }
    const url = `data:image/png;base64,${cursor.png}`;
    // A hot spot outside the picture would make browsers drop the whole rule.
    const hotX = Math.max(0, Math.min(cursor.width - 1, cursor.hot_x));
    const hotY = Math.max(0, Math.min(cursor.height - 1, cursor.hot_y));
    canvas.style.cursor = `url("${url}") ${hotX} ${hotY}, default`;
    ghost.src = url;
    ghost.dataset.hotX = String(hotX);
    ghost.dataset.hotY = String(hotY);
  }

  /** Shows the desktop's pointer at a pixel of the monitor: for good under a finger, else for a moment. */
  pointAt(x: number, y: number, forGood: boolean): void {
    const surface = this.#surface;
    if (surface === null || !this.ghost.hasAttribute("src")) return;
    const hotX = Number(this.ghost.dataset.hotX ?? 0);
    const hotY = Number(this.ghost.dataset.hotY ?? 0);
    this.ghost.style.left = `${((x + 0.5) / surface.width) * this.#box.width - hotX}px`;
    this.ghost.style.top = `${((y + 0.5) / surface.height) * this.#box.height - hotY}px`;
    this.ghost.hidden = false;
    clearTimeout(this.#ghostTimer);
    if (!forGood) {
      this.#ghostTimer = setTimeout(() => {
        this.ghost.hidden = true;
      }, 1_200);
    }
  }

  /**
   * Puts the text field where the person works: input methods show their candidates beside it. Not at once: a press
   * that changes the page asks for a frame, and until that is drawn Chromium hands over nothing, nor what the desktop
   * answers.
   */
  placeField(clientX: number, clientY: number): void {
    clearTimeout(this.#fieldTimer);
    this.#fieldTimer = setTimeout(() => {
      this.#onPage ??= this.canvas.getBoundingClientRect();
      const left = Math.max(0, Math.min(this.#box.width - 40, clientX - this.#onPage.x));
      const top = Math.max(0, Math.min(this.#box.height - 40, clientY - this.#onPage.y));
      this.field.style.left = `${left}px`;
      this.field.style.top = `${top}px`;
    }, FIELD_AFTER_MS);
  }

  /** The pointer is the mouse's own. */
  hideGhost(): void {
    if (!this.ghost.hidden) this.ghost.hidden = true;
  }

  #reveal(left: number, top: number): void {
    const { offsetWidth, offsetHeight } = this.element;
    const x = this.#box.x + left;
    const y = this.#box.y + top;
    const into = (place: number, low: number, high: number): number =>
      place < low ? low - place : place > high ? high - place : 0;
    const dxPx = into(x, REVEAL_PX, offsetWidth - REVEAL_PX);
    const dyPx = into(y, REVEAL_PX, offsetHeight - this.#coverPx - REVEAL_PX);
    if (dxPx !== 0 || dyPx !== 0) this.view(0, 0, dxPx, dyPx, 1);
  }

  close(): void {
    clearTimeout(this.#fieldTimer);
    clearTimeout(this.#ghostTimer);
    this.#abort.abort();
    this.#sizes.disconnect();
    this.#reduction.close();
  }

  #resized(entries: readonly ResizeObserverEntry[]): void {
    for (const entry of entries) {
      if (entry.target !== this.canvas) this.arrange();
      const size = entry.target === this.canvas ? entry.devicePixelContentBoxSize?.[0] : undefined;
      if (size !== undefined) this.#devicePixels = { width: size.inlineSize, height: size.blockSize };
    }
    this.#onPage = null;
    this.#report();
  }

  #report(): void {
    const surface = this.#surface;
    if (surface === null) return;
    const ratio = window.devicePixelRatio;
    // What the layout wants and what the browser made of it must both be 1:1, and nobody may have pinched the page.
    const wanted = { width: this.#box.width * ratio, height: this.#box.height * ratio };
    const pinched = Math.abs((window.visualViewport?.scale ?? 1) - 1) > 0.001;
    const oneToOne = !pinched && isOneToOne(wanted, surface) && isOneToOne(this.#devicePixels ?? wanted, surface);
    this.element.dataset.oneToOne = String(oneToOne);
    const scale = wanted.width / surface.width;
    // Enlarged by a whole number, every pixel stays a square of its own colour.
    const whole = Math.abs(scale - Math.round(scale)) * surface.width < 1 && scale > 0.5;
    this.element.dataset.whole = String(whole && !pinched);
    const shown = { width: Math.round(wanted.width), height: Math.round(wanted.height) };
    const smaller = shown.width < surface.width || shown.height < surface.height;
    const averaged = this.#reduction.show(smaller ? shown : null, ratio);
    const scaling = oneToOne ? "none" : averaged ? "area" : whole && !pinched ? "squares" : "browser";
    this.element.dataset.scaling = scaling;
    const { offsetWidth, offsetHeight } = this.element;
    const pannable = this.#box.width > offsetWidth + 1 || this.#box.height > offsetHeight - this.#coverPx + 1;
    this.#changed({ oneToOne, ratio, mode: this.#mode, scale, scaling, zoomed: this.#zoom.enlarged, pannable });
  }
}
