/** The worker's end of a surface that lives in the page, and the page's end. What crosses is declared here. */

import type { Rectangle } from "../decode/tile_decoder.ts";
import { BufferPool } from "./buffer_pool.ts";
import { CanvasPainter } from "./canvas_painter.ts";
import { type Frame, type Surface, type VideoRegion, wallMs } from "./surface.ts";

/** Worker → page. Carried out in order; `paint` and `read` are answered in order. */
export type SurfaceCommand =
  | { readonly kind: "open"; readonly width: number; readonly height: number }
  | { readonly kind: "paint"; readonly frame: Frame }
  | { readonly kind: "read"; readonly rectangles: readonly Rectangle[] }
  | { readonly kind: "video"; readonly place: VideoRegion | null };

/** Page → worker. */
export type SurfaceReply =
  | { readonly kind: "painted"; readonly shownMs: number; readonly pixels: ArrayBuffer }
  | { readonly kind: "read"; readonly pixels: readonly Uint8ClampedArray[] | null };

/** An event of the canvas that a `PageSurface` paints on; its detail is what changed. */
export const PAINTED = "surface-painted";
/** null: everything. */
export type Painted = Changed | null;

export interface Changed {
  readonly rectangles: readonly Rectangle[];
  /** As in `Frame`, good during the event alone; null: to be read from the canvas. */
  readonly pixels: ArrayBuffer | null;
}

export type Post<T> = (message: T, transfer: Transferable[]) => void;

export class RemoteSurface implements Surface {
  readonly #post: Post<SurfaceCommand>;
  readonly #pool = new BufferPool();
  readonly #painted: ((shownMs: number) => void)[] = [];
  readonly #read: ((pixels: readonly Uint8ClampedArray[] | null) => void)[] = [];

  constructor(post: Post<SurfaceCommand>) {
    this.#post = post;
  }

  open(width: number, height: number): void {
    this.#post({ kind: "open", width, height }, []);
  }

  paint(frame: Frame, done: (shownMs: number) => void): void {
    this.#painted.push(done);
    this.#post({ kind: "paint", frame }, [frame.pixels]);
  }

  read(rectangles: readonly Rectangle[], done: (pixels: readonly Uint8ClampedArray[] | null) => void): void {
    this.#read.push(done);
    this.#post({ kind: "read", rectangles }, []);
  }

  video(place: VideoRegion | null): void {
    this.#post({ kind: "video", place }, []);
  }

  take(bytes: number): ArrayBuffer {
    return this.#pool.take(bytes);
  }

  /** The page answered. */
  answer(answer: SurfaceReply): void {
    if (answer.kind === "painted") {
      this.#pool.give(answer.pixels);
      this.#painted.shift()?.(answer.shownMs);
    } else {
      this.#read.shift()?.(answer.pixels);
    }
  }
}

/** Carries out a worker's orders on a canvas of the page. */
export class PageSurface {
  readonly #canvas: HTMLCanvasElement;
  readonly #painter: CanvasPainter;
  readonly #post: Post<SurfaceReply>;
  #place: VideoRegion | null = null;

  constructor(canvas: HTMLCanvasElement, post: Post<SurfaceReply>) {
    this.#canvas = canvas;
    this.#painter = new CanvasPainter(canvas);
    this.#post = post;
  }

  /** What video shows now. */
  get place(): VideoRegion | null {
    return this.#place;
  }

  /** Shows a frame of video; whether its number is the one that is shown now. */
  show(frame: CanvasImageSource, number: number): boolean {
    if (this.#place?.number !== number) return false;
    this.#painter.draw(frame, this.#place.rectangle);
    this.#tell({ rectangles: [this.#place.rectangle], pixels: null });
    return true;
  }

  execute(order: SurfaceCommand): void {
    switch (order.kind) {
      case "paint": {
        const { reset, pixels } = order.frame;
        this.#painter.paint(order.frame);
        const shownMs = wallMs();
        // While the pixels are still here.
        this.#tell(reset ? null : order.frame);
        this.#post({ kind: "painted", shownMs, pixels }, [pixels]);
        return;
      }
      case "read": {
        const pixels = this.#painter.read(order.rectangles);
        this.#post({ kind: "read", pixels }, pixels?.map((part) => part.buffer) ?? []);
        return;
      }
      case "video":
        this.#place = order.place;
        return;
      case "open":
        this.#place = null;
        this.#painter.open(order.width, order.height);
        this.#tell(null);
    }
  }

  #tell(changed: Painted): void {
    this.#canvas.dispatchEvent(new CustomEvent<Painted>(PAINTED, { detail: changed }));
  }
}
