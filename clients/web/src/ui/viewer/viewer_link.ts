/** The page's end of the viewer worker. */

import type { ClipboardFormat } from "../../clipboard/frames.ts";
import type { ClipboardWire } from "../../clipboard/page_clipboard.ts";
import type { Hands } from "../../input/hands.ts";
import type { InputMessage, Monitor } from "../../protocol/messages.ts";
import { CACHE_BYTES, SMALL_CACHE_BYTES } from "../../protocol/viewer_core.ts";
import { PageSurface } from "../../surface/remote_surface.ts";
import { type MotionChannel, MotionWay } from "../../transport/motion_way.ts";
import { canShowVideo } from "../../video/video_frames.ts";
import { VideoPeer, type VideoWire } from "../../video/video_peer.ts";
import type { PageMessage, WorkerMessage } from "../../worker/messages.ts";
import { deviceName } from "./device_name.ts";

export type News = Exclude<WorkerMessage, { kind: "surface" | "peer" | "answer" }>;

export class ViewerLink implements Hands, ClipboardWire, VideoWire {
  readonly #worker: Worker;
  readonly #video: VideoPeer | null;
  readonly #hands = new MotionWay({
    send: (message) => this.#worker.postMessage(JSON.stringify(message)),
    sendMotion: (message) => this.#post({ kind: "motion", text: JSON.stringify(message) }),
  });

  /** `inWorker` puts the surface into the worker where the browser can do that. Throws when there is no 2D canvas or no worker. */
  constructor(
    desktop: string,
    monitor: number,
    canvas: HTMLCanvasElement,
    inWorker: boolean,
    news: (news: News) => void,
  ) {
    const offscreen = inWorker && "transferControlToOffscreen" in canvas ? canvas.transferControlToOffscreen() : null;
    const surface =
      offscreen === null
        ? new PageSurface(canvas, (answer, transfer) => this.#post({ kind: "surface", answer }, transfer))
        : null;
    this.#video = surface !== null && canShowVideo() ? new VideoPeer(surface, this) : null;
    this.#worker = new Worker(new URL("../../worker/entry.ts", import.meta.url), { type: "module", name: "viewer" });
    this.#worker.onmessage = (event: MessageEvent<WorkerMessage>) => {
      const message = event.data;
      if (message.kind === "peer") this.#video?.asked(message.servers);
      else if (message.kind === "answer") this.#video?.answered(message.sdp);
      else if (message.kind !== "surface") news(message);
      else if (message.order.kind !== "open" || surface !== null) surface?.carryOut(message.order);
    };
    this.#worker.onerror = (event) => {
      // A worker that failed once is not to be trusted with a picture again.
      this.#worker.terminate();
      news({ kind: "verdict", state: "unverified", epoch: 0, ageMs: 0, ratio: null });
      news({ kind: "connection", news: { phase: "ended", reason: "unsupported", detail: event.message ?? "" } });
    };
    const start = {
      kind: "start",
      desktop,
      monitor,
      device: deviceName(navigator),
      canvas: offscreen,
      video: this.#video !== null,
      cacheBytes: matchMedia("(pointer: coarse)").matches ? SMALL_CACHE_BYTES : CACHE_BYTES,
    } as const;
    this.#post(start, offscreen === null ? [] : [offscreen]);
  }

  act(message: InputMessage): void {
    this.#hands.act(message);
  }

  motion(x: number, y: number, buttons: number): void {
    this.#hands.motion(x, y, buttons);
  }

  channel(channel: MotionChannel | null): void {
    this.#hands.use(channel);
  }

  view(visible: boolean, oneToOne: boolean, ratio: number): void {
    this.#post({ kind: "view", visible, oneToOne, ratio });
  }

  watch(status: boolean, trace: boolean): void {
    this.#post({ kind: "watch", status, trace });
  }

  /** Monitors as the person wants them, device px; the answer is `layout` news, or a notice that says why not. */
  layout(monitors: readonly Monitor[], scale: number | null): void {
    this.#post({ kind: "layout", monitors, scale });
  }

  ask(serial: number, format: ClipboardFormat): void {
    this.#post({ kind: "clipboard-ask", serial, format });
  }

  bring(format: ClipboardFormat, content: ArrayBuffer): void {
    this.#post({ kind: "clipboard-bring", format, content });
  }

  offer(sdp: string): void {
    this.#post({ kind: "offer", sdp });
  }

  played(number: number, frames: number): void {
    this.#post({ kind: "played", number, frames });
  }

  retry(force: boolean): void {
    this.#post({ kind: "retry", force });
  }

  /** The worker's socket goes with it. */
  close(): void {
    this.#video?.close();
    this.#hands.close();
    this.#worker.terminate();
  }

  #post(message: PageMessage, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
