import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { nextPhase, type Phase } from "../../src/protocol/phase.ts";
import { DEAD_AFTER_MS, DOUBTED_MS, FALL_SHOWN_MS, PING_EVERY_MS, ViewerCore } from "../../src/protocol/viewer_core.ts";

const welcome = JSON.stringify({
  type: "welcome",
  protocol: 1,
  session: "s",
  viewer: "v",
  desktop: "radiology",
  tile_px: 64,
  digest_seed: "00000000000000ff",
  monitors: [{ id: 0, x: 0, y: 0, width: 1280, height: 720, primary: true }],
  screen_max: null,
  scale: 100,
  sizes: "fixed",
});
const state = (name: string): string =>
  JSON.stringify({ type: "state", monitor: 0, epoch: 1, state: name, age_ms: 3, ratio: null });

function running(): ViewerCore {
  const core = new ViewerCore(0);
  core.setOneToOne(true);
  core.opened(0);
  core.receive(welcome, 10);
  core.updateArrived(20);
  return core;
}

const resumes = (core: ViewerCore): boolean => {
  const hello = core.hello([], "x".repeat(70), true);
  if (hello.type !== "hello") throw new Error("hello says hello");
  expect(hello.device).toHaveLength(64);
  return hello.resume;
};

describe("who has the desktop", () => {
  it("takes it when the person opens it, and takes it from nobody when it comes back by itself", () => {
    const core = new ViewerCore(0);
    expect(resumes(core)).toBe(false);
    core.lost(1006, 0);
    core.retrying();
    expect(resumes(core)).toBe(false);
    core.opened(0);
    core.receive(welcome, 10);
    core.lost(1006, 0);
    core.retrying();
    expect(resumes(core)).toBe(true);
  });

  it("takes it back when the person says so", () => {
    const core = running();
    expect(core.lost(4409, 0)).toEqual({ kind: "end", reason: "moved" });
    core.wanted();
    core.retrying();
    expect(resumes(core)).toBe(false);
  });

  it("does not when the network alone asks for a try", () => {
    const core = running();
    core.lost(1006, 0);
    core.forgive();
    core.retrying();
    expect(resumes(core)).toBe(true);
  });
});

describe("ways that may be dead", () => {
  it("are given up when they stay silent after a doubt", () => {
    const core = running();
    core.doubt(1_000);
    expect(core.due(1_000 + DOUBTED_MS - 1).dead).toBe(false);
    expect(core.due(1_000 + DOUBTED_MS).dead).toBe(true);
  });

  it("live on when something is heard", () => {
    const core = running();
    core.doubt(1_000);
    core.receive(JSON.stringify({ type: "pong", t: 0, clock: 0 }), 1_100);
    expect(core.due(1_000 + DOUBTED_MS).dead).toBe(false);
  });
});

describe("desktops that end", () => {
  it("are asked for anew when they end while they are being opened", () => {
    const core = new ViewerCore(0);
    core.opened(0);
    for (const attempt of [1, 2, 3]) {
      expect(core.lost(4404, 0.5)).toMatchObject({ kind: "retry", attempt });
      core.retrying();
    }
    expect(core.lost(4404, 0.5)).toEqual({ kind: "end", reason: "missing" });
  });

  it("have ended when they were open", () => {
    const core = running();
    core.receive(JSON.stringify({ type: "state", monitor: 0, epoch: 1, state: "exact", age_ms: 0, ratio: null }), 40);
    expect(core.lost(4404, 0.5)).toEqual({ kind: "end", reason: "missing" });
  });
});

describe("life of a viewer", () => {
  it("says hello, is welcomed, runs", () => {
    const core = new ViewerCore(0);
    expect(core.hello(["grey"], "Safari · iPad", false)).toMatchObject({
      type: "hello",
      protocol: 1,
      monitor: 0,
      encodings: ["grey"],
      device: "Safari · iPad",
      resume: false,
    });
    core.opened(0);
    core.receive(welcome, 10);
    expect([core.phase, core.digestSeed, core.monitor?.width]).toEqual(["welcomed", 255n, 1280]);
    core.updateArrived(20);
    expect(core.phase).toBe("running");
  });

  it("takes nothing before the welcome, and no second one", () => {
    const core = new ViewerCore(0);
    expect(() => core.receive(state("exact"), 1)).toThrow(ProtocolError);
    expect(() => core.updateArrived(1)).toThrow(ProtocolError);
    core.receive(welcome, 2);
    expect(() => core.receive(welcome, 3)).toThrow(ProtocolError);
  });

  it("refuses a layout without its monitor", () => {
    expect(() => new ViewerCore(1).receive(welcome, 1)).toThrow("monitor 1");
  });

  it("never leaves `ended` but by a person's try", () => {
    for (const event of ["welcome", "update", "lost", "refused"] as const) {
      expect(["ended", null]).toContain(nextPhase("ended", event));
    }
    expect(nextPhase("ended", "retry")).toBe("connecting");
  });

  it("counts tries until a connection held", () => {
    const core = running();
    expect(core.lost(1006, 0.5)).toEqual({ kind: "retry", inMs: 100, attempt: 1 });
    expect(core.phase).toBe<Phase>("reconnecting");
    core.retrying();
    expect(core.lost(1006, 0.5)).toMatchObject({ attempt: 2 });
    core.retrying();
    core.receive(welcome, 1_000);
    core.updateArrived(1_010);
    expect(core.lost(1006, 0.5)).toMatchObject({ attempt: 3 });
    core.retrying();
    core.receive(welcome, 2_000);
    core.updateArrived(9_000);
    expect(core.lost(1006, 0.5)).toMatchObject({ attempt: 1 });
  });

  it("bears one violation, not a second", () => {
    const core = running();
    expect(core.lost(4400, 0.5).kind).toBe("retry");
    core.retrying();
    expect(core.lost(4400, 0.5)).toEqual({ kind: "end", reason: "violation" });
    expect(core.phase).toBe("ended");
    core.forgive();
    core.retrying();
    expect(core.lost(4400, 0.5).kind).toBe("retry");
  });

  it("gets a new ticket at once", () => {
    expect(new ViewerCore(0).lost(4401, 0.5)).toMatchObject({ kind: "retry", inMs: 0 });
  });
});

describe("silence", () => {
  it("is broken by pings, and ends in a dead way", () => {
    const core = running();
    expect(core.due(PING_EVERY_MS - 1)).toEqual({ ping: false, dead: false });
    expect(core.due(PING_EVERY_MS)).toEqual({ ping: true, dead: false });
    expect(core.due(PING_EVERY_MS + 1)).toEqual({ ping: false, dead: false });
    expect(core.due(20 + DEAD_AFTER_MS)).toEqual({ ping: false, dead: true });
  });

  it("makes the badge fall", () => {
    const core = running();
    expect(core.verdict(30)).toBe("unverified");
    core.receive(state("exact"), 40);
    expect(core.verdict(41)).toBe("exact");
    expect(core.verdict(5_040)).toBe("unverified");
  });
});

describe("badge", () => {
  it("falls with the connection, and does not come back with it", () => {
    const core = running();
    core.receive(state("exact"), 40);
    core.lost(1006, 0.5);
    expect(core.verdict(41)).toBe("unverified");
    core.retrying();
    core.receive(welcome, 50);
    expect(core.verdict(51)).toBe("unverified");
  });

  it("falls when an update cannot be applied, and hears of its own monitor alone", () => {
    const core = running();
    core.receive(state("exact"), 40);
    core.distrust();
    expect(core.verdict(41)).toBe("unverified");
    core.receive(JSON.stringify({ type: "state", monitor: 1, epoch: 1, state: "exact", age_ms: 0, ratio: null }), 42);
    expect(core.verdict(43)).toBe("unverified");
  });

  it("shows a mismatch long enough to be seen, even if it is mended at once", () => {
    const core = running();
    core.receive(state("unverified"), 30);
    core.receive(state("exact"), 31);
    expect(core.verdict(32)).toBe("exact");
    core.receive(state("unverified"), 40);
    core.receive(state("exact"), 42);
    expect(core.verdict(42)).toBe("unverified");
    expect(core.verdict(40 + FALL_SHOWN_MS)).toBe("exact");
  });

  it("says scaled where the picture is", () => {
    const core = running();
    core.receive(state("exact"), 40);
    core.setOneToOne(false);
    expect(core.verdict(41)).toBe("scaled");
  });

  it("says refining from when the page is hidden until the first state after it is visible again", () => {
    const core = running();
    core.receive(state("exact"), 40);
    core.setVisible(false);
    expect(core.verdict(41)).toBe("refining");
    core.receive(state("exact"), 50);
    core.setVisible(true);
    expect(core.verdict(51)).toBe("refining");
    core.receive(state("refining"), 60);
    core.receive(state("exact"), 70);
    expect(core.verdict(71)).toBe("exact");
  });

  it("improves no other state of a viewer that was hidden", () => {
    const core = running();
    core.receive(state("lossy"), 40);
    core.setVisible(false);
    core.setVisible(true);
    expect(core.verdict(41)).toBe("lossy");
    core.distrust();
    expect(core.verdict(41)).toBe("unverified");
    core.receive(state("exact"), 50);
    expect(core.verdict(5_060)).toBe("unverified");
  });
});
