/**
 * The viewer: socket, decoder, surface and digests of one monitor, wired together.
 *
 * The picture's way, top to bottom: `#update` → decode → copy what changed → surface → `#painted` → ack. Input takes no part in it.
 */

import { Assembly, type ClipboardFormat, KIND_CLIPBOARD, pieces } from "../clipboard/frames.ts";
import { DecodeError, TileDecoder } from "../decode/tile_decoder.ts";
import { CLOSE, type EndReason } from "../protocol/close.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { AgentMessage, AgentMessageOf, Monitor, ViewerMessage } from "../protocol/messages.ts";
import { encodeReport, MAX_REPORT_TILES } from "../protocol/report.ts";
import { sameSize, ViewerCore } from "../protocol/viewer_core.ts";
import type { Surface } from "../surface/surface.ts";
import { ViewerSocket } from "../transport/viewer_socket.ts";
import type { ConnectionState, WorkerMessage } from "./messages.ts";
import { type ReadingKind, Verifier } from "./verifier.ts";

/** What the decoder knows, as `hello` names it. */
const ENCODINGS = ["solid", "palette", "grey", "colour", "raw"] as const;
/** Grain of pings, sweeps and the badge's fall. */
const TICK_MS = 100;
const VERDICT_EVERY_MS = 1_000;
const BLANKED: ReadonlySet<EndReason> = new Set(["moved", "signed-out", "forbidden"]);
/** PROTOCOL.md §3. */
const FLAG_RESET = 1;

export class Viewer {
  readonly #desktop: string;
  readonly #monitorId: number;
  readonly #device: string;
  readonly #video: boolean;
  readonly #cacheBytes: number;
  readonly #surface: Surface;
  readonly #module: WebAssembly.Module;
  readonly #tell: (message: WorkerMessage) => void;
  readonly #core: ViewerCore;
  #socket: ViewerSocket | null = null;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #decoder: TileDecoder | null = null;
  #verifier: Verifier | null = null;
  /** The monitor that decoder and surface are made for. */
  #opened: Monitor | null = null;
  #awaitsReset = false;
  #reading = false;
  #wanted: ReadingKind | null = null;
  #motion: string | null = null;
  #view = { visible: true, oneToOne: false, ratio: 1 };
  #watch = { status: false, trace: false };
  #epoch = 0;
  #ageMs = 0;
  #ratio: number | null = null;
  #heardAgeAtMs = 0;
  #said = "";
  #saidAtMs = 0;
  #assembly = new Assembly();
  #brought = 0;

  constructor(
    desktop: string,
    monitorId: number,
    device: string,
    video: boolean,
    cacheBytes: number,
    surface: Surface,
    module: WebAssembly.Module,
    tell: (message: WorkerMessage) => void,
  ) {
    this.#desktop = desktop;
    this.#monitorId = monitorId;
    this.#device = device;
    this.#video = video;
    this.#cacheBytes = cacheBytes;
    this.#surface = surface;
    this.#module = module;
    this.#tell = tell;
    this.#core = new ViewerCore(monitorId, cacheBytes);
    setInterval(() => {
      this.#tick();
    }, TICK_MS);
    this.#connect();
  }

  // ── from the page ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Input, ready to be sent. What cannot be sent now is dropped: a key must not arrive after a pause. */
  input(text: string): void {
    if (!this.#core.connected) return;
    // Motion that waits goes first, however busy the wire: afterwards it would lead the pointer back.
    if (this.#motion !== null) this.#socket?.send(this.#motion);
    this.#motion = null;
    this.#socket?.send(text);
  }

  motion(text: string): void {
    if (!this.#core.connected) return;
    if (this.#socket?.busy === true) this.#motion = text;
    else this.#socket?.send(text);
  }

  view(visible: boolean, oneToOne: boolean, ratio: number): void {
    this.#view = { visible, oneToOne, ratio };
    this.#core.setOneToOne(oneToOne);
    this.#core.setVisible(visible);
    if (this.#core.connected) this.#sendView();
    this.#sayVerdict();
  }

  watch(status: boolean, trace: boolean): void {
    this.#watch = { status, trace };
    if (this.#core.connected) this.#send({ type: "watch", status, trace });
  }

  /** What cannot be sent now is dropped: the page sees by the next layout what there is. */
  changeLayout(monitors: readonly Monitor[], scale: number | null): void {
    if (this.#core.connected) this.#send({ type: "layout", monitors, scale });
  }

  requestClipboard(serial: number, format: ClipboardFormat): void {
    if (this.#core.connected) this.#send({ type: "clipboard", serial, format });
  }

  /** Whole, and before any input that comes later: the agent lets that wait until programs can paste. */
  sendClipboard(format: ClipboardFormat, content: ArrayBuffer): void {
    if (!this.#core.connected) return;
    this.#brought = (this.#brought + 1) >>> 0;
    for (const frame of pieces(format, this.#brought, new Uint8Array(content))) this.#socket?.send(frame);
  }

  offer(sdp: string): void {
    if (this.#core.connected) this.#send({ type: "offer", sdp });
  }

  played(number: number, frames: number): void {
    if (this.#core.connected) this.#send({ type: "played", monitor: this.#monitorId, number, frames });
  }

  /** The person, the network or the waking page asks for a try at once. */
  retry(force: boolean): void {
    const { phase } = this.#core;
    if (this.#core.connected && !force) {
      // The way may have died in our sleep: ask, and let the silence tell.
      this.#core.doubt(performance.now());
      this.#send({ type: "ping", t: performance.now() });
      return;
    }
    if (phase === "connecting" && !force) return;
    if (phase === "ended" && !force) return;
    if (this.#core.connected) this.#core.lost(1001, 0);
    this.#core.forgive();
    if (force) this.#core.wanted();
    this.#connect();
  }

  // ── connection ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #connect(): void {
    clearTimeout(this.#retryTimer);
    this.#socket?.drop();
    this.#core.retrying();
    this.#reportConnection({ phase: "connecting", attempt: this.#core.attempt });
    this.#socket = new ViewerSocket(this.#desktop, this.#core.attempt > 0, {
      opened: () => {
        this.#core.opened(performance.now());
        this.#assembly = new Assembly();
        this.#send(this.#core.hello(ENCODINGS, this.#device, this.#video));
      },
      text: (data) => {
        this.#guard(() => {
          this.#message(this.#core.receive(data, performance.now()));
        });
      },
      binary: (data) => {
        this.#guard(() => {
          if (new Uint8Array(data, 0, Math.min(1, data.byteLength))[0] === KIND_CLIPBOARD) this.#clipboard(data);
          else this.#update(data, performance.now());
        });
      },
      closed: (code, detail) => {
        this.#lost(code, detail);
      },
      refused: (reason, detail) => {
        this.#core.refuse(reason);
        this.#ended(reason, detail);
      },
    });
  }

  /** Runs a handler of what came over the wire; a peer that breaks the protocol is sent away. */
  #guard(handle: () => void): void {
    try {
      handle();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#socket?.drop(CLOSE.violation, error.message.slice(0, 120));
      this.#lost(CLOSE.violation, error.message);
    }
  }

  #lost(code: number, detail: string): void {
    this.#tell({ kind: "peer", servers: null });
    this.#surface.video(null);
    this.#motion = null;
    this.#wanted = null;
    const next = this.#core.lost(code, Math.random());
    this.#sayVerdict();
    if (next.kind === "end") {
      this.#ended(next.reason, detail);
      return;
    }
    this.#reportConnection({ phase: "reconnecting", attempt: next.attempt, inMs: next.inMs, detail });
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      this.#connect();
    }, next.inMs);
  }

  #ended(reason: EndReason, detail: string): void {
    // What may no longer be seen here is gone at once.
    const grid = this.#verifier?.grid;
    if (BLANKED.has(reason) && grid !== undefined) this.#surface.open(grid.width, grid.height);
    this.#sayVerdict();
    this.#reportConnection({ phase: "ended", reason, detail });
  }

  #tick(): void {
    const nowMs = performance.now();
    const due = this.#core.due(nowMs);
    if (due.dead) {
      this.#socket?.drop();
      this.#lost(1006, "");
    } else {
      if (due.ping) this.#send({ type: "ping", t: nowMs });
      this.#flushMotion();
      if (this.#core.phase === "running" && !this.#reading && this.#verifier?.sweepDue(nowMs) === true)
        this.#read("sweep");
    }
    this.#sayVerdict();
  }

  // ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #message(message: AgentMessage): void {
    switch (message.type) {
      case "welcome":
        this.#openMonitor();
        this.#sendView();
        if (this.#watch.status || this.#watch.trace) this.#send({ type: "watch", ...this.#watch });
        this.#send({ type: "ping", t: performance.now() });
        return;
      case "monitors":
        if (!sameSize(this.#opened, this.#core.monitor)) this.#openMonitor();
        else this.#sayLayout();
        return;
      case "verify":
        if (message.monitor === this.#monitorId) this.#read(message.full ? "full" : "verify");
        return;
      case "state":
        if (message.monitor !== this.#monitorId) return;
        this.#ageMs = message.age_ms;
        this.#ratio = message.ratio;
        this.#heardAgeAtMs = performance.now();
        this.#epoch = message.epoch;
        this.#sayVerdict();
        return;
      case "cursor":
        this.#tell({ kind: "cursor", cursor: message });
        return;
      case "pointer":
        this.#tell({ kind: "pointer", x: message.x, y: message.y });
        return;
      case "status":
        if (message.monitor === this.#monitorId) this.#tell({ kind: "status", status: message });
        return;
      case "trace":
        this.#tell({ kind: "trace", trace: message });
        return;
      case "clipboard":
        this.#tell({ kind: "clipboard", state: message });
        return;
      case "peer":
        this.#tell({ kind: "peer", servers: message.servers });
        return;
      case "answer":
        this.#tell({ kind: "answer", sdp: message.sdp });
        return;
      case "video":
        if (message.monitor === this.#monitorId) this.#showVideo(message);
        return;
      case "notice":
        this.#tell({ kind: "notice", code: message.code, message: message.message });
        return;
      case "pong":
        return; // That it came is all we need; the agent estimates the clocks' offset.
    }
  }

  /** A decoder and a surface of the monitor's size. The old ones' pixels mean nothing to this agent. */
  #openMonitor(): void {
    const { monitor } = this.#core;
    if (monitor === null) return;
    this.#opened = monitor;
    const old = this.#verifier?.grid;
    this.#decoder = TileDecoder.create(
      this.#module,
      monitor.width,
      monitor.height,
      this.#core.digestSeed,
      this.#cacheBytes,
    );
    this.#verifier = new Verifier(monitor.width, monitor.height);
    this.#awaitsReset = false;
    this.#wanted = null;
    // After a reconnect of the same size the last picture stays until the first update: a still picture under a note, not a black flash.
    if (old?.width !== monitor.width || old.height !== monitor.height)
      this.#surface.open(monitor.width, monitor.height);
    this.#sayLayout();
    this.#reportConnection({ phase: "connected", desktop: this.#desktop, monitor });
  }

  #sayLayout(): void {
    const { layout, monitor } = this.#core;
    if (layout !== null && monitor !== null) this.#tell({ kind: "layout", layout, monitor });
  }

  /** Frames of this number belong into the rectangle, from now on and alone; with 0 there are none. */
  #showVideo({ number, x, y, width, height }: AgentMessageOf<"video">): void {
    const grid = this.#verifier?.grid;
    if (grid === undefined) return;
    if (number === 0) {
      this.#verifier?.uncover();
      this.#surface.video(null);
      return;
    }
    if (width === 0 || height === 0 || x + width > grid.width || y + height > grid.height)
      throw new ProtocolError("video", "a rectangle on the monitor");
    const rectangle = { x, y, width, height };
    this.#verifier?.cover(rectangle);
    this.#surface.video({ number, rectangle });
  }

  #clipboard(data: ArrayBuffer): void {
    this.#core.heard(performance.now());
    const answer = this.#assembly.add(data);
    if (answer !== null) this.#tell({ kind: "clipboard-answer", answer });
  }

  // ── the picture's way ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #update(data: ArrayBuffer, receivedMs: number): void {
    this.#core.updateArrived(receivedMs);
    const decoder = this.#decoder;
    const verifier = this.#verifier;
    if (decoder === null || verifier === null) return;
    // 1. decode into the decoder's picture
    const update = new Uint8Array(data);
    if (update.byteLength < 4 || (update[2] ?? 0) + (update[3] ?? 0) * 256 !== this.#monitorId) {
      throw new ProtocolError("update.monitor", `monitor ${this.#monitorId}`);
    }
    // After one that could not be applied only a whole picture helps: the next ones build on what is missing.
    if (this.#awaitsReset && ((update[1] ?? 0) & FLAG_RESET) === 0) return;
    let applied: ReturnType<TileDecoder["apply"]>;
    try {
      applied = decoder.apply(update);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#refresh();
      return;
    }
    this.#awaitsReset = false;
    // 2. copy what changed out of the decoder; beside video no tile that the decoder has no news of
    const dirty = verifier.onlyNew(applied.tiles, applied.reset) ?? applied.dirty;
    let bytes = 0;
    for (const { width, height } of dirty) bytes += width * height * 4;
    const pixels = this.#surface.take(bytes);
    let offset = 0;
    for (const { x, y, width, height } of dirty) {
      const length = width * height * 4;
      decoder.pixels(x, y, width, height, new Uint8ClampedArray(pixels, offset, length));
      offset += length;
    }
    const decodedMs = performance.now();
    // 3. paint it as a whole
    const socket = this.#socket;
    this.#surface.paint({ reset: applied.reset, rectangles: dirty, pixels }, (shownWallMs) => {
      // 4. say so, unless the one who sent it is gone
      if (socket !== this.#socket) return;
      const shown = Math.max(decodedMs, shownWallMs - performance.timeOrigin);
      this.#send({
        type: "ack",
        monitor: this.#monitorId,
        epoch: applied.epoch,
        received: receivedMs,
        decoded: decodedMs,
        shown,
      });
    });
    verifier.painted(applied.epoch, applied.tiles, applied.reset, decodedMs);
  }

  /** Start over: what the surface shows can no longer be trusted. */
  #refresh(): void {
    this.#core.distrust();
    this.#sayVerdict();
    if (this.#awaitsReset) return;
    this.#awaitsReset = true;
    this.#send({ type: "refresh", monitor: this.#monitorId });
  }

  // ── exactness ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Reads the surface back and reports. One look at a time; a wish that comes meanwhile is remembered, `full` above all. */
  #read(kind: ReadingKind): void {
    const verifier = this.#verifier;
    const decoder = this.#decoder;
    if (verifier === null || decoder === null) return;
    if (this.#reading) {
      if (kind !== "sweep" && this.#wanted !== "full") this.#wanted = kind;
      return;
    }
    this.#reading = true;
    const reading = verifier.plan(kind, performance.now());
    const socket = this.#socket;
    // The surface answers in order: the ack of the epoch read here is sent before the report, that of a later one after it.
    this.#surface.read(reading.rectangles, (pixels) => {
      this.#reading = false;
      const stale = verifier !== this.#verifier || socket !== this.#socket;
      if (!stale && pixels === null) {
        verifier.failed(reading);
        this.#core.distrust();
      } else if (!stale && pixels !== null) {
        const parts = reading.rectangles.map(({ x, y, width, height }, index) =>
          decoder.digest(pixels[index] ?? new Uint8ClampedArray(), width * 4, x, y, width, height),
        );
        const { tiles, digests } = verifier.digested(reading, parts);
        const fits = tiles.length <= MAX_REPORT_TILES;
        const full = reading.kind === "full";
        if (fits)
          this.#socket?.send(
            encodeReport({
              monitor: this.#monitorId,
              epoch: reading.epoch,
              full,
              root: decoder.root(),
              tiles,
              digests,
            }),
          );
      }
      const wanted = this.#wanted;
      this.#wanted = null;
      if (wanted !== null) this.#read(wanted);
    });
  }

  // ── saying things ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #send(message: ViewerMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #sendView(): void {
    const { visible, oneToOne, ratio } = this.#view;
    this.#send({ type: "view", visible, scaled: !oneToOne, ratio });
  }

  #flushMotion(): void {
    if (this.#motion === null || this.#socket?.busy === true) return;
    this.#socket?.send(this.#motion);
    this.#motion = null;
  }

  #reportConnection(state: ConnectionState): void {
    this.#tell({ kind: "connection", state });
  }

  /** Tells the page what the badge may say: when that changes, and once a second, for a page that hears nothing lets it fall. */
  #sayVerdict(): void {
    const nowMs = performance.now();
    const state = this.#core.verdict(nowMs);
    const ratio = state === "lossy" ? this.#ratio : null;
    const said = `${state} ${this.#epoch} ${ratio}`;
    if (said === this.#said && nowMs - this.#saidAtMs < VERDICT_EVERY_MS) return;
    this.#said = said;
    this.#saidAtMs = nowMs;
    this.#tell({
      kind: "verdict",
      state,
      epoch: this.#epoch,
      ageMs: this.#ageMs + (nowMs - this.#heardAgeAtMs),
      ratio,
    });
  }
}
