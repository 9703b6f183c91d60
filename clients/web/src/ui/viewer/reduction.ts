/**
 * What is shown in place of a surface that is made smaller: its picture, averaged (`AreaFilter`), over it on the page.
 *
 * The surface stays as it is, and takes fingers and mouse. Where the browser has no WebGL2, or the surface is the worker's, the browser's own
 * filter shows it: bilinear in all engines that we know.
 */

import type { Extent } from "../../input/geometry.ts";
import { AreaFilter } from "../../surface/area_filter.ts";
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
  /** Tiles of the surface that changed since they were shown. */
  #marks = new Uint8Array(0);
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
    if (this.#shown === null) this.#marks.fill(1);
    this.#shown = shown;
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
    cancelAnimationFrame(this.#frame);
    this.#filter?.canvas.remove();
    this.#filter = null;
  }

  #rest(): void {
    if (this.#shown === null) return;
    this.#shown = null;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#filter === null) return;
    this.#filter.canvas.hidden = true;
    this.#filter.rest();
  }

  #painted(changed: Painted): void {
    if (this.#shown === null) return;
    if (changed === null) this.#marks.fill(1);
    else for (const rectangle of changed) this.#grid.mark(rectangle, this.#marks);
    this.#later();
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
      this.#marks = new Uint8Array(this.#grid.count);
    }
    if (this.#filter.fit({ width, height }, this.#shown)) this.#marks.fill(1);
    const context = this.#surface.getContext("2d");
    if (context === null) throw new Error("the surface cannot be read");
    for (const rectangle of this.#grid.cover(this.#marks)) {
      const { x, y } = rectangle;
      this.#filter.load(rectangle, context.getImageData(x, y, rectangle.width, rectangle.height).data);
    }
    this.#marks.fill(0);
  }
}
