import { describe, expect, it } from "vitest";
import { LEFT, MIDDLE, RIGHT, type TouchAction } from "../../src/input/touch_core.ts";
import type { TouchMode } from "../../src/input/touch_table.ts";
import {
  DEFAULT_FINGER,
  FINGER_TOOLS,
  type FingerTool,
  NOTCHES_PER_SWIPE,
  NotchCounter,
  notchPx,
  parseFingerSettings,
  SENSITIVITY_MAX,
  SWIPE_FRACTION,
  windowGain,
} from "../../src/input/touch_tools.ts";
import { FakeFingers, random } from "./fake_fingers.ts";

const MODES: readonly TouchMode[] = ["direct", "trackpad"];
/** Interval between the events of a touch screen, ms. */
const EVENT_MS = 16;
/** Longer than a tap and than the wait for a second finger, shorter than a hold, ms. */
const REST_MS = 240;

function fingersWith(tool: FingerTool, mode: TouchMode = "direct"): FakeFingers {
  const fingers = new FakeFingers(mode);
  fingers.core.tool = tool;
  return fingers;
}

function notchesOf(actions: readonly TouchAction[]): number[] {
  return actions.flatMap((action) => (action.kind === "notches" ? [action.notches] : []));
}

/** The slices that a stack shows while these notches are turned, one after the other; it starts with slice 0. */
function slices(notches: readonly number[]): number[] {
  const shown = [0];
  for (const count of notches) {
    for (let left = Math.abs(count); left > 0; left--) shown.push((shown.at(-1) ?? 0) + Math.sign(count));
  }
  return shown;
}

const upTo = (last: number): number[] => Array.from({ length: last + 1 }, (_, index) => index);

describe("one finger that scrolls", () => {
  /**
   * Slow swipes over three quarters of the screen: height of the screen, sensitivity, px per event, and the number of
   * slices that one swipe passes.
   */
  const SWIPES: readonly (readonly [string, number, number, number, number])[] = [
    ["iPad, 1 px per event", 820, 3, 1, 60],
    ["iPad, fractions of a px", 820, 3, 0.7, 60],
    ["iPad, faster than one slice per event", 820, 3, 13.7, 60],
    ["iPad upright", 1180, 3, 2.3, 60],
    ["Galaxy Tab", 800, 3, 1.9, 60],
    ["Galaxy Tab upright", 1280, 3, 3, 60],
    ["half a split view", 507, 3, 0.9, 60],
    ["iPad, the least sensitive", 820, 1, 1, 30],
    ["iPad, the most sensitive", 820, 5, 1, 120],
  ];

  it.each(SWIPES)("%s: shows every slice once, in order, and again backwards", (_, height, level, stepPx, last) => {
    for (const mode of MODES) {
      const fingers = fingersWith("scroll", mode);
      fingers.core.notchPx = notchPx(height, level);
      const swipePx = height * SWIPE_FRACTION;
      fingers.down(1, 300, height).wait(REST_MS);
      for (let moved = stepPx; moved < swipePx; moved += stepPx) fingers.wait(EVENT_MS).move(1, 300, height - moved);
      fingers.wait(EVENT_MS).move(1, 300, height - swipePx);
      expect(slices(notchesOf(fingers.actions))).toEqual(upTo(last));
      if (stepPx < fingers.core.notchPx) expect(new Set(notchesOf(fingers.actions.slice(8)))).toEqual(new Set([1]));
      const there = fingers.actions.length;
      for (let moved = swipePx; moved > 0; moved -= stepPx) fingers.wait(EVENT_MS).move(1, 300, height - moved);
      fingers.wait(EVENT_MS).move(1, 300, height);
      const back = slices(notchesOf(fingers.actions.slice(there))).map((slice) => last + slice);
      expect(back).toEqual(upTo(last).reverse());
      expect(fingers.wait(REST_MS).up(1).wait(5_000).presses()).toEqual([]);
      expect(fingers.core.gesture).toBe("idle");
    }
  });

  it("fits a usual stack into one swipe", () => {
    expect(NOTCHES_PER_SWIPE).toBeGreaterThanOrEqual(60);
    expect((820 * SWIPE_FRACTION) / notchPx(820, 3)).toBeCloseTo(NOTCHES_PER_SWIPE, 9);
    for (let level = 1; level < SENSITIVITY_MAX; level++)
      expect(notchPx(820, level + 1)).toBeLessThan(notchPx(820, level));
    // Less than this a finger moves while it rests.
    expect(notchPx(200, SENSITIVITY_MAX)).toBe(3);
  });

  it("turns the wheel where the finger came down, wherever it moves", () => {
    const fingers = fingersWith("scroll").down(1, 300, 500).wait(REST_MS).move(1, 350, 400).move(1, 700, 300);
    expect(fingers.actions.flatMap((action) => (action.kind === "notches" ? [action.at] : []))).toEqual([
      { x: 300, y: 500 },
      { x: 300, y: 500 },
    ]);
  });

  it("turns nothing while a resting finger trembles", () => {
    const fingers = fingersWith("scroll").down(1, 300, 500).wait(REST_MS).move(1, 300, 480);
    const before = notchesOf(fingers.actions).length;
    for (let step = 0; step < 50; step++) fingers.wait(EVENT_MS).move(1, 300, 480 + (step % 2 === 0 ? -2 : 2));
    expect(notchesOf(fingers.actions)).toHaveLength(before);
  });

  it("scrolls also when the desktop is enlarged, where two fingers pan", () => {
    const fingers = fingersWith("scroll");
    fingers.core.pannable = true;
    fingers.down(1, 300, 500).wait(REST_MS).move(1, 300, 400);
    expect(fingers.kinds()).toEqual(["buttons", "notches"]);
  });

  it("continues after a flick, notch by notch and ever more slowly, until a finger stops it", () => {
    const flick = (): FakeFingers => {
      const fingers = fingersWith("scroll").down(1, 300, 500);
      for (let step = 1; step <= 8; step++) fingers.wait(EVENT_MS).move(1, 300, 500 - step * 20);
      return fingers.wait(8).up(1);
    };
    const fingers = flick();
    const before = notchesOf(fingers.actions).length;
    expect(fingers.core.gesture).toBe("coast");
    fingers.wait(10_000);
    expect(fingers.core.gesture).toBe("idle");
    const coasted = notchesOf(fingers.actions).slice(before);
    expect(slices(coasted).length).toBeGreaterThan(20);
    expect(coasted.every((count) => count > 0 && Number.isInteger(count))).toBe(true);
    const stopped = flick().wait(60).down(2, 300, 500);
    const count = notchesOf(stopped.actions).length;
    stopped.wait(80).up(2).wait(5_000);
    expect([notchesOf(stopped.actions).length, stopped.presses(), stopped.core.gesture]).toEqual([count, [], "idle"]);
  });

  it("continues after a flick that ends before a second finger could have followed", () => {
    const fingers = fingersWith("scroll").down(1, 300, 500);
    for (let step = 1; step <= 3; step++) fingers.wait(12).move(1, 300, 500 - step * 25);
    fingers.wait(4).up(1);
    expect([fingers.core.gesture, slices(notchesOf(fingers.actions)).at(-1)]).toEqual(["coast", 7]);
  });

  it("does not continue when the finger rested before it was lifted", () => {
    const fingers = fingersWith("scroll").down(1, 300, 500).wait(REST_MS).move(1, 300, 400).wait(100).up(1);
    expect(fingers.core.gesture).toBe("idle");
  });

  it("loses no notch, however a finger moves", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const next = random(seed);
      const perNotch = 3 + next() * 20;
      const counter = new NotchCounter(perNotch);
      let moved = 0;
      let turned = 0;
      let furthest = 0;
      for (let step = 0; step < 300; step++) {
        const by = (next() - 0.5) * 40;
        moved += by;
        turned += step % 2 === 0 ? counter.moveTo(moved) : counter.moveBy(by);
        furthest = Math.max(furthest, Math.abs(moved / perNotch - turned));
      }
      expect([Number.isInteger(turned), furthest < 1 + 1e-9], `seed ${seed}`).toEqual([true, true]);
    }
  });
});

describe("one finger that sets window and level", () => {
  it("drags from where it came down, more slowly than the finger, and releases there", () => {
    const fingers = fingersWith("window");
    fingers.core.windowGain = 0.25;
    fingers.down(1, 100, 100).wait(REST_MS).move(1, 180, 100).move(1, 300, 60).up(1);
    expect(fingers.presses()).toEqual([
      [LEFT, 100, 100],
      [0, 150, 90],
    ]);
    expect(fingers.actions).toContainEqual({ kind: "buttons", at: { x: 120, y: 100 }, buttons: LEFT });
  });

  it("moves the pointer by less than a sixth of the screen in a swipe of 200 px, at normal sensitivity", () => {
    expect(200 * windowGain(DEFAULT_FINGER.window)).toBe(50);
    for (let level = 1; level < SENSITIVITY_MAX; level++) expect(windowGain(level + 1)).toBe(2 * windowGain(level));
  });

  it("presses the button that was chosen for the next press", () => {
    const fingers = fingersWith("window");
    fingers.core.button = RIGHT;
    fingers.down(1, 100, 100).wait(REST_MS).move(1, 180, 100).up(1);
    expect(fingers.presses().map(([buttons]) => buttons)).toEqual([RIGHT, 0]);
  });

  it("drags at the pointer in trackpad mode", () => {
    const fingers = fingersWith("window", "trackpad");
    fingers.core.windowGain = 0.5;
    fingers.down(1, 100, 100).wait(REST_MS).move(1, 120, 100).wait(EVENT_MS).move(1, 160, 100).up(1);
    expect(fingers.presses()).toEqual([
      [LEFT, null, null],
      [0, null, null],
    ]);
    const moved = fingers.actions.reduce((sum, action) => sum + (action.kind === "move-by" ? action.dxPx : 0), 0);
    expect(moved).toBe(30);
  });

  it("releases the button when its touch is cancelled, or taken for a swipe between monitors", () => {
    for (const end of ["cancel", "ignoreTouches"] as const) {
      const fingers = fingersWith("window").down(1, 100, 100).wait(REST_MS).move(1, 180, 100);
      fingers.actions.push(...fingers.core[end]());
      expect(fingers.presses().at(-1)?.[0], end).toBe(0);
    }
  });
});

describe("one finger that pans", () => {
  it("moves an enlarged desktop by as much as the finger moves", () => {
    for (const mode of MODES) {
      const fingers = fingersWith("pan", mode);
      fingers.core.pannable = true;
      fingers.down(1, 100, 100).wait(REST_MS).move(1, 120, 90).move(1, 150, 70).up(1);
      const total = fingers.actions.reduce<readonly [number, number]>(
        (sum, action) => (action.kind === "view" ? [sum[0] + action.dxPx, sum[1] + action.dyPx] : sum),
        [0, 0],
      );
      expect([total, fingers.presses(), fingers.core.gesture]).toEqual([[50, -30], [], "idle"]);
    }
  });

  it("drags with the middle button where the desktop is not enlarged", () => {
    const fingers = fingersWith("pan").down(1, 100, 100).wait(REST_MS).move(1, 180, 100).up(1);
    expect(fingers.presses()).toEqual([
      [MIDDLE, 100, 100],
      [0, 180, 100],
    ]);
  });
});

describe("what every tool leaves as it is", () => {
  it.each(FINGER_TOOLS)("%s: tap, hold, aim, two-finger tap, pinch and two-finger scroll", (tool) => {
    const buttons = (fingers: FakeFingers): number[] => fingers.presses().map(([pressed]) => pressed);
    const touched = (): FakeFingers => fingersWith(tool).down(1, 10, 10);
    expect(buttons(touched().wait(80).up(1))).toEqual([LEFT, 0]);
    expect(buttons(touched().wait(600).up(1))).toEqual([RIGHT, 0]);
    expect(touched().wait(600).move(1, 60, 10).core.gesture).toBe("aim");
    expect(buttons(touched().wait(30).down(2, 60, 10).wait(60).up(2).wait(10).up(1))).toEqual([RIGHT, 0]);
    const two = (): FakeFingers => touched().wait(20).down(2, 110, 10).wait(EVENT_MS);
    expect(two().move(1, 0, 10).move(2, 140, 10).core.gesture).toBe("view");
    expect(two().move(1, 10, 60).move(2, 110, 60).core.gesture).toBe("scroll");
  });

  it.each(["scroll", "pan"] as const)("%s: a second finger that joins can pinch", (tool) => {
    const fingers = fingersWith(tool);
    fingers.core.pannable = true;
    fingers.down(1, 300, 500).wait(REST_MS).move(1, 300, 450).down(2, 400, 450);
    fingers.wait(EVENT_MS).move(1, 270, 450).move(2, 430, 450);
    expect([fingers.core.gesture, fingers.presses()]).toEqual(["view", []]);
  });

  const combinations = MODES.flatMap((mode) => FINGER_TOOLS.map((tool) => [mode, tool] as const));
  it.each(combinations)("%s, %s: random touches release every press and end", (mode, tool) => {
    for (let seed = 1; seed <= 60; seed++) {
      const next = random(seed);
      const fingers = fingersWith(tool, mode);
      fingers.core.pannable = seed % 2 === 0;
      const down = new Set<number>();
      for (let step = 0; step < 60; step++) {
        const id = Math.floor(next() * 3);
        const [x, y, what] = [next() * 800, next() * 600, next()];
        if (what < 0.3 && !down.has(id)) {
          down.add(id);
          fingers.down(id, x, y);
        } else if (what < 0.75 && down.has(id)) fingers.move(id, x, y);
        else if (what < 0.95 && down.has(id)) {
          down.delete(id);
          fingers.up(id);
        }
        if (next() < 0.7) fingers.wait(next() * 300);
        if (["swipe", "slide", "coast", "view"].includes(fingers.core.gesture))
          expect(fingers.presses().at(-1)?.[0] ?? 0, `seed ${seed}`).toBe(0);
      }
      for (const id of down) fingers.up(id);
      fingers.wait(20_000);
      expect([fingers.core.gesture, fingers.presses().at(-1)?.[0] ?? 0], `seed ${seed}`).toEqual(["idle", 0]);
    }
  });
});

describe("stored settings", () => {
  const SETTINGS: readonly (readonly [string, unknown, unknown])[] = [
    ["none", null, DEFAULT_FINGER],
    ["complete", { tool: "scroll", scroll: 5, window: 1 }, { tool: "scroll", scroll: 5, window: 1 }],
    ["of another version", { tool: "zoom", scroll: 9, window: "2" }, DEFAULT_FINGER],
    ["a fraction", { tool: "pan", scroll: 2.5 }, { ...DEFAULT_FINGER, tool: "pan" }],
    ["malformed", "scroll", DEFAULT_FINGER],
  ];

  it.each(SETTINGS)("%s", (_, stored, expected) => {
    expect(parseFingerSettings(stored)).toEqual(expected);
  });
});
