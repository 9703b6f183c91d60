/** Paints frames on a 2D canvas and reads pixels back. */

import type { Rectangle } from "../decode/tile_decoder.ts";
import type { Frame } from "./surface.ts";

/**
 * `willReadFrequently` keeps the pixels in main memory, so that painting and reading back for digests avoid
 * the graphics card (measured: 7 instead of 17 ms from key press to readable pixel). `alpha: false` avoids
 * blending. The colour space is sRGB on both sides, so nothing is converted.
 */
const CONTEXT: CanvasRenderingContext2DSettings = { alpha: false, willReadFrequently: true, colorSpace: "srgb" };

export class CanvasPainter {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;

  /** Throws when the browser gives no 2D context. */
  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d", CONTEXT);
    if (context === null) throw new Error("this browser gives no 2D canvas");
    this.#canvas = canvas;
    this.#context = context;
  }

  open(width: number, height: number): void {
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#context.imageSmoothingEnabled = false;
    this.#fillBlack();
  }

  paint(frame: Frame): void {
    if (frame.reset) this.#fillBlack();
    let offset = 0;
    for (const { x, y, width, height } of frame.rectangles) {
      const length = width * height * 4;
      this.#context.putImageData(
        new ImageData(new Uint8ClampedArray(frame.pixels, offset, length), width, height),
        x,
        y,
      );
      offset += length;
    }
  }

  /** Draws the upper left part of a video frame into the rectangle, without scaling. */
  draw(frame: CanvasImageSource, { x, y, width, height }: Rectangle): void {
    this.#context.drawImage(frame, 0, 0, width, height, x, y, width, height);
  }

  /** Reads the RGBA pixels of each rectangle; null when the browser refuses. */
  read(rectangles: readonly Rectangle[]): Uint8ClampedArray<ArrayBuffer>[] | null {
    try {
      return rectangles.map(({ x, y, width, height }) => {
        const data = this.#context.getImageData(x, y, width, height, { colorSpace: "srgb" }).data;
        return data as Uint8ClampedArray<ArrayBuffer>;
      });
    } catch {
      // The browser is out of memory or lost the context. The badge then shows "unverified", and the page
      // continues.
      return null;
    }
  }

  #fillBlack(): void {
    this.#context.fillStyle = "#000";
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
  }
}
