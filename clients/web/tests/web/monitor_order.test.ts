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
/** Three monitors in a row whose numbers from left to right are 2, 0, 1. */
const DESK: readonly Monitor[] = [
  { id: 0, x: 2048, y: 0, ...PORTRAIT, primary: true },
  { id: 1, x: 4096, y: 0, ...FULL_HD, primary: false },
  { id: 2, x: 0, y: 0, ...PORTRAIT, primary: false },
];
const ALONE = DESK.slice(0, 1);

describe("order of monitors", () => {
  it("goes from left to right, whatever the monitors' numbers are", () => {
    expect(readingOrder(DESK)).toEqual([2, 0, 1]);
    expect(monitorAfter(DESK, [2], 1)).toBe(0);
    expect(monitorAfter(DESK, [0], 1)).toBe(1);
    expect(monitorAfter(DESK, [0], -1)).toBe(2);
  });

  it("ends at the first and the last monitor", () => {
    expect(monitorAfter(DESK, [1], 1)).toBeNull();
    expect(monitorAfter(DESK, [2], -1)).toBeNull();
    expect(monitorAfter(ALONE, [0], 1)).toBeNull();
    expect(monitorAfter(DESK, [5], 1)).toBeNull();
  });

  it("moves a pair of monitors on by one, whichever of them is the window's own", () => {
    expect(monitorAfter(DESK, [2, 0], 1)).toBe(0);
    expect(monitorAfter(DESK, [0, 2], 1)).toBe(0);
    expect(monitorAfter(DESK, [0, 1], 1)).toBeNull();
    expect(monitorAfter(DESK, [1, 0], -1)).toBe(2);
  });
});

describe("split view", () => {
  it("shows the next monitor beside the window's own, and the previous one beside the last", () => {
    expect(splitPartner(DESK, 2)).toEqual({ monitor: 0, side: "after" });
    expect(splitPartner(DESK, 0)).toEqual({ monitor: 1, side: "after" });
    expect(splitPartner(DESK, 1)).toEqual({ monitor: 0, side: "before" });
    expect(splitPartner(ALONE, 0)).toBeNull();
  });
});

describe("a stored layout", () => {
  const screenMax = { width: 8192, height: 4320 };

  it("is restored as it was stored", () => {
    expect(parseLayout(JSON.parse(JSON.stringify(DESK)), screenMax)).toEqual(DESK);
    expect(sameLayout(DESK, [...DESK].reverse())).toBe(true);
    expect(sameLayout(DESK, arrange([PORTRAIT, PORTRAIT, FULL_HD], "row"))).toBe(false);
  });

  it("is rejected when it is malformed, empty or larger than the screen can be", () => {
    for (const value of [null, 3, [], [null], [{ id: 0 }], [{ ...DESK[0], x: "0" }]])
      expect(parseLayout(value, screenMax)).toBeNull();
    expect(parseLayout(DESK, { width: 4096, height: 4320 })).toBeNull();
  });
});

type Move = readonly [id: number, x: number, y: number];

/** Puts fingers down 20 ms apart, moves them by the given distances, and returns the swipes that are recognised. */
function swipe(core: SwipeCore, fingers: number, moves: readonly Move[], sizePx = 20): Swipe[] {
  for (let id = 1; id <= fingers; id++) core.down(id, 100 * id, 300, sizePx, 1_000 + 20 * id);
  return moves.map(([id, dx, dy]) => core.move(id, 100 * id + dx, 300 + dy)).filter((found) => found !== null);
}

const all = (fingers: number, dx: number, dy = 0): Move[] =>
  [0.3, 0.7, 1].flatMap((share) => Array.from({ length: fingers }, (_, n): Move => [n + 1, dx * share, dy * share]));

describe("a swipe", () => {
  it("is recognised once when all fingers move sideways", () => {
    expect(swipe(new SwipeCore(3), 3, all(3, -90))).toEqual(["next"]);
    expect(swipe(new SwipeCore(3), 3, all(3, 90))).toEqual(["previous"]);
    expect(swipe(new SwipeCore(1), 1, all(1, -60))).toEqual(["next"]);
  });

  it("needs exactly the number of fingers, and enough sideways distance of each", () => {
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

  it("claims its fingers, and those that join them, unless they came down one after the other", () => {
    const core = new SwipeCore(3);
    expect([1, 2, 3, 4].map((id) => core.down(id, 100 * id, 300, 20, 10 * id))).toEqual([false, false, true, true]);
    const late = new SwipeCore(3);
    expect([1, 2, 3, 4].map((id) => late.down(id, 100 * id, 300, 20, 200 * id))).toEqual([false, false, false, false]);
  });

  it("is not recognised of a palm, of fingers that came down slowly, or of those that remain of a swipe", () => {
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

describe("input router of a split view", () => {
  it("sends keys over the window's own connection and pointer input over that of its monitor", () => {
    const sent: string[] = [];
    const connection = (name: string) => ({
      send: ({ type }: { readonly type: string }) => sent.push(`${name} ${type}`),
      sendMotion: () => sent.push(`${name} motion`),
    });
    const router = new InputRouter(connection("own"));
    const other = router.forMonitor(connection("other"), router);
    const key = { type: "key", keysym: 97, code: "KeyA", down: true } as const;
    const press = { type: "pointer", x: 1, y: 2, buttons: 1 } as const;
    other.send(press);
    other.send(key);
    other.sendMotion(3, 4, 0);
    router.send(press);
    router.send(key);
    router.sendMotion(3, 4, 0);
    expect(sent).toEqual(["other pointer", "own key", "other motion", "own pointer", "own key", "own motion"]);
  });
});
