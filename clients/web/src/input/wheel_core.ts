/** Wheel events to 1/120 notches (PROTOCOL.md `wheel`). Pure; keeps fractions. */

import { MAX_WHEEL } from "../protocol/messages.ts";

export interface WheelInput {
  readonly deltaX: number;
  readonly deltaY: number;
  /** 0 pixels, 1 lines, 2 pages. */
  readonly deltaMode: number;
  /** Old fields: ∓120 a notch whatever the system's scroll speed; absent in older browsers. */
  readonly wheelDeltaX?: number;
  readonly wheelDeltaY?: number;
}

export const UNITS_PER_NOTCH = 120;
/** Lines a notch at the systems' default speed. Firefox doubles it for whole pages, so the old fields go first. */
const LINES_PER_NOTCH = 3;
/** Pixels a notch in Chromium and Safari where the old fields say nothing useful, and of a finger on a touchpad. */
const PIXELS_PER_NOTCH = 100;
const PAGE_NOTCHES = 10;

export class WheelCore {
  #restX = 0;
  #restY = 0;
  /** Lines of one notch: the fewest seen of an event that says it is one. */
  #linesPerNotch = Number.POSITIVE_INFINITY;

  /** Whole units to send, positive right and down; both 0 when nothing is due yet. */
  turn(input: WheelInput): { dx: number; dy: number } {
    const { deltaX, deltaY, deltaMode, wheelDeltaX, wheelDeltaY } = input;
    return this.#add(
      units(deltaX, deltaMode, wheelDeltaX) * this.#merged(deltaX, deltaMode, wheelDeltaX),
      units(deltaY, deltaMode, wheelDeltaY) * this.#merged(deltaY, deltaMode, wheelDeltaY),
    );
  }

  /** The same for fingers, whose pixels are what they are. */
  drag(dxPx: number, dyPx: number): { dx: number; dy: number } {
    const unitsPerPixel = UNITS_PER_NOTCH / PIXELS_PER_NOTCH;
    return this.#add(dxPx * unitsPerPixel, dyPx * unitsPerPixel);
  }

  #add(unitsX: number, unitsY: number): { dx: number; dy: number } {
    this.#restX += unitsX;
    this.#restY += unitsY;
    const dx = clamp(Math.trunc(this.#restX));
    const dy = clamp(Math.trunc(this.#restY));
    this.#restX -= dx;
    this.#restY -= dy;
    // What is beyond one message's range is gone, not owed: nobody turns a hundred notches at once.
    if (Math.abs(this.#restX) >= 1) this.#restX = 0;
    if (Math.abs(this.#restY) >= 1) this.#restY = 0;
    return { dx: dx + 0, dy: dy + 0 };
  }

  reset(): void {
    this.#restX = 0;
    this.#restY = 0;
  }

  /** Notches in one event: Firefox merges quick turns, adds up the lines and leaves the old field at a single notch. */
  #merged(delta: number, mode: number, wheelDelta: number | undefined): number {
    const lines = Math.abs(delta);
    if (mode !== 1 || !Number.isFinite(lines) || lines === 0 || Math.abs(wheelDelta ?? 0) !== UNITS_PER_NOTCH) return 1;
    this.#linesPerNotch = Math.min(this.#linesPerNotch, lines);
    return Math.round(lines / this.#linesPerNotch);
  }
}

function units(delta: number, mode: number, wheelDelta: number | undefined): number {
  if (!Number.isFinite(delta)) return 0;
  if (mode !== 0 && wheelDelta !== undefined && wheelDelta !== 0) return -wheelDelta;
  if (mode === 1) return (delta / LINES_PER_NOTCH) * UNITS_PER_NOTCH;
  if (mode === 2) return delta * PAGE_NOTCHES * UNITS_PER_NOTCH;
  // A mouse wheel: whole notches, however many pixels the system makes of them. Chromium's touchpads say three times the pixels.
  const whole = wheelDelta !== undefined && wheelDelta !== 0 && wheelDelta % UNITS_PER_NOTCH === 0;
  if (whole && wheelDelta !== -3 * delta && Math.abs(delta) >= 1) return -wheelDelta;
  // Old fields that repeat the pixels (automation, some touchpads): 120 px are one notch too.
  if (delta !== 0 && delta % UNITS_PER_NOTCH === 0) return delta;
  return (delta / PIXELS_PER_NOTCH) * UNITS_PER_NOTCH;
}

function clamp(value: number): number {
  return Math.max(-MAX_WHEEL, Math.min(MAX_WHEEL, value));
}
