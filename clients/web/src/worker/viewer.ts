/**
 * Displays one monitor: wires connection, monitor surface and badge together and dispatches the messages of
 * page and agent.
 */

import { ClipboardAssembly, type ClipboardFormat, splitIntoFrames } from "../clipboard/frames.ts";
import { ENCODINGS, FrameKind, NoticeCode } from "../protocol/generated/wire_facts.ts";
import type { AgentMessage, Monitor, ViewerMessage } from "../protocol/messages.ts";
import { ViewerCore } from "../protocol/viewer_core.ts";
import type { Surface } from "../surface/surface.ts";
import { BadgeReporter } from "./badge_reporter.ts";
import { Connection } from "./connection.ts";
import type { WorkerMessage } from "./messages.ts";
import { MonitorSurface } from "./monitor_surface.ts";

/** Interval at which pings, sweeps and the badge are checked, ms. */
const TICK_MS = 100;
/** A desktop that did not answer for this time, ms, is not responding: the page says so and offers a next step. */
const SILENT_AFTER_MS = 3_000;

export interface ViewerOptions {
  readonly desktop: string;
  readonly monitor: number;
  /** Name of this device, as other devices of the person will show it. */
  readonly device: string;
  /** Whether the page can show WebRTC video. */
  readonly video: boolean;
  /** Limit of the tile cache, bytes. */
  readonly cacheBytes: number;
}

export class Viewer {
  readonly #options: ViewerOptions;
  readonly #post: (message: WorkerMessage) => void;
  readonly #core: ViewerCore;
  readonly #connection: Connection;
  readonly #surface: MonitorSurface;
  readonly #badge: BadgeReporter;
  #view = { visible: true, oneToOne: false, ratio: 1 };
  #watch = { status: false, trace: false };
  #reportedLiveness = "false ";
  #clipboardAssembly = new ClipboardAssembly();
  /** Serial number of the last clipboard content sent. */
  #clipboardSerial = 0;

  /** Starts connecting at once. `post` sends a message to the page. */
  constructor(
    options: ViewerOptions,
    surface: Surface,
    decoderModule: WebAssembly.Module,
    post: (message: WorkerMessage) => void,
  ) {
    this.#options = options;
    this.#post = post;
    this.#core = new ViewerCore(options.monitor, options.cacheBytes);
    this.#badge = new BadgeReporter(this.#core, post);
    this.#connection = new Connection(options.desktop, this.#core, {
      hello: () => {
        this.#clipboardAssembly = new ClipboardAssembly();
        return this.#core.hello(ENCODINGS, options.device, options.video);
      },
      message: (message) => this.#handle(message),
      binary: (data, receivedMs) => this.#handleBinary(data, receivedMs),
      lost: () => {
        post({ kind: "peer", servers: null });
        this.#surface.disconnected();
        this.#badge.report();
      },
      ended: (reason) => {
        // The desktop may no longer be shown on this device.
        if (reason === "moved" || reason === "signed-out" || reason === "forbidden") this.#surface.blank();
        this.#badge.report();
      },
      inputLost: () => post({ kind: "notice", code: NoticeCode.INPUT_LOST, message: "" }),
      stateChanged: (state) => post({ kind: "connection", state }),
    });
    this.#surface = new MonitorSurface({
      monitorId: options.monitor,
      cacheBytes: options.cacheBytes,
      surface,
      decoderModule,
      agent: this.#connection,
      onFailure: () => {
        this.#core.surfaceFailed();
        this.#badge.report();
      },
      onReadbackChanged: (altered) => {
        this.#core.readbackAltered = altered;
        this.#badge.report();
      },
    });
    setInterval(() => this.#tick(), TICK_MS);
    this.#connection.open();
  }

  // ── from the page ────────────────────────────────────────────────────────────────────────────────────────

  /** Sends a serialized input message; see `Connection.sendInput`. */
  sendInput(text: string): void {
    this.#connection.sendInput(text);
  }

  /** Sends serialized pointer motion; see `Connection.sendMotion`. */
  sendMotion(text: string): void {
    this.#connection.sendMotion(text);
  }

  /** Takes over how the page shows the surface. `ratio` is the number of device px per CSS px. */
  setView(visible: boolean, oneToOne: boolean, ratio: number): void {
    this.#view = { visible, oneToOne, ratio };
    this.#core.oneToOne = oneToOne;
    this.#core.setVisible(visible);
    if (this.#core.connected) this.#sendView();
    this.#badge.report();
  }

  /** Subscribes to the agent's `status` and `trace` messages. */
  setWatch(status: boolean, trace: boolean): void {
    this.#watch = { status, trace };
    this.#sendIfConnected({ type: "watch", status, trace });
  }

  /**
   * Requests a monitor layout. While disconnected the request is dropped, and the page keeps showing the
   * actual layout.
   */
  changeLayout(monitors: readonly Monitor[], scale: number | null): void {
    this.#sendIfConnected({ type: "layout", monitors, scale });
  }

  /** Requests the windows of another monitor for this viewer's own one. */
  gather(monitor: number): void {
    this.#sendIfConnected({ type: "gather", monitor });
  }

  requestClipboard(serial: number, format: ClipboardFormat): void {
    this.#sendIfConnected({ type: "clipboard", serial, format });
  }

  /**
   * Sends clipboard content as a whole. The agent delays later input until programs can paste the content.
   */
  sendClipboard(format: ClipboardFormat, content: ArrayBuffer): void {
    if (!this.#core.connected) return;
    this.#clipboardSerial = (this.#clipboardSerial + 1) >>> 0;
    for (const frame of splitIntoFrames(format, this.#clipboardSerial, new Uint8Array(content)))
      this.#connection.sendBinary(frame);
  }

  /** Sends a WebRTC offer. */
  sendOffer(sdp: string): void {
    this.#sendIfConnected({ type: "offer", sdp });
  }

  /** Reports how many video frames of the region with this number were shown. */
  reportPlayed(number: number, frames: number): void {
    this.#sendIfConnected({ type: "played", monitor: this.#options.monitor, number, frames });
  }

  /** Reconnects or checks the connection; see `Connection.retry`. */
  retry(force: boolean): void {
    this.#connection.retry(force);
  }

  // ── from the agent ───────────────────────────────────────────────────────────────────────────────────────

  #handle(message: AgentMessage): void {
    switch (message.type) {
      case "welcome":
        if (this.#core.replaced) this.#post({ kind: "replaced" });
        this.#openMonitor();
        this.#sendView();
        if (this.#watch.status || this.#watch.trace) this.#connection.send({ type: "watch", ...this.#watch });
        this.#connection.send({ type: "ping", t: performance.now() });
        return;
      case "monitors":
        if (this.#surface.hasSizeOf(this.#core.monitor)) this.#postLayout();
        else this.#openMonitor();
        return;
      case "verify":
        if (message.monitor === this.#options.monitor) this.#surface.verify(message.full ? "full" : "verify");
        return;
      case "state":
        if (message.monitor !== this.#options.monitor) return;
        this.#surface.setDoubted(message.state === "unverified");
        this.#badge.update(message);
        return;
      case "cursor":
        this.#post({ kind: "cursor", cursor: message });
        return;
      case "pointer":
        this.#post({ kind: "pointer", x: message.x, y: message.y });
        return;
      case "caret":
        this.#post({ kind: "caret", caret: message.height > 0 ? message : null });
        return;
      case "status":
        if (message.monitor === this.#options.monitor) this.#post({ kind: "status", status: message });
        return;
      case "trace":
        this.#post({ kind: "trace", trace: message, roundTripMs: this.#core.liveness.roundTripMs });
        return;
      case "clipboard":
        this.#post({ kind: "clipboard", state: message });
        return;
      case "peer":
        this.#post({ kind: "peer", servers: message.servers });
        return;
      case "answer":
        this.#post({ kind: "answer", sdp: message.sdp });
        return;
      case "video":
        if (message.monitor === this.#options.monitor) this.#surface.setVideoRegion(message);
        return;
      case "notice":
        this.#post({ kind: "notice", code: message.code, message: message.message });
        return;
      case "pong":
      case "heartbeat":
        this.#badge.report(); // The core has noted what they prove.
        return;
    }
  }

  #handleBinary(data: ArrayBuffer, receivedMs: number): void {
    if (new Uint8Array(data, 0, Math.min(1, data.byteLength))[0] !== FrameKind.CLIPBOARD) {
      this.#core.updateArrived(receivedMs);
      this.#surface.applyUpdate(data, receivedMs);
      return;
    }
    this.#core.binaryArrived(receivedMs);
    const answer = this.#clipboardAssembly.add(data);
    if (answer !== null) this.#post({ kind: "clipboard-answer", answer });
  }

  // ── helpers ──────────────────────────────────────────────────────────────────────────────────────────────

  #openMonitor(): void {
    const { monitor, digestSeed } = this.#core;
    if (monitor === null) return;
    this.#surface.open(monitor, digestSeed);
    this.#postLayout();
    this.#post({ kind: "connection", state: { phase: "connected", desktop: this.#options.desktop, monitor } });
  }

  #postLayout(): void {
    const { layout, monitor } = this.#core;
    if (layout !== null && monitor !== null) this.#post({ kind: "layout", layout, monitor });
  }

  #sendView(): void {
    const { visible, oneToOne, ratio } = this.#view;
    this.#connection.send({ type: "view", visible, scaled: !oneToOne, ratio });
  }

  #sendIfConnected(message: ViewerMessage): void {
    if (this.#core.connected) this.#connection.send(message);
  }

  #tick(): void {
    const nowMs = performance.now();
    if (this.#connection.check(nowMs) && this.#core.phase === "running") {
      this.#surface.checkReadbackIfDue(nowMs);
      this.#surface.sweepIfDue(nowMs);
    }
    this.#badge.report();
    this.#reportLiveness(nowMs);
  }

  /** Tells the page what does not answer, when that changes. */
  #reportLiveness(nowMs: number): void {
    const { liveness, connected } = this.#core;
    const silent = connected && liveness.proof(nowMs) === "missing" && liveness.notFreshForMs(nowMs) >= SILENT_AFTER_MS;
    const parts = connected ? liveness.silentParts : [];
    const content = `${silent} ${parts.join()}`;
    if (content === this.#reportedLiveness) return;
    this.#reportedLiveness = content;
    this.#post({ kind: "liveness", silent, parts });
  }
}
