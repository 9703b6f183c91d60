import { describe, expect, it } from "vitest";
import { Momentum } from "../../src/input/momentum.ts";
import { LEFT, pointerGain, RIGHT } from "../../src/input/touch_core.ts";
import { TABLES } from "../../src/input/touch_table.ts";
import { FakeFingers, FINGER_PX, random } from "./fake_fingers.ts";

describe("direct touch", () => {
  it("clicks where the finger came down, once it is lifted", () => {
    const fingers = new FakeFingers().down(1, 10, 10).wait(80).move(1, 13, 12);
    expect(fingers.presses()).toEqual([]);
    fingers.up(1);
    expect(fingers.presses()).toEqual([
      [LEFT, 10, 10],
      [0, 10, 10],
    ]);
  });

  it("puts both clicks of a double tap on the same pixel, although the fingers differ", () => {
    const fingers = new FakeFingers().tap(100, 100).wait(150).tap(109, 93);
    expect(fingers.presses().map(([, x, y]) => [x, y])).toEqual(Array(4).fill([100, 100]));
    expect(fingers.wait(2_000).tap(109, 93).presses().at(-1)).toEqual([0, 109, 93]);
  });

  it("treats two taps far apart as two clicks", () => {
    const fingers = new FakeFingers().tap(100, 100).wait(100).tap(180, 100);
    expect(fingers.presses().at(-1)).toEqual([0, 180, 100]);
  });

  it("drags from where the finger came down", () => {
    const fingers = new FakeFingers().down(1, 10, 10).wait(100).move(1, 30, 10).move(1, 40, 12).up(1);
    expect(fingers.presses()).toEqual([
      [LEFT, 10, 10],
      [0, 40, 12],
    ]);
    expect(fingers.actions).toContainEqual({ kind: "buttons", at: { x: 30, y: 10 }, buttons: LEFT });
  });

  it("treats a flick as a drag, even if it ends before a second finger could have followed", () => {
    const fingers = new FakeFingers().down(1, 10, 10).wait(20).move(1, 60, 10).up(1);
    expect(fingers.presses()).toEqual([
      [LEFT, 10, 10],
      [0, 60, 10],
    ]);
  });

  it("starts a drag by itself when no second finger follows in time", () => {
    const fingers = new FakeFingers().down(1, 10, 10).wait(20).move(1, 60, 10);
    expect(fingers.presses()).toEqual([]);
    expect(fingers.wait(60).presses()).toEqual([[LEFT, 10, 10]]);
    expect(fingers.actions.at(-1)).toEqual({ kind: "buttons", at: { x: 60, y: 10 }, buttons: LEFT });
  });

  it("presses the right button when a held finger is lifted, and nothing before", () => {
    const fingers = new FakeFingers().down(1, 10, 10).wait(540);
    expect(fingers.core.gesture).toBe("pending");
    fingers.wait(20);
    expect([fingers.core.gesture, fingers.presses()]).toEqual(["held", []]);
    expect(fingers.up(1).presses()).toEqual([
      [RIGHT, 10, 10],
      [0, 10, 10],
    ]);
  });

  it("aims without a button when a held finger moves, and clicks where it is lifted", () => {
    const fingers = new FakeFingers().down(1, 10, 10).wait(600).move(1, 30, 40);
    expect([fingers.core.gesture, fingers.presses()]).toEqual(["aim", []]);
    fingers.move(1, 31, 44).up(1);
    expect(fingers.presses()).toEqual([
      [LEFT, 31, 44],
      [0, 31, 44],
    ]);
  });

  it("presses the chosen button", () => {
    const fingers = new FakeFingers();
    fingers.core.button = RIGHT;
    fingers.down(1, 10, 10).wait(80).move(1, 40, 10).up(1);
    expect(fingers.presses().map(([buttons]) => buttons)).toEqual([RIGHT, 0]);
  });
});

describe("two-finger gestures", () => {
  const scroll = (fingers: FakeFingers, steps = 10, stepPx = 12): FakeFingers => {
    fingers.down(1, 100, 300).wait(20).down(2, 160, 300);
    for (let step = 1; step <= steps; step++) {
      fingers.wait(16).move(1, 100, 300 - step * stepPx);
      fingers.move(2, 160, 300 - step * stepPx);
    }
    return fingers;
  };
  const scrolled = (fingers: FakeFingers): number =>
    fingers.actions.reduce((sum, action) => sum + (action.kind === "scroll" ? action.dyPx : 0), 0);

  it("scrolls by fractions of a line at the point between the fingers, without a button", () => {
    const fingers = scroll(new FakeFingers(), 10, 3.5);
    expect(scrolled(fingers)).toBeGreaterThan(20);
    expect(scrolled(fingers)).toBeLessThanOrEqual(35);
    for (const action of fingers.actions) if (action.kind === "scroll") expect(action.at).toEqual({ x: 130, y: 300 });
    expect(fingers.presses()).toEqual([]);
  });

  it("continues to scroll ever more slowly after the fingers are lifted together, until a touch, which is no tap", () => {
    const fingers = scroll(new FakeFingers()).up(1).wait(10).up(2);
    const before = scrolled(fingers);
    expect(fingers.core.gesture).toBe("coast");
    fingers.wait(100);
    const soon = scrolled(fingers) - before;
    fingers.wait(100);
    const later = scrolled(fingers) - before - soon;
    expect(soon).toBeGreaterThan(later);
    expect(later).toBeGreaterThan(0);
    fingers.down(3, 130, 300);
    const stopped = scrolled(fingers);
    fingers.wait(80).up(3).wait(3_000);
    expect([scrolled(fingers), fingers.presses(), fingers.core.gesture]).toEqual([stopped, [], "idle"]);
  });

  it("stops scrolling by itself, and does not continue when the fingers rested before they were lifted", () => {
    const fingers = scroll(new FakeFingers()).up(1).up(2).wait(10_000);
    expect(fingers.core.gesture).toBe("idle");
    expect(scroll(new FakeFingers()).wait(200).up(1).up(2).core.gesture).toBe("idle");
  });

  it("presses the right button at the first finger when two fingers tap", () => {
    const fingers = new FakeFingers().down(1, 10, 10).wait(30).down(2, 60, 10).wait(60).up(2).wait(10).up(1);
    expect(fingers.presses()).toEqual([
      [RIGHT, 10, 10],
      [0, 10, 10],
    ]);
  });

  it("enlarges with a pinch, and does not scroll", () => {
    const fingers = new FakeFingers().down(1, 100, 100).down(2, 200, 100);
    for (let step = 1; step <= 10; step++) {
      fingers
        .wait(16)
        .move(1, 100 - step * 5, 100)
        .move(2, 200 + step * 5, 100);
    }
    const factor = fingers.actions.reduce(
      (product, action) => (action.kind === "view" ? product * action.factor : product),
      1,
    );
    // Counted from the moment when the pinch was recognised, so that the surface does not jump.
    expect(factor).toBeCloseTo(200 / 110, 5);
    expect(fingers.kinds()).toEqual(["buttons", "view"]);
    expect(fingers.presses()).toEqual([]);
  });

  it("pans a surface that is larger than its viewport", () => {
    const fingers = new FakeFingers();
    fingers.core.pannable = true;
    scroll(fingers);
    const dy = fingers.actions.reduce((sum, action) => sum + (action.kind === "view" ? action.dyPx : 0), 0);
    expect(dy).toBe(-108);
    expect(fingers.kinds()).not.toContain("scroll");
  });

  it("scrolls instead of dragging when the first finger moves before the second comes down", () => {
    const fingers = new FakeFingers().down(1, 100, 300).wait(30).move(1, 100, 285).wait(10).down(2, 160, 300);
    fingers.wait(16).move(1, 100, 265).move(2, 160, 280).move(1, 100, 250).move(2, 160, 265);
    expect([fingers.presses(), fingers.core.gesture]).toEqual([[], "scroll"]);
  });
});

describe("contacts that are no gesture", () => {
  it("ignores a palm before, with and after a finger", () => {
    const fingers = new FakeFingers()
      .down(9, 300, 400, 120)
      .wait(50)
      .move(9, 320, 400, 130)
      .up(9)
      .down(8, 300, 400, 120)
      .up(8);
    expect(fingers.actions).toEqual([]);
    expect(new FakeFingers().down(7, 300, 400, 120).down(1, 10, 10).wait(50).up(1).presses()).toHaveLength(2);
  });

  it("ignores a contact that spreads into a palm", () => {
    expect(new FakeFingers().down(1, 10, 10).wait(40).move(1, 12, 10, 140).up(1).wait(1_000).presses()).toEqual([]);
  });

  it("ignores three fingers, in any order", () => {
    const fingers = new FakeFingers().down(1, 10, 10).down(2, 60, 10).down(3, 90, 10).wait(50).up(2).up(1).up(3);
    expect(fingers.wait(1_000).presses()).toEqual([]);
  });

  it("releases ignored touches, and ignores fingers that join them until all are lifted", () => {
    for (const mode of ["direct", "trackpad"] as const) {
      const fingers = new FakeFingers(mode).down(1, 10, 10);
      fingers.actions.push(...fingers.core.ignoreTouches());
      fingers.move(1, 90, 10).down(2, 60, 10).wait(40).move(2, 60, 90).up(1).up(2);
      expect(fingers.wait(1_000).presses()).toEqual([]);
      expect(fingers.tap(10, 10).wait(1_000).presses()).toHaveLength(2);
    }
    const fingers = new FakeFingers().down(1, 10, 10).wait(100).move(1, 90, 10);
    fingers.actions.push(...fingers.core.ignoreTouches());
    expect(fingers.move(1, 120, 10).up(1).presses()).toEqual([
      [LEFT, 10, 10],
      [0, 90, 10],
    ]);
  });

  it("does not click when the second finger is late", () => {
    const fingers = new FakeFingers().down(1, 10, 10).wait(400).down(2, 60, 10).wait(30).up(2).up(1);
    expect(fingers.wait(1_000).presses()).toEqual([]);
  });

  it("continues a drag when another finger comes down", () => {
    const fingers = new FakeFingers()
      .down(1, 10, 10)
      .wait(100)
      .move(1, 40, 10)
      .down(2, 200, 300)
      .move(2, 220, 300)
      .up(2);
    expect(fingers.presses()).toEqual([[LEFT, 10, 10]]);
    expect(fingers.move(1, 50, 10).up(1).presses()).toEqual([
      [LEFT, 10, 10],
      [0, 50, 10],
    ]);
  });

  it("ignores fingers while a pen is near", () => {
    const fingers = new FakeFingers();
    fingers.core.pen(fingers.nowMs);
    expect(fingers.wait(300).tap(10, 10).actions).toEqual([]);
    expect(fingers.wait(700).tap(10, 10).presses()).toHaveLength(2);
  });

  it("releases the button when the browser cancels a touch", () => {
    const fingers = new FakeFingers().down(1, 10, 10).wait(100).move(1, 90, 10);
    fingers.actions.push(...fingers.core.cancel());
    expect([fingers.presses().at(-1)?.[0], fingers.core.timerDelay(fingers.nowMs)]).toEqual([0, null]);
  });
});

describe("trackpad mode", () => {
  const distance = (fingers: FakeFingers): number =>
    fingers.actions.reduce((sum, action) => sum + (action.kind === "move-by" ? action.dxPx : 0), 0);

  it("moves the pointer as far as a slow finger, farther than a quick one, and does not click", () => {
    const slow = new FakeFingers("trackpad").down(1, 100, 100);
    for (let step = 1; step <= 40; step++) slow.wait(16).move(1, 100 + step, 100);
    expect(distance(slow.up(1))).toBeCloseTo(32, 0);
    const quick = new FakeFingers("trackpad").down(1, 100, 100);
    for (let step = 1; step <= 10; step++) quick.wait(16).move(1, 100 + step * 30, 100);
    expect(distance(quick.up(1))).toBeGreaterThan(600);
    expect([...slow.presses(), ...quick.presses()]).toEqual([]);
    expect([pointerGain(0), pointerGain(100)]).toEqual([1, 2.6]);
  });

  it("presses at the pointer with a tap, and releases soon after", () => {
    const fingers = new FakeFingers("trackpad").tap(100, 100);
    expect(fingers.presses()).toEqual([[LEFT, null, null]]);
    expect(fingers.wait(200).presses()).toEqual([
      [LEFT, null, null],
      [0, null, null],
    ]);
  });

  it("makes a double click of two taps", () => {
    const fingers = new FakeFingers("trackpad").tap(100, 100).wait(80).tap(300, 100).wait(500);
    expect(fingers.presses().map(([buttons]) => buttons)).toEqual([LEFT, 0, LEFT, 0]);
  });

  it("drags with one press when a tap is followed by a moving finger", () => {
    const fingers = new FakeFingers("trackpad").tap(100, 100).wait(80).down(1, 100, 100);
    for (let step = 1; step <= 20; step++) fingers.wait(16).move(1, 100 + step * 3, 100);
    expect(fingers.presses()).toHaveLength(1);
    expect(distance(fingers)).toBeGreaterThan(40);
    expect(fingers.up(1).presses()).toEqual([
      [LEFT, null, null],
      [0, null, null],
    ]);
  });

  it("presses the right button at the pointer with a two-finger tap; a resting finger is no tap", () => {
    const fingers = new FakeFingers("trackpad").down(1, 10, 10).down(2, 60, 10).wait(60).up(1).up(2);
    expect(fingers.presses()).toEqual([
      [RIGHT, null, null],
      [0, null, null],
    ]);
    expect(new FakeFingers("trackpad").down(1, 10, 10).wait(900).up(1).wait(500).presses()).toEqual([]);
  });

  it("releases a drag when the mode is changed", () => {
    const fingers = new FakeFingers("trackpad").tap(100, 100).wait(50).down(1, 100, 100).wait(16).move(1, 130, 100);
    fingers.actions.push(...fingers.core.choose("direct"));
    expect(fingers.presses().at(-1)?.[0]).toBe(0);
    expect(fingers.tap(20, 20).presses().at(-1)).toEqual([0, 20, 20]);
  });
});

describe("momentum", () => {
  it("scrolls as far in small time steps as in one", () => {
    const start = (): Momentum => {
      const momentum = new Momentum();
      for (let at = 0; at <= 80; at += 16) momentum.add(0, 10, at);
      expect(momentum.start(85)).toBe(true);
      return momentum;
    };
    const small = start();
    let sum = 0;
    for (let at = 90; at <= 585; at += 5) sum += small.step(at)?.dyPx ?? 0;
    expect(sum).toBeCloseTo(start().step(585)?.dyPx ?? 0, 6);
  });
});

describe("random touches", () => {
  it.each(["direct", "trackpad"] as const)("%s: every press is released, and the core becomes idle", (mode) => {
    for (let seed = 1; seed <= 400; seed++) {
      const next = random(seed);
      const fingers = new FakeFingers(mode);
      const down = new Set<number>();
      for (let step = 0; step < 60; step++) {
        const id = Math.floor(next() * 4);
        const x = next() * 800;
        const y = next() * 600;
        const size = next() < 0.1 ? 150 : FINGER_PX;
        const what = next();
        if (what < 0.3 && !down.has(id)) {
          down.add(id);
          fingers.down(id, x, y, size);
        } else if (what < 0.7 && down.has(id)) fingers.move(id, x, y, size);
        else if (what < 0.9 && down.has(id)) {
          down.delete(id);
          fingers.up(id);
        } else if (what < 0.92) fingers.actions.push(...fingers.core.cancel());
        if (next() < 0.7) fingers.wait(next() * 300);
        if (fingers.core.gesture === "scroll" || fingers.core.gesture === "view" || fingers.core.gesture === "coast")
          expect(fingers.presses().at(-1)?.[0] ?? 0, `seed ${seed}`).toBe(0);
      }
      for (const id of down) fingers.up(id);
      fingers.wait(20_000);
      expect([fingers.core.gesture, fingers.presses().at(-1)?.[0] ?? 0], `seed ${seed}`).toEqual(["idle", 0]);
      expect(fingers.presses().every(([buttons], index) => (index % 2 === 0 ? buttons !== 0 : true))).toBe(true);
    }
  });

  it("can be cancelled in every state of both modes", () => {
    for (const table of Object.values(TABLES)) {
      for (const [gesture, row] of Object.entries(table)) {
        if (gesture === "idle" || Object.keys(row).length === 0) continue;
        expect(row.cancel?.[0], gesture).toBe("idle");
      }
    }
  });
});
