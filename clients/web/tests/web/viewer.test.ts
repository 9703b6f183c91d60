import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Rectangle } from "../../src/decode/tile_decoder.ts";
import type { Frame, Surface, VideoRegion } from "../../src/surface/surface.ts";
import type { WorkerMessage } from "../../src/worker/messages.ts";
import { Viewer } from "../../src/worker/viewer.ts";

const WIDTH = 128;
const HEIGHT = 64;

/** Carries out what it is told only when the test says so: a page whose thread is busy. */
class SlowSurface implements Surface {
  readonly waiting: (() => void)[] = [];
  readonly #pixels = new Uint8ClampedArray(WIDTH * HEIGHT * 4);
  readable = true;
  readonly places: (VideoRegion | null)[] = [];
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

  video(place: VideoRegion | null): void {
    this.places.push(place);
  }

  take(bytes: number): ArrayBuffer {
    return new ArrayBuffer(bytes);
  }

  run(): void {
    for (let order = this.waiting.shift(); order !== undefined; order = this.waiting.shift()) order();
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

  /** What was sent, without pings: types of texts, `report N` for the report of epoch N. */
  get told(): string[] {
    return this.sent
      .map((data) => {
        if (typeof data !== "string") return `report ${new DataView(data.buffer).getUint32(4, true)}`;
        const message = JSON.parse(data) as { type: string; epoch?: number };
        return message.epoch === undefined ? message.type : `${message.type} ${message.epoch}`;
      })
      .filter((told) => told !== "ping" && told !== "view");
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

const RESET = 1;
const module = await WebAssembly.compile(
  await readFile(new URL("../../src/decode/tile_decoder.wasm", import.meta.url)),
);

let status = 201;
let surface: SlowSurface;
let news: WorkerMessage[];
let viewer: Viewer;

beforeEach(async () => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  status = 201;
  news = [];
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("self", { location: { origin: "https://lightbox.test" } });
  vi.stubGlobal("fetch", async () => Response.json({ ticket: "t1", websocket: "/viewer", message: "no" }, { status }));
  surface = new SlowSurface();
  viewer = new Viewer("d", 0, "Test", true, 1 << 20, surface, module, (message) => news.push(message));
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

function agentSays(message: object | ArrayBuffer): void {
  socket().onmessage?.({ data: message instanceof ArrayBuffer ? message : JSON.stringify(message) });
}

function connect(): void {
  socket().readyState = 1;
  socket().onopen?.();
  agentSays(welcome);
}

const phases = (): string[] => news.flatMap((message) => (message.kind === "connection" ? [message.state.phase] : []));
const verdict = (): string | undefined =>
  news.flatMap((message) => (message.kind === "verdict" ? [message.state] : [])).at(-1);

describe("viewer", () => {
  it("shows its ticket in the subprotocols, and says hello first", () => {
    connect();
    expect(socket().protocols).toEqual(["lightbox.1", "ticket.t1"]);
    expect(socket().told[0]).toBe("hello");
    expect(phases()).toEqual(["connecting", "connected"]);
  });

  it("acknowledges what was painted, not what came", () => {
    connect();
    agentSays(update(1, RESET));
    expect(socket().told).toEqual(["hello"]);
    surface.run();
    expect(socket().told).toEqual(["hello", "ack 1"]);
  });

  it("sends the report of an epoch after its ack and before that of the next", () => {
    connect();
    agentSays(update(1, RESET));
    agentSays({ type: "verify", monitor: 0, full: false });
    agentSays(update(2, 0));
    surface.run();
    expect(socket().told).toEqual(["hello", "ack 1", "report 1", "ack 2"]);
  });

  it("reads once at a time, and a full wish meanwhile comes next", () => {
    connect();
    agentSays(update(1, RESET));
    for (const full of [false, true, false]) agentSays({ type: "verify", monitor: 0, full });
    surface.run();
    const reports = socket().sent.filter((data): data is Uint8Array => typeof data !== "string");
    expect(reports.map((report) => report[1])).toEqual([0, 1]);
  });

  it("sweeps at rest by itself", async () => {
    connect();
    agentSays(update(1, RESET));
    surface.run();
    await vi.advanceTimersByTimeAsync(4_500);
    surface.run();
    expect(socket().told.filter((told) => told === "report 1").length).toBeGreaterThanOrEqual(1);
  });

  it("asks once to start over when an update cannot be applied", () => {
    connect();
    agentSays(update(1, RESET));
    agentSays({ type: "state", monitor: 0, epoch: 1, state: "exact", age_ms: 0, ratio: null });
    surface.run();
    const broken = new Uint8Array(17);
    broken.set(new Uint8Array(update(2, 0)));
    broken[16] = 99;
    agentSays(broken.buffer);
    agentSays(update(3, 0));
    surface.run();
    expect(socket().told).toEqual(["hello", "ack 1", "refresh"]);
    expect(verdict()).toBe("unverified");
    agentSays(update(4, RESET));
    surface.run();
    expect(socket().told.at(-1)).toBe("ack 4");
  });

  it("lets the badge fall when the surface cannot be read", () => {
    connect();
    agentSays(update(1, RESET));
    agentSays({ type: "state", monitor: 0, epoch: 1, state: "exact", age_ms: 0, ratio: null });
    viewer.view(true, true, 1);
    expect(verdict()).toBe("exact");
    surface.readable = false;
    agentSays({ type: "verify", monitor: 0, full: true });
    surface.run();
    viewer.view(true, true, 1);
    expect(verdict()).toBe("unverified");
  });

  it("sends away an agent that breaks the protocol, comes back once", async () => {
    connect();
    agentSays(update(1, RESET, 7));
    expect(socket().closedWith).toBe(4400);
    expect(phases().at(-1)).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(1_000);
    connect();
    agentSays({ type: "nonsense" });
    expect(phases().at(-1)).toBe("ended");
  });

  it("comes back with a new ticket, and answers nothing for the lost connection", async () => {
    connect();
    agentSays(update(1, RESET));
    const lost = socket();
    lost.onclose?.({ code: 1006, reason: "" });
    expect(verdict()).toBe("unverified");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(FakeSocket.all).toHaveLength(2);
    connect();
    surface.run();
    expect([lost.told, socket().told]).toEqual([["hello"], ["hello"]]);
    expect(phases()).toEqual(["connecting", "connected", "reconnecting", "connecting", "connected"]);
  });

  it("notices a way that died without a close", async () => {
    connect();
    agentSays(update(1, RESET));
    await vi.advanceTimersByTimeAsync(9_000);
    expect(phases()).toContain("reconnecting");
  });

  it.each([
    [401, "signed-out"],
    [403, "forbidden"],
    [404, "missing"],
  ])("ends when the door answers %i", async (code, reason) => {
    connect();
    status = code;
    socket().onclose?.({ code: 1001, reason: "" });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(news.at(-1)).toMatchObject({ kind: "connection", state: { phase: "ended", reason } });
  });

  it("keeps only the latest motion while the wire is busy, and sends it before a press", () => {
    connect();
    socket().bufferedAmount = 1e6;
    viewer.motion('{"type":"pointer","x":1}');
    viewer.motion('{"type":"pointer","x":2}');
    viewer.input('{"type":"key"}');
    expect(socket().sent.slice(-2)).toEqual(['{"type":"pointer","x":2}', '{"type":"key"}']);
  });

  it("drops input while there is no connection", async () => {
    connect();
    socket().onclose?.({ code: 1006, reason: "" });
    viewer.input('{"type":"key"}');
    viewer.motion('{"type":"pointer"}');
    await vi.advanceTimersByTimeAsync(1_000);
    connect();
    expect(socket().told).toEqual(["hello"]);
  });

  it("keeps its picture when its monitor only moves, and starts over when it has another size", () => {
    connect();
    agentSays(update(1, RESET));
    const layout = { type: "monitors", screen_max: [8192, 4320], scale: 100, sizes: "window" };
    const own = welcome.monitors[0];
    const opened = surface.opened.length;
    agentSays({ ...layout, monitors: [{ ...own, x: 500 }] });
    expect(surface.opened).toHaveLength(opened);
    expect(news.findLast((told) => told.kind === "layout")).toMatchObject({ monitor: { x: 500 } });
    agentSays({ ...layout, monitors: [{ ...own, width: WIDTH + 64 }] });
    expect(surface.opened.at(-1)).toEqual([WIDTH + 64, HEIGHT]);
  });

  it("orders layouts while it is connected", () => {
    viewer.changeLayout([], 100);
    connect();
    viewer.changeLayout([{ id: 0, x: 0, y: 0, width: 800, height: 600, primary: true }], null);
    expect(socket().told.filter((told) => told === "layout")).toHaveLength(1);
  });
});
