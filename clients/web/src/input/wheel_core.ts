/**
 * Converts browser wheel events to units of 1/120 notch (PROTOCOL.md, message `wheel`) and carries fractions
 * over. Pure.
 *
 * One detent of a mouse wheel is one notch, whatever the system's scroll speed is; a touchpad scrolls by its
 * pixels. Events name no device, so it is recognised by how engines fill in the legacy fields:
 *
 * - A wheel that reports detents has −120 units per detent in `wheelDelta` (Gecko `WheelEvent.cpp`, Blink
 *   `wheel_event.cc`, WebKit).
 * - A device that scrolls by pixels has −3 × delta there in Gecko and on macOS, −1 × delta in Chromium elsewhere.
 * - macOS accelerates mouse wheels: a slow detent is 0.1 lines, a fast one many lines, and `wheelDelta` follows.
 *   Lines are 16.16 fixed-point numbers and become 40 px in Chromium and Safari, so 0.1 lines are
 *   4.000244140625 px; touchpads send whole px.
 *
 * `wheel.test.ts` has the table of what devices send, with sources.
 */

import { WHEEL_MAX } from "../protocol/generated/wire_facts.ts";

export interface WheelInput {
  readonly deltaX: number;
  readonly deltaY: number;
  /** Unit of the deltas: 0 pixels, 1 lines, 2 pages. */
  readonly deltaMode: number;
  /** Legacy fields, see above; some browsers lack them. */
  readonly wheelDeltaX?: number;
  readonly wheelDeltaY?: number;
}

/** Where the page runs, as far as wheel events depend on it. */
export interface WheelPlatform {
  readonly mac: boolean;
  /** Returns device pixels per CSS px: Chromium divides the deltas by the zoom of the page. */
  readonly ratio: () => number;
}

export const UNITS_PER_NOTCH = 120;
/**
 * Lines per notch at the operating systems' default speed. Firefox doubles it for whole pages, so the legacy
 * fields take precedence.
 */
const LINES_PER_NOTCH = 3;
/** Lines that Firefox reports for a notch on a whole page at the default speed. */
const FIREFOX_LINES_PER_NOTCH = 6;
/** From this event on, the smallest number of lines seen is taken for that of a single notch. */
const FIRST_SINGLES = 3;
/** Pixels per notch for touchpads, and for browsers without the legacy fields. */
const PIXELS_PER_NOTCH = 100;
/** Notches that one page of scrolling is converted to. */
const NOTCHES_PER_PAGE = 10;
/**
 * Pixels per line of a macOS mouse wheel (`kScrollbarPixelsPerCocoaTick` in Chromium, `pixelsPerLineStep` in
 * WebKit).
 */
const MAC_PIXELS_PER_LINE = 40;
/** Resolution of a macOS line: 16.16 fixed point. */
const MAC_LINE_FRACTIONS = 65_536;
/**
 * Pixels per notch of a pinch. A pinch sends −100 × ln(scale) px; a notch of Ctrl + wheel enlarges by about a
 * tenth.
 */
const PINCH_PIXELS_PER_NOTCH = 10;
/** Events with larger deltas are no pinch but a wheel that is turned while Ctrl is held, px. */
const PINCH_MAX_PX = 40;
/**
 * An event that fits mouse and touchpad comes from the device that sent the event before, unless that is
 * longer ago, ms.
 */
const SAME_DEVICE_MS = 1_000;
/** A touchpad sends its events at most this far apart while fingers move, ms. */
const SAME_GESTURE_MS = 50;

const ELSEWHERE: WheelPlatform = { mac: false, ratio: () => 1 };

export class WheelCore {
  readonly #platform: WheelPlatform;
  #restX = 0;
  #restY = 0;
  #pinchRest = 0;
  /**
   * Lines per notch on this device: the smallest number seen in an event that claims to be a single notch.
   */
  #linesPerNotch = Number.POSITIVE_INFINITY;
  /** Events that claim to be a single notch so far. */
  #singles = 0;
  /** Time stamp of the latest event that only a macOS mouse sends. */
  #macMouseAtMs = Number.NEGATIVE_INFINITY;
  /**
   * Time stamp of the latest macOS event of whole pixels, and whether it was taken for whole lines of a
   * mouse.
   */
  #macWholeAtMs = Number.NEGATIVE_INFINITY;
  #macWholeLines = false;

  constructor(platform: WheelPlatform = ELSEWHERE) {
    this.#platform = platform;
  }

  /**
   * Converts a wheel event with this time stamp. Returns whole units to send, positive to the right and down;
   * both are 0 while only a fraction accumulated.
   */
  turn(input: WheelInput, nowMs: number): { dx: number; dy: number } {
    const { deltaX, deltaY, deltaMode, wheelDeltaX, wheelDeltaY } = input;
    return this.#add(
      this.#units(deltaX, deltaMode, wheelDeltaX, nowMs) * this.#merged(input, deltaX, wheelDeltaX),
      this.#units(deltaY, deltaMode, wheelDeltaY, nowMs) * this.#merged(input, deltaY, wheelDeltaY),
    );
  }

  /** Converts a finger's movement on a touch screen, which is always in pixels. */
  drag(dxPx: number, dyPx: number): { dx: number; dy: number } {
    const unitsPerPixel = UNITS_PER_NOTCH / PIXELS_PER_NOTCH;
    return this.#add(dxPx * unitsPerPixel, dyPx * unitsPerPixel);
  }

  /** Converts an event of a pinch on a touchpad. Returns units in whole notches; positive makes smaller. */
  pinch(deltaPx: number): number {
    if (!Number.isFinite(deltaPx)) return 0;
    // A change of direction starts anew, so that the first movement back counts.
    if (this.#pinchRest * deltaPx < 0) this.#pinchRest = 0;
    this.#pinchRest += deltaPx / PINCH_PIXELS_PER_NOTCH;
    const notches = Math.trunc(this.#pinchRest);
    this.#pinchRest -= notches;
    return clamp(notches * UNITS_PER_NOTCH) + 0;
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
    this.#pinchRest = 0;
  }

  /** Returns the units of one axis of an event. */
  #units(delta: number, mode: number, wheelDelta: number | undefined, nowMs: number): number {
    if (!Number.isFinite(delta) || delta === 0) return 0;
    const legacy = wheelDelta ?? 0;
    // Firefox on macOS reports the lines of a mouse, accelerated; every event is one detent.
    if (mode === 1 && this.#platform.mac) return Math.sign(delta) * UNITS_PER_NOTCH;
    if (mode !== 0 && legacy !== 0) return -legacy;
    if (mode === 1) return (delta / LINES_PER_NOTCH) * UNITS_PER_NOTCH;
    if (mode === 2) return delta * NOTCHES_PER_PAGE * UNITS_PER_NOTCH;
    const touchpad = (delta / PIXELS_PER_NOTCH) * UNITS_PER_NOTCH;
    if (legacy === 0) return touchpad;
    if (this.#platform.mac)
      return this.#fromMacMouse(delta, legacy, nowMs) ? Math.sign(delta) * UNITS_PER_NOTCH : touchpad;
    // 120 px and −120 units are one notch, as on Linux; automation and touchpads in Chromium repeat the
    // pixels as well.
    if (Math.abs(legacy + delta) <= 1) return delta;
    if (Math.abs(legacy + 3 * delta) <= 1.5) return touchpad;
    return -legacy;
  }

  /** Returns whether a macOS mouse, not a touchpad, sent an event in pixels. */
  #fromMacMouse(delta: number, legacy: number, nowMs: number): boolean {
    const ratio = this.#platform.ratio();
    // The legacy field is not divided by the page's zoom. It tells which of the possible zooms applies.
    const candidates = [delta, delta * ratio, (delta * ratio) / 2].map(Math.abs);
    const px = candidates.find((value) => Math.abs(3 * value - Math.abs(legacy)) <= 1);
    if (px === undefined) return Math.abs(legacy) % UNITS_PER_NOTCH === 0;
    const fractions = (px / MAC_PIXELS_PER_LINE) * MAC_LINE_FRACTIONS;
    if (!isWhole(px)) {
      const mouse = Math.abs(fractions - Math.round(fractions)) < 0.01;
      this.#macMouseAtMs = mouse ? nowMs : Number.NEGATIVE_INFINITY;
      return mouse;
    }
    // Whole pixels: a touchpad, or a mouse whose acceleration happened to give them while it is being turned.
    if (px % (MAC_PIXELS_PER_LINE / 8) === 0 && nowMs - this.#macMouseAtMs < SAME_DEVICE_MS) return true;
    // Without acceleration a mouse sends whole lines, and touchpads hardly ever send one without other events
    // around it.
    const wholeLines = px % MAC_PIXELS_PER_LINE === 0;
    const alone = nowMs - this.#macWholeAtMs > SAME_GESTURE_MS || this.#macWholeLines;
    this.#macWholeAtMs = nowMs;
    this.#macWholeLines = wholeLines && alone;
    return this.#macWholeLines;
  }

  /**
   * Returns the notches in one event: Firefox merges quick turns, sums the lines and leaves the legacy field
   * at a single notch.
   */
  #merged(input: WheelInput, delta: number, wheelDelta: number | undefined): number {
    const lines = Math.abs(delta);
    if (input.deltaMode !== 1 || this.#platform.mac || !Number.isFinite(lines) || lines === 0) return 1;
    if (Math.abs(wheelDelta ?? 0) !== UNITS_PER_NOTCH) return 1;
    this.#linesPerNotch = Math.min(this.#linesPerNotch, lines);
    this.#singles += 1;
    // The first events of a page may be merged already.
    const early = this.#singles < FIRST_SINGLES && this.#linesPerNotch % FIREFOX_LINES_PER_NOTCH === 0;
    return Math.round(lines / (early ? FIREFOX_LINES_PER_NOTCH : this.#linesPerNotch));
  }
}

/**
 * Returns whether a wheel event with the flag Ctrl may be a pinch on a touchpad: engines report pinches as
 * small turns with Ctrl.
 */
export function mayBePinch(input: WheelInput): boolean {
  return input.deltaMode === 0 && Math.abs(input.deltaY) < PINCH_MAX_PX;
}

/** Returns the pixels that engines report for a pinch which scales by this factor. */
export function pinchPixels(factor: number): number {
  return factor > 0 ? -100 * Math.log(factor) : 0;
}

function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 1e-5;
}

function clamp(value: number): number {
  return Math.max(-WHEEL_MAX, Math.min(WHEEL_MAX, value));
}
