/**
 * Keys and text. A live text field under the surface has the focus: keys that mean themselves are sent as keys, everything that
 * an input method or a soft keyboard makes is read from the field.
 */

import type { InputMessage } from "../protocol/messages.ts";
import type { InputSink } from "./input_sink.ts";
import { KeyboardCore, type KeyboardOptions, type ModifierState } from "./keyboard_core.ts";
import { KEYSYM, soleCodePoint } from "./keysym.ts";
import { pieces, type TextChange, TextFieldCore } from "./text_field_core.ts";

export interface KeyboardHooks {
  /** What is being composed right now; empty when nothing is. */
  compositionChanged(text: string): void;
  /** Ctrl+Alt+Home: the person wants the page's own controls. Every other key belongs to the desktop. */
  focusToolbar(): void;
  /** A key that copies was pressed. */
  copyKeyPressed(): void;
  /** Whether a key that pastes waits for what the browser's clipboard holds. */
  canPaste(): boolean;
  /** What the browser's clipboard holds; done when the key may go. */
  paste(data: DataTransfer | null): Promise<void>;
  /** Whether text is the key of a shortcut now: a modifier of the page's own bar is armed. */
  shortcutArmed(): boolean;
}

/** `keyCode` of a key that an input method has taken; `isComposing` is not yet set for the first one. */
const TAKEN_BY_INPUT_METHOD = 229;
const LATIN_V = 0x76;
const MODIFIER_KEYS: ReadonlySet<string> = new Set([
  "Shift",
  "Control",
  "Alt",
  "AltGraph",
  "Meta",
  "CapsLock",
  "NumLock",
]);

function isTextKey(key: string): boolean {
  return key === "Backspace" || key === "Enter" || soleCodePoint(key) !== undefined;
}

/** A browser gives what it holds within the key's own event, or not at all. */
const PASTE_WITHIN_MS = 150;

/** Ctrl or ⌘ with C or X; Ctrl+Insert. */
function copies(event: KeyboardEvent): boolean {
  const control = event.ctrlKey || event.metaKey;
  return control && !event.altKey && (["KeyC", "KeyX"].includes(event.code) || event.key === "Insert");
}

/** Ctrl or ⌘ with V; Shift+Insert. */
function pastes(event: KeyboardEvent): boolean {
  const control = (event.ctrlKey || event.metaKey) && !event.altKey;
  return (control && event.code === "KeyV") || (event.shiftKey && !control && event.key === "Insert");
}

export class KeyboardInput {
  readonly #field: HTMLTextAreaElement;
  readonly #sink: InputSink;
  readonly #hooks: KeyboardHooks;
  readonly #core: KeyboardCore;
  readonly #text = new TextFieldCore();
  readonly #abort = new AbortController();
  #backspaceInField = false;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  /** What waits until the content that a key pastes is on its way. */
  #held: InputMessage[] | null = null;
  #pasteTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(field: HTMLTextAreaElement, sink: InputSink, options: KeyboardOptions, hooks: KeyboardHooks) {
    this.#field = field;
    this.#sink = sink;
    this.#hooks = hooks;
    this.#core = new KeyboardCore(options);
    const { signal } = this.#abort;
    field.addEventListener("keydown", (event) => this.#keyDown(event), { signal });
    field.addEventListener("keyup", (event) => this.#keyUp(event), { signal });
    field.addEventListener("compositionstart", () => this.#text.compositionStart(), { signal });
    field.addEventListener("compositionupdate", (event) => this.#hooks.compositionChanged(event.data), { signal });
    field.addEventListener("compositionend", () => this.#compositionEnd(), { signal });
    field.addEventListener("input", (event) => this.#input(event as InputEvent), { signal });
    field.addEventListener("blur", () => this.#blurred(), { signal });
    field.addEventListener("paste", (event) => this.#paste(event), { signal });
    field.addEventListener("drop", (event) => event.preventDefault(), { signal });
  }

  /** Releases modifiers that the person let go where we could not see it. */
  syncModifiers(state: ModifierState): void {
    for (const message of this.#core.stale(state)) this.#act(message);
  }

  /** Everything is up; said by whoever sends `release`. True when a key was held. */
  forget(): boolean {
    clearTimeout(this.#pasteTimer);
    this.#held = null;
    this.#empty();
    this.#hooks.compositionChanged("");
    return this.#core.forget();
  }

  close(): void {
    clearTimeout(this.#flushTimer);
    clearTimeout(this.#pasteTimer);
    this.#abort.abort();
  }

  #keyDown(event: KeyboardEvent): void {
    if (event.isComposing || event.keyCode === TAKEN_BY_INPUT_METHOD || event.key === "Process") return;
    if (event.code === "Home" && event.ctrlKey && event.altKey) {
      event.preventDefault();
      this.#hooks.focusToolbar();
      return;
    }
    // On iPadOS the field holds the syllable that the next key takes apart or adds to: it must do so itself.
    if (this.#text.direct && !event.ctrlKey && !event.altKey && !event.metaKey && isTextKey(event.key)) {
      if (event.key === "Backspace") this.#backspaceInField = true;
      return;
    }
    const decision = this.#core.keyDown(event, event.timeStamp);
    if (decision.kind === "leave") return;
    if (copies(event)) this.#hooks.copyKeyPressed();
    if (pastes(event) && this.#hooks.canPaste()) this.#hold();
    else event.preventDefault();
    this.#flush();
    // A key that the field did not see ends the word.
    if (!MODIFIER_KEYS.has(event.key)) this.#empty();
    for (const message of decision.messages) this.#act(message);
  }

  #keyUp(event: KeyboardEvent): void {
    if (event.key === "Backspace") this.#backspaceInField = false;
    const decision = this.#core.keyUp(event);
    if (decision.kind === "leave") return;
    event.preventDefault();
    for (const message of decision.messages) this.#act(message);
  }

  #compositionEnd(): void {
    this.#hooks.compositionChanged("");
    this.#type(this.#text.compositionEnd(this.#field.value));
    // Not emptied: the next syllable may begin within this very event, and what was sent is remembered anyway.
  }

  #input(event: InputEvent): void {
    if (this.#text.composing) return;
    clearTimeout(this.#flushTimer);
    // iPadOS takes a jamo back and puts the larger syllable in its place, as two events of one task: only their sum is typed.
    if (event.inputType === "deleteContentBackward" && !this.#backspaceInField) {
      this.#flushTimer = setTimeout(() => this.#flush(), 0);
      return;
    }
    this.#flush();
    if (event.inputType === "insertLineBreak" || event.inputType === "insertParagraph" || this.#text.long)
      this.#empty();
  }

  /** Types what the field has and the desktop has not. */
  #flush(): void {
    clearTimeout(this.#flushTimer);
    if (this.#text.composing) return;
    const shortcut = this.#hooks.shortcutArmed();
    this.#type(this.#text.input(this.#field.value));
    // A shortcut's key is no text: a later Backspace must not take it back.
    if (shortcut) this.#empty();
  }

  #type(change: TextChange): void {
    for (let count = 0; count < change.backspaces; count++) this.#tap(KEYSYM.backspace, "Backspace");
    for (const [index, line] of change.text.split("\n").entries()) {
      if (index > 0) this.#tap(KEYSYM.enter, "Enter");
      for (const text of pieces(line)) this.#act({ type: "text", text });
    }
  }

  #tap(keysym: number, code: string): void {
    this.#act({ type: "key", keysym, code, down: true });
    this.#act({ type: "key", keysym, code, down: false });
  }

  #act(message: InputMessage): void {
    if (this.#held === null) this.#sink.send(message);
    else this.#held.push(message);
  }

  /** The key that pastes, and what follows it, waits for the browser's `paste`. */
  #hold(): void {
    this.#held ??= [];
    clearTimeout(this.#pasteTimer);
    this.#pasteTimer = setTimeout(() => this.#letGo(), PASTE_WITHIN_MS);
  }

  #letGo(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const message of held) this.#sink.send(message);
  }

  #paste(event: ClipboardEvent): void {
    event.preventDefault();
    clearTimeout(this.#pasteTimer);
    // Without a key it came from a menu of the browser: then the desktop's key for it is pressed here.
    const fromMenu = this.#held === null;
    if (fromMenu) this.#held = [];
    void this.#hooks.paste(event.clipboardData).finally(() => {
      this.#letGo();
      if (!fromMenu) return;
      this.#act({ type: "key", keysym: KEYSYM.control, code: "ControlLeft", down: true });
      this.#tap(LATIN_V, "KeyV");
      this.#act({ type: "key", keysym: KEYSYM.control, code: "ControlLeft", down: false });
    });
  }

  #empty(): void {
    clearTimeout(this.#flushTimer);
    if (this.#field.value !== "") this.#field.value = "";
    this.#text.reset();
  }

  #blurred(): void {
    this.#hooks.compositionChanged("");
    this.#empty();
  }
}
