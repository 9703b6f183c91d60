/**
 * Tracks which keys are pressed on the desktop. Pure: browser key events go in, `key` messages come out.
 *
 * A key is released by its `code` and with the keysym it was pressed with, because the layout or Shift may
 * have changed meanwhile.
 */

import type { InputMessage } from "../protocol/messages.ts";
import { isLatinLetter, isOtherScript, shortcutKeysymOf } from "./key_meaning.ts";
import {
  isComposedScript,
  isModifierKeysym,
  KEYSYM,
  type KeyInput,
  keysymOf,
  soleCodePoint,
  usKeysymOf,
} from "./keysym.ts";

export type Platform = "mac" | "windows" | "other";

type KeyMessage = Extract<InputMessage, { type: "key" }>;

export interface KeyboardOptions {
  readonly platform: Platform;
  /** On a Mac, ⌘ is sent as Ctrl, so that ⌘C copies on the desktop. */
  readonly commandIsControl: boolean;
  /**
   * On a Mac, the left ⌥ is sent as Alt. Otherwise it types what the layout has there, such as @ and { on a
   * German keyboard. It is read with each press of ⌥, because the person may change it.
   */
  readonly optionIsAlt: boolean;
}

export type KeyDecision =
  /** Send these messages in order and prevent the browser's own action for the key. */
  | { readonly kind: "send"; readonly messages: readonly KeyMessage[] }
  /** Let the text field or the browser handle the key. */
  | { readonly kind: "browser" };

const LEAVE_TO_BROWSER: KeyDecision = { kind: "browser" };
/**
 * Windows reports AltGr as Ctrl followed by AltGr; if they are further apart than this, ms, the person
 * pressed two keys.
 */
const ALTGR_PAIR_MS = 60;

/** Modifier flags, as in every keyboard, pointer and wheel event. */
export type ModifierState = Readonly<Record<"shiftKey" | "ctrlKey" | "altKey" | "metaKey", boolean>>;
type Flag = keyof ModifierState;

/**
 * Flag of each modifier by `KeyboardEvent.key`, because the system may have exchanged the keys. WebKitGTK names
 * Super and Hyper, and never flags them.
 */
const FLAGS: Readonly<Record<string, Flag>> = {
  Shift: "shiftKey",
  Control: "ctrlKey",
  Alt: "altKey",
  Meta: "metaKey",
  OS: "metaKey",
};
/** Code and keysym of a modifier whose press the browser hid, in the order in which they are pressed. */
const HIDDEN: readonly (readonly [Flag, string, number])[] = [
  ["ctrlKey", "hidden:Control", KEYSYM.control],
  ["altKey", "hidden:Alt", KEYSYM.alt],
  ["metaKey", "hidden:Meta", KEYSYM.super],
  ["shiftKey", "hidden:Shift", KEYSYM.shift],
];

/** A key that is pressed on the desktop. */
interface Held {
  readonly keysym: number;
  /** The flag that events have while the person holds this modifier; undefined for other keys. */
  readonly flag: Flag | undefined;
  /** Whether the press was concluded from a flag, because the browser hid it. */
  readonly hidden: boolean;
}

export class KeyboardCore {
  readonly #options: KeyboardOptions;
  readonly #down = new Map<string, Held>();
  /** Whether the last letter came from a layout of another script than Latin. */
  #otherScript = false;
  #controlAtMs = Number.NEGATIVE_INFINITY;
  /** Whether AltGr is held; not every engine says so in the events of other keys. */
  #altGraph = false;

  constructor(options: KeyboardOptions) {
    this.#options = options;
  }

  /** Handles a key press. `nowMs` is the event's time stamp. */
  keyDown(input: KeyInput, nowMs: number): KeyDecision {
    const { platform } = this.#options;
    const released = this.releaseStaleModifiers(input);
    // AltGr only selects characters, and those arrive with their own keysyms. Holding AltGr on the desktop as
    // well would apply it twice, so it is not sent, and the Ctrl that Windows reports before it is released.
    if (input.key === "AltGraph") {
      this.#altGraph = true;
      const pairedControl = platform === "windows" && nowMs - this.#controlAtMs < ALTGR_PAIR_MS;
      return this.#send([...released, ...(pairedControl ? this.#up("ControlLeft") : [])]);
    }
    // Caps Lock and Num Lock are not sent either: their effect is already part of the keysyms.
    if (input.key === "CapsLock" || input.key === "NumLock") return this.#send(released);
    if (this.#isOptionForCharacters(input)) return this.#send(released);
    this.#observeScript(input.key);
    const shortcut = this.#isShortcut(input);
    if (isComposedScript(input.key) && !shortcut) return LEAVE_TO_BROWSER;
    const flag = this.#flagOf(input);
    const keysym = flag === undefined ? this.#keysym(input, shortcut) : this.#modifierKeysym(input, flag);
    if (keysym === undefined) return LEAVE_TO_BROWSER;
    if (input.code === "ControlLeft") this.#controlAtMs = nowMs;
    const code = codeOf(input);
    const before = this.#down.get(code)?.keysym;
    // Auto-repeat presses again with the same keysym; a key whose keysym changed while it was down is released
    // first.
    const changed = before !== undefined && before !== keysym ? this.#up(code) : [];
    const hidden = isModifierKeysym(keysym) ? [] : this.#pressHidden(input, shortcut);
    this.#down.set(code, { keysym, flag, hidden: false });
    const press: KeyMessage = { type: "key", keysym, code, down: true };
    // A repeat has no effect if the desktop released the key during a gap in the connection.
    const sent = input.repeat === true ? { ...press, repeat: true } : press;
    return this.#send([...released, ...changed, ...hidden, sent]);
  }

  keyUp(input: KeyInput): KeyDecision {
    if (input.key === "AltGraph") this.#altGraph = false;
    const messages = this.#up(codeOf(input));
    // While ⌘ is down, macOS reports no release of other keys.
    if (this.#options.platform === "mac" && input.key === "Meta") {
      messages.push(...this.#upAll((held) => !isModifierKeysym(held.keysym)));
    }
    // A modifier whose press was hidden may have no release either, so it is released with the last key at the
    // latest.
    const keysHeld = [...this.#down.values()].some((held) => !isModifierKeysym(held.keysym));
    const flag = FLAGS[input.key];
    messages.push(...this.#upAll((held) => held.hidden && (!keysHeld || held.flag === flag)));
    return messages.length === 0 ? LEAVE_TO_BROWSER : this.#send(messages);
  }

  /**
   * Returns releases for modifiers that are pressed on the desktop although this event says that the person
   * no longer holds them.
   */
  releaseStaleModifiers(state: ModifierState): KeyMessage[] {
    return this.#upAll((held) => held.flag !== undefined && !state[held.flag]);
  }

  /**
   * Marks all keys as released without sending anything, after a `release` message or a disconnect. Returns
   * whether a key was held.
   */
  forget(): boolean {
    const held = this.#down.size > 0;
    this.#down.clear();
    this.#altGraph = false;
    return held;
  }

  /** Whether a key that is Ctrl on the desktop is pressed. */
  get controlHeld(): boolean {
    return this.#holds("ctrlKey") || [...this.#down.values()].some(({ keysym }) => isControl(keysym));
  }

  /** Codes of the keys that are pressed on the desktop. */
  get held(): readonly string[] {
    return [...this.#down.keys()];
  }

  /** Whether a key is ⌥ of a Mac that is held to type characters. */
  #isOptionForCharacters(input: KeyInput): boolean {
    if (this.#options.platform !== "mac" || input.key !== "Alt") return false;
    return input.location === 2 || !this.#options.optionIsAlt;
  }

  /** Whether a key with the modifiers of its event is a command instead of a character. */
  #isShortcut(input: KeyInput): boolean {
    const altGraph = input.altGraph || this.#altGraph;
    if (input.metaKey || (input.ctrlKey && (!altGraph || this.#holds("ctrlKey")))) return true;
    if (!input.altKey || altGraph) return false;
    return this.#options.platform !== "mac" || this.#holds("altKey");
  }

  /** Returns the flag of a modifier key by what the key means, which is not always what its place suggests. */
  #flagOf(input: KeyInput): Flag | undefined {
    // X11 calls Alt Meta while Shift is down.
    const shiftedAlt = input.key === "Meta" && input.code.startsWith("Alt") && input.shiftKey;
    if (this.#options.platform === "other" && shiftedAlt && (input.altKey || input.metaKey)) return "altKey";
    return FLAGS[input.key];
  }

  #modifierKeysym(input: KeyInput, flag: Flag): number | undefined {
    if (flag === "metaKey" && this.#commandIsControl) {
      return input.location === 2 ? KEYSYM.controlRight : KEYSYM.control;
    }
    return flag === "altKey" && input.key === "Meta" ? KEYSYM.alt : keysymOf(input);
  }

  get #commandIsControl(): boolean {
    return this.#options.platform === "mac" && this.#options.commandIsControl;
  }

  #keysym(input: KeyInput, shortcut: boolean): number | undefined {
    if (!shortcut) return keysymOf(input);
    // On a Mac ⌥F gives "ƒ" and ⌥E a dead key, but a shortcut refers to the key.
    if (this.#options.platform === "mac" && input.altKey) return usKeysymOf(input) ?? keysymOf(input);
    return shortcutKeysymOf(input, this.#otherScript);
  }

  #observeScript(key: string): void {
    if (isOtherScript(key)) this.#otherScript = true;
    else if (isLatinLetter(key)) this.#otherScript = false;
  }

  /**
   * Presses modifiers that the event says are held although the browser reported no press: Firefox hides
   * modifiers when it resists fingerprinting, and ⌥ of a Mac is not sent until a key shows that it types no
   * character.
   */
  #pressHidden(input: KeyInput, shortcut: boolean): KeyMessage[] {
    const character = !shortcut && soleCodePoint(input.key) !== undefined;
    const softKeyboard = input.code === "" || input.code === "Unidentified";
    if (character || softKeyboard) return [];
    const messages: KeyMessage[] = [];
    for (const [flag, code, usual] of HIDDEN) {
      const partOfAltGr = (input.altGraph || this.#altGraph) && (flag === "ctrlKey" || flag === "altKey");
      if (!input[flag] || this.#holds(flag) || partOfAltGr) continue;
      const keysym = flag === "metaKey" && this.#commandIsControl ? KEYSYM.control : usual;
      this.#down.set(code, { keysym, flag, hidden: true });
      messages.push({ type: "key", keysym, code, down: true });
    }
    return messages;
  }

  #holds(flag: Flag): boolean {
    return [...this.#down.values()].some((held) => held.flag === flag);
  }

  #up(code: string): KeyMessage[] {
    const held = this.#down.get(code);
    if (held === undefined) return [];
    this.#down.delete(code);
    return [{ type: "key", keysym: held.keysym, code, down: false }];
  }

  #upAll(condition: (held: Held) => boolean): KeyMessage[] {
    const codes = [...this.#down].filter(([, held]) => condition(held)).map(([code]) => code);
    return codes.flatMap((code) => this.#up(code));
  }

  #send(messages: readonly KeyMessage[]): KeyDecision {
    return { kind: "send", messages };
  }
}

function isControl(keysym: number): boolean {
  return keysym === KEYSYM.control || keysym === KEYSYM.controlRight;
}

/**
 * Returns the name by which the key will be released, at most 32 characters (PROTOCOL.md). Soft keyboards
 * leave `code` empty.
 */
function codeOf(input: KeyInput): string {
  return (input.code === "" || input.code === "Unidentified" ? `key:${input.key}` : input.code).slice(0, 32);
}
