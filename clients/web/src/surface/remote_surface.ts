/** A surface in the page that is controlled from the worker: both ends, and the messages between them. */

import type { Rectangle } from "../decode/tile_decoder.ts";
import { BufferPool } from "./buffer_pool.ts";
import { CanvasPainter } from "./canvas_painter.ts";
import { type Readback, ReadbackProbe } from "./readback_probe.ts";
import { type Frame, type Surface, type VideoRegion, wallMs } from "./surface.ts";

/** Worker → page. Commands are executed in order; `paint`, `read` and `probe` are answered in order. */
export type SurfaceCommand =
  | { readonly kind: "open"; readonly width: number; readonly height: number }
  | { readonly kind: "paint"; readonly frame: Frame }
  | { readonly kind: "read"; readonly rectangles: readonly Rectangle[] }
  | { readonly kind: "probe" }
  | { readonly kind: "video"; readonly region: VideoRegion | null };

/** Page → worker. */
export type SurfaceReply =
  | { readonly kind: "painted"; readonly shownMs: number; readonly pixels: ArrayBuffer }
  | { readonly kind: "read"; readonly pixels: readonly Uint8ClampedArray[] | null }
  | { readonly kind: "probed"; readonly result: Readback };

/** Type of the event that a canvas fires after a `PageSurface` painted on it. Its detail is a `Painted`. */
export const PAINTED = "surface-painted";
/** The changed part of the canvas; null means everything. */
export type Painted = Changed | null;

export interface Changed {
  readonly rectangles: readonly Rectangle[];
  /** Pixels as in `Frame`, valid only during the event; null means that they must be read from the canvas. */
  readonly pixels: ArrayBuffer | null;
}

export type Post<T> = (message: T, transfer: Transferable[]) => void;

export class RemoteSurface implements Surface {
  readonly #post: Post<SurfaceCommand>;
  readonly #pool = new BufferPool();
  readonly #painted: ((shownMs: number) => void)[] = [];
  readonly #read: ((pixels: readonly Uint8ClampedArray[] | null) => void)[] = [];
  readonly #probed: ((result: Readback) => void)[] = [];

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

  probe(done: (result: Readback) => void): void {
    this.#probed.push(done);
    this.#post({ kind: "probe" }, []);
  }

  setVideoRegion(region: VideoRegion | null): void {
    this.#post({ kind: "video", region }, []);
  }

  takeBuffer(bytes: number): ArrayBuffer {
    return this.#pool.take(bytes);
  }

  /** Handles the page's reply to the oldest unanswered `paint`, `read` or `probe`. */
  handleReply(reply: SurfaceReply): void {
    if (reply.kind === "painted") {
      this.#pool.give(reply.pixels);
      this.#painted.shift()?.(reply.shownMs);
    } else if (reply.kind === "read") {
      this.#read.shift()?.(reply.pixels);
    } else {
      this.#probed.shift()?.(reply.result);
    }
  }
}

/** Executes a worker's surface commands on a canvas of the page. */
export class PageSurface {
  readonly #canvas: HTMLCanvasElement;
  readonly #painter: CanvasPainter;
  readonly #post: Post<SurfaceReply>;
  readonly #probe: ReadbackProbe;
  #videoRegion: VideoRegion | null = null;

  constructor(canvas: HTMLCanvasElement, post: Post<SurfaceReply>) {
    this.#canvas = canvas;
    this.#painter = new CanvasPainter(canvas);
    this.#probe = new ReadbackProbe(canvas.ownerDocument.createElement("canvas"));
    this.#post = post;
  }

  /** The region in which video is shown now. */
  get videoRegion(): VideoRegion | null {
    return this.#videoRegion;
  }

  /** Draws a video frame if it has the number of the current region. Returns whether it was drawn. */
  showVideoFrame(frame: CanvasImageSource, number: number): boolean {
    if (this.#videoRegion?.number !== number) return false;
    this.#painter.draw(frame, this.#videoRegion.rectangle);
    this.#notifyPainted({ rectangles: [this.#videoRegion.rectangle], pixels: null });
    return true;
  }

  execute(command: SurfaceCommand): void {
    switch (command.kind) {
      case "paint": {
        const { reset, pixels } = command.frame;
        this.#painter.paint(command.frame);
        const shownMs = wallMs();
        // The listeners need the pixels before the buffer is transferred back.
        this.#notifyPainted(reset ? null : command.frame);
        this.#post({ kind: "painted", shownMs, pixels }, [pixels]);
        return;
      }
      case "read": {
        const pixels = this.#painter.read(command.rectangles);
        this.#post({ kind: "read", pixels }, pixels?.map((part) => part.buffer) ?? []);
        return;
      }
      case "probe":
        this.#post({ kind: "probed", result: this.#probe.run() }, []);
        return;
      case "video":
        this.#videoRegion = command.region;
        return;
      case "open":
        this.#videoRegion = null;
        this.#painter.open(command.width, command.height);
        this.#notifyPainted(null);
    }
  }

  #notifyPainted(changed: Painted): void {
    this.#canvas.dispatchEvent(new CustomEvent<Painted>(PAINTED, { detail: changed }));
  }
}
