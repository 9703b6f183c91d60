/**
 * What one finger does that moves over the surface, and how far it must move. Pure.
 *
 * A mouse has a wheel and three buttons; one finger has a single movement. A reader therefore chooses what that
 * movement means: a tap, a hold, and everything that two fingers do, are the same with every tool.
 */

/**
 * - `pointer`: moves or drags, as the touch mode says.
 * - `scroll`: turns the wheel notch by notch, as a reader pages through a stack.
 * - `window`: drags with the chosen button, more slowly than the finger: window and level in most image viewers.
 * - `pan`: moves the enlarged desktop; where it is not enlarged, drags with the middle button.
 */
export type FingerTool = "pointer" | "scroll" | "window" | "pan";
export const FINGER_TOOLS: readonly FingerTool[] = ["scroll", "window", "pan", "pointer"];

/** The tools whose sensitivity can be chosen: the others follow the finger. */
export type SensitiveTool = "scroll" | "window";

/** What one finger does on a desktop, as the person chose it. Sensitivities are from 1 to SENSITIVITY_MAX. */
export interface FingerSettings {
  readonly tool: FingerTool;
  readonly scroll: number;
  readonly window: number;
}

export const SENSITIVITY_MAX = 5;
/** The sensitivity before a choice. */
const SENSITIVITY_NORMAL = 3;
export const DEFAULT_FINGER: FingerSettings = {
  tool: "pointer",
  scroll: SENSITIVITY_NORMAL,
  window: SENSITIVITY_NORMAL,
};

/** At normal sensitivity one swipe turns the wheel by this many notches: a stack of usual length. */
export const NOTCHES_PER_SWIPE = 60;
/** Part of the screen's height that one swipe covers: nobody starts and ends at the very edge. */
export const SWIPE_FRACTION = 0.75;
/** The shortest distance per notch, CSS px: less than that a finger moves while it is held still. */
const NOTCH_MIN_PX = 3;
/**
 * Distance that the pointer moves per CSS px of the finger, at normal sensitivity. Viewers change window and level by
 * one unit or more per pixel, and a tablet has two device pixels per CSS px.
 */
const WINDOW_GAIN = 0.25;
/** One step of the sensitivity multiplies by this. */
const SCROLL_STEP = Math.SQRT2;
const WINDOW_STEP = 2;
/** A notch is complete this little before its distance, because sums of distances are rounded. */
const ROUNDING = 1e-6;

/** Returns the distance that one finger moves per notch, CSS px, on a screen of this height. */
export function notchPx(screenPx: number, sensitivity: number): number {
  const normal = (screenPx * SWIPE_FRACTION) / NOTCHES_PER_SWIPE;
  return Math.max(NOTCH_MIN_PX, normal / SCROLL_STEP ** (sensitivity - SENSITIVITY_NORMAL));
}

/** Returns the distance that the pointer moves per CSS px of a finger that sets window and level, CSS px. */
export function windowGain(sensitivity: number): number {
  return WINDOW_GAIN * WINDOW_STEP ** (sensitivity - SENSITIVITY_NORMAL);
}

/** Returns the settings that were stored; those that are missing or malformed have their default. */
export function parseFingerSettings(stored: unknown): FingerSettings {
  const found = (typeof stored === "object" && stored !== null ? stored : {}) as Partial<Record<string, unknown>>;
  const sensitivity = (value: unknown): number =>
    typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= SENSITIVITY_MAX
      ? value
      : SENSITIVITY_NORMAL;
  return {
    tool: FINGER_TOOLS.find((tool) => tool === found.tool) ?? DEFAULT_FINGER.tool,
    scroll: sensitivity(found.scroll),
    window: sensitivity(found.window),
  };
}

/** Divides the movement of one finger into whole wheel notches. No notch is lost or doubled, however it moves. */
export class NotchCounter {
  readonly #notchPx: number;
  #movedPx = 0;
  #turned = 0;

  constructor(notchPx: number) {
    this.#notchPx = notchPx;
  }

  /**
   * The finger is this far from where it came down, CSS px. Returns the notches to turn.
   *
   * A finger that turns back has to move by a whole notch first, so that one which trembles turns nothing.
   */
  moveTo(movedPx: number): number {
    this.#movedPx = movedPx;
    const ahead = movedPx / this.#notchPx - this.#turned;
    const notches = Math.trunc(ahead + Math.sign(ahead) * ROUNDING) + 0;
    this.#turned += notches;
    return notches;
  }

  /** Moves on by a distance, after the finger was lifted. Returns the notches to turn. */
  moveBy(px: number): number {
    return this.moveTo(this.#movedPx + px);
  }
}
