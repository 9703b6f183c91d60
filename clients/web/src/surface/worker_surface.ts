/** A surface in the worker itself: an OffscreenCanvas. Spares the page's thread, costs a frame of delay. */

import type { Rectangle } from "../decode/tile_decoder.ts";
import { BufferPool } from "./buffer_pool.ts";
import { CanvasPainter } from "./canvas_painter.ts";
import { type Frame, type Surface, wallMs } from "./surface.ts";

export class WorkerSurface implements Surface {
  readonly #painter: CanvasPainter;
  readonly #pool = new BufferPool();

  constructor(canvas: OffscreenCanvas) {
    this.#painter = new CanvasPainter(canvas);
  }

  open(width: number, height: number): void {
    this.#painter.open(width, height);
  }

  paint(frame: Frame, done: (shownMs: number) => void): void {
    this.#painter.paint(frame);
    this.#pool.give(frame.pixels);
    done(wallMs());
  }

  read(rectangles: readonly Rectangle[], done: (pixels: readonly Uint8ClampedArray[] | null) => void): void {
    done(this.#painter.read(rectangles));
  }

  /** The page says at the start that it shows none here: frames arrive in the page. */
  video(): void {}

  take(bytes: number): ArrayBuffer {
    return this.#pool.take(bytes);
  }
}
