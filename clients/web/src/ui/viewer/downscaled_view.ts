/**
 * Displays a surface that is smaller on the page than in pixels: a second canvas over the surface shows its average
 * (`AreaFilter`).
 *
 * The surface itself stays in place and receives pointer events. Where the browser has no WebGL2, the browser's own
 * filter scales the surface: bilinear in all known engines, which produces patterns that are not in the image.
 */

import type { Extent } from "../../input/geometry.ts";
import { AreaFilter, bands } from "../../surface/area_filter.ts";
import { PAINTED, type Painted } from "../../surface/remote_surface.ts";
import { TileGrid } from "../../surface/tile_grid.ts";
import { h } from "../dom.ts";

export class DownscaledView {
  readonly #surface: HTMLCanvasElement;
  readonly #abort = new AbortController();
  /** Null until it is needed, and where the browser has no WebGL2. */
  #filter: AreaFilter | null = null;
  /** WebGL2 is missing or failed. */
  #failed = false;
  /** Displayed size, device px; null while the surface is not scaled down. */
  #shownSize: Extent | null = null;
  #grid = new TileGrid(0, 0);
  /** Tiles (1) whose pixels must be loaded from the surface into the filter. */
  #unloaded = new Uint8Array(0);
  /** Tiles (1) that changed since they were drawn. */
  #undrawn = new Uint8Array(0);
  #frame = 0;

  constructor(surface: HTMLCanvasElement) {
    this.#surface = surface;
    const { signal } = this.#abort;
    surface.addEventListener(PAINTED, (event) => this.#onPainted((event as CustomEvent<Painted>).detail), { signal });
  }

  /**
   * Displays the surface at this size, device px; null removes the average again.
   *
   * `ratio` is device px per CSS px. Returns whether the average is displayed.
   */
  show(shownSize: Extent | null, ratio: number): boolean {
    if (shownSize === null || this.#failed) {
      this.#hide();
      return false;
    }
    try {
      this.#filter ??= this.#createFilter();
    } catch (error) {
      this.#fail(error);
      return false;
    }
    const { canvas } = this.#filter;
    this.#shownSize = shownSize;
    this.#surface.dataset.averaged = "";
    canvas.style.width = `${shownSize.width / ratio}px`;
    canvas.style.height = `${shownSize.height / ratio}px`;
    canvas.hidden = false;
    this.#scheduleDraw();
    return true;
  }

  close(): void {
    this.#abort.abort();
    cancelAnimationFrame(this.#frame);
    this.#filter?.canvas.remove();
  }

  #createFilter(): AreaFilter {
    const canvas = h("canvas", { class: "downscaled", attrs: { "aria-hidden": "true", "data-downscaled": "" } });
    const filter = new AreaFilter(canvas);
    const { signal } = this.#abort;
    // The graphics card was reset. The browser's own filter scales the surface until the page is reloaded.
    canvas.addEventListener("webglcontextlost", () => this.#fail("the graphics card's context was lost"), { signal });
    this.#surface.after(canvas);
    return filter;
  }

  #fail(error: unknown): void {
    console.info("area filter:", error);
    this.#failed = true;
    this.#shownSize = null;
    delete this.#surface.dataset.averaged;
    cancelAnimationFrame(this.#frame);
    this.#filter?.canvas.remove();
    this.#filter = null;
  }

  #hide(): void {
    if (this.#shownSize === null) return;
    this.#shownSize = null;
    delete this.#surface.dataset.averaged;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#filter === null) return;
    this.#filter.canvas.hidden = true;
    this.#filter.releaseMemory();
  }

  #onPainted(changed: Painted): void {
    if (this.#shownSize === null || this.#filter === null) return;
    this.#scheduleDraw();
    if (changed === null || !this.#filter.hasSize(this.#surface)) {
      this.#unloaded.fill(1);
      return;
    }
    // Pixels that come with the event are loaded from there: reading them back would allocate a copy for the garbage
    // collector, 120 MB per second while an image stack is scrolled.
    let offset = 0;
    for (const rectangle of changed.rectangles) {
      if (changed.pixels === null) this.#grid.mark(rectangle, this.#unloaded);
      else this.#filter.load(rectangle, changed.pixels, offset);
      this.#grid.mark(rectangle, this.#undrawn);
      offset += rectangle.width * rectangle.height * 4;
    }
  }

  /** Draws at most once per animation frame. */
  #scheduleDraw(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      try {
        this.#draw();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #draw(): void {
    const { width, height } = this.#surface;
    if (this.#filter === null || this.#shownSize === null || width === 0 || height === 0) return;
    if (this.#grid.width !== width || this.#grid.height !== height) {
      this.#grid = new TileGrid(width, height);
      this.#unloaded = new Uint8Array(this.#grid.count);
      this.#undrawn = new Uint8Array(this.#grid.count);
    }
    const resized = this.#filter.fit({ width, height }, this.#shownSize);
    if (resized === "source") this.#unloaded.fill(1);
    if (resized !== null) this.#undrawn.fill(1);
    this.#loadFromSurface(this.#filter);
    for (const rectangle of this.#grid.cover(this.#undrawn)) this.#filter.draw(rectangle);
    this.#undrawn.fill(0);
  }

  /** Loads the tiles whose pixels did not come with the event. */
  #loadFromSurface(filter: AreaFilter): void {
    if (!this.#unloaded.includes(1)) return;
    const context = this.#surface.getContext("2d");
    if (context === null) throw new Error("the surface has no 2D context");
    for (const { x, y, width, height } of this.#grid.cover(this.#unloaded)) {
      for (const [top, rows] of bands(height, width * 4)) {
        const { data } = context.getImageData(x, y + top, width, rows);
        filter.load({ x, y: y + top, width, height: rows }, data.buffer, 0);
      }
    }
    for (const [tile, unloaded] of this.#unloaded.entries()) if (unloaded === 1) this.#undrawn[tile] = 1;
    this.#unloaded.fill(0);
  }
}
