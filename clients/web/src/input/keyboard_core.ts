/**
 * Tracks which keys are pressed on the desktop. Pure: browser key events go in, `key` messages come out.
 *
 * A key is released by its `code` and with the keysym it was pressed with, because the layout or Shift may have changed meanwhile.
 */

import type { InputMessage } from "../protocol/messages.ts";
import { isComposedScript, KEYSYM, type KeyInput, keysymOf, usKeysymOf } from "./keysym.ts";

export type Platform = "mac" | "windows" | "other";

type KeyMessage = Extract<InputMessage, { type: "key" }>;

export interface KeyboardOptions {
  readonly platform: Platform;
  /** On a Mac, ⌘ is sent as Ctrl, so that ⌘C copies on the desktop. */
  readonly commandIsControl: boolean;
}

export type KeyDecision =
  /** Send these messages in order and prevent the browser's own action for the key. */
  | { readonly kind: "send"; readonly messages: readonly KeyMessage[] }
  /** Let the text field or the browser handle the key. */
  | { readonly kind: "browser" };

const LEAVE_TO_BROWSER: KeyDecision = { kind: "browser" };
/** Windows reports AltGr as Ctrl followed by AltGr; if they are further apart than this, ms, the person pressed two keys. */
const ALTGR_PAIR_MS = 60;

const MODIFIER_CODES = {
  shiftKey: ["ShiftLeft", "ShiftRight"],
  ctrlKey: ["ControlLeft", "ControlRight"],
  altKey: ["AltLeft", "AltRight"],
  metaKey: ["MetaLeft", "MetaRight", "OSLeft", "OSRight"],
} as const;
const MODIFIERS = Object.entries(MODIFIER_CODES) as [keyof typeof MODIFIER_CODES, readonly string[]][];

/** Modifier flags, as in every keyboard, pointer and wheel event. */
export type ModifierState = Readonly<Record<keyof typeof MODIFIER_CODES, boolean>>;

export class KeyboardCore {
  readonly #options: KeyboardOptions;
  readonly #down = new Map<string, number>();
  #controlAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: KeyboardOptions) {
    this.#options = options;
  }

  /** Handles a key press. `nowMs` is the event's time stamp. */
  keyDown(input: KeyInput, nowMs: number): KeyDecision {
    const { platform } = this.#options;
    const released = this.releaseStaleModifiers(input);
    // AltGr only selects characters, and those arrive with their own keysyms. Holding AltGr on the desktop as well would apply it
    // twice, so it is not sent, and the Ctrl that Windows reports before it is released.
    if (input.key === "AltGraph") {
      const pairedControl = platform === "windows" && nowMs - this.#controlAtMs < ALTGR_PAIR_MS;
      return this.#send([...released, ...(pairedControl ? this.#up("ControlLeft") : [])]);
    }
    // Caps Lock and Num Lock are not sent either: their effect is already part of the keysyms.
    if (input.key === "CapsLock" || input.key === "NumLock") return this.#send(released);
    if (platform === "mac" && input.key === "Alt" && input.location === 2) return this.#send(released);
    const shortcut = input.ctrlKey || input.metaKey || (input.altKey && !this.#altSelectsCharacters());
    if (isComposedScript(input.key) && !shortcut) return LEAVE_TO_BROWSER;
    const keysym = this.#keysym(input, shortcut);
    if (keysym === undefined) return LEAVE_TO_BROWSER;
    if (input.code === "ControlLeft") this.#controlAtMs = nowMs;
    const code = codeOf(input);
    const before = this.#down.get(code);
    // Auto-repeat presses again with the same keysym; a key whose keysym changed while it was down is released first.
    const changed = before !== undefined && before !== keysym ? this.#up(code) : [];
    this.#down.set(code, keysym);
    return this.#send([...released, ...changed, { type: "key", keysym, code, down: true }]);
  }

  keyUp(input: KeyInput): KeyDecision {
    const code = codeOf(input);
    const messages = this.#up(code);
    // While ⌘ is down, macOS reports no release of other keys.
    if (this.#options.platform === "mac" && input.key === "Meta") {
      for (const held of [...this.#down.keys()]) if (!isModifier(held)) messages.push(...this.#up(held));
    }
    return messages.length === 0 ? LEAVE_TO_BROWSER : this.#send(messages);
  }

  /** Returns releases for modifiers that are pressed on the desktop although this event says that the person no longer holds them. */
  releaseStaleModifiers(state: ModifierState): KeyMessage[] {
    const messages: KeyMessage[] = [];
    for (const [flag, codes] of MODIFIERS) {
      if (state[flag]) continue;
      for (const code of codes) if (this.#down.has(code)) messages.push(...this.#up(code));
    }
    return messages;
  }

  /** Marks all keys as released without sending anything, after a `release` message or a disconnect. Returns whether a key was held. */
  forget(): boolean {
    const held = this.#down.size > 0;
    this.#down.clear();
    return held;
  }

  /** Codes of the keys that are pressed on the desktop. */
  get held(): readonly string[] {
    return [...this.#down.keys()];
  }

  #keysym(input: KeyInput, shortcut: boolean): number | undefined {
    const { platform, commandIsControl } = this.#options;
    if (platform === "mac" && commandIsControl && input.key === "Meta") {
      return input.location === 2 ? KEYSYM.controlRight : KEYSYM.control;
    }
    // On a Mac ⌥F gives "ƒ", and a Korean layout gives "ㅊ" for C, but a shortcut refers to the key, not to the character.
    const foreign =
      isComposedScript(input.key) || (platform === "mac" && input.altKey && !this.#altSelectsCharacters());
    if (shortcut && foreign) return usKeysymOf(input) ?? keysymOf(input);
    return keysymOf(input);
  }

  /** Whether Alt was not sent to the desktop: it is AltGr or a Mac's right ⌥, which select characters. */
  #altSelectsCharacters(): boolean {
    return !this.#down.has("AltLeft") && !this.#down.has("AltRight");
  }

  #up(code: string): KeyMessage[] {
    const keysym = this.#down.get(code);
    if (keysym === undefined) return [];
    this.#down.delete(code);
    return [{ type: "key", keysym, code, down: false }];
  }

  #send(messages: readonly KeyMessage[]): KeyDecision {
    return { kind: "send", messages };
  }
}

function isModifier(code: string): boolean {
  return code === "CapsLock" || MODIFIERS.some(([, codes]) => codes.includes(code));
}

/** Returns the name by which the key will be released, at most 32 characters (PROTOCOL.md). Soft keyboards leave `code` empty. */
function codeOf(input: KeyInput): string {
  return (input.code === "" || input.code === "Unidentified" ? `key:${input.key}` : input.code).slice(0, 32);
}
