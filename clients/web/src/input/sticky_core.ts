/**
 * Modifier keys of the page's own bar: one tap is for the next key, a second soon after locks, a third lets go. Pure.
 *
 * An armed modifier is really down on the desktop, so that it also holds for a click, a drag or the wheel.
 */

import type { InputMessage } from "../protocol/messages.ts";

export type StickyModifier = "control" | "alt" | "shift" | "super";
export type StickyState = "off" | "next" | "locked";

type KeyMessage = Extract<InputMessage, { type: "key" }>;

/** A second tap within this time locks; later it lets go. */
const DOUBLE_MS = 450;

export const STICKY: readonly StickyModifier[] = ["control", "alt", "shift", "super"];
const KEYSYMS: Readonly<Record<StickyModifier, number>> = {
  control: 0xffe3,
  alt: 0xffe9,
  shift: 0xffe1,
  super: 0xffeb,
};
/** No hardware key has these codes: a keyboard's own Ctrl may go up and down beside the bar's. */
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

  /** Whether any is armed. */
  get active(): boolean {
    return STICKY.some((modifier) => this.state(modifier) !== "off");
  }

  /** Whether text must become keys: of a shortcut only the key counts, and Shift alone is in the character. */
  get shortcut(): boolean {
    return this.state("control") !== "off" || this.state("alt") !== "off" || this.state("super") !== "off";
  }

  tap(modifier: StickyModifier, nowMs: number): KeyMessage[] {
    const before = this.state(modifier);
    const quick = nowMs - (this.#tappedAtMs.get(modifier) ?? Number.NEGATIVE_INFINITY) < DOUBLE_MS;
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

  /** A key, a text or a click used them: those for the next key only go up. */
  used(): KeyMessage[] {
    const messages: KeyMessage[] = [];
    for (const modifier of STICKY) {
      if (this.state(modifier) !== "next") continue;
      this.#states.set(modifier, "off");
      messages.push(message(modifier, false));
    }
    return messages;
  }

  /** Everything is up. True when something was held. */
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
