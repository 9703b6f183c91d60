/**
 * Recognises the keys that copy and paste. Pure.
 *
 * A shortcut means the letter that the person's layout prints on the key: V of a Dvorak layout is at the
 * place of the US full stop. Layouts without Latin letters print none, and there the place of the US letter
 * counts, in browsers as on desktops.
 */

/** The parts of a keyboard event that matter here. */
export interface ShortcutEvent {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

/** What a paste shortcut reads: programs take Shift+Insert from CLIPBOARD, terminals from PRIMARY. */
export type PasteKey = "v" | "insert";

/** Returns whether a key event copies or cuts: Ctrl or ⌘ with C or X, Ctrl+Insert, or Shift+Delete. */
export function isCopyShortcut(event: ShortcutEvent): boolean {
  if (event.altKey) return false;
  const control = event.ctrlKey || event.metaKey;
  if (!control) return event.shiftKey && event.key === "Delete";
  return event.key === "Insert" || ["c", "x"].includes(letterOf(event));
}

/**
 * Returns which keys paste: Ctrl or ⌘ with V, also with Shift, or Shift+Insert; null for any other key event.
 */
export function pasteShortcut(event: ShortcutEvent): PasteKey | null {
  if (event.altKey) return null;
  const control = event.ctrlKey || event.metaKey;
  if (!control) return event.shiftKey && event.key === "Insert" ? "insert" : null;
  return letterOf(event) === "v" ? "v" : null;
}

/** Returns the lower-case Latin letter that a key means; empty when it means none. */
function letterOf({ key, code }: ShortcutEvent): string {
  const printed = key.toLowerCase();
  if (/^[\u0020-\u024f]$/.test(printed)) return /^[a-z]$/.test(printed) ? printed : "";
  const place = /^Key([A-Z])$/.exec(code)?.[1];
  // A named key, such as Enter or Process, means no letter wherever it is.
  return place !== undefined && [...key].length === 1 ? place.toLowerCase() : "";
}
