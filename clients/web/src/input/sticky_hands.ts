/** Hands that hold the bar's modifiers: they turn text into the keys of a shortcut, and let go after the first use. */

import type { InputMessage } from "../protocol/messages.ts";
import type { Hands } from "./hands.ts";
import { isModifierKeysym, keysymOfCharacter, latinOfJamo } from "./keysym.ts";
import { type Sticky, StickyCore } from "./sticky_core.ts";

export interface StickyHooks {
  /** A modifier's state may have changed. */
  changed(): void;
  /** A press of the pointer ended. */
  released(): void;
}

export class StickyHands implements Hands {
  readonly core = new StickyCore();
  readonly #hands: Hands;
  readonly #hooks: StickyHooks;
  #buttons = 0;

  constructor(hands: Hands, hooks: StickyHooks) {
    this.#hands = hands;
    this.#hooks = hooks;
  }

  tap(modifier: Sticky, nowMs: number): void {
    for (const message of this.core.tap(modifier, nowMs)) this.#hands.act(message);
    this.#hooks.changed();
  }

  act(message: InputMessage): void {
    if (!this.core.active) {
      this.#pass(message);
      return;
    }
    switch (message.type) {
      case "text":
        this.#text(message.text);
        this.#used();
        return;
      case "key":
        this.#hands.act(message);
        // Up, not down: the key must be released while the modifier still holds.
        if (!message.down && !isModifierKeysym(message.keysym)) this.#used();
        return;
      case "pointer": {
        if (this.#pass(message)) this.#used();
        return;
      }
      case "release":
        this.core.forget();
        this.#hands.act(message);
        this.#hooks.changed();
        return;
      case "wheel":
        this.#hands.act(message);
    }
  }

  motion(x: number, y: number, buttons: number): void {
    this.#hands.motion(x, y, buttons);
  }

  /** Everything is up; said by whoever sends `release`. True when a modifier was held. */
  forget(): boolean {
    const held = this.core.forget();
    this.#buttons = 0;
    this.#hooks.changed();
    return held;
  }

  /** True when a press of the pointer ended. */
  #pass(message: InputMessage): boolean {
    this.#hands.act(message);
    if (message.type !== "pointer") return false;
    const released = this.#buttons !== 0 && message.buttons === 0;
    this.#buttons = message.buttons;
    if (released) this.#hooks.released();
    return released;
  }

  /** The soft keyboard only ever gives text. With Shift alone it stays text, in capitals; of a shortcut each character is a key. */
  #text(text: string): void {
    const shifted = this.core.state("shift") === "off" ? text : text.toUpperCase();
    if (!this.core.shortcut) {
      this.#hands.act({ type: "text", text: shifted });
      return;
    }
    for (const character of Array.from(shifted)) {
      const latin = latinOfJamo(character) ?? character;
      const keysym = keysymOfCharacter(latin.codePointAt(0) ?? 0);
      if (keysym === undefined) continue;
      this.#hands.act({ type: "key", keysym, code: "BarKey", down: true });
      this.#hands.act({ type: "key", keysym, code: "BarKey", down: false });
    }
  }

  #used(): void {
    for (const message of this.core.used()) this.#hands.act(message);
    this.#hooks.changed();
  }
}
