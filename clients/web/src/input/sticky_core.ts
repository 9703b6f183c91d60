/**
 * State of the key bar's sticky modifiers: one tap applies a modifier to the next key, a second quick tap
 * locks it and a third releases it. Pure.
 *
 * An armed modifier is pressed on the desktop, so that it also applies to a click, a drag or the wheel.
 */

import type { InputMessage } from "../protocol/messages.ts";

export type StickyModifier = "control" | "alt" | "shift" | "super";
export type StickyState = "off" | "next" | "locked";

type KeyMessage = Extract<InputMessage, { type: "key" }>;

/** A second tap within this time locks the modifier, ms; a later one releases it. */
const DOUBLE_TAP_MS = 450;

export const STICKY: readonly StickyModifier[] = ["control", "alt", "shift", "super"];
const KEYSYMS: Readonly<Record<StickyModifier, number>> = {
  control: 0xffe3,
  alt: 0xffe9,
  shift: 0xffe1,
  super: 0xffeb,
};
/**
 * Key codes that no hardware key has, so that a keyboard's own Ctrl can be pressed and released independently
 * of the bar's.
 */
const CODES: Readonly<Record<StickyModifier, string>> = {
  control: "BarControl",
  alt: "BarAlt",
  shift: "BarShift",
  super: "BarSuper",
};

export class StickyCore {
  readonly #states = new Map<StickyModifier, StickyState>();
  readonly #tappedAtMs = new Map<StickyModifier, number>();

  state(modifier: StickyModifier): StickyState {
    return this.#states.get(modifier) ?? "off";
  }

  /** Whether any modifier is armed or locked. */
  get active(): boolean {
    return STICKY.some((modifier) => this.state(modifier) !== "off");
  }

  /**
   * Whether text must be sent as keys, because a modifier other than Shift is armed. Shift alone only changes
   * the character.
   */
  get shortcut(): boolean {
    return this.state("control") !== "off" || this.state("alt") !== "off" || this.state("super") !== "off";
  }

  /** Handles a tap on the bar. Returns the key messages to send. */
  tap(modifier: StickyModifier, nowMs: number): KeyMessage[] {
    const before = this.state(modifier);
    const quick = nowMs - (this.#tappedAtMs.get(modifier) ?? Number.NEGATIVE_INFINITY) < DOUBLE_TAP_MS;
    this.#tappedAtMs.set(modifier, nowMs);
    if (before === "off") {
      this.#states.set(modifier, "next");
      return [message(modifier, true)];
    }
    if (before === "next" && quick) {
      this.#states.set(modifier, "locked");
      return [];
    }
    this.#states.set(modifier, "off");
    return [message(modifier, false)];
  }

  /**
   * Releases the modifiers that were armed for one key only, after a key, text or click used them. Returns
   * the messages to send.
   */
  consume(): KeyMessage[] {
    const messages: KeyMessage[] = [];
    for (const modifier of STICKY) {
      if (this.state(modifier) !== "next") continue;
      this.#states.set(modifier, "off");
      messages.push(message(modifier, false));
    }
    return messages;
  }

  /** Marks all modifiers as released without sending anything. Returns whether one was held. */
  forget(): boolean {
    const held = this.active;
    this.#states.clear();
    this.#tappedAtMs.clear();
    return held;
  }
}

function message(modifier: StickyModifier, down: boolean): KeyMessage {
  return { type: "key", keysym: KEYSYMS[modifier], code: CODES[modifier], down };
}
