/** InputSink that hold the bar's modifiers: they turn text into the keys of a shortcut, and let go after the first use. */

import type { InputMessage } from "../protocol/messages.ts";
import type { InputSink } from "./input_sink.ts";
import { isModifierKeysym, keysymOfCharacter, latinOfJamo } from "./keysym.ts";
import { StickyCore, type StickyModifier } from "./sticky_core.ts";

export interface StickyModifierEvents {
  /** A modifier's state may have changed. */
  changed(): void;
  /** A press of the pointer ended. */
  released(): void;
}

export class StickyModifiers implements InputSink {
  readonly core = new StickyCore();
  readonly #sink: InputSink;
  readonly #hooks: StickyModifierEvents;
  #buttons = 0;

  constructor(sink: InputSink, hooks: StickyModifierEvents) {
    this.#sink = sink;
    this.#hooks = hooks;
  }

  tap(modifier: StickyModifier, nowMs: number): void {
    for (const message of this.core.tap(modifier, nowMs)) this.#sink.send(message);
    this.#hooks.changed();
  }

  send(message: InputMessage): void {
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
        this.#sink.send(message);
        // Up, not down: the key must be released while the modifier still holds.
        if (!message.down && !isModifierKeysym(message.keysym)) this.#used();
        return;
      case "pointer": {
        if (this.#pass(message)) this.#used();
        return;
      }
      case "release":
        this.core.forget();
        this.#sink.send(message);
        this.#hooks.changed();
        return;
      case "wheel":
        this.#sink.send(message);
    }
  }

  sendMotion(x: number, y: number, buttons: number): void {
    this.#sink.sendMotion(x, y, buttons);
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
    this.#sink.send(message);
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
      this.#sink.send({ type: "text", text: shifted });
      return;
    }
    for (const character of Array.from(shifted)) {
      const latin = latinOfJamo(character) ?? character;
      const keysym = keysymOfCharacter(latin.codePointAt(0) ?? 0);
      if (keysym === undefined) continue;
      this.#sink.send({ type: "key", keysym, code: "BarKey", down: true });
      this.#sink.send({ type: "key", keysym, code: "BarKey", down: false });
    }
  }

  #used(): void {
    for (const message of this.core.used()) this.#sink.send(message);
    this.#hooks.changed();
  }
}
