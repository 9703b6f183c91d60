/**
 * Decoder, surface and verification of one monitor.
 *
 * The path of an update: `applyUpdate` → decoder → copy the changed pixels → surface → acknowledgement. The
 * path of a proof: `verify` → read the surface → digests → report.
 */

import { DecodeError, TileDecoder } from "../decode/tile_decoder.ts";
import { encodeReport, MAX_REPORT_TILES } from "../protocol/digest_report.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { AgentMessageOf, Monitor, ViewerMessage } from "../protocol/messages.ts";
import { sameSize } from "../protocol/viewer_core.ts";
import type { Surface } from "../surface/surface.ts";
import { ReadbackCheck } from "./readback_check.ts";
import { type Reading, type ReadingKind, Verifier } from "./verifier.ts";

/** Bit of an update's flags byte (PROTOCOL.md §3). */
const FLAG_RESET = 1;
/**
 * RESET updates in a row that may fail to decode on one connection. The agent keeps each of them in its send
 * window, because they are never acknowledged, and the window of a short link holds two.
 */
const FAILED_RESETS_MAX = 2;

/** Sends to the agent that sent the current updates. */
export interface AgentChannel {
  /** Changes with every connection; answers that belong to an earlier one are not sent. */
  readonly generation: number;
  send(message: ViewerMessage): void;
  sendBinary(frame: Uint8Array<ArrayBuffer>): void;
}

export interface MonitorSurfaceOptions {
  readonly monitorId: number;
  /** Limit of the decoder's tile cache, bytes. */
  readonly cacheBytes: number;
  readonly surface: Surface;
  readonly decoderModule: WebAssembly.Module;
  readonly agent: AgentChannel;
  /** Called when the content of the surface can no longer be trusted. */
  readonly onFailure: () => void;
  /** Called when the browser begins to alter what the page reads back, or no longer does. */
  readonly onReadbackChanged: (altered: boolean) => void;
}

export class MonitorSurface {
  readonly #options: MonitorSurfaceOptions;
  readonly #surface: Surface;
  readonly #agent: AgentChannel;
  #decoder: TileDecoder | null = null;
  #verifier: Verifier | null = null;
  /** The monitor for which decoder and verifier were created. */
  #monitor: Monitor | null = null;
  /** Whether updates are ignored until a RESET arrives, because an earlier one could not be applied. */
  #awaitsReset = false;
  /** RESET updates in a row that could not be applied. */
  #failedResets = 0;
  #reading = false;
  /** A reading that was requested while another one was in progress. */
  #nextReading: ReadingKind | null = null;
  readonly #readback = new ReadbackCheck();
  /** What the agent of this connection knows about altered readings; an agent begins with false. */
  #agentKnows = { generation: -1, altered: false };

  constructor(options: MonitorSurfaceOptions) {
    this.#options = options;
    this.#surface = options.surface;
    this.#agent = options.agent;
  }

  hasSizeOf(monitor: Monitor | null): boolean {
    return sameSize(this.#monitor, monitor);
  }

  /**
   * Creates a decoder and a verifier for the monitor. Pixels that an earlier agent sent are no longer valid.
   */
  open(monitor: Monitor, digestSeed: bigint): void {
    const { decoderModule, cacheBytes } = this.#options;
    const { width, height } = monitor;
    const resized = !this.hasSizeOf(monitor);
    this.#monitor = monitor;
    this.#decoder = TileDecoder.create(decoderModule, width, height, digestSeed, cacheBytes);
    this.#verifier = new Verifier(width, height);
    this.#awaitsReset = false;
    this.#failedResets = 0;
    this.#nextReading = null;
    // After a reconnect with the same size the last frame stays until the first update, instead of a black
    // flash.
    if (resized) this.#surface.open(width, height);
    this.#checkReadback();
  }

  /** Paints the monitor black, because the person may no longer see it here. */
  blank(): void {
    if (this.#monitor !== null) this.#surface.open(this.#monitor.width, this.#monitor.height);
  }

  /** Handles the loss of the connection. */
  disconnected(): void {
    this.#surface.setVideoRegion(null);
    this.#nextReading = null;
  }

  /**
   * Shows the video frames with the region's number in its rectangle from now on; number 0 ends video. Throws
   * ProtocolError.
   */
  setVideoRegion({ number, x, y, width, height }: AgentMessageOf<"video">): void {
    if (this.#verifier === null) return;
    const { grid } = this.#verifier;
    if (number === 0) {
      this.#verifier.uncover();
      this.#surface.setVideoRegion(null);
      return;
    }
    if (width === 0 || height === 0 || x + width > grid.width || y + height > grid.height)
      throw new ProtocolError("video", "a rectangle on the monitor");
    const rectangle = { x, y, width, height };
    this.#verifier.cover(rectangle);
    this.#surface.setVideoRegion({ number, rectangle });
  }

  /** Decodes and paints a binary update and acknowledges it when it was painted. Throws ProtocolError. */
  applyUpdate(data: ArrayBuffer, receivedMs: number): void {
    const decoder = this.#decoder;
    const verifier = this.#verifier;
    if (decoder === null || verifier === null) return;
    const { monitorId } = this.#options;
    // 1. Decode the update into the decoder's frame.
    const update = new Uint8Array(data);
    if (update.byteLength < 4 || (update[2] ?? 0) + (update[3] ?? 0) * 256 !== monitorId)
      throw new ProtocolError("update.monitor", `monitor ${monitorId}`);
    // Updates after one that could not be applied depend on missing pixels, so only a RESET helps.
    const reset = ((update[1] ?? 0) & FLAG_RESET) !== 0;
    if (this.#awaitsReset && !reset) return;
    let applied: ReturnType<TileDecoder["apply"]>;
    try {
      applied = decoder.apply(update);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#requestReset(reset);
      return;
    }
    this.#awaitsReset = false;
    this.#failedResets = 0;
    // 2. Copy the changed pixels. Beside video, tiles without a change must not be painted: the surface shows
    // newer pixels there.
    const dirty = verifier.changedOnly(applied.tiles, applied.reset) ?? applied.dirty;
    let bytes = 0;
    for (const { width, height } of dirty) bytes += width * height * 4;
    const pixels = this.#surface.takeBuffer(bytes);
    let offset = 0;
    for (const { x, y, width, height } of dirty) {
      const length = width * height * 4;
      decoder.pixels(x, y, width, height, new Uint8ClampedArray(pixels, offset, length));
      offset += length;
    }
    const decodedMs = performance.now();
    // 3. Paint the changed pixels at once.
    const { generation } = this.#agent;
    this.#surface.paint({ reset: applied.reset, rectangles: dirty, pixels }, (shownWallMs) => {
      // 4. Acknowledge the update, unless the connection it came from was lost.
      if (generation !== this.#agent.generation) return;
      const shown = Math.max(decodedMs, shownWallMs - performance.timeOrigin);
      this.#agent.send({
        type: "ack",
        monitor: monitorId,
        epoch: applied.epoch,
        received: receivedMs,
        decoded: decodedMs,
        shown,
      });
    });
    verifier.painted(applied.epoch, applied.tiles, applied.reset, decodedMs);
  }

  /** Checks whether the browser alters what the page reads back, if that is due. */
  checkReadbackIfDue(nowMs: number): void {
    if (this.#readback.due(nowMs)) this.#checkReadback();
  }

  /** The agent calls the surface unverified, or does so no longer. */
  setDoubted(doubted: boolean): void {
    this.#readback.setDoubted(doubted);
  }

  /** Reads a part of the surface for the periodic sweep if one is due. */
  sweepIfDue(nowMs: number): void {
    if (!this.#reading && this.#verifier?.sweepDue(nowMs) === true) this.verify("sweep");
  }

  /**
   * Reads the surface back and reports its digests. One reading runs at a time; the most thorough request
   * waits.
   */
  verify(kind: ReadingKind): void {
    const verifier = this.#verifier;
    const decoder = this.#decoder;
    if (verifier === null || decoder === null || this.#readback.altered) return;
    if (this.#reading) {
      if (kind !== "sweep" && this.#nextReading !== "full") this.#nextReading = kind;
      return;
    }
    this.#reading = true;
    const reading = verifier.plan(kind, performance.now());
    const { generation } = this.#agent;
    // The surface answers in order: the epoch's acknowledgement precedes its report, and later
    // acknowledgements follow it.
    this.#surface.read(reading.rectangles, (pixels) => {
      this.#reading = false;
      if (verifier === this.#verifier && generation === this.#agent.generation) {
        if (pixels === null) {
          verifier.failed(reading);
          this.#options.onFailure();
        } else if (!this.#readback.trusted) verifier.failed(reading);
        else this.#report(reading, verifier, decoder, pixels);
      }
      const next = this.#nextReading;
      this.#nextReading = null;
      if (next !== null) this.verify(next);
    });
  }

  #report(reading: Reading, verifier: Verifier, decoder: TileDecoder, pixels: readonly Uint8ClampedArray[]): void {
    const parts = reading.rectangles.map(({ x, y, width, height }, index) =>
      decoder.digest(pixels[index] ?? new Uint8ClampedArray(), width * 4, x, y, width, height),
    );
    const { tiles, digests } = verifier.digested(reading, parts);
    if (tiles.length > MAX_REPORT_TILES) return;
    this.#agent.sendBinary(
      encodeReport({
        monitor: this.#options.monitorId,
        epoch: reading.epoch,
        full: reading.kind === "full",
        root: decoder.root(),
        tiles,
        digests,
      }),
    );
  }

  /** Reads a known pattern back. What is read later is reported only if the pattern was intact. */
  #checkReadback(): void {
    const before = this.#readback.altered;
    this.#readback.started(performance.now());
    this.#surface.probe((result) => {
      this.#readback.finished(result);
      const { altered } = this.#readback;
      if (altered !== before) this.#options.onReadbackChanged(altered);
      if (result === "refused") this.#options.onFailure();
      this.#reportReadback(altered);
    });
  }

  /** Tells the agent of this connection whether readings are altered, unless it knows. */
  #reportReadback(altered: boolean): void {
    const { generation } = this.#agent;
    if (this.#agentKnows.generation !== generation) this.#agentKnows = { generation, altered: false };
    if (this.#agentKnows.altered === altered) return;
    this.#agentKnows = { generation, altered };
    this.#agent.send({ type: "readback", monitor: this.#options.monitorId, altered });
  }

  /**
   * Asks the agent for a RESET because an update could not be applied: once, and again for a RESET that could
   * not be applied either. Throws ProtocolError when that does not help: a new connection starts with a new
   * decoder.
   */
  #requestReset(failedReset: boolean): void {
    this.#options.onFailure();
    if (failedReset) this.#failedResets += 1;
    if (this.#failedResets >= FAILED_RESETS_MAX) throw new ProtocolError("update", "a RESET that can be decoded");
    if (this.#awaitsReset && !failedReset) return;
    this.#awaitsReset = true;
    this.#agent.send({ type: "refresh", monitor: this.#options.monitorId });
  }
}
