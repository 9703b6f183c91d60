/**
 * The extra keys: a bar above the soft keyboard with the keys that soft keyboards lack, and with the choice of the
 * mouse button that a finger presses.
 */

import type { InputSink } from "../../input/input_sink.ts";
import type { StickyModifier, StickyState } from "../../input/sticky_core.ts";
import { h } from "../dom.ts";
import { Emitter } from "../emitter.ts";
import { icon } from "../icons.ts";
import { texts } from "../texts.ts";

/** The modifiers that stay down until the next key or click. */
export interface ModifierState {
  tapModifier(modifier: StickyModifier): void;
  modifierState(modifier: StickyModifier): StickyState;
}

interface ChosenButton {
  readonly button: number;
  /** A locked button stays chosen after the next press. */
  readonly locked: boolean;
  readonly tappedAtMs: number;
}

interface Key {
  /** What the key cap shows. */
  readonly cap: string;
  readonly keysym: number;
}

/** Mouse buttons as in PROTOCOL.md §2. */
const LEFT = 1;
const MIDDLE = 2;
const RIGHT = 4;
const EDIT_KEYS: readonly (Key & { readonly name: "escape" | "tab" | "delete" })[] = [
  { name: "escape", cap: "Esc", keysym: 0xff1b },
  { name: "tab", cap: "Tab", keysym: 0xff09 },
  { name: "delete", cap: "Del", keysym: 0xffff },
];
const MODIFIERS: readonly { readonly name: StickyModifier; readonly cap: string }[] = [
  { name: "control", cap: "Ctrl" },
  { name: "alt", cap: "Alt" },
  { name: "shift", cap: "Shift" },
  { name: "super", cap: "Super" },
];
const ARROWS: readonly (Key & { readonly name: "left" | "up" | "down" | "rightArrow" })[] = [
  { name: "left", cap: "←", keysym: 0xff51 },
  { name: "up", cap: "↑", keysym: 0xff52 },
  { name: "down", cap: "↓", keysym: 0xff54 },
  { name: "rightArrow", cap: "→", keysym: 0xff53 },
];
const PAGE_KEYS: readonly (Key & { readonly name: "home" | "end" | "pageUp" | "pageDown" })[] = [
  { name: "home", cap: "Home", keysym: 0xff50 },
  { name: "end", cap: "End", keysym: 0xff57 },
  { name: "pageUp", cap: "PgUp", keysym: 0xff55 },
  { name: "pageDown", cap: "PgDn", keysym: 0xff56 },
];
/** The extra keys of Korean keyboards, for the input method on the desktop. */
const KOREAN_KEYS: readonly (Key & { readonly name: "hangul" | "hanja" })[] = [
  { name: "hangul", cap: "한/영", keysym: 0xff31 },
  { name: "hanja", cap: "한자", keysym: 0xff34 },
];
/** Keysym of F1; those of F2 to F12 follow. */
const KEYSYM_F1 = 0xffbe;
const FUNCTION_KEY_COUNT = 12;
const CTRL_ALT_DEL = [
  { keysym: 0xffe3, code: "BarComboControl" },
  { keysym: 0xffe9, code: "BarComboAlt" },
  { keysym: 0xffff, code: "BarComboDelete" },
] as const;
/** A second tap within this time, ms, locks a mouse button; the same time as for modifiers. */
const DOUBLE_TAP_MS = 450;

export class KeyBar {
  readonly element = h("div", { class: "keys", attrs: { role: "toolbar", hidden: "" } });
  /** Announces the mouse button that fingers press from now on: 1 left, 2 middle, 4 right. */
  readonly buttonChosen = new Emitter<number>();
  /** Announces that the button for the soft keyboard was tapped. */
  readonly softKeyboardTapped = new Emitter<void>();
  readonly closeTapped = new Emitter<void>();
  /** Announces that the bar's height changed while it is open. */
  readonly resized = new Emitter<void>();
  readonly #sink: InputSink;
  readonly #modifiers: ModifierState;
  #functionKeysShown = false;
  #softKeyboardShown = false;
  #button: ChosenButton | null = null;

  /** Keys are sent to `sink`. */
  constructor(sink: InputSink, modifiers: ModifierState) {
    this.#sink = sink;
    this.#modifiers = modifiers;
    // The text field keeps the focus; without it the soft keyboard would disappear.
    this.element.addEventListener("mousedown", (event) => event.preventDefault());
    this.redraw();
  }

  get open(): boolean {
    return !this.element.hidden;
  }

  setOpen(open: boolean): void {
    this.element.hidden = !open;
    if (!open) this.reset();
  }

  /** Shows whether the soft keyboard is up. */
  setSoftKeyboardShown(shown: boolean): void {
    this.#softKeyboardShown = shown;
    this.redraw();
  }

  /** A press with the chosen mouse button ended: unless it is locked, fingers press the left button again. */
  pointerReleased(): void {
    if (this.#button !== null && !this.#button.locked) this.#choose(null);
  }

  /** Returns to the left mouse button, and shows the modifiers as they are. */
  reset(): void {
    if (this.#button !== null) this.#choose(null);
    this.redraw();
  }

  /** Shows the current states, in the current language. */
  redraw(): void {
    const t = texts().keys;
    this.element.setAttribute("aria-label", t.label);
    // Buttons are made anew only for another language: one that is replaced while it is pressed gets no click.
    if (this.element.childElementCount === 0 || this.element.lang !== document.documentElement.lang) this.#build();
    for (const element of this.element.querySelectorAll<HTMLElement>("[data-modifier]")) {
      const state = this.#modifiers.modifierState(element.dataset.modifier as StickyModifier);
      element.dataset.armed = state;
      element.setAttribute("aria-pressed", String(state !== "off"));
    }
    for (const element of this.element.querySelectorAll<HTMLElement>("[data-mouse]")) {
      const chosen = this.#button?.button === Number(element.dataset.mouse);
      element.dataset.armed = chosen ? (this.#button?.locked ? "locked" : "next") : "off";
      element.setAttribute("aria-pressed", String(chosen));
    }
    const setPressed = (selector: string, pressed: boolean): void =>
      this.element.querySelector(selector)?.setAttribute("aria-pressed", String(pressed));
    setPressed("[data-functions]", this.#functionKeysShown);
    setPressed("[data-soft-keyboard]", this.#softKeyboardShown);
    for (const row of this.element.querySelectorAll<HTMLElement>(".keys-functions"))
      row.hidden = !this.#functionKeysShown;
  }

  #build(): void {
    const t = texts().keys;
    this.element.lang = document.documentElement.lang;
    const group = (...children: HTMLElement[]): HTMLElement => h("div", { class: "keys-group" }, ...children);
    const functionKeys = Array.from({ length: FUNCTION_KEY_COUNT }, (_, index) =>
      this.#key(`F${index + 1}`, `F${index + 1}`, KEYSYM_F1 + index),
    );
    this.element.replaceChildren(
      h(
        "div",
        { class: "keys-row keys-functions", attrs: { hidden: "" } },
        group(...functionKeys),
        group(...PAGE_KEYS.map(({ name, cap, keysym }) => this.#key(cap, t[name], keysym))),
        group(this.#keycap("Ctrl+Alt+Del", t.ctrlAltDel, {}, () => this.#sendCtrlAltDel())),
      ),
      h(
        "div",
        { class: "keys-row" },
        group(...EDIT_KEYS.map(({ name, cap, keysym }) => this.#key(cap, t[name], keysym))),
        group(
          ...MODIFIERS.map(({ name, cap }) =>
            this.#keycap(cap, t[name], { "data-modifier": name }, () => this.#modifiers.tapModifier(name)),
          ),
        ),
        group(...ARROWS.map(({ name, cap, keysym }) => this.#key(cap, t[name], keysym))),
        group(...KOREAN_KEYS.map(({ name, cap, keysym }) => this.#key(cap, t[name], keysym))),
        group(
          this.#keycap(icon("mouseMiddle"), t.middle, { "data-mouse": String(MIDDLE) }, () => this.#tapButton(MIDDLE)),
          this.#keycap(icon("mouseRight"), t.right, { "data-mouse": String(RIGHT) }, () => this.#tapButton(RIGHT)),
        ),
        group(
          this.#keycap("Fn", t.functions, { "data-functions": "" }, () => this.#toggleFunctionKeys()),
          this.#keycap(icon("keyboard"), t.softKeyboard, { "data-soft-keyboard": "" }, () =>
            this.softKeyboardTapped.emit(),
          ),
          this.#keycap(icon("close"), t.close, {}, () => this.closeTapped.emit()),
        ),
      ),
    );
  }

  /** Makes a key that is down as long as the finger is, so that the desktop repeats it. */
  #key(cap: string, label: string, keysym: number): HTMLElement {
    const code = `Bar${keysym.toString(16)}`;
    let down = false;
    const press = (event: PointerEvent): void => {
      event.preventDefault();
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
      down = true;
      this.#sink.send({ type: "key", keysym, code, down: true });
    };
    const release = (): void => {
      if (!down) return;
      down = false;
      this.#sink.send({ type: "key", keysym, code, down: false });
    };
    return h(
      "button",
      {
        class: "keycap",
        attrs: { type: "button", "aria-label": label, title: label, "data-keysym": String(keysym) },
        on: {
          pointerdown: press,
          pointerup: release,
          pointercancel: release,
          lostpointercapture: release,
          // Screen readers and switch controls cause a click without pointer events.
          click: (event) => {
            if (event.detail !== 0) return;
            this.#sink.send({ type: "key", keysym, code, down: true });
            this.#sink.send({ type: "key", keysym, code, down: false });
          },
        },
      },
      cap,
    );
  }

  #keycap(
    cap: string | SVGSVGElement,
    label: string,
    data: Readonly<Record<string, string>>,
    onClick: () => void,
  ): HTMLElement {
    return h(
      "button",
      {
        class: "keycap",
        attrs: { type: "button", "aria-label": label, title: label, ...data },
        on: { click: onClick },
      },
      cap,
    );
  }

  #sendCtrlAltDel(): void {
    for (const { keysym, code } of CTRL_ALT_DEL) this.#sink.send({ type: "key", keysym, code, down: true });
    for (const { keysym, code } of [...CTRL_ALT_DEL].reverse())
      this.#sink.send({ type: "key", keysym, code, down: false });
  }

  #toggleFunctionKeys(): void {
    this.#functionKeysShown = !this.#functionKeysShown;
    this.redraw();
    this.resized.emit();
  }

  /** The first tap chooses the button for the next press, a second one soon after locks it, another one resets it. */
  #tapButton(button: number): void {
    const tappedAtMs = performance.now();
    const before = this.#button;
    if (before === null || before.button !== button) this.#choose({ button, locked: false, tappedAtMs });
    else if (!before.locked && tappedAtMs - before.tappedAtMs < DOUBLE_TAP_MS)
      this.#choose({ button, locked: true, tappedAtMs });
    else this.#choose(null);
  }

  #choose(button: ChosenButton | null): void {
    this.#button = button;
    this.buttonChosen.emit(button?.button ?? LEFT);
    this.redraw();
  }
}
