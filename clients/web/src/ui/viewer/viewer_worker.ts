/** The page's side of a viewer worker: starts the worker, carries out its surface commands, and passes messages on. */

import type { ClipboardFormat } from "../../clipboard/frames.ts";
import type { ClipboardRequests } from "../../clipboard/page_clipboard.ts";
import type { InputSink } from "../../input/input_sink.ts";
import type { InputMessage, Monitor } from "../../protocol/messages.ts";
import { CACHE_BYTES, SMALL_CACHE_BYTES } from "../../protocol/viewer_core.ts";
import { PageSurface } from "../../surface/remote_surface.ts";
import { PointerChannel, type PointerDataChannel } from "../../transport/pointer_channel.ts";
import { canShowVideo } from "../../video/video_frames.ts";
import { VideoPeer, type VideoSignaling } from "../../video/video_peer.ts";
import type { PageMessage, WorkerMessage } from "../../worker/messages.ts";
import { Emitter } from "../emitter.ts";
import { deviceName } from "./device_name.ts";
import type { ViewReceiver } from "./view_report.ts";

/** What a viewer worker reports to the user interface. */
export type ViewerEvent = Exclude<WorkerMessage, { kind: "surface" | "peer" | "answer" }>;

/** Asks the agent for another monitor layout. */
export interface LayoutRequests {
  /**
   * Requests these monitors, device px, and this text size of programs, percent; null leaves the text size.
   *
   * The answer is a `layout` event, or a notice that says why the request was refused.
   */
  requestLayout(monitors: readonly Monitor[], scale: number | null): void;
  /** Requests the windows of another monitor for this one; a notice tells whether there were any. */
  gather(monitor: number): void;
}

export class ViewerWorker implements InputSink, ClipboardRequests, VideoSignaling, ViewReceiver, LayoutRequests {
  readonly events = new Emitter<ViewerEvent>();
  readonly #worker: Worker;
  readonly #video: VideoPeer | null;
  readonly #input = new PointerChannel({
    send: (message) => this.#worker.postMessage(JSON.stringify(message)),
    sendMotion: (message) => this.#post({ kind: "motion", text: JSON.stringify(message) }),
  });
  #watch = { status: false, trace: false };

  /** Connects to a monitor and paints it on `canvas`. Throws when the browser has no 2D canvas or no workers. */
  constructor(desktop: string, monitor: number, canvas: HTMLCanvasElement) {
    const surface = new PageSurface(canvas, (reply, transfer) => this.#post({ kind: "surface", reply }, transfer));
    this.#video = canShowVideo() ? new VideoPeer(surface, this) : null;
    this.#worker = new Worker(new URL("../../worker/entry.ts", import.meta.url), { type: "module", name: "viewer" });
    this.#worker.onmessage = (event: MessageEvent<WorkerMessage>) => {
      const message = event.data;
      if (message.kind === "peer") this.#video?.offerRequested(message.servers);
      else if (message.kind === "answer") this.#video?.answerReceived(message.sdp);
      else if (message.kind === "surface") surface.execute(message.command);
      else this.events.emit(message);
    };
    this.#worker.onerror = (event) => {
      // After an error the worker's state is unknown, so it must not paint any more.
      this.#worker.terminate();
      this.events.emit({
        kind: "verdict",
        state: "unverified",
        epoch: 0,
        ageMs: null,
        ratio: null,
        readbackAltered: false,
      });
      const detail = event.message ?? "";
      this.events.emit({ kind: "connection", state: { phase: "ended", reason: "unsupported", detail } });
    };
    this.#post({
      kind: "start",
      desktop,
      monitor,
      device: deviceName(navigator),
      video: this.#video !== null,
      cacheBytes: matchMedia("(pointer: coarse)").matches ? SMALL_CACHE_BYTES : CACHE_BYTES,
    });
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

  setView(visible: boolean, oneToOne: boolean, ratio: number): void {
    this.#post({ kind: "view", visible, oneToOne, ratio });
  }

  /** Starts or stops `status` events. */
  watchStatus(on: boolean): void {
    this.#watch = { ...this.#watch, status: on };
    this.#post({ kind: "watch", ...this.#watch });
  }

  /** Starts or stops `trace` events. */
  watchTrace(on: boolean): void {
    this.#watch = { ...this.#watch, trace: on };
    this.#post({ kind: "watch", ...this.#watch });
  }

  requestLayout(monitors: readonly Monitor[], scale: number | null): void {
    this.#post({ kind: "layout", monitors, scale });
  }

  gather(monitor: number): void {
    this.#post({ kind: "gather", monitor });
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

  /**
   * Tests the connection, or connects at once where there is none.
   *
   * With `force` it also connects where the connection seems to work or has ended for good: the person asks for it.
   */
  reconnect(force: boolean): void {
    this.#post({ kind: "retry", force });
  }

  /** Closes the connection: terminating the worker closes its socket. */
  close(): void {
    this.#video?.close();
    this.#input.close();
    this.#worker.terminate();
  }

  #post(message: PageMessage, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
