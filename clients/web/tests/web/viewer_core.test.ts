import { describe, expect, it } from "vitest";
import { STATE_TIMEOUT_MS } from "../../src/protocol/badge_state.ts";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { CloseCode } from "../../src/protocol/generated/wire_facts.ts";
import { nextPhase, type Phase } from "../../src/protocol/phase.ts";
import {
  PING_INTERVAL_MS,
  SILENCE_TIMEOUT_MS,
  SUSPECT_TIMEOUT_MS,
  UNVERIFIED_SHOWN_MS,
  ViewerCore,
} from "../../src/protocol/viewer_core.ts";

const welcome = JSON.stringify({
  type: "welcome",
  protocol: 1,
  session: "s",
  viewer: "v",
  desktop: "radiology",
  tile_px: 64,
  digest_seed: "00000000000000ff",
  patience: 1,
  monitors: [{ id: 0, x: 0, y: 0, width: 1280, height: 720, primary: true }],
  screen_max: null,
  scale: 100,
  sizes: "fixed",
});
const state = (name: string): string =>
  JSON.stringify({ type: "state", monitor: 0, epoch: 1, state: name, age_ms: 3, ratio: null });

function running(): ViewerCore {
  const core = new ViewerCore(0);
  core.oneToOne = true;
  core.socketOpened(0);
  core.receive(welcome, 10);
  core.updateArrived(20);
  core.receive(JSON.stringify({ type: "pong", t: 20, clock: 20 }), 20);
  core.receive(JSON.stringify({ type: "heartbeat", sequence: 1, clock: 20, age_ms: 0, silent: [] }), 20);
  return core;
}

const sendsResume = (core: ViewerCore): boolean => {
  const hello = core.hello([], "x".repeat(70), true);
  expect(hello.device).toHaveLength(64);
  return hello.resume;
};

describe("hello", () => {
  it("resumes only after a connection that was welcomed", () => {
    const core = new ViewerCore(0);
    expect(sendsResume(core)).toBe(false);
    core.connectionLost(CloseCode.ABNORMAL, 0);
    core.retryStarted();
    expect(sendsResume(core)).toBe(false);
    core.socketOpened(0);
    core.receive(welcome, 10);
    core.connectionLost(CloseCode.ABNORMAL, 0);
    core.retryStarted();
    expect(sendsResume(core)).toBe(true);
  });

  it("does not resume when the person takes the desktop over", () => {
    const core = running();
    expect(core.connectionLost(CloseCode.TAKEN_OVER, 0)).toEqual({ kind: "end", reason: "moved" });
    core.takeOver();
    core.retryStarted();
    expect(sendsResume(core)).toBe(false);
  });

  it("resumes when a change of the network starts the attempt", () => {
    const core = running();
    core.connectionLost(CloseCode.ABNORMAL, 0);
    core.resetFailures();
    core.retryStarted();
    expect(sendsResume(core)).toBe(true);
  });
});

describe("a connection that is suspected to be dead", () => {
  it("is given up when it stays silent", () => {
    const core = running();
    core.suspectLink(1_000);
    expect(core.checkLink(1_000 + SUSPECT_TIMEOUT_MS - 1).dead).toBe(false);
    expect(core.checkLink(1_000 + SUSPECT_TIMEOUT_MS).dead).toBe(true);
  });

  it("is kept when a message arrives", () => {
    const core = running();
    core.suspectLink(1_000);
    core.receive(JSON.stringify({ type: "pong", t: 0, clock: 0 }), 1_100);
    expect(core.checkLink(1_000 + SUSPECT_TIMEOUT_MS).dead).toBe(false);
  });
});

describe("a desktop that ends", () => {
  it("is requested again if it ended before it was shown", () => {
    const core = new ViewerCore(0);
    core.socketOpened(0);
    for (const attempt of [1, 2, 3]) {
      expect(core.connectionLost(CloseCode.DESKTOP_ENDED, 0.5)).toMatchObject({ kind: "retry", attempt });
      core.retryStarted();
    }
    expect(core.connectionLost(CloseCode.DESKTOP_ENDED, 0.5)).toEqual({ kind: "end", reason: "missing" });
  });

  it("ends the viewer if it was shown", () => {
    const core = running();
    core.receive(JSON.stringify({ type: "state", monitor: 0, epoch: 1, state: "exact", age_ms: 0, ratio: null }), 40);
    expect(core.connectionLost(CloseCode.DESKTOP_ENDED, 0.5)).toEqual({ kind: "end", reason: "missing" });
  });

  it("is named when the viewer reconnects, unless the person asked for the desktop anew", () => {
    const core = running();
    expect(core.shownSession).toBeNull();
    core.receive(state("exact"), 40);
    expect(core.shownSession).toBe("s");
    core.connectionLost(CloseCode.ABNORMAL, 0);
    core.retryStarted();
    expect(core.shownSession).toBe("s");
    core.takeOver();
    expect(core.shownSession).toBeNull();
  });
});

describe("phases", () => {
  it("go from hello over welcome to running", () => {
    const core = new ViewerCore(0);
    expect(core.hello(["grey"], "Safari · iPad", false)).toMatchObject({
      type: "hello",
      protocol: 1,
      monitor: 0,
      encodings: ["grey"],
      device: "Safari · iPad",
      resume: false,
    });
    core.socketOpened(0);
    core.receive(welcome, 10);
    expect([core.phase, core.digestSeed, core.monitor?.width]).toEqual(["welcomed", 255n, 1280]);
    core.updateArrived(20);
    expect(core.phase).toBe("running");
  });

  it("allow no message before the welcome, and no second welcome", () => {
    const core = new ViewerCore(0);
    expect(() => core.receive(state("exact"), 1)).toThrow(ProtocolError);
    expect(() => core.updateArrived(1)).toThrow(ProtocolError);
    core.receive(welcome, 2);
    expect(() => core.receive(welcome, 3)).toThrow(ProtocolError);
  });

  it("refuse a layout without the viewer's monitor", () => {
    expect(() => new ViewerCore(1).receive(welcome, 1)).toThrow("monitor 1");
  });

  it("leave `ended` only by a new attempt", () => {
    for (const event of ["welcome", "update", "lost", "refused"] as const) {
      expect(["ended", null]).toContain(nextPhase("ended", event));
    }
    expect(nextPhase("ended", "retry")).toBe("connecting");
  });

  it("count attempts until a connection was stable", () => {
    const core = running();
    expect(core.connectionLost(CloseCode.ABNORMAL, 0.5)).toEqual({ kind: "retry", inMs: 100, attempt: 1 });
    expect(core.phase).toBe<Phase>("reconnecting");
    core.retryStarted();
    expect(core.connectionLost(CloseCode.ABNORMAL, 0.5)).toMatchObject({ attempt: 2 });
    core.retryStarted();
    core.receive(welcome, 1_000);
    core.updateArrived(1_010);
    expect(core.connectionLost(CloseCode.ABNORMAL, 0.5)).toMatchObject({ attempt: 3 });
    core.retryStarted();
    core.receive(welcome, 2_000);
    core.updateArrived(9_000);
    expect(core.connectionLost(CloseCode.ABNORMAL, 0.5)).toMatchObject({ attempt: 1 });
  });

  it("allow one protocol violation, not a second", () => {
    const core = running();
    expect(core.connectionLost(CloseCode.PROTOCOL_VIOLATION, 0.5).kind).toBe("retry");
    core.retryStarted();
    expect(core.connectionLost(CloseCode.PROTOCOL_VIOLATION, 0.5)).toEqual({ kind: "end", reason: "violation" });
    expect(core.phase).toBe("ended");
    core.resetFailures();
    core.retryStarted();
    expect(core.connectionLost(CloseCode.PROTOCOL_VIOLATION, 0.5).kind).toBe("retry");
  });

  it("get a new ticket at once", () => {
    expect(new ViewerCore(0).connectionLost(CloseCode.TICKET_REJECTED, 0.5)).toMatchObject({ kind: "retry", inMs: 0 });
  });
});

describe("a silent connection", () => {
  it("is pinged, and dead after a timeout", () => {
    const core = running();
    expect(core.checkLink(PING_INTERVAL_MS - 1)).toEqual({ ping: false, dead: false });
    expect(core.checkLink(PING_INTERVAL_MS)).toEqual({ ping: true, dead: false });
    expect(core.checkLink(PING_INTERVAL_MS + 1)).toEqual({ ping: false, dead: false });
    expect(core.checkLink(20 + SILENCE_TIMEOUT_MS)).toEqual({ ping: false, dead: true });
  });

  it("makes the badge unverified", () => {
    const core = running();
    core.receive(state("exact"), 40);
    expect(core.shownState(41)).toBe("exact");
    expect(core.shownState(5_040)).toBe("unverified");
  });
});

describe("badge", () => {
  it("is never unverified during a normal start", () => {
    const core = new ViewerCore(0);
    expect(core.shownState(0)).toBe("refining");
    expect(core.shownState(60_000)).toBe("refining");
    core.socketOpened(60_000);
    core.receive(welcome, 60_010);
    expect(core.shownState(60_011)).toBe("refining");
    core.receive(state("refining"), 60_020);
    expect(core.shownState(60_021)).not.toBe("unverified");
  });

  it("is unverified when the first state does not arrive", () => {
    const core = running();
    expect(core.shownState(30)).toBe("refining");
    expect(core.shownState(10 + STATE_TIMEOUT_MS)).toBe("unverified");
  });

  it("is unverified when the viewer ended before it showed anything", () => {
    const core = new ViewerCore(0);
    core.end("missing");
    expect(core.shownState(1)).toBe("unverified");
  });

  it("is unverified while the browser alters what the page reads back, whatever the agent says", () => {
    const core = running();
    core.readbackAltered = true;
    core.receive(state("exact"), 40);
    expect(core.shownState(41)).toBe("unverified");
    core.readbackAltered = false;
    expect(core.shownState(41)).toBe("exact");
  });

  it("is unverified after a loss, and still after reconnecting", () => {
    const core = running();
    core.receive(state("exact"), 40);
    core.connectionLost(CloseCode.ABNORMAL, 0.5);
    expect(core.shownState(41)).toBe("unverified");
    core.retryStarted();
    core.receive(welcome, 50);
    expect(core.shownState(51)).toBe("unverified");
  });

  it("is unverified after a failed update, and ignores the state of other monitors", () => {
    const core = running();
    core.receive(state("exact"), 40);
    core.surfaceFailed();
    expect(core.shownState(41)).toBe("unverified");
    core.receive(JSON.stringify({ type: "state", monitor: 1, epoch: 1, state: "exact", age_ms: 0, ratio: null }), 42);
    expect(core.shownState(43)).toBe("unverified");
  });

  it("shows a mismatch long enough to be seen, even if it is corrected at once", () => {
    const core = running();
    core.receive(state("unverified"), 30);
    core.receive(state("exact"), 31);
    expect(core.shownState(32)).toBe("exact");
    core.receive(state("unverified"), 40);
    core.receive(state("exact"), 42);
    expect(core.shownState(42)).toBe("unverified");
    expect(core.shownState(40 + UNVERIFIED_SHOWN_MS)).toBe("exact");
  });

  it("is scaled where the surface is", () => {
    const core = running();
    core.receive(state("exact"), 40);
    core.oneToOne = false;
    expect(core.shownState(41)).toBe("scaled");
  });

  it("is refining from when the page is hidden until the first state after it is visible again", () => {
    const core = running();
    core.receive(state("exact"), 40);
    core.setVisible(false);
    expect(core.shownState(41)).toBe("refining");
    core.receive(state("exact"), 50);
    core.setVisible(true);
    expect(core.shownState(51)).toBe("refining");
    core.receive(state("refining"), 60);
    core.receive(state("exact"), 70);
    expect(core.shownState(71)).toBe("exact");
  });

  it("does not improve another state while the page is hidden", () => {
    const core = running();
    core.receive(state("lossy"), 40);
    core.setVisible(false);
    core.setVisible(true);
    expect(core.shownState(41)).toBe("lossy");
    core.surfaceFailed();
    expect(core.shownState(41)).toBe("unverified");
    core.receive(state("exact"), 50);
    expect(core.shownState(5_060)).toBe("unverified");
  });
});
