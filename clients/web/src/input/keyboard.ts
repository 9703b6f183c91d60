/**
 * Sends keys and text. A text field under the surface has the keyboard focus: plain keys are sent as key
 * messages, and text that an input method or a soft keyboard produces is read from the field.
 */

import { isCopyShortcut, type PasteKey, pasteShortcut } from "../clipboard/shortcuts.ts";
import type { InputMessage } from "../protocol/messages.ts";
import type { InputQueue, QueueGate } from "./input_queue.ts";
import type { InputSink } from "./input_sink.ts";
import { KeyboardCore, type KeyboardOptions, type ModifierState } from "./keyboard_core.ts";
import { KEYSYM, type KeyInput, soleCodePoint } from "./keysym.ts";
import { pieces, type TextChange, TextFieldCore } from "./text_field_core.ts";

export interface KeyboardHooks {
  /** Receives the text that is being composed; empty when no composition is active. */
  compositionChanged(text: string): void;
  /**
   * Called for Ctrl+Alt+Home, which moves the focus to the page's own controls. All other keys go to the
   * desktop.
   */
  focusToolbar(): void;
  /** Called when a copy or cut shortcut was pressed. */
  copyKeyPressed(): void;
  /** Returns whether a paste shortcut must wait until the browser's clipboard was sent. */
  canPaste(): boolean;
  /**
   * Sends the browser's clipboard. Resolves when that is decided, and returns whether the paste shortcut may be
   * sent. `data` is null when the browser fired no `paste` event, and `key` for a paste from the browser's menu.
   */
  paste(data: DataTransfer | null, key: PasteKey | null): Promise<boolean>;
  /**
   * Returns whether typed text is the key of a shortcut, because a modifier of the page's key bar is armed.
   */
  shortcutArmed(): boolean;
  /** Returns whether typed text is V of a paste shortcut, because Ctrl of the page's key bar is armed. */
  pasteArmed(text: string): boolean;
}

/** `keyCode` of a key that an input method consumed; `isComposing` is not set yet for the first such key. */
const CONSUMED_BY_INPUT_METHOD = 229;
/** Keysym of "v". */
const KEYSYM_V = 0x76;
/** What is sent for a paste from the browser's menu. The codes are no other key's, which may be held. */
const CONTROL_V: readonly InputMessage[] = [
  { type: "key", keysym: KEYSYM.control, code: "paste:Control", down: true },
  { type: "key", keysym: KEYSYM_V, code: "paste:V", down: true },
  { type: "key", keysym: KEYSYM_V, code: "paste:V", down: false },
  { type: "key", keysym: KEYSYM.control, code: "paste:Control", down: false },
];
/** The end of a key that was not pressed: it uses up the armed modifiers, and has no effect on the desktop. */
const BAR_KEY_UP: InputMessage = { type: "key", keysym: KEYSYM_V, code: "BarKey", down: false };
/** Keys that do not end a word in the text field. */
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

/**
 * How long a paste shortcut waits for the browser's `paste` event, ms. Engines fire it within the key event, after
 * a message to another process (⌘V on macOS, on a busy host), or not at all. Then nothing is known of the browser's
 * clipboard, and the shortcut is usually not sent: a late event still pastes.
 */
const PASTE_TIMEOUT_MS = 1_000;

/** A paste that waits for the browser's clipboard. */
interface PendingPaste {
  /** Null for a paste from the browser's menu. */
  readonly key: PasteKey | null;
  /** What makes the desktop paste. */
  readonly shortcut: readonly InputMessage[];
  /** What is sent instead when nothing may be pasted. */
  readonly refused: readonly InputMessage[];
  readonly gate: QueueGate;
  readonly timer: ReturnType<typeof setTimeout> | undefined;
}

function keyInputOf(event: KeyboardEvent): KeyInput {
  const { key, code, location, shiftKey, ctrlKey, altKey, metaKey, repeat } = event;
  const altGraph = event.getModifierState("AltGraph");
  return { key, code, location, shiftKey, ctrlKey, altKey, metaKey, altGraph, repeat };
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
  readonly #queue: InputQueue;
  /** The paste shortcuts that wait for the browser's `paste` event, oldest first. */
  #pastes: PendingPaste[] = [];
  /** A key that the field handles first, because the engine may compose another character of it. */
  #awaited: { readonly input: KeyInput; readonly timeStamp: number } | null = null;
  /** Whether the last key was a dead key. */
  #dead = false;
  readonly #composesInField: boolean;

  /**
   * `composesInField` is whether the engine composes dead keys and Compose sequences without reporting them, as
   * Chromium on Linux does. Then only the field shows what a key typed. Everything is sent through `queue`, where
   * it waits while a paste does.
   */
  constructor(
    field: HTMLTextAreaElement,
    queue: InputQueue,
    sink: InputSink,
    options: KeyboardOptions & { readonly composesInField: boolean },
    hooks: KeyboardHooks,
  ) {
    this.#field = field;
    this.#composesInField = options.composesInField;
    this.#queue = queue;
    this.#sink = sink;
    this.#hooks = hooks;
    this.#core = new KeyboardCore(options);
    const { signal } = this.#abort;
    field.addEventListener("keydown", (event) => this.#keyDown(event), { signal });
    field.addEventListener("keyup", (event) => this.#keyUp(event), { signal });
    field.addEventListener("compositionstart", () => this.#text.compositionStart(), { signal });
    field.addEventListener("compositionupdate", (event) => this.#hooks.compositionChanged(event.data), { signal });
    field.addEventListener("compositionend", () => this.#compositionEnd(), { signal });
    field.addEventListener("beforeinput", (event) => this.#beforeInput(event), { signal });
    field.addEventListener("input", (event) => this.#input(event as InputEvent), { signal });
    field.addEventListener("blur", () => this.#blurred(), { signal });
    field.addEventListener("paste", (event) => this.#paste(event), { signal });
    field.addEventListener("drop", (event) => event.preventDefault(), { signal });
  }

  /** Releases modifiers that the person released while the page could not see it. */
  syncModifiers(state: ModifierState): void {
    for (const message of this.#core.releaseStaleModifiers(state)) this.#send(message);
  }

  /** Whether a key that is Ctrl on the desktop is held. */
  get controlHeld(): boolean {
    return this.#core.controlHeld;
  }

  /**
   * Marks all keys as released without sending anything, and drops what waits: the caller sends `release`. Returns
   * whether a key was held.
   */
  forget(): boolean {
    this.#dropPastes();
    this.#empty();
    this.#hooks.compositionChanged("");
    return this.#core.forget();
  }

  close(): void {
    clearTimeout(this.#flushTimer);
    this.#dropPastes();
    this.#abort.abort();
  }

  #keyDown(event: KeyboardEvent): void {
    if (event.isComposing || event.keyCode === CONSUMED_BY_INPUT_METHOD || event.key === "Process") return;
    if (event.key === "Home" && event.ctrlKey && event.altKey) {
      event.preventDefault();
      this.#hooks.focusToolbar();
      return;
    }
    // On iPadOS the field holds the syllable that the next key extends or splits, so the field must handle
    // that key itself.
    if (this.#text.direct && !event.ctrlKey && !event.altKey && !event.metaKey && isTextKey(event.key)) {
      if (event.key === "Backspace") this.#backspaceInField = true;
      return;
    }
    const input = keyInputOf(event);
    if (this.#leavesToField(input)) {
      this.#flush();
      for (const message of this.#core.releaseStaleModifiers(input)) this.#send(message);
      this.#awaited = { input, timeStamp: event.timeStamp };
      return;
    }
    const decision = this.#core.keyDown(input, event.timeStamp);
    if (decision.kind === "browser") return;
    if (isCopyShortcut(event)) this.#hooks.copyKeyPressed();
    this.#flush();
    // A key that the field does not receive ends the word.
    if (!MODIFIER_KEYS.has(event.key)) this.#empty();
    const pasteKey = pasteShortcut(event);
    if (pasteKey !== null && this.#hooks.canPaste()) {
      this.#awaitPaste(pasteKey, decision.messages);
      return;
    }
    event.preventDefault();
    if (this.#isArmedPaste(event.key)) this.#pasteUnseen(decision.messages, []);
    else for (const message of decision.messages) this.#send(message);
  }

  #keyUp(event: KeyboardEvent): void {
    if (event.key === "Backspace") this.#backspaceInField = false;
    const decision = this.#core.keyUp(keyInputOf(event));
    if (decision.kind === "browser") return;
    event.preventDefault();
    for (const message of decision.messages) this.#send(message);
  }

  /** Returns whether the field must handle a key first, because what it types depends on the keys before it. */
  #leavesToField(input: KeyInput): boolean {
    const dead = this.#dead;
    if (!MODIFIER_KEYS.has(input.key)) this.#dead = input.key === "Dead";
    const shortcut = input.ctrlKey || input.metaKey || input.altKey;
    const character = soleCodePoint(input.key) !== undefined && input.location !== 3;
    return character && !shortcut && (dead || this.#composesInField);
  }

  /** Handles what the field made of an awaited key. Returns whether there was one. */
  #typed(data: string | null): boolean {
    const awaited = this.#awaited;
    this.#awaited = null;
    if (awaited === null || data === null) return false;
    const decision = data === awaited.input.key ? this.#core.keyDown(awaited.input, awaited.timeStamp) : null;
    if (decision?.kind === "send") for (const message of decision.messages) this.#send(message);
    else this.#type({ backspaces: 0, text: data });
    this.#empty();
    return true;
  }

  #compositionEnd(): void {
    this.#dead = false;
    this.#hooks.compositionChanged("");
    this.#type(this.#text.compositionEnd(this.#field.value));
    // The field is not emptied here: the next syllable may begin within this same event.
  }

  /**
   * Takes the text of an awaited key without letting the field change: after a change of the page Chromium
   * delays messages, and with them the answer to the key, until it has drawn a frame.
   */
  #beforeInput(event: InputEvent): void {
    if (this.#awaited === null || this.#text.composing) return;
    if (event.inputType !== "insertText" || event.data === null || !event.cancelable) return;
    event.preventDefault();
    this.#typed(event.data);
  }

  #input(event: InputEvent): void {
    if (this.#text.composing) return;
    if (event.inputType === "insertText" && this.#typed(event.data)) return;
    clearTimeout(this.#flushTimer);
    // iPadOS deletes a jamo and inserts the extended syllable as two events of one task; only their combined
    // effect is typed.
    if (event.inputType === "deleteContentBackward" && !this.#backspaceInField) {
      this.#flushTimer = setTimeout(() => this.#flush(), 0);
      return;
    }
    this.#flush();
    if (event.inputType === "insertLineBreak" || event.inputType === "insertParagraph" || this.#text.long)
      this.#empty();
  }

  /** Types the part of the field that was not sent to the desktop yet. */
  #flush(): void {
    clearTimeout(this.#flushTimer);
    if (this.#text.composing) return;
    const shortcut = this.#hooks.shortcutArmed();
    this.#type(this.#text.input(this.#field.value));
    // A shortcut's key is not text, so a later Backspace must not delete it.
    if (shortcut) this.#empty();
  }

  #type(change: TextChange): void {
    for (let count = 0; count < change.backspaces; count++) this.#tap(KEYSYM.backspace, "Backspace");
    for (const [index, line] of change.text.split("\n").entries()) {
      if (index > 0) this.#tap(KEYSYM.enter, "Enter");
      for (const text of pieces(line)) {
        const message: InputMessage = { type: "text", text };
        if (this.#isArmedPaste(text)) this.#pasteUnseen([message], [BAR_KEY_UP]);
        else this.#send(message);
      }
    }
  }

  #tap(keysym: number, code: string): void {
    this.#send({ type: "key", keysym, code, down: true });
    this.#send({ type: "key", keysym, code, down: false });
  }

  #send(message: InputMessage): void {
    this.#queue.run(() => this.#sink.send(message));
  }

  /** Holds back the keys of a paste shortcut, and all later input, until the browser's `paste` event. */
  #awaitPaste(key: PasteKey, messages: readonly InputMessage[]): void {
    // The modifiers before the key are held whether or not the desktop may paste.
    for (const message of messages.slice(0, -1)) this.#send(message);
    const paste: PendingPaste = {
      key,
      shortcut: messages.slice(-1),
      refused: [],
      gate: this.#queue.gate(),
      timer: setTimeout(() => {
        this.#pastes = this.#pastes.filter((other) => other !== paste);
        void this.#decide(paste, null);
      }, PASTE_TIMEOUT_MS),
    };
    this.#pastes.push(paste);
  }

  #isArmedPaste(text: string): boolean {
    return this.#hooks.canPaste() && this.#hooks.pasteArmed(text);
  }

  /** Handles a paste shortcut of the key bar, which the browser does not see, so that it fires no event. */
  #pasteUnseen(shortcut: readonly InputMessage[], refused: readonly InputMessage[]): void {
    void this.#decide({ key: "v", shortcut, refused, gate: this.#queue.gate(), timer: undefined }, null);
  }

  #paste(event: ClipboardEvent): void {
    event.preventDefault();
    // Without a paste shortcut the event came from the browser's menu.
    const paste = this.#pastes.shift() ?? {
      key: null,
      shortcut: CONTROL_V,
      refused: [],
      gate: this.#queue.gate(),
      timer: undefined,
    };
    clearTimeout(paste.timer);
    void this.#decide(paste, event.clipboardData);
  }

  /** Lets the desktop paste if it has, or gets, what the person copied last. */
  async #decide(paste: PendingPaste, data: DataTransfer | null): Promise<void> {
    let allowed = false;
    try {
      allowed = await this.#hooks.paste(data, paste.key);
    } finally {
      paste.gate.open(() => {
        for (const message of allowed ? paste.shortcut : paste.refused) this.#sink.send(message);
      });
    }
  }

  /** Drops the pastes that wait, and all input behind them. */
  #dropPastes(): void {
    for (const { timer } of this.#pastes) clearTimeout(timer);
    this.#pastes = [];
    this.#queue.clear();
  }

  #empty(): void {
    clearTimeout(this.#flushTimer);
    this.#awaited = null;
    if (this.#field.value !== "") this.#field.value = "";
    this.#text.reset();
  }

  #blurred(): void {
    this.#hooks.compositionChanged("");
    this.#empty();
  }
}
