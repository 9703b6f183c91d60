/**
 * Finds the key that a person means in a shortcut. Pure.
 *
 * A shortcut is a key, not a character: with a Latin layout it is the letter that the layout prints, with
 * another script it is what a US keyboard has there, as on Windows, macOS and Linux desktops. Caps Lock
 * neither adds nor removes Shift.
 */

import { type KeyInput, keysymOf, keysymOfCharacter, soleCodePoint, usKeysymOf } from "./keysym.ts";

const LETTER_MARK_OR_DIGIT = /[\p{L}\p{M}\p{Nd}]/u;
/** Scripts of characters that layouts of Latin scripts have, such as "µ". */
const LATIN_OR_COMMON = /[\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]/u;
const LATIN_LETTER = /^\p{Script=Latin}$/u;
/** Turkish: the key of "ı" is the key I of programs, on Turkish Q and F alike. */
const TURKISH: Readonly<Record<string, string>> = { ı: "i", İ: "I" };

/**
 * Returns whether a key's character is of another script than Latin: Cyrillic, Greek, Hebrew, Arabic, Thai,
 * Hangul, kana and so on.
 */
export function isOtherScript(key: string): boolean {
  return soleCodePoint(key) !== undefined && LETTER_MARK_OR_DIGIT.test(key) && !LATIN_OR_COMMON.test(key);
}

export function isLatinLetter(key: string): boolean {
  return LATIN_LETTER.test(key);
}

/**
 * Returns the keysym of a shortcut's key. `otherScript` is whether the layout in use is of another script
 * than Latin, so that its punctuation is at other places as well.
 */
export function shortcutKeysymOf(input: KeyInput, otherScript: boolean): number | undefined {
  const { key } = input;
  if (input.location === 3 || soleCodePoint(key) === undefined) return keysymOf(input);
  if (isOtherScript(key) || (otherScript && !isLatinLetter(key))) return usKeysymOf(input) ?? keysymOf(input);
  if (!isLatinLetter(key)) return keysymOf(input);
  const letter = TURKISH[key] ?? key;
  const cased = input.shiftKey ? letter.toUpperCase() : letter.toLowerCase();
  const codePoint = soleCodePoint(cased) ?? soleCodePoint(letter);
  return codePoint === undefined ? undefined : keysymOfCharacter(codePoint);
}
