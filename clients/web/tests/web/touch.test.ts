import { describe, expect, it } from "vitest";
import { Momentum } from "../../src/input/momentum.ts";
import { LEFT, pointerGain, RIGHT, type TouchAction, TouchCore } from "../../src/input/touch_core.ts";
import { TABLES, type TouchMode } from "../../src/input/touch_table.ts";

const FINGER_PX = 30;

/** Plays touches by name on a clock of its own, and writes down what came of them. */
class Hand {
  readonly core: TouchCore;
  readonly acts: TouchAction[] = [];
  nowMs = 1_000;

  constructor(mode: TouchMode = "direct") {
    this.core = new TouchCore(mode);
  }

  down(id: number, x: number, y: number, sizePx = FINGER_PX): this {
    this.acts.push(...this.core.down({ id, x, y, sizePx }, this.nowMs));
    return this;
  }

  move(id: number, x: number, y: number, sizePx = FINGER_PX): this {
    this.acts.push(...this.core.move({ id, x, y, sizePx }, this.nowMs));
    return this;
  }

  up(id: number): this {
    this.acts.push(...this.core.up(id, this.nowMs));
    return this;
  }

  tap(x: number, y: number): this {
    return this.down(1, x, y).pass(40).up(1);
  }

  /** Time goes by; what is due happens. */
  pass(ms: number): this {
    const end = this.nowMs + ms;
    for (;;) {
      const wait = this.core.timerDelay(this.nowMs);
      if (wait === null || this.nowMs + wait > end) break;
      this.nowMs += Math.max(wait, 1);
      this.acts.push(...this.core.handleTimer(this.nowMs));
    }
    this.nowMs = end;
    return this;
  }

  /** Presses and releases, with their places. */
  presses(): [number, number | null, number | null][] {
    let before = 0;
    const found: [number, number | null, number | null][] = [];
    for (const act of this.acts) {
      if (act.kind !== "buttons" || act.buttons === before) continue;
      before = act.buttons;
      found.push([act.buttons, act.at?.x ?? null, act.at?.y ?? null]);
    }
    return found;
  }

  kinds(): string[] {
    return [...new Set(this.acts.map((act) => act.kind))];
  }
}

describe("direct touch", () => {
  it("a tap clicks where the finger came down, after it is up", () => {
    const hand = new Hand().down(1, 10, 10).pass(80).move(1, 13, 12);
    expect(hand.presses()).toEqual([]);
    hand.up(1);
    expect(hand.presses()).toEqual([
      [LEFT, 10, 10],
      [0, 10, 10],
    ]);
  });

  it("both clicks of a double tap hit the same pixel, though fingers never do", () => {
    const hand = new Hand().tap(100, 100).pass(150).tap(109, 93);
    expect(hand.presses().map(([, x, y]) => [x, y])).toEqual(Array(4).fill([100, 100]));
    expect(hand.pass(2_000).tap(109, 93).presses().at(-1)).toEqual([0, 109, 93]);
  });

  it("two taps far apart are two clicks", () => {
    const hand = new Hand().tap(100, 100).pass(100).tap(180, 100);
    expect(hand.presses().at(-1)).toEqual([0, 180, 100]);
  });

  it("a finger that moves drags from where it came down", () => {
    const hand = new Hand().down(1, 10, 10).pass(100).move(1, 30, 10).move(1, 40, 12).up(1);
    expect(hand.presses()).toEqual([
      [LEFT, 10, 10],
      [0, 40, 12],
    ]);
    expect(hand.acts).toContainEqual({ kind: "buttons", at: { x: 30, y: 10 }, buttons: LEFT });
  });

  it("a flick quicker than the grace for a second finger is a drag too", () => {
    const hand = new Hand().down(1, 10, 10).pass(20).move(1, 60, 10).up(1);
    expect(hand.presses()).toEqual([
      [LEFT, 10, 10],
      [0, 60, 10],
    ]);
  });

  it("a drag that waited for a second finger begins by itself when none comes", () => {
    const hand = new Hand().down(1, 10, 10).pass(20).move(1, 60, 10);
    expect(hand.presses()).toEqual([]);
    expect(hand.pass(60).presses()).toEqual([[LEFT, 10, 10]]);
    expect(hand.acts.at(-1)).toEqual({ kind: "buttons", at: { x: 60, y: 10 }, buttons: LEFT });
  });

  it("hold, then lift: the other button; nothing before", () => {
    const hand = new Hand().down(1, 10, 10).pass(540);
    expect(hand.core.gesture).toBe("pending");
    hand.pass(20);
    expect([hand.core.gesture, hand.presses()]).toEqual(["held", []]);
    expect(hand.up(1).presses()).toEqual([
      [RIGHT, 10, 10],
      [0, 10, 10],
    ]);
  });

  it("hold, then move: aims without a button, and clicks where it is lifted", () => {
    const hand = new Hand().down(1, 10, 10).pass(600).move(1, 30, 40);
    expect([hand.core.gesture, hand.presses()]).toEqual(["aim", []]);
    hand.move(1, 31, 44).up(1);
    expect(hand.presses()).toEqual([
      [LEFT, 31, 44],
      [0, 31, 44],
    ]);
  });

  it("presses the button that was chosen", () => {
    const hand = new Hand();
    hand.core.button = RIGHT;
    hand.down(1, 10, 10).pass(80).move(1, 40, 10).up(1);
    expect(hand.presses().map(([buttons]) => buttons)).toEqual([RIGHT, 0]);
  });
});

describe("two fingers", () => {
  const scroll = (hand: Hand, steps = 10, stepPx = 12): Hand => {
    hand.down(1, 100, 300).pass(20).down(2, 160, 300);
    for (let step = 1; step <= steps; step++) {
      hand.pass(16).move(1, 100, 300 - step * stepPx);
      hand.move(2, 160, 300 - step * stepPx);
    }
    return hand;
  };
  const scrolled = (hand: Hand): number =>
    hand.acts.reduce((sum, act) => sum + (act.kind === "scroll" ? act.dyPx : 0), 0);

  it("scroll by parts of a line, over the place between them, without a button", () => {
    const hand = scroll(new Hand(), 10, 3.5);
    expect(scrolled(hand)).toBeGreaterThan(20);
    expect(scrolled(hand)).toBeLessThanOrEqual(35);
    for (const act of hand.acts) if (act.kind === "scroll") expect(act.at).toEqual({ x: 130, y: 300 });
    expect(hand.presses()).toEqual([]);
  });

  it("roll on when lifted together, slower and slower, and stop at a touch that is no tap", () => {
    const hand = scroll(new Hand()).up(1).pass(10).up(2);
    const before = scrolled(hand);
    expect(hand.core.gesture).toBe("coast");
    hand.pass(100);
    const soon = scrolled(hand) - before;
    hand.pass(100);
    const later = scrolled(hand) - before - soon;
    expect(soon).toBeGreaterThan(later);
    expect(later).toBeGreaterThan(0);
    hand.down(3, 130, 300);
    const stopped = scrolled(hand);
    hand.pass(80).up(3).pass(3_000);
    expect([scrolled(hand), hand.presses(), hand.core.gesture]).toEqual([stopped, [], "idle"]);
  });

  it("come to rest by themselves, and roll nothing when they rested before they left", () => {
    const hand = scroll(new Hand()).up(1).up(2).pass(10_000);
    expect(hand.core.gesture).toBe("idle");
    expect(scroll(new Hand()).pass(200).up(1).up(2).core.gesture).toBe("idle");
  });

  it("tap: the other button, where the first finger is", () => {
    const hand = new Hand().down(1, 10, 10).pass(30).down(2, 60, 10).pass(60).up(2).pass(10).up(1);
    expect(hand.presses()).toEqual([
      [RIGHT, 10, 10],
      [0, 10, 10],
    ]);
  });

  it("pinch: enlarges around the middle, and scrolls nothing", () => {
    const hand = new Hand().down(1, 100, 100).down(2, 200, 100);
    for (let step = 1; step <= 10; step++) {
      hand
        .pass(16)
        .move(1, 100 - step * 5, 100)
        .move(2, 200 + step * 5, 100);
    }
    const factor = hand.acts.reduce((product, act) => (act.kind === "view" ? product * act.factor : product), 1);
    // From where it was decided, not from the first touch: the slop is not made up for by a jump.
    expect(factor).toBeCloseTo(200 / 110, 5);
    expect(hand.kinds()).toEqual(["buttons", "view"]);
    expect(hand.presses()).toEqual([]);
  });

  it("pan what is larger than its stage", () => {
    const hand = new Hand();
    hand.core.pannable = true;
    scroll(hand);
    const dy = hand.acts.reduce((sum, act) => sum + (act.kind === "view" ? act.dyPx : 0), 0);
    expect(dy).toBe(-108);
    expect(hand.kinds()).not.toContain("scroll");
  });

  it("move before the second is down: a scroll, not a drag", () => {
    const hand = new Hand().down(1, 100, 300).pass(30).move(1, 100, 285).pass(10).down(2, 160, 300);
    hand.pass(16).move(1, 100, 265).move(2, 160, 280).move(1, 100, 250).move(2, 160, 265);
    expect([hand.presses(), hand.core.gesture]).toEqual([[], "scroll"]);
  });
});

describe("what is no gesture", () => {
  it("a palm does nothing, before, with or after a finger", () => {
    const hand = new Hand().down(9, 300, 400, 120).pass(50).move(9, 320, 400, 130).up(9).down(8, 300, 400, 120).up(8);
    expect(hand.acts).toEqual([]);
    expect(new Hand().down(7, 300, 400, 120).down(1, 10, 10).pass(50).up(1).presses()).toHaveLength(2);
  });

  it("a contact that spreads into a palm clicks nothing", () => {
    expect(new Hand().down(1, 10, 10).pass(40).move(1, 12, 10, 140).up(1).pass(1_000).presses()).toEqual([]);
  });

  it("three fingers do nothing, in any order", () => {
    const hand = new Hand().down(1, 10, 10).down(2, 60, 10).down(3, 90, 10).pass(50).up(2).up(1).up(3);
    expect(hand.pass(1_000).presses()).toEqual([]);
  });

  it("stifled fingers let go, and nothing comes of them or of one that joins them until all are up", () => {
    for (const mode of ["direct", "trackpad"] as const) {
      const hand = new Hand(mode).down(1, 10, 10);
      hand.acts.push(...hand.core.ignoreTouches());
      hand.move(1, 90, 10).down(2, 60, 10).pass(40).move(2, 60, 90).up(1).up(2);
      expect(hand.pass(1_000).presses()).toEqual([]);
      expect(hand.tap(10, 10).pass(1_000).presses()).toHaveLength(2);
    }
    const hand = new Hand().down(1, 10, 10).pass(100).move(1, 90, 10);
    hand.acts.push(...hand.core.ignoreTouches());
    expect(hand.move(1, 120, 10).up(1).presses()).toEqual([
      [LEFT, 10, 10],
      [0, 90, 10],
    ]);
  });

  it("a late second finger clicks nothing", () => {
    const hand = new Hand().down(1, 10, 10).pass(400).down(2, 60, 10).pass(30).up(2).up(1);
    expect(hand.pass(1_000).presses()).toEqual([]);
  });

  it("a hand that comes down beside a drag does not end it", () => {
    const hand = new Hand().down(1, 10, 10).pass(100).move(1, 40, 10).down(2, 200, 300).move(2, 220, 300).up(2);
    expect(hand.presses()).toEqual([[LEFT, 10, 10]]);
    expect(hand.move(1, 50, 10).up(1).presses()).toEqual([
      [LEFT, 10, 10],
      [0, 50, 10],
    ]);
  });

  it("fingers are ignored while a pen is near", () => {
    const hand = new Hand();
    hand.core.pen(hand.nowMs);
    expect(hand.pass(300).tap(10, 10).acts).toEqual([]);
    expect(hand.pass(700).tap(10, 10).presses()).toHaveLength(2);
  });

  it("what the browser takes away is let go", () => {
    const hand = new Hand().down(1, 10, 10).pass(100).move(1, 90, 10);
    hand.acts.push(...hand.core.cancel());
    expect([hand.presses().at(-1)?.[0], hand.core.timerDelay(hand.nowMs)]).toEqual([0, null]);
  });
});

describe("trackpad", () => {
  const way = (hand: Hand): number => hand.acts.reduce((sum, act) => sum + (act.kind === "move-by" ? act.dxPx : 0), 0);

  it("moves the pointer, pixel by pixel when slow and farther when quick, and clicks nothing", () => {
    const slow = new Hand("trackpad").down(1, 100, 100);
    for (let step = 1; step <= 40; step++) slow.pass(16).move(1, 100 + step, 100);
    expect(way(slow.up(1))).toBeCloseTo(32, 0);
    const quick = new Hand("trackpad").down(1, 100, 100);
    for (let step = 1; step <= 10; step++) quick.pass(16).move(1, 100 + step * 30, 100);
    expect(way(quick.up(1))).toBeGreaterThan(600);
    expect([...slow.presses(), ...quick.presses()]).toEqual([]);
    expect([pointerGain(0), pointerGain(100)]).toEqual([1, 2.6]);
  });

  it("a tap clicks at the pointer and lets go soon", () => {
    const hand = new Hand("trackpad").tap(100, 100);
    expect(hand.presses()).toEqual([[LEFT, null, null]]);
    expect(hand.pass(200).presses()).toEqual([
      [LEFT, null, null],
      [0, null, null],
    ]);
  });

  it("two taps are a double click", () => {
    const hand = new Hand("trackpad").tap(100, 100).pass(80).tap(300, 100).pass(500);
    expect(hand.presses().map(([buttons]) => buttons)).toEqual([LEFT, 0, LEFT, 0]);
  });

  it("tap and half: drags with one press", () => {
    const hand = new Hand("trackpad").tap(100, 100).pass(80).down(1, 100, 100);
    for (let step = 1; step <= 20; step++) hand.pass(16).move(1, 100 + step * 3, 100);
    expect(hand.presses()).toHaveLength(1);
    expect(way(hand)).toBeGreaterThan(40);
    expect(hand.up(1).presses()).toEqual([
      [LEFT, null, null],
      [0, null, null],
    ]);
  });

  it("two-finger tap: the other button at the pointer; a resting finger is no tap", () => {
    const hand = new Hand("trackpad").down(1, 10, 10).down(2, 60, 10).pass(60).up(1).up(2);
    expect(hand.presses()).toEqual([
      [RIGHT, null, null],
      [0, null, null],
    ]);
    expect(new Hand("trackpad").down(1, 10, 10).pass(900).up(1).pass(500).presses()).toEqual([]);
  });

  it("lets go of a drag when the mode is changed", () => {
    const hand = new Hand("trackpad").tap(100, 100).pass(50).down(1, 100, 100).pass(16).move(1, 130, 100);
    hand.acts.push(...hand.core.choose("direct"));
    expect(hand.presses().at(-1)?.[0]).toBe(0);
    expect(hand.tap(20, 20).presses().at(-1)).toEqual([0, 20, 20]);
  });
});

describe("momentum", () => {
  it("goes as far in small steps as in one", () => {
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

describe("any fingers at all", () => {
  /** Numerical Recipes' generator: the same hands in every run. */
  const random = (seed: number): (() => number) => {
    let state = seed;
    return () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
  };

  it.each(["direct", "trackpad"] as const)("%s: every press is let go, and rest is reached", (mode) => {
    for (let seed = 1; seed <= 400; seed++) {
      const next = random(seed);
      const hand = new Hand(mode);
      const down = new Set<number>();
      for (let step = 0; step < 60; step++) {
        const id = Math.floor(next() * 4);
        const x = next() * 800;
        const y = next() * 600;
        const size = next() < 0.1 ? 150 : FINGER_PX;
        const what = next();
        if (what < 0.3 && !down.has(id)) {
          down.add(id);
          hand.down(id, x, y, size);
        } else if (what < 0.7 && down.has(id)) hand.move(id, x, y, size);
        else if (what < 0.9 && down.has(id)) {
          down.delete(id);
          hand.up(id);
        } else if (what < 0.92) hand.acts.push(...hand.core.cancel());
        if (next() < 0.7) hand.pass(next() * 300);
        if (hand.core.gesture === "scroll" || hand.core.gesture === "view" || hand.core.gesture === "coast")
          expect(hand.presses().at(-1)?.[0] ?? 0, `seed ${seed}`).toBe(0);
      }
      for (const id of down) hand.up(id);
      hand.pass(20_000);
      expect([hand.core.gesture, hand.presses().at(-1)?.[0] ?? 0], `seed ${seed}`).toEqual(["idle", 0]);
      expect(hand.presses().every(([buttons], index) => (index % 2 === 0 ? buttons !== 0 : true))).toBe(true);
    }
  });

  it("every state of a mode can be left for rest", () => {
    for (const table of Object.values(TABLES)) {
      for (const [gesture, row] of Object.entries(table)) {
        if (gesture === "idle" || Object.keys(row).length === 0) continue;
        expect(row.cancel?.[0], gesture).toBe("idle");
      }
    }
  });
});
