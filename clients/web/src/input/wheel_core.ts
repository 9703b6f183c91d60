/** Converts browser wheel events to units of 1/120 notch (PROTOCOL.md, message `wheel`) and carries fractions over. Pure. */

import { WHEEL_MAX } from "../protocol/generated.ts";

export interface WheelInput {
  readonly deltaX: number;
  readonly deltaY: number;
  /** Unit of the deltas: 0 pixels, 1 lines, 2 pages. */
  readonly deltaMode: number;
  /** Legacy fields: ∓120 per notch whatever the system's scroll speed is; some browsers lack them. */
  readonly wheelDeltaX?: number;
  readonly wheelDeltaY?: number;
}

export const UNITS_PER_NOTCH = 120;
/** Lines per notch at the operating systems' default speed. Firefox doubles it for whole pages, so the legacy fields take precedence. */
const LINES_PER_NOTCH = 3;
/** Pixels per notch for touchpads, and for Chromium and Safari when the legacy fields are not usable. */
const PIXELS_PER_NOTCH = 100;
/** Notches that one page of scrolling is converted to. */
const NOTCHES_PER_PAGE = 10;

export class WheelCore {
  #restX = 0;
  #restY = 0;
  /** Lines per notch on this device: the smallest number seen in an event that claims to be a single notch. */
  #linesPerNotch = Number.POSITIVE_INFINITY;

  /** Converts a wheel event. Returns whole units to send, positive to the right and down; both are 0 while only a fraction accumulated. */
  turn(input: WheelInput): { dx: number; dy: number } {
    const { deltaX, deltaY, deltaMode, wheelDeltaX, wheelDeltaY } = input;
    return this.#add(
      units(deltaX, deltaMode, wheelDeltaX) * this.#merged(deltaX, deltaMode, wheelDeltaX),
      units(deltaY, deltaMode, wheelDeltaY) * this.#merged(deltaY, deltaMode, wheelDeltaY),
    );
  }

  /** Converts a finger's movement on a touch screen, which is always in pixels. */
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
    // Units beyond one message's range are dropped, not carried over: nobody turns a hundred notches at once.
    if (Math.abs(this.#restX) >= 1) this.#restX = 0;
    if (Math.abs(this.#restY) >= 1) this.#restY = 0;
    return { dx: dx + 0, dy: dy + 0 };
  }

  reset(): void {
    this.#restX = 0;
    this.#restY = 0;
  }

  /** Returns the notches in one event: Firefox merges quick turns, sums the lines and leaves the legacy field at a single notch. */
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
  if (mode === 2) return delta * NOTCHES_PER_PAGE * UNITS_PER_NOTCH;
  // A mouse wheel sends whole notches, however many pixels the system makes of them. On a touchpad Chromium's legacy field is −3 × delta.
  const whole = wheelDelta !== undefined && wheelDelta !== 0 && wheelDelta % UNITS_PER_NOTCH === 0;
  if (whole && wheelDelta !== -3 * delta && Math.abs(delta) >= 1) return -wheelDelta;
  // Automation and some touchpads repeat the pixels in the legacy fields; 120 px are one notch there too.
  if (delta !== 0 && delta % UNITS_PER_NOTCH === 0) return delta;
  return (delta / PIXELS_PER_NOTCH) * UNITS_PER_NOTCH;
}

function clamp(value: number): number {
  return Math.max(-WHEEL_MAX, Math.min(WHEEL_MAX, value));
}
