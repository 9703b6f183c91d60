/** Fingers for tests of `TouchCore`, with a clock of their own. */

import { type TouchAction, TouchCore } from "../../src/input/touch_core.ts";
import type { TouchMode } from "../../src/input/touch_table.ts";

export const FINGER_PX = 30;

/** Touches a `TouchCore` with a clock of its own, and records the actions that the core returns. */
export class FakeFingers {
  readonly core: TouchCore;
  readonly actions: TouchAction[] = [];
  nowMs = 1_000;

  constructor(mode: TouchMode = "direct") {
    this.core = new TouchCore(mode);
  }

  down(id: number, x: number, y: number, sizePx = FINGER_PX): this {
    this.actions.push(...this.core.down({ id, x, y, sizePx }, this.nowMs));
    return this;
  }

  move(id: number, x: number, y: number, sizePx = FINGER_PX): this {
    this.actions.push(...this.core.move({ id, x, y, sizePx }, this.nowMs));
    return this;
  }

  up(id: number): this {
    this.actions.push(...this.core.up(id, this.nowMs));
    return this;
  }

  tap(x: number, y: number): this {
    return this.down(1, x, y).wait(40).up(1);
  }

  /** Advances the clock and handles the timers that become due. */
  wait(ms: number): this {
    const end = this.nowMs + ms;
    for (;;) {
      const delayMs = this.core.timerDelay(this.nowMs);
      if (delayMs === null || this.nowMs + delayMs > end) break;
      this.nowMs += Math.max(delayMs, 1);
      this.actions.push(...this.core.handleTimer(this.nowMs));
    }
    this.nowMs = end;
    return this;
  }

  /** Returns each change of the pressed buttons with its position; null where the position is the pointer's. */
  presses(): [number, number | null, number | null][] {
    let before = 0;
    const found: [number, number | null, number | null][] = [];
    for (const action of this.actions) {
      if (action.kind !== "buttons" || action.buttons === before) continue;
      before = action.buttons;
      found.push([action.buttons, action.at?.x ?? null, action.at?.y ?? null]);
    }
    return found;
  }

  kinds(): string[] {
    return [...new Set(this.actions.map((action) => action.kind))];
  }
}

/** The generator of Numerical Recipes: the same touches in every run. */
export const random = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
};
