/**
 * The viewer's half of the protocol without I/O: texts, close codes and `now` go in, decisions come out.
 *
 * One core lives as long as the page shows a desktop, over any number of connections.
 */

import { retryDelayMs } from "./backoff.ts";
import { CLOSE, closeAction, type EndReason } from "./close.ts";
import { ProtocolError } from "./errors.ts";
import {
  type AgentMessage,
  type DesktopLayout,
  type Exactness,
  type Monitor,
  PROTOCOL_VERSION,
  parseAgentMessage,
  type ViewerMessage,
} from "./messages.ts";
import { nextPhase, type Phase, type PhaseEvent } from "./phase.ts";
import { type ShownState, shownState } from "./verdict.ts";

/** The agent's clock is compared this often; its answer also proves that the way is open. */
export const PING_EVERY_MS = 2_000;
/** A way that stayed silent this long is dead, even if no close came (sleep, a pulled cable). */
export const DEAD_AFTER_MS = 8_000;
/** One that is doubted and asked answers within this, or is taken for dead. */
export const DOUBTED_MS = 1_500;
/** A connection that ran this long was good: the next loss starts counting tries anew. */
const GOOD_AFTER_MS = 2_000;
/** And a violation this long after the welcome is not the same one again. */
const FORGIVEN_AFTER_MS = 30_000;
/** A mismatch is often mended within 2 ms; a fall of the badge must last long enough to be seen. */
export const FALL_SHOWN_MS = 500;
/** PROTOCOL.md §2: code points of a device's name. */
const MAX_DEVICE_POINTS = 64;
/** Compressed tiles kept for scrolling back, bytes: on a workstation, and on a tablet, whose pages may not be large. */
export const CACHE_BYTES = 192 * 1024 * 1024;
export const SMALL_CACHE_BYTES = 16 * 1024 * 1024;

export type AfterLoss =
  | { readonly kind: "retry"; readonly inMs: number; readonly attempt: number }
  | { readonly kind: "end"; readonly reason: EndReason };

/** What to do now that time has passed. */
export interface Due {
  readonly ping: boolean;
  /** The way is dead: close it and count it as lost. */
  readonly dead: boolean;
}

export class ViewerCore {
  readonly #monitorId: number;
  #phase: Phase = "connecting";
  #monitor: Monitor | null = null;
  #layout: DesktopLayout | null = null;
  #seed = 0n;
  #state: Exactness | null = null;
  #heardStateAtMs = 0;
  #heardAtMs = 0;
  #welcomedAtMs = 0;
  #welcomedOnce = false;
  #pingedAtMs = Number.NEGATIVE_INFINITY;
  #fallShownUntilMs = Number.NEGATIVE_INFINITY;
  #oneToOne = false;
  #visible = true;
  /** True from the moment the page is hidden until the first `state` that arrives after it is visible again. */
  #outdated = false;
  #attempt = 0;
  #tickets = 0;
  #violations = 0;
  /** Desktops that ended while they were being opened; null once one was open. */
  #endings: number | null = 0;
  #doubtedAtMs = Number.NEGATIVE_INFINITY;
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

  /** Tries since the last connection that held. */
  get attempt(): number {
    return this.#attempt;
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

  hello(encodings: readonly string[], device: string, video: boolean): ViewerMessage {
    return {
      type: "hello",
      protocol: PROTOCOL_VERSION,
      client: "lightbox-web/0.1",
      monitor: this.#monitorId,
      cache_bytes: this.#cacheBytes,
      encodings,
      device: [...device].slice(0, MAX_DEVICE_POINTS).join(""),
      resume: this.#welcomedOnce,
      video,
    };
  }

  /** A socket was opened; silence is counted from here. */
  opened(nowMs: number): void {
    this.#heardAtMs = nowMs;
    this.#pingedAtMs = nowMs;
  }

  /** A text frame came. Throws ProtocolError; the caller then closes with 4400. */
  receive(text: string, nowMs: number): AgentMessage {
    const message = parseAgentMessage(text);
    this.#heardAtMs = nowMs;
    if (message.type === "welcome") {
      this.#step("welcome");
      this.#welcomedAtMs = nowMs;
      this.#welcomedOnce = true;
      this.#seed = message.digest_seed;
      this.#arrange(message);
      this.#state = null;
    } else if (!this.connected) {
      throw new ProtocolError(message.type, "welcome first");
    } else if (message.type === "monitors") {
      const before = this.#monitor;
      this.#arrange(message);
      // Of another size the picture starts over; one that only moved stays as it is, and as proven.
      if (!sameSize(before, this.#monitor)) this.#state = null;
    } else if (message.type === "state" && message.monitor === this.#monitorId) {
      const fell = message.state === "unverified" && this.#state !== null && this.#state !== "unverified";
      if (fell) this.#fallShownUntilMs = nowMs + FALL_SHOWN_MS;
      this.#state = message.state;
      if (this.#visible) this.#outdated = false;
      if (message.state === "exact") this.#endings = null;
      this.#heardStateAtMs = nowMs;
    }
    return message;
  }

  /** A binary frame that is no picture came. Throws ProtocolError when it may not come yet. */
  heard(nowMs: number): void {
    if (!this.connected) throw new ProtocolError("binary", "welcome first");
    this.#heardAtMs = nowMs;
  }

  /** A binary frame came. Throws ProtocolError when it may not come yet. */
  updateArrived(nowMs: number): void {
    this.#heardAtMs = nowMs;
    this.#step("update");
    this.#tickets = 0;
    if (nowMs - this.#welcomedAtMs >= GOOD_AFTER_MS) this.#attempt = 0;
    if (nowMs - this.#welcomedAtMs >= FORGIVEN_AFTER_MS) this.#violations = 0;
  }

  /** An update could not be applied, or the surface broke: until the agent speaks again nothing is known. */
  distrust(): void {
    this.#state = null;
  }

  setOneToOne(oneToOne: boolean): void {
    this.#oneToOne = oneToOne;
  }

  /**
   * Tells the core whether the page can be seen. The agent sends no frames to a hidden viewer, so that a surface
   * which was exact counts as `refining` until the agent reports its state again.
   */
  setVisible(visible: boolean): void {
    this.#visible = visible;
    if (!visible) this.#outdated = true;
  }

  /** The connection ended or never came about. `chance` in 0…1 spreads retries. */
  lost(code: number, chance: number): AfterLoss {
    const history = { tickets: this.#tickets, violations: this.#violations, endings: this.#endings };
    const action = closeAction(code, history);
    if (code === CLOSE.ticket) this.#tickets += 1;
    if (code === CLOSE.violation) this.#violations += 1;
    if (code === CLOSE.missing && this.#endings !== null) this.#endings += 1;
    if (action.kind === "end") return this.refuse(action.reason);
    this.#phase = nextPhase(this.#phase, "lost") ?? this.#phase;
    const inMs = action.atOnce ? 0 : retryDelayMs(this.#attempt, chance);
    this.#attempt += 1;
    return { kind: "retry", inMs, attempt: this.#attempt };
  }

  /** It makes no sense to go on. */
  refuse(reason: EndReason): AfterLoss {
    this.#phase = nextPhase(this.#phase, "refused") ?? this.#phase;
    return { kind: "end", reason };
  }

  /** Another try begins, by time or because the person or the network asks for it. */
  retrying(): void {
    this.#phase = nextPhase(this.#phase, "retry") ?? this.#phase;
  }

  /** The person wants the desktop here, wherever it is now. */
  wanted(): void {
    this.#welcomedOnce = false;
    this.#endings = 0;
  }

  /** The network is another one, or the page slept: the way may be dead. `due` says so unless something is heard soon. */
  doubt(nowMs: number): void {
    this.#doubtedAtMs = nowMs;
  }

  /** What went wrong before is forgotten. */
  forgive(): void {
    this.#attempt = 0;
    this.#tickets = 0;
    this.#violations = 0;
  }

  due(nowMs: number): Due {
    if (!this.connected) return { ping: false, dead: false };
    const doubted = this.#heardAtMs < this.#doubtedAtMs && nowMs - this.#doubtedAtMs >= DOUBTED_MS;
    const dead = doubted || nowMs - this.#heardAtMs >= DEAD_AFTER_MS;
    const ping = !dead && nowMs - this.#pingedAtMs >= PING_EVERY_MS;
    if (ping) this.#pingedAtMs = nowMs;
    return { ping, dead };
  }

  verdict(nowMs: number): ShownState {
    if (nowMs < this.#fallShownUntilMs) return "unverified";
    const state = this.#outdated && this.#state === "exact" ? "refining" : this.#state;
    return shownState(
      { connected: this.connected, state, heardAtMs: this.#heardStateAtMs, oneToOne: this.#oneToOne },
      nowMs,
    );
  }

  #arrange({ monitors, screen_max, scale, sizes }: DesktopLayout): void {
    const mine = monitors.find((monitor) => monitor.id === this.#monitorId);
    if (mine === undefined) throw new ProtocolError("monitors", `monitor ${this.#monitorId}`);
    this.#monitor = mine;
    this.#layout = { monitors, screen_max, scale, sizes };
  }

  #step(event: PhaseEvent): void {
    const next = nextPhase(this.#phase, event);
    if (next === null) throw new ProtocolError(event, `not while ${this.#phase}`);
    this.#phase = next;
  }
}

export function sameSize(one: Monitor | null, other: Monitor | null): boolean {
  return one?.width === other?.width && one?.height === other?.height;
}
