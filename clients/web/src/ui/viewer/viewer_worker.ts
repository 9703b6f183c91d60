/** The page's end of the viewer worker. */

import type { ClipboardFormat } from "../../clipboard/frames.ts";
import type { ClipboardRequests } from "../../clipboard/page_clipboard.ts";
import type { InputSink } from "../../input/input_sink.ts";
import type { InputMessage, Monitor } from "../../protocol/messages.ts";
import { CACHE_BYTES, SMALL_CACHE_BYTES } from "../../protocol/viewer_core.ts";
import { PageSurface } from "../../surface/remote_surface.ts";
import { type PointerDataChannel, PointerChannel } from "../../transport/pointer_channel.ts";
import { canShowVideo } from "../../video/video_frames.ts";
import { VideoPeer, type VideoSignaling } from "../../video/video_peer.ts";
import type { PageMessage, WorkerMessage } from "../../worker/messages.ts";
import { deviceName } from "./device_name.ts";

export type News = Exclude<WorkerMessage, { kind: "surface" | "peer" | "answer" }>;

export class ViewerLink implements InputSink, ClipboardRequests, VideoSignaling {
  readonly #worker: Worker;
  readonly #video: VideoPeer | null;
  readonly #input = new PointerChannel({
    send: (message) => this.#worker.postMessage(JSON.stringify(message)),
    sendMotion: (message) => this.#post({ kind: "motion", text: JSON.stringify(message) }),
  });

  /** Throws when the browser gives no 2D canvas or no worker. */
  constructor(
    desktop: string,
    monitor: number,
    canvas: HTMLCanvasElement,
    news: (news: News) => void,
  ) {
    const surface = new PageSurface(canvas, (reply, transfer) => this.#post({ kind: "surface", reply }, transfer));
    this.#video = canShowVideo() ? new VideoPeer(surface, this) : null;
    this.#worker = new Worker(new URL("../../worker/entry.ts", import.meta.url), { type: "module", name: "viewer" });
    this.#worker.onmessage = (event: MessageEvent<WorkerMessage>) => {
      const message = event.data;
      if (message.kind === "peer") this.#video?.offerRequested(message.servers);
      else if (message.kind === "answer") this.#video?.answerReceived(message.sdp);
      else if (message.kind === "surface") surface.execute(message.command);
      else news(message);
    };
    this.#worker.onerror = (event) => {
      // A worker that failed once is not to be trusted with a picture again.
      this.#worker.terminate();
      news({ kind: "verdict", state: "unverified", epoch: 0, ageMs: 0, ratio: null });
      news({ kind: "connection", state: { phase: "ended", reason: "unsupported", detail: event.message ?? "" } });
    };
    const start = {
      kind: "start",
      desktop,
      monitor,
      device: deviceName(navigator),
      video: this.#video !== null,
      cacheBytes: matchMedia("(pointer: coarse)").matches ? SMALL_CACHE_BYTES : CACHE_BYTES,
    } as const;
    this.#post(start);
  }

  send(message: InputMessage): void {
    this.#input.send(message);
  }

  sendMotion(x: number, y: number, buttons: number): void {
    this.#input.sendMotion(x, y, buttons);
  }

  setPointerChannel(channel: PointerDataChannel | null): void {
    this.#input.useChannel(channel);
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

  requestClipboard(serial: number, format: ClipboardFormat): void {
    this.#post({ kind: "clipboard-request", serial, format });
  }

  sendClipboard(format: ClipboardFormat, content: ArrayBuffer): void {
    this.#post({ kind: "clipboard-send", format, content });
  }

  sendOffer(sdp: string): void {
    this.#post({ kind: "offer", sdp });
  }

  reportPlayed(number: number, frames: number): void {
    this.#post({ kind: "played", number, frames });
  }

  retry(force: boolean): void {
    this.#post({ kind: "retry", force });
  }

  /** The worker's socket goes with it. */
  close(): void {
    this.#video?.close();
    this.#input.close();
    this.#worker.terminate();
  }

  #post(message: PageMessage, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
