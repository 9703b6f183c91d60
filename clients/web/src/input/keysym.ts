/** From what a browser says about a key to X11 keysyms. Pure. */

import { KEYPAD_CHARACTERS, KEYSYMS, KEYSYMS_BY_CODE, US_CHARACTERS } from "./keysym_table.ts";

export const KEYSYM = {
  backspace: 0xff08,
  enter: 0xff0d,
  control: 0xffe3,
  controlRight: 0xffe4,
} as const;

/** What of a KeyboardEvent matters here. */
export interface KeyInput {
  readonly key: string;
  readonly code: string;
  readonly location: number;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

/** The only code point of a string; undefined for none or several. */
export function soleCodePoint(text: string): number | undefined {
  const first = text.codePointAt(0);
  return first !== undefined && text.length === (first > 0xffff ? 2 : 1) ? first : undefined;
}

/** X11's rule: Latin-1 is itself, everything else is its code point with bit 24 set. undefined for control characters. */
export function keysymOfCharacter(codePoint: number): number | undefined {
  if ((codePoint >= 0x20 && codePoint <= 0x7e) || (codePoint >= 0xa0 && codePoint <= 0xff)) return codePoint;
  if (codePoint < 0xa0) return undefined;
  return 0x0100_0000 + codePoint;
}

/** Shift, Control, Caps Lock, Alt, Super …: keys that only change others. */
export function isModifierKeysym(keysym: number): boolean {
  return keysym >= 0xffe1 && keysym <= 0xffee;
}

/** The two-set keyboard's jamo on the keys of `qwertyuiopasdfghjklzxcvbnm`, then those with Shift on `QWERTOP`. */
const JAMO = "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡㅃㅉㄸㄲㅆㅒㅖ";
const JAMO_KEYS = "qwertyuiopasdfghjklzxcvbnmqwertop";

/** The letter on the key of a Hangul jamo: in a shortcut the key is meant. */
export function latinOfJamo(character: string): string | undefined {
  return JAMO_KEYS[JAMO.indexOf(character)];
}

/** undefined for what no keyboard sends on: `Dead`, `Process`, `Unidentified` and the like. */
export function keysymOf(input: KeyInput): number | undefined {
  if (input.location === 3) {
    const keypad = KEYPAD_CHARACTERS[input.key];
    if (keypad !== undefined) return keypad;
  }
  const named = KEYSYMS[input.key];
  if (named !== undefined) return named[input.location] ?? named[0];
  const character = soleCodePoint(input.key);
  if (character !== undefined) return keysymOfCharacter(character);
  return input.key === "Unidentified" ? KEYSYMS_BY_CODE[input.code] : undefined;
}

/** What the key would give on a US keyboard. */
export function usKeysymOf(input: KeyInput): number | undefined {
  const pair = US_CHARACTERS[input.code];
  return pair?.[input.shiftKey ? 1 : 0].codePointAt(0);
}

/**
 * Whether a character is one that input methods make: Hangul, kana, Han. Their keydown is left to the text field, because
 * iPadOS composes with plain key events and breaks when one is prevented.
 */
export function isComposedScript(key: string): boolean {
  const point = soleCodePoint(key);
  if (point === undefined) return false;
  return (
    (point >= 0x1100 && point <= 0x11ff) ||
    (point >= 0x2e80 && point <= 0x9fff) ||
    (point >= 0xa960 && point <= 0xa97f) ||
    (point >= 0xac00 && point <= 0xd7ff) ||
    (point >= 0xf900 && point <= 0xfaff) ||
    (point >= 0xff65 && point <= 0xffdc) ||
    point >= 0x20000
  );
}
