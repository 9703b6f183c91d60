/**
 * An input sink that applies the key bar's sticky modifiers: text becomes the keys of a shortcut, and one use
 * releases the modifiers.
 */

import type { InputMessage } from "../protocol/messages.ts";
import type { InputSink } from "./input_sink.ts";
import { isModifierKeysym, keysymOfCharacter, latinOfJamo } from "./keysym.ts";
import { StickyCore, type StickyModifier } from "./sticky_core.ts";

export interface StickyModifierEvents {
  /** Called when a modifier's state may have changed. */
  changed(): void;
  /** Called when the last pointer button was released. */
  pointerReleased(): void;
}

export class StickyModifiers implements InputSink {
  readonly core = new StickyCore();
  readonly #sink: InputSink;
  readonly #events: StickyModifierEvents;
  #buttons = 0;

  constructor(sink: InputSink, events: StickyModifierEvents) {
    this.#sink = sink;
    this.#events = events;
  }

  tap(modifier: StickyModifier, nowMs: number): void {
    for (const message of this.core.tap(modifier, nowMs)) this.#sink.send(message);
    this.#events.changed();
  }

  send(message: InputMessage): void {
    if (!this.core.active) {
      this.#forward(message);
      return;
    }
    switch (message.type) {
      case "text":
        this.#text(message.text);
        this.#consume();
        return;
      case "key":
        this.#sink.send(message);
        // The modifiers are released after the key's release, not after its press: the key must go up while
        // they are held.
        if (!message.down && !isModifierKeysym(message.keysym)) this.#consume();
        return;
      case "pointer": {
        if (this.#forward(message)) this.#consume();
        return;
      }
      case "release":
        this.core.forget();
        this.#sink.send(message);
        this.#events.changed();
        return;
      case "wheel":
        this.#sink.send(message);
    }
  }

  /** Returns whether typed text is V of a paste shortcut, because Ctrl is armed and Alt and Super are not. */
  pasteArmed(text: string): boolean {
    const armed = (modifier: StickyModifier): boolean => this.core.state(modifier) !== "off";
    return armed("control") && !armed("alt") && !armed("super") && (latinOfJamo(text) ?? text).toLowerCase() === "v";
  }

  sendMotion(x: number, y: number, buttons: number): void {
    this.#sink.sendMotion(x, y, buttons);
  }

  /**
   * Marks all modifiers as released without sending anything: the caller sends `release`. Returns whether one
   * was held.
   */
  forget(): boolean {
    const held = this.core.forget();
    this.#buttons = 0;
    this.#events.changed();
    return held;
  }

  /** Forwards a message. Returns whether it released the last pointer button. */
  #forward(message: InputMessage): boolean {
    this.#sink.send(message);
    if (message.type !== "pointer") return false;
    const released = this.#buttons !== 0 && message.buttons === 0;
    this.#buttons = message.buttons;
    if (released) this.#events.pointerReleased();
    return released;
  }

  /**
   * Converts text from a soft keyboard: with Shift alone it becomes upper case, with other modifiers each
   * character becomes a key.
   */
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

  #consume(): void {
    for (const message of this.core.consume()) this.#sink.send(message);
    this.#events.changed();
  }
}
