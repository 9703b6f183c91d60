import { describe, expect, it } from "vitest";
import { retryDelayMs } from "../../src/protocol/backoff.ts";
import { STATE_TIMEOUT_MS, shownState } from "../../src/protocol/badge_state.ts";
import { closeAction } from "../../src/protocol/close_action.ts";
import { encodeReport, MAX_REPORT_TILES } from "../../src/protocol/digest_report.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { CloseCode, EXACTNESS, VIEWER_BINARY_MAX_BYTES } from "../../src/protocol/generated/wire_facts.ts";
import { parseAgentMessage } from "../../src/protocol/messages.ts";

const WELCOME = {
  type: "welcome",
  protocol: 1,
  session: "s",
  viewer: "v",
  desktop: "radiology",
  tile_px: 64,
  digest_seed: "ffffffffffffffff",
  patience: 1,
  monitors: [{ id: 0, x: 0, y: 0, width: 1920, height: 1080, primary: true }],
  screen_max: [8192, 4320],
  scale: 100,
  sizes: "window",
};

describe("agent messages", () => {
  it("are parsed, and unknown fields dropped", () => {
    const message = parseAgentMessage(JSON.stringify({ ...WELCOME, future: 1 }));
    expect(message).toEqual({ ...WELCOME, digest_seed: 0xffff_ffff_ffff_ffffn });
  });

  it.each([
    ["text that is not JSON", "{"],
    ["JSON that is not an object", "[]"],
    ["null", "null"],
    ["an object without a type", "{}"],
    ["a type of Object.prototype", '{"type":"constructor"}'],
    ["an unknown type", '{"type":"hello"}'],
    ["another protocol version", JSON.stringify({ ...WELCOME, protocol: 2 })],
    ["a seed that is too short", JSON.stringify({ ...WELCOME, digest_seed: "ff" })],
    ["a monitor without width", JSON.stringify({ ...WELCOME, monitors: [{ id: 0, x: 0, y: 0, height: 1 }] })],
    ["a monitor of width 0", JSON.stringify({ ...WELCOME, monitors: [{ id: 0, x: 0, y: 0, width: 0, height: 1 }] })],
    ["a fraction of a pixel", JSON.stringify({ type: "pointer", x: 1.5, y: 0 })],
    ["text in place of a boolean", JSON.stringify({ type: "verify", monitor: 0, full: "yes" })],
    [
      "an unknown state",
      JSON.stringify({ type: "state", monitor: 0, epoch: 1, state: "scaled", age_ms: 0, ratio: null }),
    ],
    [
      "an epoch of more than 32 bits",
      JSON.stringify({ type: "state", monitor: 0, epoch: 2 ** 32, state: "exact", age_ms: 0, ratio: null }),
    ],
    [
      "a cursor image that is not base64",
      JSON.stringify({ type: "cursor", width: 1, height: 1, hot_x: 0, hot_y: 0, png: 'x") 0 0' }),
    ],
    ["a message over the limit", JSON.stringify({ type: "notice", code: "x", message: "y".repeat(300_000) })],
  ])("are refused: %s", (_, text) => {
    expect(() => parseAgentMessage(text)).toThrow(ProtocolError);
  });

  it("cause errors that name the wrong field", () => {
    const broken = { ...WELCOME, monitors: [{ id: 0, x: 0, y: 0, width: "wide", height: 1 }] };
    expect(() => parseAgentMessage(JSON.stringify(broken))).toThrow("welcome.monitors[0].width");
  });

  it("may hide the cursor and leave the viewer's times in a trace unknown", () => {
    const hidden = { type: "cursor", width: 0, height: 0, hot_x: 0, hot_y: 0, png: null };
    expect(parseAgentMessage(JSON.stringify(hidden))).toEqual(hidden);
    const frame = {
      epoch: 1,
      damaged: 1,
      captured: 2,
      diffed: 3,
      encoded: 4,
      sent: 5,
      received: null,
      decoded: null,
      shown: null,
      acked: 6,
      tiles: 1,
      bytes: 2,
    };
    expect(parseAgentMessage(JSON.stringify({ type: "trace", frames: [frame] }))).toEqual({
      type: "trace",
      frames: [frame],
    });
  });
});

describe("digest report", () => {
  it("is serialized as PROTOCOL.md says", () => {
    const bytes = encodeReport({
      monitor: 0x0102,
      epoch: 0x03040506,
      full: true,
      root: 0x1122334455667788n,
      tiles: [7, 0x1ff],
      digests: [1n, 0xffffffffffffffffn],
    });
    expect([...bytes]).toEqual([
      ...[2, 1, 0x02, 0x01, 0x06, 0x05, 0x04, 0x03, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 2, 0],
      ...[7, 0, 1, 0, 0, 0, 0, 0, 0, 0],
      ...[0xff, 1, 255, 255, 255, 255, 255, 255, 255, 255],
    ]);
  });

  it("never exceeds a frame of 256 KiB", () => {
    const tiles = Array.from({ length: MAX_REPORT_TILES }, (_, tile) => tile);
    const digests = tiles.map(() => 0n);
    expect(encodeReport({ monitor: 0, epoch: 1, full: true, root: 0n, tiles, digests }).byteLength).toBeLessThanOrEqual(
      VIEWER_BINARY_MAX_BYTES,
    );
    expect(() =>
      encodeReport({ monitor: 0, epoch: 1, full: true, root: 0n, tiles: [...tiles, 0], digests: [...digests, 0n] }),
    ).toThrow(RangeError);
  });
});

describe("badge state", () => {
  const good = {
    connected: true,
    state: "exact",
    stateAtMs: 1_000,
    stateAwaitedSinceMs: null,
    oneToOne: true,
    proof: "fresh",
  } as const;

  it("is the agent's until the timeout", () => {
    for (const state of EXACTNESS) expect(shownState({ ...good, state }, 1_000 + STATE_TIMEOUT_MS - 1)).toBe(state);
  });

  it("is never better than the agent's", () => {
    for (const state of EXACTNESS) {
      for (const oneToOne of [true, false]) {
        if (state !== "exact") expect(shownState({ ...good, state, oneToOne }, 1_000)).toBe(state);
      }
    }
  });

  it("is refining instead of exact while proofs arrive late", () => {
    expect(shownState({ ...good, proof: "late" }, 1_000)).toBe("refining");
    expect(shownState({ ...good, proof: "late", oneToOne: false }, 1_000)).toBe("refining");
    expect(shownState({ ...good, proof: "late", state: "lossy" }, 1_000)).toBe("lossy");
  });

  it("is scaled where the surface is not one to one", () => {
    expect(shownState({ ...good, oneToOne: false }, 1_000)).toBe("scaled");
  });

  it.each([
    ["without a connection", { ...good, connected: false }, 1_000],
    ["before the first state", { ...good, state: null }, 1_000],
    ["without a proof that the desktop is alive", { ...good, proof: "missing" as const }, 1_000],
    ["after 5 s without a state", good, 1_000 + STATE_TIMEOUT_MS],
    ["when the clock runs backwards", good, 999],
    ["when the clock is broken", good, Number.NaN],
  ])("is unverified %s", (_, inputs, now) => {
    expect(shownState(inputs, now)).toBe("unverified");
  });
});

describe("after the loss of a connection", () => {
  it("the first attempts come quickly, and later ones at least every 13 s", () => {
    expect(retryDelayMs(0, 0.5)).toBe(100);
    const delays = Array.from({ length: 40 }, (_, attempt) => retryDelayMs(attempt, 0.5));
    expect(delays).toEqual([...delays].sort((left, right) => left - right));
    expect(retryDelayMs(1000, 1)).toBeLessThanOrEqual(13_000);
    expect(retryDelayMs(0, 0)).toBeGreaterThan(0);
  });

  it("for the first minute a network that returns is noticed within a second", () => {
    const delays = Array.from({ length: 125 }, (_, attempt) => retryDelayMs(attempt, 1));
    expect(Math.max(...delays)).toBeLessThan(1_000);
    expect(delays.reduce((sum, delay) => sum + delay)).toBeGreaterThan(60_000);
  });

  const none = { tickets: 0, violations: 0, endings: 0 };

  it.each([
    [CloseCode.GOING_AWAY, none, { kind: "retry", atOnce: false }],
    [CloseCode.ABNORMAL, none, { kind: "retry", atOnce: false }],
    [CloseCode.PROTOCOL_VIOLATION, none, { kind: "retry", atOnce: false }],
    [CloseCode.PROTOCOL_VIOLATION, { ...none, violations: 1 }, { kind: "end", reason: "violation" }],
    [CloseCode.TICKET_REJECTED, none, { kind: "retry", atOnce: true }],
    [CloseCode.TICKET_REJECTED, { ...none, tickets: 2 }, { kind: "retry", atOnce: false }],
    [CloseCode.FORBIDDEN, none, { kind: "end", reason: "forbidden" }],
    [CloseCode.DESKTOP_ENDED, none, { kind: "retry", atOnce: false }],
    [CloseCode.DESKTOP_ENDED, { ...none, endings: 3 }, { kind: "end", reason: "missing" }],
    [CloseCode.DESKTOP_ENDED, { ...none, endings: null }, { kind: "end", reason: "missing" }],
    [CloseCode.TAKEN_OVER, none, { kind: "end", reason: "moved" }],
    [CloseCode.VERSION_MISMATCH, none, { kind: "end", reason: "version" }],
    [CloseCode.LIMIT_REACHED, none, { kind: "end", reason: "limit" }],
  ] as const)("close code %i", (code, history, action) => {
    expect(closeAction(code, history)).toEqual(action);
  });
});
