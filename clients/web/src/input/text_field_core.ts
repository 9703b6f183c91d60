/**
 * Derives what must be typed on the desktop from the changes of a text field. Pure.
 *
 * Only the difference from the content that was last sent is typed. It therefore does not matter whether an
 * engine composes with composition events (Chromium, Firefox, WebKitGTK) or, as iPadOS does for Hangul, by
 * deleting and inserting: ㅎ, then ⌫ + 하, then ⌫ + 한.
 */

import { TEXT_INPUT_MAX_CHARS } from "../protocol/generated/wire_facts.ts";

export interface TextChange {
  /** Number of characters to delete first. */
  readonly backspaces: number;
  /** Text to type after that. */
  readonly text: string;
}

/**
 * A field longer than this many UTF-16 units is emptied when the next word ends, to keep comparisons cheap.
 */
const LONG_FIELD = 400;

/**
 * Returns the change from `before` to `after`, counted in code points, assuming that the caret is at the end.
 */
export function difference(before: string, after: string): TextChange {
  const old = Array.from(before);
  const now = Array.from(after);
  let common = 0;
  while (common < old.length && common < now.length && old[common] === now[common]) common++;
  return { backspaces: old.length - common, text: now.slice(common).join("") };
}

/** Splits text into pieces of at most `TEXT_INPUT_MAX_CHARS` code points. */
export function pieces(text: string): string[] {
  const points = Array.from(text);
  const parts: string[] = [];
  for (let start = 0; start < points.length; start += TEXT_INPUT_MAX_CHARS) {
    parts.push(points.slice(start, start + TEXT_INPUT_MAX_CHARS).join(""));
  }
  return parts;
}

export class TextFieldCore {
  #sent = "";
  #composing = false;
  #direct = false;

  get composing(): boolean {
    return this.#composing;
  }

  /**
   * Whether an input method without composition events is active in the field. Such a method may still change
   * its last syllable and must see every character, so Backspace, space and letters are left to the field.
   */
  get direct(): boolean {
    return this.#direct;
  }

  compositionStart(): void {
    this.#composing = true;
  }

  /** Returns the text being composed, for display; nothing is typed yet. */
  preview(value: string): string {
    return this.#composing ? difference(this.#sent, value).text : "";
  }

  compositionEnd(value: string): TextChange {
    this.#composing = false;
    return this.#take(value);
  }

  /** Handles a change of the field. Changes during a composition type nothing. */
  input(value: string): TextChange {
    if (this.#composing) return { backspaces: 0, text: "" };
    const change = this.#take(value);
    if (change.text !== "") this.#direct = true;
    return change;
  }

  /** Starts over after the page emptied the field or the field lost the focus. */
  reset(): void {
    this.#sent = "";
    this.#composing = false;
    this.#direct = false;
  }

  /** Whether the field should be emptied when a word ends. */
  get long(): boolean {
    return this.#sent.length > LONG_FIELD;
  }

  #take(value: string): TextChange {
    const change = difference(this.#sent, value);
    this.#sent = value;
    return change;
  }
}
