import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Rectangle } from "../../src/decode/tile_decoder.ts";
import { BLOCKED_RETRY_MS } from "../../src/protocol/websocket_check.ts";
import type { Readback } from "../../src/surface/readback_probe.ts";
import type { Frame, Surface, VideoRegion } from "../../src/surface/surface.ts";
import type { WorkerMessage } from "../../src/worker/messages.ts";
import { CHECK_INTERVAL_MS, RECHECK_INTERVAL_MS } from "../../src/worker/readback_check.ts";
import { SWEEP_MS } from "../../src/worker/verifier.ts";
import { Viewer } from "../../src/worker/viewer.ts";

const WIDTH = 128;
const HEIGHT = 64;

/** Executes its commands only when the test calls `run`, like a page whose thread is busy. */
class SlowSurface implements Surface {
  readonly waiting: (() => void)[] = [];
  readonly #pixels = new Uint8ClampedArray(WIDTH * HEIGHT * 4);
  readable = true;
  /** What a probe finds out about this surface. */
  readback: Readback = "intact";
  readonly regions: (VideoRegion | null)[] = [];
  readonly opened: (readonly [number, number])[] = [];

  open(width: number, height: number): void {
    this.opened.push([width, height]);
    this.#pixels.fill(0);
  }

  paint(frame: Frame, done: (shownMs: number) => void): void {
    this.waiting.push(() => {
      if (frame.reset) this.#pixels.fill(0);
      done(performance.timeOrigin + performance.now());
    });
  }

  read(rectangles: readonly Rectangle[], done: (pixels: readonly Uint8ClampedArray[] | null) => void): void {
    this.waiting.push(() => {
      done(this.readable ? rectangles.map(({ width, height }) => this.#pixels.slice(0, width * height * 4)) : null);
    });
  }

  probe(done: (result: Readback) => void): void {
    this.waiting.push(() => done(this.readback));
  }

  setVideoRegion(region: VideoRegion | null): void {
    this.regions.push(region);
  }

  takeBuffer(bytes: number): ArrayBuffer {
    return new ArrayBuffer(bytes);
  }

  run(): void {
    for (let command = this.waiting.shift(); command !== undefined; command = this.waiting.shift()) command();
  }
}

class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  bufferedAmount = 0;
  binaryType = "";
  closedWith: number | undefined;
  readonly sent: (string | Uint8Array)[] = [];
  readonly protocols: string[];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(_url: URL, protocols: string[]) {
    this.protocols = protocols;
    FakeSocket.all.push(this);
  }

  send(data: string | Uint8Array): void {
    this.sent.push(data);
  }

  close(code: number): void {
    this.readyState = 3;
    this.closedWith = code;
  }

  /** Sent messages without `ping` and `view`: their types, with the epoch if they have one; `report N` for the report of epoch N. */
  get sentTypes(): string[] {
    return this.sent
      .map((data) => {
        if (typeof data !== "string") return `report ${new DataView(data.buffer).getUint32(4, true)}`;
        const message = JSON.parse(data) as { type: string; epoch?: number };
        return message.epoch === undefined ? message.type : `${message.type} ${message.epoch}`;
      })
      .filter((type) => type !== "ping" && type !== "view");
  }
}

const welcome = {
  type: "welcome",
  protocol: 1,
  session: "s",
  viewer: "v",
  desktop: "d",
  tile_px: 64,
  digest_seed: "0000000000000001",
  patience: 1,
  monitors: [{ id: 0, x: 0, y: 0, width: WIDTH, height: HEIGHT, primary: true }],
  screen_max: [8192, 4320],
  scale: 100,
  sizes: "window",
};

function update(epoch: number, flags: number, monitor = 0): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint8(0, 1);
  view.setUint8(1, flags);
  view.setUint16(2, monitor, true);
  view.setUint32(4, epoch, true);
  return view.buffer;
}

/** Returns an update with an operation that does not exist. */
function broken(epoch: number, flags: number): ArrayBuffer {
  const bytes = new Uint8Array(17);
  bytes.set(new Uint8Array(update(epoch, flags)));
  bytes[16] = 99;
  return bytes.buffer;
}

const RESET = 1;
const module = await WebAssembly.compile(
  await readFile(new URL("../../src/decode/tile_decoder.wasm", import.meta.url)),
);

let status = 201;
let surface: SlowSurface;
let posted: WorkerMessage[];
let viewer: Viewer;

beforeEach(async () => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  status = 201;
  posted = [];
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("self", { location: { origin: "https://lightbox.test" } });
  vi.stubGlobal("fetch", async () => Response.json({ ticket: "t1", websocket: "/viewer", message: "no" }, { status }));
  surface = new SlowSurface();
  viewer = new Viewer(
    { desktop: "d", monitor: 0, device: "Test", video: true, cacheBytes: 1 << 20 },
    surface,
    module,
    (message) => posted.push(message),
  );
  await vi.advanceTimersByTimeAsync(1);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function socket(): FakeSocket {
  const newest = FakeSocket.all.at(-1);
  if (newest === undefined) throw new Error("no socket was opened");
  return newest;
}

function agentSends(message: object | ArrayBuffer): void {
  socket().onmessage?.({ data: message instanceof ArrayBuffer ? message : JSON.stringify(message) });
}

function connect(): void {
  socket().readyState = 1;
  socket().onopen?.();
  agentSends(welcome);
}

const phases = (): string[] =>
  posted.flatMap((message) => (message.kind === "connection" ? [message.state.phase] : []));
const verdict = (): string | undefined =>
  posted.flatMap((message) => (message.kind === "verdict" ? [message.state] : [])).at(-1);

describe("viewer", () => {
  it("presents its ticket in the subprotocols and sends hello first", () => {
    connect();
    expect(socket().protocols).toEqual(["lightbox.1", "ticket.t1"]);
    expect(socket().sentTypes[0]).toBe("hello");
    expect(phases()).toEqual(["connecting", "connected"]);
  });

  it("acknowledges an update when it was painted, not when it arrived", () => {
    connect();
    agentSends(update(1, RESET));
    expect(socket().sentTypes).toEqual(["hello"]);
    surface.run();
    expect(socket().sentTypes).toEqual(["hello", "ack 1"]);
  });

  it("sends an epoch's report after its ack and before the next epoch's ack", () => {
    connect();
    agentSends(update(1, RESET));
    agentSends({ type: "verify", monitor: 0, full: false });
    agentSends(update(2, 0));
    surface.run();
    expect(socket().sentTypes).toEqual(["hello", "ack 1", "report 1", "ack 2"]);
  });

  it("reads once at a time, and a full reading requested meanwhile comes next", () => {
    connect();
    agentSends(update(1, RESET));
    for (const full of [false, true, false]) agentSends({ type: "verify", monitor: 0, full });
    surface.run();
    const reports = socket().sent.filter((data): data is Uint8Array => typeof data !== "string");
    expect(reports.map((report) => report[1])).toEqual([0, 1]);
  });

  it("sweeps by itself while nothing changes", async () => {
    connect();
    agentSends(update(1, RESET));
    surface.run();
    await vi.advanceTimersByTimeAsync(4_500);
    surface.run();
    expect(socket().sentTypes.filter((type) => type === "report 1").length).toBeGreaterThanOrEqual(1);
  });

  it("requests one reset when an update cannot be applied", () => {
    connect();
    agentSends(update(1, RESET));
    agentSends({ type: "pong", t: performance.now(), clock: 1000 });
    agentSends({ type: "heartbeat", sequence: 1, clock: 1000, age_ms: 0, silent: [] });
    agentSends({ type: "state", monitor: 0, epoch: 1, state: "exact", age_ms: 0, ratio: null });
    surface.run();
    agentSends(broken(2, 0));
    agentSends(update(3, 0));
    surface.run();
    expect(socket().sentTypes).toEqual(["hello", "ack 1", "refresh"]);
    expect(verdict()).toBe("unverified");
    agentSends(update(4, RESET));
    surface.run();
    expect(socket().sentTypes.at(-1)).toBe("ack 4");
  });

  it("asks again when the reset cannot be applied either", () => {
    connect();
    agentSends(broken(1, RESET));
    agentSends(update(2, 0));
    expect(socket().sentTypes).toEqual(["hello", "refresh"]);
    agentSends(update(3, RESET));
    agentSends(broken(4, 0));
    agentSends(broken(5, RESET));
    surface.run();
    expect(socket().sentTypes).toEqual(["hello", "refresh", "refresh", "refresh", "ack 3"]);
  });

  it("connects anew, with a new decoder, when two resets in a row cannot be applied", async () => {
    connect();
    agentSends(broken(1, RESET));
    agentSends(broken(2, RESET));
    expect(socket().closedWith).toBe(4400);
    expect(verdict()).toBe("unverified");
    await vi.advanceTimersByTimeAsync(1_000);
    connect();
    agentSends(update(1, RESET));
    surface.run();
    expect(socket().sentTypes).toEqual(["hello", "ack 1"]);
  });

  it("shows unverified when the surface cannot be read", () => {
    connect();
    agentSends(update(1, RESET));
    agentSends({ type: "pong", t: performance.now(), clock: 1000 });
    agentSends({ type: "heartbeat", sequence: 1, clock: 1000, age_ms: 0, silent: [] });
    agentSends({ type: "state", monitor: 0, epoch: 1, state: "exact", age_ms: 0, ratio: null });
    viewer.setView(true, true, 1);
    expect(verdict()).toBe("exact");
    surface.readable = false;
    agentSends({ type: "verify", monitor: 0, full: true });
    surface.run();
    viewer.setView(true, true, 1);
    expect(verdict()).toBe("unverified");
  });

  it("tells the agent that readings are altered, reports none of them, and reports again when they are intact", async () => {
    const readbacks = (): unknown[] =>
      socket()
        .sent.filter((data) => typeof data === "string")
        .map((data) => JSON.parse(data) as { type: string; altered?: boolean })
        .filter((message) => message.type === "readback")
        .map((message) => message.altered);
    surface.readback = "altered";
    connect();
    agentSends(update(1, RESET));
    agentSends({ type: "verify", monitor: 0, full: false });
    surface.run();
    await vi.advanceTimersByTimeAsync(SWEEP_MS);
    surface.run();
    expect(readbacks()).toEqual([true]);
    expect(socket().sentTypes).toEqual(["hello", "readback", "ack 1"]);
    expect(verdict()).toBe("unverified");
    expect(posted.findLast((message) => message.kind === "verdict")).toMatchObject({ readbackAltered: true });
    surface.readback = "intact";
    await vi.advanceTimersByTimeAsync(RECHECK_INTERVAL_MS + 200);
    surface.run();
    expect(readbacks()).toEqual([true, false]);
    agentSends({ type: "verify", monitor: 0, full: true });
    surface.run();
    expect(socket().sentTypes.at(-1)).toBe("report 1");
  });

  it("tells the agent of each connection about altered readings", async () => {
    surface.readback = "altered";
    connect();
    surface.run();
    socket().onclose?.({ code: 1006, reason: "" });
    await vi.advanceTimersByTimeAsync(1_000);
    connect();
    surface.run();
    expect(socket().sentTypes).toContain("readback");
  });

  it("notices that the browser begins to alter readings", async () => {
    connect();
    agentSends(update(1, RESET));
    surface.run();
    surface.readback = "altered";
    for (let passedMs = 0; passedMs <= CHECK_INTERVAL_MS; passedMs += 500) {
      await vi.advanceTimersByTimeAsync(500);
      agentSends({ type: "pong", t: performance.now(), clock: performance.now() });
      surface.run();
    }
    expect(socket().sentTypes).toContain("readback");
    expect(verdict()).toBe("unverified");
  });

  it("disconnects from an agent that violates the protocol and reconnects once", async () => {
    connect();
    agentSends(update(1, RESET, 7));
    expect(socket().closedWith).toBe(4400);
    expect(phases().at(-1)).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(1_000);
    connect();
    agentSends({ type: "nonsense" });
    expect(phases().at(-1)).toBe("ended");
  });

  it("reconnects with a new ticket and sends nothing that belongs to the lost connection", async () => {
    connect();
    agentSends(update(1, RESET));
    const lost = socket();
    lost.onclose?.({ code: 1006, reason: "" });
    expect(verdict()).toBe("unverified");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(FakeSocket.all).toHaveLength(2);
    connect();
    surface.run();
    expect([lost.sentTypes, socket().sentTypes]).toEqual([["hello"], ["hello"]]);
    expect(phases()).toEqual(["connecting", "connected", "reconnecting", "connecting", "connected"]);
  });

  it("says that WebSockets are blocked when none opens although tickets are granted, and asks rarely", async () => {
    const blocked = (): boolean[] =>
      posted.flatMap((message) =>
        message.kind === "connection" && message.state.phase === "reconnecting"
          ? [message.state.webSocketsBlocked]
          : [],
      );
    for (let attempt = 0; attempt < 3; attempt++) {
      socket().onclose?.({ code: 1006, reason: "" });
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(blocked()).toEqual([false, false, true]);
    expect(FakeSocket.all).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(BLOCKED_RETRY_MS);
    expect(FakeSocket.all).toHaveLength(4);
    connect();
    socket().onclose?.({ code: 1006, reason: "" });
    expect(blocked().at(-1)).toBe(false);
  });

  it("does not call WebSockets blocked while the gateway is unreachable too", async () => {
    for (let attempt = 0; attempt < 5; attempt++) {
      if (attempt > 0) vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("no network")));
      socket().onclose?.({ code: 1006, reason: "" });
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(JSON.stringify(posted)).not.toContain('"webSocketsBlocked":true');
  });

  it("detects a connection that died without a close frame", async () => {
    connect();
    agentSends(update(1, RESET));
    await vi.advanceTimersByTimeAsync(9_000);
    expect(phases()).toContain("reconnecting");
  });

  it.each([
    [401, "signed-out"],
    [403, "forbidden"],
    [404, "forbidden"],
  ])("ends when the gateway answers %i", async (code, reason) => {
    connect();
    status = code;
    socket().onclose?.({ code: 1001, reason: "" });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(posted.at(-1)).toMatchObject({ kind: "connection", state: { phase: "ended", reason } });
  });

  it("keeps only the latest motion while the socket is congested, and sends it before a key", () => {
    connect();
    socket().bufferedAmount = 1e6;
    viewer.sendMotion('{"type":"pointer","x":1}');
    viewer.sendMotion('{"type":"pointer","x":2}');
    viewer.sendInput('{"type":"key"}');
    expect(socket().sent.slice(-2)).toEqual(['{"type":"pointer","x":2}', '{"type":"key"}']);
  });

  it("drops input while there is no connection", async () => {
    connect();
    socket().onclose?.({ code: 1006, reason: "" });
    viewer.sendInput('{"type":"key"}');
    viewer.sendMotion('{"type":"pointer"}');
    await vi.advanceTimersByTimeAsync(1_000);
    connect();
    expect(socket().sentTypes).toEqual(["hello"]);
  });

  it("keeps its surface when its monitor only moves, and starts over when its size changes", () => {
    connect();
    agentSends(update(1, RESET));
    const layout = { type: "monitors", screen_max: [8192, 4320], scale: 100, sizes: "window" };
    const own = welcome.monitors[0];
    const opened = surface.opened.length;
    agentSends({ ...layout, monitors: [{ ...own, x: 500 }] });
    expect(surface.opened).toHaveLength(opened);
    expect(posted.findLast((message) => message.kind === "layout")).toMatchObject({ monitor: { x: 500 } });
    agentSends({ ...layout, monitors: [{ ...own, width: WIDTH + 64 }] });
    expect(surface.opened.at(-1)).toEqual([WIDTH + 64, HEIGHT]);
  });

  it("requests layouts only while it is connected", () => {
    viewer.changeLayout([], 100);
    connect();
    viewer.changeLayout([{ id: 0, x: 0, y: 0, width: 800, height: 600, primary: true }], null);
    expect(socket().sentTypes.filter((type) => type === "layout")).toHaveLength(1);
  });
});
