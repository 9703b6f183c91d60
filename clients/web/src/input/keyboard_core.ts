/**
 * Which keys the desktop believes to be down. Pure: browsers' key events go in, `key` messages come out.
 *
 * A key is released by its `code`, with whatever it was pressed: layouts and Shift may have changed between.
 */

import type { InputMessage } from "../protocol/messages.ts";
import { isComposedScript, KEYSYM, type KeyInput, keysymOf, usKeysymOf } from "./keysym.ts";

export type Platform = "mac" | "windows" | "other";

type KeyMessage = Extract<InputMessage, { type: "key" }>;

export interface KeyboardOptions {
  readonly platform: Platform;
  /** On a Mac, ⌘ acts as Ctrl: ⌘C copies in the desktop too. */
  readonly commandIsControl: boolean;
}

export type KeyDecision =
  /** Send these, in order, and keep the browser from acting on the key. */
  | { readonly kind: "send"; readonly messages: readonly KeyMessage[] }
  /** The text field or the browser is to have it. */
  | { readonly kind: "leave" };

const LEAVE: KeyDecision = { kind: "leave" };
/** Windows announces AltGr as Ctrl and AltGr at once; further apart than this they are two keys. */
const ALTGR_TWIN_MS = 60;

const MODIFIER_CODES = {
  shiftKey: ["ShiftLeft", "ShiftRight"],
  ctrlKey: ["ControlLeft", "ControlRight"],
  altKey: ["AltLeft", "AltRight"],
  metaKey: ["MetaLeft", "MetaRight", "OSLeft", "OSRight"],
} as const;
const MODIFIERS = Object.entries(MODIFIER_CODES) as [keyof typeof MODIFIER_CODES, readonly string[]][];

/** The modifiers of any keyboard, pointer or wheel event. */
export type ModifierState = Readonly<Record<keyof typeof MODIFIER_CODES, boolean>>;

export class KeyboardCore {
  readonly #options: KeyboardOptions;
  readonly #down = new Map<string, number>();
  #controlAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: KeyboardOptions) {
    this.#options = options;
  }

  /** `code` is what the release will name; soft keyboards give none. */
  keyDown(input: KeyInput, nowMs: number): KeyDecision {
    const { platform } = this.#options;
    const released = this.stale(input);
    // AltGr only chooses characters, which come as their own keysyms: the desktop need not know of it. Holding it there too
    // would apply it twice. The Ctrl that Windows put before it is taken back.
    if (input.key === "AltGraph") {
      const twin = platform === "windows" && nowMs - this.#controlAtMs < ALTGR_TWIN_MS;
      return this.#send([...released, ...(twin ? this.#up("ControlLeft") : [])]);
    }
    // The same holds for Caps Lock and Num Lock: what they do is in the keysyms that come.
    if (input.key === "CapsLock" || input.key === "NumLock") return this.#send(released);
    if (platform === "mac" && input.key === "Alt" && input.location === 2) return this.#send(released);
    const shortcut = input.ctrlKey || input.metaKey || (input.altKey && !this.#choosesCharacters());
    if (isComposedScript(input.key) && !shortcut) return LEAVE;
    const keysym = this.#keysym(input, shortcut);
    if (keysym === undefined) return LEAVE;
    if (input.code === "ControlLeft") this.#controlAtMs = nowMs;
    const code = codeOf(input);
    const before = this.#down.get(code);
    // Auto-repeat presses again with the same keysym; a key whose meaning changed while down is let go first.
    const changed = before !== undefined && before !== keysym ? this.#up(code) : [];
    this.#down.set(code, keysym);
    return this.#send([...released, ...changed, { type: "key", keysym, code, down: true }]);
  }

  keyUp(input: KeyInput): KeyDecision {
    const code = codeOf(input);
    const messages = this.#up(code);
    // While ⌘ is down a Mac tells of no other key's release.
    if (this.#options.platform === "mac" && input.key === "Meta") {
      for (const held of [...this.#down.keys()]) if (!isModifier(held)) messages.push(...this.#up(held));
    }
    return messages.length === 0 ? LEAVE : this.#send(messages);
  }

  /** Releases of modifiers that are down for the desktop but, says this event, no longer for the person. */
  stale(state: ModifierState): KeyMessage[] {
    const messages: KeyMessage[] = [];
    for (const [flag, codes] of MODIFIERS) {
      if (state[flag]) continue;
      for (const code of codes) if (this.#down.has(code)) messages.push(...this.#up(code));
    }
    return messages;
  }

  /** Everything is up: a `release` was sent, or the connection ended. True when something was held. */
  forget(): boolean {
    const held = this.#down.size > 0;
    this.#down.clear();
    return held;
  }

  get held(): readonly string[] {
    return [...this.#down.keys()];
  }

  #keysym(input: KeyInput, shortcut: boolean): number | undefined {
    const { platform, commandIsControl } = this.#options;
    if (platform === "mac" && commandIsControl && input.key === "Meta") {
      return input.location === 2 ? KEYSYM.controlRight : KEYSYM.control;
    }
    // ⌥ makes "ƒ" of F on a Mac, and a Korean layout "ㅊ" of C: a shortcut means the key, not the character.
    const foreign = isComposedScript(input.key) || (platform === "mac" && input.altKey && !this.#choosesCharacters());
    if (shortcut && foreign) return usKeysymOf(input) ?? keysymOf(input);
    return keysymOf(input);
  }

  /** Whether Alt is down without the desktop knowing: AltGr, or a Mac's right ⌥. */
  #choosesCharacters(): boolean {
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

/** `code` names the key; soft keyboards and some test tools leave it empty. PROTOCOL.md: at most 32. */
function codeOf(input: KeyInput): string {
  return (input.code === "" || input.code === "Unidentified" ? `key:${input.key}` : input.code).slice(0, 32);
}
