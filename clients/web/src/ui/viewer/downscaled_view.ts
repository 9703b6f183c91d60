/**
 * What is shown in place of a surface that is made smaller: its picture, averaged (`AreaFilter`), over it on the page.
 *
 * The surface stays as it is, and takes fingers and mouse. Where the browser has no WebGL2, or the surface is the worker's, the browser's own
 * filter shows it: bilinear in all engines that we know.
 */

import type { Extent } from "../../input/geometry.ts";
import { AreaFilter, bands } from "../../surface/area_filter.ts";
import { PAINTED, type Painted } from "../../surface/remote_surface.ts";
import { TileGrid } from "../../surface/tile_grid.ts";
import { h } from "../dom.ts";

export class Reduction {
  readonly #surface: HTMLCanvasElement;
  readonly #abort = new AbortController();
  /** null: none yet, or none in this browser. */
  #filter: AreaFilter | null = null;
  #impossible = false;
  /** Device px; null while the surface is shown by itself. */
  #shown: Extent | null = null;
  #grid = new TileGrid(0, 0);
  /** Tiles that the filter does not have as the surface has them. */
  #unread = new Uint8Array(0);
  /** Tiles that changed since they were drawn. */
  #undrawn = new Uint8Array(0);
  #frame = 0;

  constructor(surface: HTMLCanvasElement) {
    this.#surface = surface;
    const { signal } = this.#abort;
    surface.addEventListener(PAINTED, (event) => this.#painted((event as CustomEvent<Painted>).detail), { signal });
  }

  /** Shows the surface so many device px large, or itself again; whether it is averaged now. */
  show(shown: Extent | null, ratio: number): boolean {
    if (shown === null || this.#impossible) {
      this.#rest();
      return false;
    }
    try {
      this.#filter ??= this.#make();
    } catch (error) {
      this.#give(error);
      return false;
    }
    const { canvas } = this.#filter;
    this.#shown = shown;
    this.#surface.dataset.averaged = "";
    canvas.style.width = `${shown.width / ratio}px`;
    canvas.style.height = `${shown.height / ratio}px`;
    canvas.hidden = false;
    this.#later();
    return true;
  }

  close(): void {
    this.#abort.abort();
    cancelAnimationFrame(this.#frame);
    this.#filter?.canvas.remove();
  }

  #make(): AreaFilter {
    const canvas = h("canvas", { class: "reduced", attrs: { "aria-hidden": "true", "data-reduced": "" } });
    const filter = new AreaFilter(canvas);
    const { signal } = this.#abort;
    // The graphics card was reset. The browser's filter shows the surface until the page is loaded anew.
    canvas.addEventListener("webglcontextlost", () => this.#give("the graphics card's context was lost"), { signal });
    this.#surface.after(canvas);
    return filter;
  }

  #give(error: unknown): void {
    console.info("area filter:", error);
    this.#impossible = true;
    this.#shown = null;
    delete this.#surface.dataset.averaged;
    cancelAnimationFrame(this.#frame);
    this.#filter?.canvas.remove();
    this.#filter = null;
  }

  #rest(): void {
    if (this.#shown === null) return;
    this.#shown = null;
    delete this.#surface.dataset.averaged;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#filter === null) return;
    this.#filter.canvas.hidden = true;
    this.#filter.releaseMemory();
  }

  #painted(changed: Painted): void {
    if (this.#shown === null || this.#filter === null) return;
    this.#later();
    if (changed === null || !this.#filter.holds(this.#surface)) {
      this.#unread.fill(1);
      return;
    }
    // What was just painted is not read back: each reading is left to the garbage collector, 120 MB in a second of a stack.
    let offset = 0;
    for (const rectangle of changed.rectangles) {
      if (changed.pixels === null) this.#grid.mark(rectangle, this.#unread);
      else this.#filter.load(rectangle, changed.pixels, offset);
      this.#grid.mark(rectangle, this.#undrawn);
      offset += rectangle.width * rectangle.height * 4;
    }
  }

  /** At most once for each frame of the page. */
  #later(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      try {
        this.#draw();
      } catch (error) {
        this.#give(error);
      }
    });
  }

  #draw(): void {
    const { width, height } = this.#surface;
    if (this.#filter === null || this.#shown === null || width === 0 || height === 0) return;
    if (this.#grid.width !== width || this.#grid.height !== height) {
      this.#grid = new TileGrid(width, height);
      this.#unread = new Uint8Array(this.#grid.count);
      this.#undrawn = new Uint8Array(this.#grid.count);
    }
    const news = this.#filter.fit({ width, height }, this.#shown);
    if (news === "source") this.#unread.fill(1);
    if (news !== null) this.#undrawn.fill(1);
    this.#read(this.#filter);
    for (const rectangle of this.#grid.cover(this.#undrawn)) this.#filter.draw(rectangle);
    this.#undrawn.fill(0);
  }

  /** Loads what was not given with the news of it. */
  #read(filter: AreaFilter): void {
    if (!this.#unread.includes(1)) return;
    const context = this.#surface.getContext("2d");
    if (context === null) throw new Error("the surface cannot be read");
    for (const { x, y, width, height } of this.#grid.cover(this.#unread)) {
      for (const [top, rows] of bands(height, width * 4)) {
        const { data } = context.getImageData(x, y + top, width, rows);
        filter.load({ x, y: y + top, width, height: rows }, data.buffer, 0);
      }
    }
    for (const [tile, unread] of this.#unread.entries()) if (unread === 1) this.#undrawn[tile] = 1;
    this.#unread.fill(0);
  }
}
