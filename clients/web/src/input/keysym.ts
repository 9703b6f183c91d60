/** Converts a browser's description of a key to an X11 keysym. Pure. */

import { KEYPAD_CHARACTERS, KEYSYMS, KEYSYMS_BY_CODE, US_CHARACTERS } from "./keysym_table.ts";

export const KEYSYM = {
  backspace: 0xff08,
  enter: 0xff0d,
  control: 0xffe3,
  controlRight: 0xffe4,
  shift: 0xffe1,
  alt: 0xffe9,
  super: 0xffeb,
} as const;

/** The fields of a KeyboardEvent that determine its keysym. */
export interface KeyInput {
  readonly key: string;
  readonly code: string;
  readonly location: number;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
  /** Whether the key was held before and the browser repeats it. */
  readonly repeat?: boolean;
  /** Whether AltGr or another key that selects characters is held (`getModifierState("AltGraph")`). */
  readonly altGraph: boolean;
}

/** Returns the code point of a string that has exactly one, otherwise undefined. */
export function soleCodePoint(text: string): number | undefined {
  const first = text.codePointAt(0);
  return first !== undefined && text.length === (first > 0xffff ? 2 : 1) ? first : undefined;
}

/**
 * Returns a character's keysym by X11's rule: Latin-1 maps to itself, other code points get bit 24 set.
 * Undefined for control characters.
 */
export function keysymOfCharacter(codePoint: number): number | undefined {
  if ((codePoint >= 0x20 && codePoint <= 0x7e) || (codePoint >= 0xa0 && codePoint <= 0xff)) return codePoint;
  if (codePoint < 0xa0) return undefined;
  return 0x0100_0000 + codePoint;
}

/** Returns whether a keysym is a modifier: Shift, Control, Caps Lock, Meta, Alt, Super or Hyper. */
export function isModifierKeysym(keysym: number): boolean {
  return keysym >= 0xffe1 && keysym <= 0xffee;
}

/** Jamo of the Korean two-set (Dubeolsik) layout, in the order of JAMO_KEYS. */
const JAMO = "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡㅃㅉㄸㄲㅆㅒㅖ";
/**
 * Latin letters on the keys of those jamo: 26 without Shift, then the 7 keys that give another jamo with
 * Shift.
 */
const JAMO_KEYS = "qwertyuiopasdfghjklzxcvbnmqwertop";

/**
 * Returns the Latin letter on the key of a Hangul jamo, because a shortcut refers to the key, not to the
 * character.
 */
export function latinOfJamo(character: string): string | undefined {
  return JAMO_KEYS[JAMO.indexOf(character)];
}

/**
 * Returns a key's keysym; undefined for keys that must not be forwarded, such as `Dead`, `Process` and
 * `Unidentified`.
 */
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

/** Returns the keysym that the key would have on a US keyboard. */
export function usKeysymOf(input: KeyInput): number | undefined {
  const pair = US_CHARACTERS[input.code];
  return pair?.[input.shiftKey ? 1 : 0].codePointAt(0);
}

/**
 * Returns whether a character belongs to a script that input methods compose: Hangul, kana or Han. The text
 * field handles its keydown event, because iPadOS composes with plain key events and fails when one of them
 * is prevented.
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
