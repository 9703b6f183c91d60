import { describe, expect, it } from "vitest";
import {
  FIRST_PROOF_WITHIN_MS,
  Liveness,
  PROOF_MAX_AGE_MS,
  PROOF_RETURN_AGE_MS,
  type Proof,
} from "../../src/protocol/liveness.ts";

/** The agent's clock minus the viewer's, ms. */
const OFFSET_MS = 1_000_000;

/** A link with a fixed delay in each direction, ms, over which an agent sends heartbeats. */
class Link {
  readonly liveness = new Liveness();
  readonly #upMs: number;
  readonly #downMs: number;

  constructor(upMs: number, downMs: number) {
    this.#upMs = upMs;
    this.#downMs = downMs;
    this.liveness.welcomed(0);
    this.ping(0);
  }

  /** A ping that the viewer sends at `atMs` is answered. */
  ping(atMs: number): void {
    const arrivedMs = atMs + this.#upMs;
    this.liveness.pong(atMs, arrivedMs + OFFSET_MS, arrivedMs + this.#downMs);
  }

  /** The agent sends a heartbeat at `atMs`, whose proof is `ageMs` old. Returns when it arrives. */
  heartbeat(atMs: number, ageMs: number | null = 0, extraMs = 0): number {
    const arrivesMs = atMs + this.#downMs + extraMs;
    this.liveness.frameArrived(arrivesMs);
    this.liveness.heartbeat({ clock: atMs + OFFSET_MS, age_ms: ageMs, silent: [] }, arrivesMs);
    return arrivesMs;
  }
}

describe("liveness", () => {
  it("proves nothing before the clocks are compared and a first proof arrived", () => {
    const liveness = new Liveness();
    liveness.welcomed(0);
    liveness.heartbeat({ clock: 5, age_ms: 0, silent: [] }, 5);
    expect(liveness.proof(6)).toBe("late");
    liveness.pong(6, 7, 8);
    expect(liveness.proof(8)).toBe("fresh");
  });

  it("is missing when no proof arrives in time after the welcome", () => {
    const link = new Link(1, 1);
    link.heartbeat(100, null);
    expect(link.liveness.proof(FIRST_PROOF_WITHIN_MS - 1)).toBe("late");
    expect(link.liveness.proof(FIRST_PROOF_WITHIN_MS)).toBe("missing");
  });

  it("multiplies every limit by the patience of the welcome", () => {
    const link = new Link(1, 1);
    link.liveness.welcomed(0, 10);
    link.ping(0);
    link.heartbeat(200);
    expect(link.liveness.proof(200 + 10 * PROOF_MAX_AGE_MS - 1)).toBe("fresh");
    expect(link.liveness.proof(200 + 10 * PROOF_MAX_AGE_MS)).toBe("missing");
  });

  it("falls within the limit when everything is silent", () => {
    const link = new Link(1, 1);
    const arrivedMs = link.heartbeat(200);
    expect(link.liveness.proof(arrivedMs + PROOF_MAX_AGE_MS - 2)).toBe("fresh");
    expect(link.liveness.proof(arrivedMs + PROOF_MAX_AGE_MS)).toBe("missing");
  });

  it("falls within the limit when the agent lives and the X server does not answer", () => {
    const link = new Link(1, 1);
    const proofs: Proof[] = [];
    for (let ageMs = 0; ageMs <= 1_000; ageMs += 200)
      proofs.push(link.liveness.proof(link.heartbeat(200 + ageMs, ageMs)));
    expect(proofs).toEqual(["fresh", "fresh", "fresh", "fresh", "fresh", "missing"]);
  });

  it.each([
    ["400 ms each way", 400, 400],
    ["800 ms up", 799, 1],
    ["800 ms down", 1, 799],
  ])("does not flicker with a round trip of 800 ms: %s", (_, upMs, downMs) => {
    const link = new Link(upMs, downMs);
    link.liveness.proof(link.heartbeat(800));
    for (let atMs = 1_000; atMs < 20_000; atMs += 200) {
      const arrivedMs = link.heartbeat(atMs, 1, (atMs % 5) * 10);
      for (const laterMs of [0, 50, 100, 150]) expect(link.liveness.proof(arrivedMs + laterMs)).toBe("fresh");
    }
  });

  it("is late, and stays so, while a full queue delays every proof", () => {
    const link = new Link(1, 1);
    link.liveness.proof(link.heartbeat(0));
    const proofs = new Set<Proof>();
    // The delay varies around the limit: each proof arrives 750 to 900 ms old.
    for (let atMs = 1_000; atMs < 9_000; atMs += 200)
      for (const laterMs of [0, 100, 199])
        if (atMs > 2_000)
          proofs.add(link.liveness.proof(link.heartbeat(atMs, 0, 750 + ((atMs / 200) % 4) * 50) + laterMs));
    expect([...proofs]).toEqual(["late"]);
    expect(link.liveness.proof(link.heartbeat(10_000, 0, PROOF_RETURN_AGE_MS - 10))).toBe("fresh");
  });

  it("notices at the next pong that the device slept", () => {
    const link = new Link(1, 1);
    link.liveness.proof(link.heartbeat(0));
    // The viewer's clock stood still for an hour.
    const hourMs = 3_600_000;
    link.liveness.frameArrived(300);
    link.liveness.heartbeat({ clock: 300 + OFFSET_MS + hourMs, age_ms: 0, silent: [] }, 300);
    link.liveness.pong(310, 311 + OFFSET_MS + hourMs, 312);
    expect(link.liveness.agentClockMs(400)).toBe(400 + OFFSET_MS + hourMs);
    link.liveness.heartbeat({ clock: 500 + OFFSET_MS + hourMs, age_ms: 0, silent: [] }, 501);
    expect(link.liveness.proof(502)).toBe("fresh");
  });

  it("keeps the offset that was measured before a stall", () => {
    const link = new Link(1, 1);
    link.liveness.pong(1_000, 1_001 + OFFSET_MS, 9_000);
    expect(link.liveness.agentClockMs(9_000)).toBe(9_000 + OFFSET_MS);
  });

  it("starts over with a new agent", () => {
    const link = new Link(1, 1);
    expect(link.liveness.proof(link.heartbeat(200))).toBe("fresh");
    link.liveness.welcomed(300);
    expect(link.liveness.agentClockMs(300)).toBeNull();
    expect(link.liveness.proof(301)).toBe("late");
  });
});
