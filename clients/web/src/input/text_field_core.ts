/**
 * From a live text field to what must be typed in the desktop. Pure.
 *
 * The field is never read as "the text": what counts is how it changed since the desktop last got its content. So it does not matter
 * whether an engine composes with composition events (Chromium, Firefox, WebKitGTK), or, as iPadOS does for Hangul, by deleting and
 * inserting: ㅎ, then ⌫ + 하, then ⌫ + 한.
 */

import { MAX_TEXT_POINTS } from "../protocol/messages.ts";

export interface TextChange {
  /** Characters to take back first. */
  readonly backspaces: number;
  /** Then to type. */
  readonly text: string;
}

/** A field that is longer than this is emptied at the next chance; diffs stay cheap. */
const LONG_FIELD = 400;

/** What turns `before` into `after`, if the caret is at the end: both in code points. */
export function difference(before: string, after: string): TextChange {
  const old = Array.from(before);
  const now = Array.from(after);
  let common = 0;
  while (common < old.length && common < now.length && old[common] === now[common]) common++;
  return { backspaces: old.length - common, text: now.slice(common).join("") };
}

/** Pieces of at most `MAX_TEXT_POINTS` code points. */
export function pieces(text: string): string[] {
  const points = Array.from(text);
  const parts: string[] = [];
  for (let start = 0; start < points.length; start += MAX_TEXT_POINTS) {
    parts.push(points.slice(start, start + MAX_TEXT_POINTS).join(""));
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
   * Whether an input method without composition events works in the field. It may still change its last syllable, and counts on every
   * character it sees: Backspace, space and letters belong to the field then.
   */
  get direct(): boolean {
    return this.#direct;
  }

  compositionStart(): void {
    this.#composing = true;
  }

  /** What is being composed, to show it; nothing is typed yet. */
  preview(value: string): string {
    return this.#composing ? difference(this.#sent, value).text : "";
  }

  compositionEnd(value: string): TextChange {
    this.#composing = false;
    return this.#take(value);
  }

  /** The field changed. While something is composed that means nothing yet. */
  input(value: string): TextChange {
    if (this.#composing) return { backspaces: 0, text: "" };
    const change = this.#take(value);
    if (change.text !== "") this.#direct = true;
    return change;
  }

  /** The field was emptied by us, or lost the focus. */
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
