/**
 * Judges from heartbeats whether the desktop is still alive (PROTOCOL.md §12). Pure: messages and the time go in.
 *
 * What counts is the age of the newest proof on the viewer's own clock, not when a heartbeat arrives: a link that is
 * slow but steady must not make the badge flicker, and a link that delivers old proofs must not keep it *exact*.
 */

import type { SilentPart } from "./generated/wire_facts.ts";

/** A proof older than this, ms, proves nothing any more. The badge is checked every 100 ms and must fall within 1 s. */
export const PROOF_MAX_AGE_MS = 850;
/** After that, only a proof of at most this age, ms, counts again, so that the badge does not flicker at the limit. */
export const PROOF_RETURN_AGE_MS = 600;
/** Time after `welcome` within which the first proof must arrive, ms. */
export const FIRST_PROOF_WITHIN_MS = 2_000;
/** An X server whose latest answer is older than this, ms, when the agent sends a heartbeat, does not answer. */
const X_SERVER_SILENT_MS = 600;
/** A link over which nothing arrived for this time, ms, is not slow but silent: heartbeats come every 200 ms. */
const ARRIVING_WITHIN_MS = 500;
/** A measurement of the clocks' offset is replaced after this time, ms, because clocks drift. */
const OFFSET_MAX_AGE_MS = 30_000;

/**
 * - `fresh`: whatever is drawn would be delivered.
 * - `late`: frames arrive, but too late to say what the desktop shows now; or the first proof is on its way.
 * - `missing`: the link, the gateway, the agent or the X server does not answer.
 */
export type Proof = "fresh" | "late" | "missing";

/** The offset, agent's clock minus viewer's, lies between `low` and `high`. */
interface OffsetMeasurement {
  readonly low: number;
  readonly high: number;
  readonly atMs: number;
}

export class Liveness {
  #offset: OffsetMeasurement | null = null;
  #welcomedAtMs = Number.NEGATIVE_INFINITY;
  #heartbeatAtMs = Number.NEGATIVE_INFINITY;
  #frameAtMs = Number.NEGATIVE_INFINITY;
  /** When the X server was asked for the newest answer, ms on the agent's clock; null before the first. */
  #provenClockMs: number | null = null;
  #ageAtAgentMs = 0;
  #silentParts: readonly SilentPart[] = [];
  #stale = false;
  #notFreshSinceMs: number | null = null;
  #roundTripMs: number | null = null;
  /** Multiplies the limits; greater than 1 only for a host that is overloaded on purpose. */
  #patience = 1;

  /** An agent welcomed the viewer: an earlier agent's clock and proofs no longer count. */
  welcomed(nowMs: number, patience = 1): void {
    this.#patience = patience;
    this.#offset = null;
    this.#roundTripMs = null;
    this.#welcomedAtMs = nowMs;
    this.#heartbeatAtMs = Number.NEGATIVE_INFINITY;
    this.#provenClockMs = null;
    this.#silentParts = [];
    this.#stale = false;
    this.#notFreshSinceMs = null;
  }

  /** A frame of any kind arrived. */
  frameArrived(nowMs: number): void {
    this.#frameAtMs = nowMs;
  }

  /** The answer to a `ping` that was sent at `sentMs` arrived; `clockMs` is the agent's clock when it answered. */
  pong(sentMs: number, clockMs: number, nowMs: number): void {
    if (!(sentMs <= nowMs)) return;
    this.#roundTripMs = nowMs - sentMs;
    const measured = { low: clockMs - nowMs, high: clockMs - sentMs, atMs: nowMs };
    const known = this.#offset;
    // The measurement with the shortest round trip is the most exact. One that contradicts it proves that a clock stood still,
    // for example while the device slept.
    const narrower = known === null || measured.high - measured.low <= known.high - known.low;
    const contradicts = known !== null && (measured.low > known.high || measured.high < known.low);
    const outdated = known !== null && nowMs - known.atMs > OFFSET_MAX_AGE_MS;
    if (narrower || contradicts || outdated) this.#offset = measured;
  }

  heartbeat(
    message: { readonly clock: number; readonly age_ms: number | null; readonly silent: readonly SilentPart[] },
    nowMs: number,
  ): void {
    this.#heartbeatAtMs = nowMs;
    this.#silentParts = message.silent;
    if (message.age_ms === null) return;
    this.#provenClockMs = message.clock - message.age_ms;
    this.#ageAtAgentMs = message.age_ms;
    const ageMs = this.#proofAgeMs(nowMs);
    if (ageMs !== null && ageMs <= PROOF_RETURN_AGE_MS * this.#patience) this.#stale = false;
  }

  /** The newest round trip to the agent and back, ms; null before the first answer. */
  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  /** Parts of the desktop that did not answer the agent when it sent the newest heartbeat. */
  get silentParts(): readonly SilentPart[] {
    return this.#silentParts;
  }

  /** The agent's clock, ms; null until it was measured. */
  agentClockMs(nowMs: number): number | null {
    return this.#offset === null ? null : nowMs + (this.#offset.low + this.#offset.high) / 2;
  }

  /** Returns what is proven at this moment. To be called regularly. */
  proof(nowMs: number): Proof {
    const proof = this.#judge(nowMs);
    if (proof === "fresh") this.#notFreshSinceMs = null;
    else this.#notFreshSinceMs ??= nowMs;
    return proof;
  }

  /** Returns for how long nothing was proven, ms; 0 while something is. */
  notFreshForMs(nowMs: number): number {
    return this.#notFreshSinceMs === null ? 0 : nowMs - this.#notFreshSinceMs;
  }

  #judge(nowMs: number): Proof {
    const ageMs = this.#proofAgeMs(nowMs);
    if (ageMs === null) return nowMs - this.#welcomedAtMs < FIRST_PROOF_WITHIN_MS * this.#patience ? "late" : "missing";
    // Negated, so that a clock that returns NaN or runs backwards proves nothing.
    if (!(ageMs < PROOF_MAX_AGE_MS * this.#patience && nowMs >= this.#heartbeatAtMs)) this.#stale = true;
    if (!this.#stale) return "fresh";
    const arriving =
      nowMs - this.#frameAtMs < ARRIVING_WITHIN_MS * this.#patience &&
      this.#ageAtAgentMs < X_SERVER_SILENT_MS * this.#patience;
    return arriving ? "late" : "missing";
  }

  #proofAgeMs(nowMs: number): number | null {
    const clockMs = this.agentClockMs(nowMs);
    return clockMs === null || this.#provenClockMs === null ? null : clockMs - this.#provenClockMs;
  }
}
