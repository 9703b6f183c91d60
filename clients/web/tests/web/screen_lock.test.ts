import { describe, expect, it } from "vitest";
import { InputReport, REPORT_INTERVAL_MS } from "../../src/ui/lock/input_report.ts";
import { DEFAULT_LIMITS, LockCore, type ScreenEvent, type ScreenState, TABLE } from "../../src/ui/lock/lock_core.ts";
import { PAUSES_MS, TABLE as SIGN_OUT_TABLE, SignOutCore } from "../../src/ui/sign_out_core.ts";

const LIMITS = { afterMs: 600_000, warningMs: 60_000, blankMs: 10_000 };
const STATES = Object.keys(TABLE) as ScreenState[];
const EVENTS = Object.keys(TABLE.open) as ScreenEvent[];

describe("the lock of the screen", () => {
  it("has every event in every state", () => {
    for (const state of STATES) expect(Object.keys(TABLE[state]).sort()).toEqual([...EVENTS].sort());
  });

  it("is left only when it was unlocked", () => {
    expect(EVENTS.filter((event) => TABLE.locked[event] !== "locked")).toEqual(["unlocked"]);
  });

  it("keeps a covered screen covered, whoever touches it", () => {
    expect(TABLE.covered.input).toBe("covered");
  });

  it("warns, then covers", () => {
    const core = new LockCore(0);
    core.gatewaySaid(LIMITS.afterMs, LIMITS, 0);
    core.tick(539_999);
    expect(core.state).toBe("open");
    core.tick(540_000);
    expect([core.state, core.remainingS(540_000)]).toEqual(["warned", 60]);
    core.tick(600_000);
    expect(core.state).toBe("covered");
  });

  it("covers at once what was due while the device slept", () => {
    const core = new LockCore(0);
    core.tick(10 * DEFAULT_LIMITS.afterMs);
    expect(core.state).toBe("covered");
  });

  it("starts over with input, but not once the screen is covered", () => {
    const core = new LockCore(0);
    core.tick(550_000);
    core.input(551_000);
    expect([core.state, core.remainingS(551_000)]).toEqual(["open", 600]);
    core.tick(1_151_000);
    core.input(1_151_500);
    expect(core.state).toBe("covered");
  });

  it("believes the gateway that another window had input", () => {
    const core = new LockCore(0);
    core.tick(600_000);
    core.gatewaySaid(300_000, LIMITS, 600_500);
    expect([core.state, core.remainingS(600_500)]).toEqual(["open", 300]);
  });

  it("believes the gateway that less time is left", () => {
    const core = new LockCore(0);
    core.gatewaySaid(30_000, LIMITS, 100_000);
    core.tick(100_000);
    expect([core.state, core.remainingS(100_000)]).toEqual(["warned", 30]);
  });

  it("stays covered while the gateway is about to lock", () => {
    const core = new LockCore(0);
    core.tick(600_000);
    core.gatewaySaid(1_500, LIMITS, 600_100);
    expect(core.state).toBe("covered");
    core.locked();
    expect(core.state).toBe("locked");
    core.unlocked(700_000);
    expect([core.state, core.remainingS(700_000)]).toEqual(["open", 600]);
  });
});

describe("reports of input on a page", () => {
  it("come at once, and then not too often", () => {
    const report = new InputReport();
    expect(report.due(0)).toBe(false);
    report.input();
    expect(report.due(0)).toBe(true);
    report.input();
    expect(report.due(REPORT_INTERVAL_MS - 1)).toBe(false);
    expect(report.due(REPORT_INTERVAL_MS)).toBe(true);
    expect(report.due(10 * REPORT_INTERVAL_MS)).toBe(false);
  });
});

describe("signing out", () => {
  it("is done only when the server has confirmed it", () => {
    for (const state of ["asking", "waiting"] as const) {
      expect(Object.entries(SIGN_OUT_TABLE[state]).filter(([, next]) => next === "done")).toEqual([
        ["confirmed", "done"],
      ]);
    }
  });

  it("is tried again with growing pauses, or at once on request", () => {
    const core = new SignOutCore();
    let nowMs = 0;
    for (const pauseMs of [...PAUSES_MS, PAUSES_MS.at(-1) ?? 0]) {
      core.attemptFailed(nowMs);
      expect([core.state, core.failed]).toEqual(["waiting", true]);
      expect(core.retry(nowMs + pauseMs - 1, false)).toBe(false);
      expect(core.retry(nowMs + pauseMs, false)).toBe(true);
      nowMs += pauseMs;
    }
    core.attemptFailed(nowMs);
    expect(core.retry(nowMs, true)).toBe(true);
    expect(core.retry(nowMs, true)).toBe(false);
    core.confirmed();
    expect(core.state).toBe("done");
    core.attemptFailed(nowMs);
    expect(core.state).toBe("done");
  });
});
