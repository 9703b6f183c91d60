/**
 * The viewer's side of the protocol without I/O: text frames, close codes and the time go in, decisions come out.
 *
 * One core lasts as long as the page shows a desktop, over any number of connections.
 */

import { retryDelayMs } from "./backoff.ts";
import { type ShownState, shownState } from "./badge_state.ts";
import { closeAction, type EndReason } from "./close_action.ts";
import { ProtocolError } from "./errors.ts";
import type { HelloMessage } from "./generated/messages.ts";
import { CloseCode, DEVICE_NAME_MAX_CHARS, PROTOCOL_VERSION } from "./generated/wire_facts.ts";
import { Liveness } from "./liveness.ts";
import { type AgentMessage, type DesktopLayout, type Exactness, type Monitor, parseAgentMessage } from "./messages.ts";
import { nextPhase, type Phase, type PhaseEvent } from "./phase.ts";
import { BLOCKED_RETRY_MS, WebSocketCheck } from "./websocket_check.ts";

/** Interval between pings, ms. The answer gives the offset of the clocks; the agent releases what a silent viewer holds. */
export const PING_INTERVAL_MS = 500;
/** A connection that was silent this long is dead, even without a close frame (sleep, an unplugged cable), ms. */
export const SILENCE_TIMEOUT_MS = 8_000;
/** The same for a connection that the page suspects to be dead, ms. */
export const SUSPECT_TIMEOUT_MS = 1_500;
/** After a connection that worked this long, the delays between attempts start from the shortest again, ms. */
const STABLE_AFTER_MS = 2_000;
/** A protocol violation this long after `welcome` does not count as a repetition of an earlier one, ms. */
const VIOLATION_FORGOTTEN_AFTER_MS = 30_000;
/** Shortest time for which the badge shows `unverified`, ms: a corrected mismatch would last only about 2 ms. */
export const UNVERIFIED_SHOWN_MS = 500;
/** Tile cache on a workstation, bytes of compressed tiles. */
export const CACHE_BYTES = 192 * 1024 * 1024;
/** Tile cache on a tablet, whose browser limits the memory of a page, bytes. */
export const SMALL_CACHE_BYTES = 16 * 1024 * 1024;

/** What follows the loss of a connection. */
export type AfterLoss =
  | { readonly kind: "retry"; readonly inMs: number; readonly attempt: number }
  | { readonly kind: "end"; readonly reason: EndReason };

export interface LinkCheck {
  /** Send a `ping` now. */
  readonly ping: boolean;
  /** The connection is dead: drop it and call `connectionLost`. */
  readonly dead: boolean;
}

export class ViewerCore {
  /** What the heartbeats of the current connection prove. */
  readonly liveness = new Liveness();
  readonly webSockets = new WebSocketCheck();
  /** Whether the newest `welcome` was that of another desktop session than the one before it. */
  replaced = false;
  readonly #monitorId: number;
  #phase: Phase = "connecting";
  #monitor: Monitor | null = null;
  #layout: DesktopLayout | null = null;
  #seed = 0n;
  /** The desktop session of the newest `welcome`; null before the first. */
  #session: string | null = null;
  #state: Exactness | null = null;
  #stateAtMs = 0;
  /** See `BadgeInputs.stateAwaitedSinceMs`. */
  #stateAwaitedSinceMs: number | null = null;
  #lastFrameAtMs = 0;
  #welcomedAtMs = 0;
  #welcomedOnce = false;
  /** Whether an agent ever welcomed this viewer, so that the surface may show something. */
  #mayShowPixels = false;
  #lastPingAtMs = Number.NEGATIVE_INFINITY;
  #unverifiedUntilMs = Number.NEGATIVE_INFINITY;
  /** Whether one pixel of the surface is one pixel of the display. */
  oneToOne = false;
  /** Whether the browser alters what the page reads back: then nothing can be verified. */
  readbackAltered = false;
  #visible = true;
  /** True from the moment the page is hidden until the first `state` that arrives after it is visible again. */
  #outdated = false;
  #attempt = 0;
  /** Rejected tickets in a row. */
  #tickets = 0;
  /** Protocol violations in a row. */
  #violations = 0;
  /** Desktops that ended before they were shown; null once one was shown. */
  #endings: number | null = 0;
  #suspectedAtMs = Number.NEGATIVE_INFINITY;
  readonly #cacheBytes: number;

  constructor(monitorId: number, cacheBytes = CACHE_BYTES) {
    this.#monitorId = monitorId;
    this.#cacheBytes = cacheBytes;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get connected(): boolean {
    return this.#phase === "welcomed" || this.#phase === "running";
  }

  /** Attempts since the last connection that worked. */
  get attempt(): number {
    return this.#attempt;
  }

  /** The session whose desktop was shown; another one must not take its place unnoticed. Null before. */
  get shownSession(): string | null {
    return this.#endings === null ? this.#session : null;
  }

  get monitor(): Monitor | null {
    return this.#monitor;
  }

  get layout(): DesktopLayout | null {
    return this.#layout;
  }

  get digestSeed(): bigint {
    return this.#seed;
  }

  hello(encodings: readonly string[], device: string, video: boolean): Required<HelloMessage> {
    return {
      type: "hello",
      protocol: PROTOCOL_VERSION,
      client: "lightbox-web/0.1",
      monitor: this.#monitorId,
      cache_bytes: this.#cacheBytes,
      encodings,
      device: [...device].slice(0, DEVICE_NAME_MAX_CHARS).join(""),
      resume: this.#welcomedOnce,
      video,
      caret: true,
    };
  }

  /** A socket was opened; its silence is measured from now on. */
  socketOpened(nowMs: number): void {
    this.webSockets.opened();
    this.#lastFrameAtMs = nowMs;
    this.#lastPingAtMs = nowMs;
  }

  /** Handles a text frame. On ProtocolError the caller closes with PROTOCOL_VIOLATION. */
  receive(text: string, nowMs: number): AgentMessage {
    const message = parseAgentMessage(text);
    this.#frameArrived(nowMs);
    if (message.type === "welcome") {
      this.#step("welcome");
      this.#welcomedAtMs = nowMs;
      this.liveness.welcomed(nowMs, message.patience);
      this.#welcomedOnce = true;
      this.#seed = message.digest_seed;
      this.replaced = this.#session !== null && this.#session !== message.session;
      this.#session = message.session;
      this.#setLayout(message);
      this.#state = null;
      if (!this.#mayShowPixels) this.#stateAwaitedSinceMs = nowMs;
      this.#mayShowPixels = true;
    } else if (!this.connected) {
      throw new ProtocolError(message.type, "a welcome before it");
    } else if (message.type === "monitors") {
      const before = this.#monitor;
      this.#setLayout(message);
      // A monitor of another size starts over; one that only moved keeps its surface and its state.
      if (!sameSize(before, this.#monitor)) {
        this.#state = null;
        this.#stateAwaitedSinceMs = nowMs;
      }
    } else if (message.type === "pong") {
      this.liveness.pong(message.t, message.clock, nowMs);
    } else if (message.type === "heartbeat") {
      this.liveness.heartbeat(message, nowMs);
    } else if (message.type === "state" && message.monitor === this.#monitorId) {
      const becameUnverified = message.state === "unverified" && this.#state !== null && this.#state !== "unverified";
      if (becameUnverified) this.#unverifiedUntilMs = nowMs + UNVERIFIED_SHOWN_MS;
      this.#state = message.state;
      this.#stateAwaitedSinceMs = null;
      if (this.#visible) this.#outdated = false;
      if (message.state === "exact") this.#endings = null;
      this.#stateAtMs = nowMs;
    }
    return message;
  }

  /** A binary frame other than an update arrived. Throws ProtocolError before `welcome`. */
  binaryArrived(nowMs: number): void {
    if (!this.connected) throw new ProtocolError("binary", "a welcome before it");
    this.#frameArrived(nowMs);
  }

  /** An update arrived. Throws ProtocolError before `welcome`. */
  updateArrived(nowMs: number): void {
    this.#frameArrived(nowMs);
    this.#step("update");
    this.#tickets = 0;
    if (nowMs - this.#welcomedAtMs >= STABLE_AFTER_MS) this.#attempt = 0;
    if (nowMs - this.#welcomedAtMs >= VIOLATION_FORGOTTEN_AFTER_MS) this.#violations = 0;
  }

  /** An update could not be applied, or the surface failed: the state is unknown until the agent sends a new one. */
  surfaceFailed(): void {
    this.#state = null;
    this.#stateAwaitedSinceMs = null;
  }

  /**
   * Tells the core whether the page can be seen. The agent sends no frames to a hidden viewer, so that a surface
   * which was exact counts as `refining` until the agent reports its state again.
   */
  setVisible(visible: boolean): void {
    this.#visible = visible;
    if (!visible) this.#outdated = true;
  }

  /**
   * The connection ended or could not be made. `random` in 0…1 spreads the attempts of many viewers. `unopened` says
   * that the WebSocket did not open although HTTPS worked.
   */
  connectionLost(code: number, random: number, unopened = false): AfterLoss {
    this.webSockets.lost(unopened);
    this.#stateAwaitedSinceMs = null;
    const history = { tickets: this.#tickets, violations: this.#violations, endings: this.#endings };
    const action = closeAction(code, history);
    if (code === CloseCode.TICKET_REJECTED) this.#tickets += 1;
    if (code === CloseCode.PROTOCOL_VIOLATION) this.#violations += 1;
    if (code === CloseCode.DESKTOP_ENDED && this.#endings !== null) this.#endings += 1;
    if (action.kind === "end") return this.end(action.reason);
    this.#phase = nextPhase(this.#phase, "lost") ?? this.#phase;
    let inMs = action.atOnce ? 0 : retryDelayMs(this.#attempt, random);
    if (this.webSockets.blocked) inMs = BLOCKED_RETRY_MS;
    this.#attempt += 1;
    return { kind: "retry", inMs, attempt: this.#attempt };
  }

  /** Ends the viewer for good, for a reason that another attempt would not change. */
  end(reason: EndReason): AfterLoss {
    this.#phase = nextPhase(this.#phase, "refused") ?? this.#phase;
    return { kind: "end", reason };
  }

  /** Another attempt starts: its delay is over, or the person or a change of the network triggered it. */
  retryStarted(): void {
    this.#phase = nextPhase(this.#phase, "retry") ?? this.#phase;
  }

  /** The person takes the desktop over from another device; the next `hello` says so. */
  takeOver(): void {
    this.#welcomedOnce = false;
    this.#endings = 0;
  }

  /** The network changed or the page slept: `checkLink` gives the connection only `SUSPECT_TIMEOUT_MS` to answer. */
  suspectLink(nowMs: number): void {
    this.#suspectedAtMs = nowMs;
  }

  /** Forgets earlier failures, so that the next attempt starts with the shortest delay. */
  resetFailures(): void {
    this.#attempt = 0;
    this.#tickets = 0;
    this.#violations = 0;
  }

  /** To be called regularly: returns whether to ping and whether the connection is dead. */
  checkLink(nowMs: number): LinkCheck {
    if (!this.connected) return { ping: false, dead: false };
    const unanswered = this.#lastFrameAtMs < this.#suspectedAtMs && nowMs - this.#suspectedAtMs >= SUSPECT_TIMEOUT_MS;
    const dead = unanswered || nowMs - this.#lastFrameAtMs >= SILENCE_TIMEOUT_MS;
    const ping = !dead && nowMs - this.#lastPingAtMs >= PING_INTERVAL_MS;
    if (ping) this.#lastPingAtMs = nowMs;
    return { ping, dead };
  }

  /** Returns what the badge shows. */
  shownState(nowMs: number): ShownState {
    if (this.readbackAltered || nowMs < this.#unverifiedUntilMs) return "unverified";
    // Before the first connection nothing is shown that could be wrong.
    if (!this.#mayShowPixels && this.#phase !== "ended") return "refining";
    const state = this.#outdated && this.#state === "exact" ? "refining" : this.#state;
    const proof = this.connected ? this.liveness.proof(nowMs) : "missing";
    return shownState(
      {
        connected: this.connected,
        state,
        stateAtMs: this.#stateAtMs,
        stateAwaitedSinceMs: this.#stateAwaitedSinceMs,
        oneToOne: this.oneToOne,
        proof,
      },
      nowMs,
    );
  }

  #frameArrived(nowMs: number): void {
    this.#lastFrameAtMs = nowMs;
    this.liveness.frameArrived(nowMs);
  }

  #setLayout({ monitors, screen_max, scale, sizes }: DesktopLayout): void {
    const mine = monitors.find((monitor) => monitor.id === this.#monitorId);
    if (mine === undefined) throw new ProtocolError("monitors", `monitor ${this.#monitorId}`);
    this.#monitor = mine;
    this.#layout = { monitors, screen_max, scale, sizes };
  }

  #step(event: PhaseEvent): void {
    const next = nextPhase(this.#phase, event);
    if (next === null) throw new ProtocolError(event, `not allowed while ${this.#phase}`);
    this.#phase = next;
  }
}

export function sameSize(one: Monitor | null, other: Monitor | null): boolean {
  return one?.width === other?.width && one?.height === other?.height;
}
