import { describe, expect, it } from "vitest";
import type { Monitor } from "../../src/protocol/messages.ts";
import { InputRouter } from "../../src/ui/viewer/monitors/input_router.ts";
import { arrange } from "../../src/ui/viewer/monitors/monitor_layout.ts";
import {
  monitorAfter,
  parseLayout,
  readingOrder,
  sameLayout,
  splitPartner,
} from "../../src/ui/viewer/monitors/monitor_order.ts";
import { type Swipe, SwipeCore } from "../../src/ui/viewer/monitors/swipe_core.ts";

const PORTRAIT = { width: 2048, height: 2560 };
const FULL_HD = { width: 1920, height: 1080 };
/** Numbered otherwise than they stand: 2, 0, 1. */
const DESK: readonly Monitor[] = [
  { id: 0, x: 2048, y: 0, ...PORTRAIT, primary: true },
  { id: 1, x: 4096, y: 0, ...FULL_HD, primary: false },
  { id: 2, x: 0, y: 0, ...PORTRAIT, primary: false },
];
const ALONE = DESK.slice(0, 1);

describe("going through monitors", () => {
  it("is from left to right, however they are numbered", () => {
    expect(readingOrder(DESK)).toEqual([2, 0, 1]);
    expect(monitorAfter(DESK, [2], 1)).toBe(0);
    expect(monitorAfter(DESK, [0], 1)).toBe(1);
    expect(monitorAfter(DESK, [0], -1)).toBe(2);
  });

  it("ends at the ends", () => {
    expect(monitorAfter(DESK, [1], 1)).toBeNull();
    expect(monitorAfter(DESK, [2], -1)).toBeNull();
    expect(monitorAfter(ALONE, [0], 1)).toBeNull();
    expect(monitorAfter(DESK, [5], 1)).toBeNull();
  });

  it("moves a pair on by one, whichever of it is the window's own", () => {
    expect(monitorAfter(DESK, [2, 0], 1)).toBe(0);
    expect(monitorAfter(DESK, [0, 2], 1)).toBe(0);
    expect(monitorAfter(DESK, [0, 1], 1)).toBeNull();
    expect(monitorAfter(DESK, [1, 0], -1)).toBe(2);
  });
});

describe("side by side", () => {
  it("stands the next one, and beside the last the one before it", () => {
    expect(splitPartner(DESK, 2)).toEqual({ monitor: 0, side: "after" });
    expect(splitPartner(DESK, 0)).toEqual({ monitor: 1, side: "after" });
    expect(splitPartner(DESK, 1)).toEqual({ monitor: 0, side: "before" });
    expect(splitPartner(ALONE, 0)).toBeNull();
  });
});

describe("a device's own arrangement", () => {
  const most = { width: 8192, height: 4320 };

  it("comes back as it was kept", () => {
    expect(parseLayout(JSON.parse(JSON.stringify(DESK)), most)).toEqual(DESK);
    expect(sameLayout(DESK, [...DESK].reverse())).toBe(true);
    expect(sameLayout(DESK, arrange([PORTRAIT, PORTRAIT, FULL_HD], "row"))).toBe(false);
  });

  it("is none when it is broken, empty or too large for the desktop", () => {
    for (const value of [null, 3, [], [null], [{ id: 0 }], [{ ...DESK[0], x: "0" }]])
      expect(parseLayout(value, most)).toBeNull();
    expect(parseLayout(DESK, { width: 4096, height: 4320 })).toBeNull();
  });
});

type Move = readonly [id: number, x: number, y: number];

/** Fingers come down at the same time, each `gap` px beside the last, and move as told. */
function swipe(core: SwipeCore, fingers: number, moves: readonly Move[], sizePx = 20): Swipe[] {
  for (let id = 1; id <= fingers; id++) core.down(id, 100 * id, 300, sizePx, 1_000 + 20 * id);
  return moves.map(([id, dx, dy]) => core.move(id, 100 * id + dx, 300 + dy)).filter((found) => found !== null);
}

const all = (fingers: number, dx: number, dy = 0): Move[] =>
  [0.3, 0.7, 1].flatMap((share) => Array.from({ length: fingers }, (_, n): Move => [n + 1, dx * share, dy * share]));

describe("a swipe", () => {
  it("of all fingers to one side turns once", () => {
    expect(swipe(new SwipeCore(3), 3, all(3, -90))).toEqual(["next"]);
    expect(swipe(new SwipeCore(3), 3, all(3, 90))).toEqual(["previous"]);
    expect(swipe(new SwipeCore(1), 1, all(1, -60))).toEqual(["next"]);
  });

  it("needs all of them, to the side, and far enough", () => {
    expect(swipe(new SwipeCore(3), 2, all(2, -90))).toEqual([]);
    expect(swipe(new SwipeCore(3), 4, all(4, -90))).toEqual([]);
    expect(swipe(new SwipeCore(3), 3, all(2, -90))).toEqual([]);
    expect(swipe(new SwipeCore(3), 3, all(3, -30))).toEqual([]);
    expect(swipe(new SwipeCore(3), 3, all(3, -60, 90))).toEqual([]);
    const apart: Move[] = [
      [1, -90, 0],
      [2, 0, 0],
      [3, 90, 0],
    ];
    expect(swipe(new SwipeCore(3), 3, apart)).toEqual([]);
  });

  it("takes its fingers from whatever else they might mean, and those that join them", () => {
    const core = new SwipeCore(3);
    expect([1, 2, 3, 4].map((id) => core.down(id, 100 * id, 300, 20, 10 * id))).toEqual([false, false, true, true]);
    const late = new SwipeCore(3);
    expect([1, 2, 3, 4].map((id) => late.down(id, 100 * id, 300, 20, 200 * id))).toEqual([false, false, false, false]);
  });

  it("is none of a palm, of a hand that came down finger by finger, or of what is left of it", () => {
    expect(swipe(new SwipeCore(3), 3, all(3, -90), 120)).toEqual([]);
    const late = new SwipeCore(3);
    for (const [id, atMs] of [
      [1, 0],
      [2, 100],
      [3, 400],
    ] as const)
      late.down(id, 100 * id, 300, 20, atMs);
    expect(all(3, -90).map(([id, dx, dy]) => late.move(id, 100 * id + dx, 300 + dy))).not.toContain("next");
    const rest = new SwipeCore(1);
    swipe(rest, 2, []);
    rest.up(2);
    expect(rest.move(1, 0, 300)).toBeNull();
    rest.up(1);
    expect(swipe(rest, 1, all(1, -60))).toEqual(["next"]);
  });
});

describe("ways of two monitors in one window", () => {
  it("keys go by the window's own, a pointer by the one it is on", () => {
    const said: string[] = [];
    const way = (name: string) => ({
      send: ({ type }: { readonly type: string }) => said.push(`${name} ${type}`),
      sendMotion: () => said.push(`${name} motion`),
    });
    const ways = new InputRouter(way("own"));
    const other = ways.forMonitor(way("other"), ways);
    const key = { type: "key", keysym: 97, code: "KeyA", down: true } as const;
    const press = { type: "pointer", x: 1, y: 2, buttons: 1 } as const;
    other.send(press);
    other.send(key);
    other.sendMotion(3, 4, 0);
    ways.send(press);
    ways.send(key);
    ways.sendMotion(3, 4, 0);
    expect(said).toEqual(["other pointer", "own key", "other motion", "own pointer", "own key", "own motion"]);
  });
});
