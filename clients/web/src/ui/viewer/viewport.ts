/** The part of the page that displays a surface: computes the surface's size and position, and whether it is shown 1:1. */

import {
  type Box,
  type Extent,
  isOneToOne,
  layout,
  naturalMode,
  pixelAt,
  unclampedPixelAt,
  type ViewMode,
} from "../../input/geometry.ts";
import { h } from "../dom.ts";
import { Emitter } from "../emitter.ts";
import { viewMode } from "../preferences.ts";
import { DownscaledView } from "./downscaled_view.ts";
import { RemoteCursor } from "./remote_cursor.ts";
import { Zoom } from "./zoom.ts";

/** Distance from the viewport's edges that a revealed position keeps at least, CSS px. */
const REVEAL_MARGIN_PX = 48;
/** Space that the text field keeps to the surface's right and lower edges, CSS px. */
const FIELD_MARGIN_PX = 40;
/** The text field does not follow a caret that is this near on the same line, CSS px: each move costs a frame. */
const FIELD_NEAR_PX = 160;
const FIELD_SAME_LINE_PX = 8;
/**
 * Delay after which the text field moves to a press, ms: sooner than anybody types, later than the desktop answers.
 * Moving it changes the page; until the next frame is drawn, Chromium then delivers no messages, such as the answer.
 */
const MOVE_FIELD_AFTER_MS = 150;

/**
 * How the surface is scaled to its displayed size: not at all, to squares of whole device pixels, by averaging
 * (`DownscaledView`), or by the browser's filter.
 */
export type Scaling = "none" | "squares" | "area" | "browser";

export interface ViewportState {
  /** One surface pixel covers exactly one device pixel. */
  readonly oneToOne: boolean;
  /** Device pixels per CSS px. */
  readonly ratio: number;
  readonly mode: ViewMode;
  /** Device pixels per surface pixel. */
  readonly scale: number;
  readonly scaling: Scaling;
  /** The person enlarged the surface with a pinch. */
  readonly zoomed: boolean;
  /** The surface is larger than the viewport, so that two fingers pan it. */
  readonly pannable: boolean;
}

export interface ViewportLabels {
  readonly surface: string;
  readonly field: string;
}

interface Position {
  readonly x: number;
  readonly y: number;
}

/** Where composed text belongs, CSS px on the page. */
export interface CompositionPlace extends Position {
  /** Height of the desktop's caret; 0 where it is unknown and the place is that of the last press. */
  readonly height: number;
  /** What is below this is covered by a soft keyboard or the key bar. */
  readonly bottom: number;
}

export class Viewport {
  /** Fills the window; scrolls when the surface is larger. */
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** The text field that has the keyboard focus; it lies under the canvas. */
  readonly field: HTMLTextAreaElement;
  readonly cursor: RemoteCursor;
  /** Announces that size, scale or mode may have changed. */
  readonly changes = new Emitter<ViewportState>();
  /** Has the surface's box; holds everything that moves with the surface. */
  readonly #surfaceBox: HTMLElement;
  readonly #downscaled: DownscaledView;
  readonly #abort = new AbortController();
  readonly #sizes: ResizeObserver;
  readonly #zoom = new Zoom();
  /** The monitor's size, px; null before the first connection. */
  #surface: Extent | null = null;
  #box: Box = { x: 0, y: 0, width: 0, height: 0 };
  /** Height at the lower edge that a soft keyboard and the key bar cover, and that of the key bar alone, CSS px. */
  #coveredPx = 0;
  #keyBarPx = 0;
  /** The desktop's caret, px on the monitor; null while it is unknown, and after a press that may have moved it. */
  #caret: Box | null = null;
  /** Device pixels that the canvas covers according to the browser; null where the browser does not report them. */
  #devicePixels: Extent | null = null;
  /** The canvas's position on the page; null after anything that may have moved it. */
  #canvasOnPage: Box | null = null;
  #fieldTimer: ReturnType<typeof setTimeout> | undefined;
  #state: ViewportState = {
    oneToOne: false,
    ratio: window.devicePixelRatio,
    mode: "fit",
    scale: 1,
    scaling: "none",
    zoomed: false,
    pannable: false,
  };

  constructor(monitor: number, labels: ViewportLabels) {
    this.canvas = h("canvas", {
      class: "surface",
      attrs: { "data-monitor": String(monitor), role: "img", "aria-label": labels.surface },
    });
    this.field = h("textarea", {
      class: "keyboard-field",
      attrs: {
        "aria-label": labels.field,
        autocapitalize: "off",
        autocomplete: "off",
        autocorrect: "off",
        spellcheck: "false",
        rows: "1",
        "data-gramm": "false",
      },
    });
    this.cursor = new RemoteCursor(this.canvas);
    this.#surfaceBox = h("div", { class: "surface-box" }, this.field, this.canvas, this.cursor.element);
    this.element = h("div", { class: "viewport" }, this.#surfaceBox);
    this.#downscaled = new DownscaledView(this.canvas);
    const { signal } = this.#abort;
    const moved = (): void => {
      this.#canvasOnPage = null;
    };
    this.element.addEventListener("scroll", moved, { signal, passive: true });
    window.addEventListener("resize", () => this.updateLayout(), { signal });
    window.visualViewport?.addEventListener("resize", () => this.updateLayout(), { signal });
    window.visualViewport?.addEventListener("scroll", moved, { signal });
    this.#sizes = new ResizeObserver((entries) => this.#onResized(entries));
    this.#sizes.observe(this.element);
    try {
      this.#sizes.observe(this.canvas, { box: "device-pixel-content-box" });
    } catch {
      this.#sizes.observe(this.canvas); // Safari has no such box: CSS px × ratio is used instead.
    }
  }

  get state(): ViewportState {
    return this.#state;
  }

  /** The size that the viewport has for a monitor, device px: it ends above the key bar. */
  get deviceSize(): Extent {
    const ratio = window.devicePixelRatio;
    const { offsetWidth, offsetHeight } = this.element;
    return { width: Math.round(offsetWidth * ratio), height: Math.round((offsetHeight - this.#keyBarPx) * ratio) };
  }

  /** The surface's size in px, and how many surface pixels a CSS px covers. */
  get surfaceScale(): Extent & { readonly perCssPx: number } {
    const { width, height } = this.#surface ?? { width: 1, height: 1 };
    return { width, height, perCssPx: this.#box.width > 0 ? width / this.#box.width : 1 };
  }

  /** Sets the monitor's size, px. */
  setSurfaceSize(surface: Extent): void {
    this.#surface = surface;
    this.updateLayout();
  }

  /** Undoes what the person did with a pinch. */
  resetZoom(): void {
    this.#zoom.reset();
    this.updateLayout();
  }

  /** Pans by dxPx, dyPx and enlarges by `factor` around x, y: CSS px on the page. */
  panAndZoom(x: number, y: number, dxPx: number, dyPx: number, factor: number): void {
    if (this.#surface === null) return;
    const { element } = this;
    this.#zoom.start({ x: this.#box.x - element.scrollLeft, y: this.#box.y - element.scrollTop });
    element.scrollTo(0, 0);
    this.#zoom.move(x - element.offsetLeft, y - element.offsetTop, dxPx, dyPx, factor);
    this.updateLayout();
  }

  /**
   * A soft keyboard and the key bar above it cover the lower edge, CSS px: the surface keeps its scale, and what was
   * pressed last stays visible.
   */
  setCovered(keyboardPx: number, keyBarPx: number): void {
    const coveredPx = keyboardPx + keyBarPx;
    if (Math.abs(coveredPx - this.#coveredPx) < 1 && Math.abs(keyBarPx - this.#keyBarPx) < 1) return;
    this.#coveredPx = coveredPx;
    this.#keyBarPx = keyBarPx;
    this.updateLayout();
    const pressed = this.field.style.top !== "";
    if (coveredPx > 0 && pressed) this.#reveal({ x: this.field.offsetLeft, y: this.field.offsetTop });
  }

  /** Sets the position of the desktop's caret, px on the monitor; null when it is unknown. */
  setCaret(caret: Box | null): void {
    this.#caret = caret;
    if (caret === null) return;
    const foot = this.#onSurfaceBox(caret.x, caret.y + caret.height);
    if (foot === null) return;
    if (this.#coveredPx > 0) this.#reveal(foot);
    this.#moveFieldSoon(() => {
      const { offsetLeft, offsetTop, offsetHeight } = this.field;
      const top = foot.y - offsetHeight;
      // Near enough for a candidate window: the field stays.
      const near = Math.abs(foot.x - offsetLeft) < FIELD_NEAR_PX && Math.abs(top - offsetTop) < FIELD_SAME_LINE_PX;
      if (!near) this.#placeField(foot.x, top);
    });
  }

  /** Returns where composed text belongs. */
  get composition(): CompositionPlace {
    const bottom = window.innerHeight - this.#coveredPx;
    const { x, y, width } = this.#measure();
    const caret = this.#caret;
    if (caret === null || this.#surface === null) {
      const { offsetLeft, offsetTop } = this.field;
      return { x: x + offsetLeft, y: y + offsetTop, height: 0, bottom };
    }
    const scale = width / this.#surface.width;
    return { x: x + caret.x * scale, y: y + caret.y * scale, height: caret.height * scale, bottom };
  }

  /** Pans so that a surface pixel is visible. */
  revealPixel(x: number, y: number): void {
    const position = this.#onSurfaceBox(x, y);
    if (position !== null) this.#reveal(position);
  }

  /** Returns the surface pixel under a page position, limited to the surface. */
  pixelAt(clientX: number, clientY: number): Position {
    return this.#surface === null ? { x: 0, y: 0 } : pixelAt(this.#measure(), this.#surface, clientX, clientY);
  }

  /** Returns the surface pixel under a page position, also beyond the surface's edges. */
  unclampedPixelAt(clientX: number, clientY: number): Position {
    return this.#surface === null ? { x: 0, y: 0 } : unclampedPixelAt(this.#measure(), this.#surface, clientX, clientY);
  }

  /** Returns whether a page position is on the surface. */
  contains(clientX: number, clientY: number): boolean {
    const { x, y, width, height } = this.#measure();
    return clientX >= x && clientX < x + width && clientY >= y && clientY < y + height;
  }

  /** Shows the desktop's cursor at a surface pixel; hides it again after a moment unless `permanent`. */
  showCursor(x: number, y: number, permanent: boolean): void {
    const position = this.#onSurfaceBox(x + 0.5, y + 0.5);
    if (position !== null) this.cursor.showAt(position.x, position.y, permanent);
  }

  focusField(): void {
    if (document.activeElement !== this.field) this.field.focus({ preventScroll: true });
  }

  /** Moves the text field to a press: input methods open their candidate window beside it. */
  moveField(clientX: number, clientY: number): void {
    this.#caret = null;
    this.#moveFieldSoon(() => {
      const { x, y } = this.#measure();
      this.#placeField(clientX - x, clientY - y);
    });
  }

  /** Computes the surface's box anew. Does nothing while the size of the surface or of the viewport is unknown. */
  updateLayout(): void {
    this.#canvasOnPage = null;
    const surface = this.#surface;
    if (surface === null) return;
    const ratio = window.devicePixelRatio;
    const { clientWidth, clientHeight, offsetWidth, offsetHeight } = this.element;
    if (clientWidth === 0 || clientHeight === 0) return;
    const full = { width: offsetWidth, height: offsetHeight };
    const mode = viewMode() ?? naturalMode(full, surface, ratio);
    this.element.dataset.view = mode;
    const available = mode === "fit" ? full : { width: clientWidth, height: clientHeight };
    const base = layout(available, surface, ratio, mode);
    // The key bar alone never hides the lower edge of a desktop that nobody has moved.
    const bar = this.#coveredPx === this.#keyBarPx ? this.#keyBarPx : 0;
    const y = bar > 0 && !this.#zoom.active ? Math.min(base.y, full.height - bar - base.height) : base.y;
    this.#box = this.#zoom.box({ ...base, y }, full, this.#coveredPx, surface, ratio);
    this.element.dataset.zoomed = String(this.#zoom.active || this.#coveredPx > 0);
    const { style } = this.#surfaceBox;
    style.left = `${this.#box.x}px`;
    style.top = `${this.#box.y}px`;
    style.width = `${this.#box.width}px`;
    style.height = `${this.#box.height}px`;
    this.#updateState(mode);
  }

  close(): void {
    clearTimeout(this.#fieldTimer);
    this.#abort.abort();
    this.#sizes.disconnect();
    this.#downscaled.close();
    this.cursor.close();
  }

  #moveFieldSoon(move: () => void): void {
    clearTimeout(this.#fieldTimer);
    this.#fieldTimer = setTimeout(move, MOVE_FIELD_AFTER_MS);
  }

  /** Moves the text field, CSS px from the surface's corner. */
  #placeField(left: number, top: number): void {
    this.field.style.left = `${Math.max(0, Math.min(this.#box.width - FIELD_MARGIN_PX, left))}px`;
    this.field.style.top = `${Math.max(0, Math.min(this.#box.height - FIELD_MARGIN_PX, top))}px`;
  }

  /** Measures the canvas once after each change: a measurement per event could make the browser lay out the page first. */
  #measure(): Box {
    this.#canvasOnPage ??= this.canvas.getBoundingClientRect();
    return this.#canvasOnPage;
  }

  /** Converts a surface pixel to CSS px from the surface's corner; null while the surface's size is unknown. */
  #onSurfaceBox(x: number, y: number): Position | null {
    const surface = this.#surface;
    if (surface === null) return null;
    return { x: (x / surface.width) * this.#box.width, y: (y / surface.height) * this.#box.height };
  }

  /** Pans so that a position, CSS px from the surface's corner, is visible. */
  #reveal(position: Position): void {
    const { offsetWidth, offsetHeight } = this.element;
    const distanceInto = (value: number, low: number, high: number): number =>
      value < low ? low - value : value > high ? high - value : 0;
    const dxPx = distanceInto(this.#box.x + position.x, REVEAL_MARGIN_PX, offsetWidth - REVEAL_MARGIN_PX);
    const maxTop = offsetHeight - this.#coveredPx - REVEAL_MARGIN_PX;
    const dyPx = distanceInto(this.#box.y + position.y, REVEAL_MARGIN_PX, maxTop);
    if (dxPx !== 0 || dyPx !== 0) this.panAndZoom(0, 0, dxPx, dyPx, 1);
  }

  #onResized(entries: readonly ResizeObserverEntry[]): void {
    for (const entry of entries) {
      if (entry.target !== this.canvas) this.updateLayout();
      const size = entry.target === this.canvas ? entry.devicePixelContentBoxSize?.[0] : undefined;
      if (size !== undefined) this.#devicePixels = { width: size.inlineSize, height: size.blockSize };
    }
    this.#canvasOnPage = null;
    this.#updateState(this.#state.mode);
  }

  #updateState(mode: ViewMode): void {
    const surface = this.#surface;
    if (surface === null) return;
    const ratio = window.devicePixelRatio;
    const wanted = { width: this.#box.width * ratio, height: this.#box.height * ratio };
    const pinched = Math.abs((window.visualViewport?.scale ?? 1) - 1) > 0.001;
    // 1:1 only if the layout asks for it, the browser does it, and nobody pinched the whole page.
    const oneToOne = !pinched && isOneToOne(wanted, surface) && isOneToOne(this.#devicePixels ?? wanted, surface);
    const scale = wanted.width / surface.width;
    this.cursor.setScale(scale / ratio);
    // Enlarged by a whole number, every surface pixel stays a square of one colour.
    const wholeScale = Math.abs(scale - Math.round(scale)) * surface.width < 1 && scale > 0.5 && !pinched;
    const shownSize = { width: Math.round(wanted.width), height: Math.round(wanted.height) };
    const smaller = shownSize.width < surface.width || shownSize.height < surface.height;
    const averaged = this.#downscaled.show(smaller ? shownSize : null, ratio);
    const scaling = oneToOne ? "none" : averaged ? "area" : wholeScale ? "squares" : "browser";
    const { offsetWidth, offsetHeight } = this.element;
    const pannable = this.#box.width > offsetWidth + 1 || this.#box.height > offsetHeight - this.#coveredPx + 1;
    this.element.dataset.oneToOne = String(oneToOne);
    this.element.dataset.wholeScale = String(wholeScale);
    this.element.dataset.scaling = scaling;
    this.#state = { oneToOne, ratio, mode, scale, scaling, zoomed: this.#zoom.enlarged, pannable };
    this.changes.emit(this.#state);
  }
}
