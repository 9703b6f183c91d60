/** Keys that soft keyboards lack, above the soft keyboard; and which mouse button a finger presses. */

import type { InputSink } from "../../input/input_sink.ts";
import type { StickyModifier, StickyState } from "../../input/sticky_core.ts";
import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { texts } from "../texts.ts";

export interface BarActs {
  /** A modifier was tapped. */
  modifier(modifier: StickyModifier): void;
  /** Fingers press this button from now on: 1 left, 2 middle, 4 right. */
  button(button: number): void;
  softKeyboard(): void;
  close(): void;
}

type PressedButton = { readonly button: number; readonly locked: boolean; readonly atMs: number };
type BarKey = { readonly face: string; readonly keysym: number };

const LEFT = 1;
const EDIT_KEYS: readonly (BarKey & { readonly name: "escape" | "tab" | "delete" })[] = [
  { name: "escape", face: "Esc", keysym: 0xff1b },
  { name: "tab", face: "Tab", keysym: 0xff09 },
  { name: "delete", face: "Del", keysym: 0xffff },
];
const MODIFIERS: readonly { readonly name: StickyModifier; readonly face: string }[] = [
  { name: "control", face: "Ctrl" },
  { name: "alt", face: "Alt" },
  { name: "shift", face: "Shift" },
  { name: "super", face: "Super" },
];
const ARROWS: readonly (BarKey & { readonly name: "left" | "up" | "down" | "rightArrow" })[] = [
  { name: "left", face: "←", keysym: 0xff51 },
  { name: "up", face: "↑", keysym: 0xff52 },
  { name: "down", face: "↓", keysym: 0xff54 },
  { name: "rightArrow", face: "→", keysym: 0xff53 },
];
const PAGES: readonly (BarKey & { readonly name: "home" | "end" | "pageUp" | "pageDown" })[] = [
  { name: "home", face: "Home", keysym: 0xff50 },
  { name: "end", face: "End", keysym: 0xff57 },
  { name: "pageUp", face: "PgUp", keysym: 0xff55 },
  { name: "pageDown", face: "PgDn", keysym: 0xff56 },
];
/** Keys of Korean keyboards, for the input method on the desktop. */
const KOREAN: readonly (BarKey & { readonly name: "hangul" | "hanja" })[] = [
  { name: "hangul", face: "한/영", keysym: 0xff31 },
  { name: "hanja", face: "한자", keysym: 0xff34 },
];
const F1 = 0xffbe;
const CTRL_ALT_DEL = [
  { keysym: 0xffe3, code: "BarComboControl" },
  { keysym: 0xffe9, code: "BarComboAlt" },
  { keysym: 0xffff, code: "BarComboDelete" },
] as const;
/** A second tap within this time keeps the mouse button, as with modifiers. */
const DOUBLE_MS = 450;

export class ModifierBar {
  readonly element = h("div", { class: "keys", attrs: { role: "toolbar", hidden: "" } });
  readonly #hands: InputSink;
  readonly #acts: BarActs;
  readonly #state: (modifier: StickyModifier) => StickyState;
  readonly #abort = new AbortController();
  #functions = false;
  #softKeyboard = false;
  #button: PressedButton | null = null;

  /** `state` tells of each modifier whether it is armed. */
  constructor(hands: InputSink, acts: BarActs, state: (modifier: StickyModifier) => StickyState) {
    this.#hands = hands;
    this.#acts = acts;
    this.#state = state;
    // The field keeps the focus, and with it the soft keyboard its place.
    this.element.addEventListener("mousedown", (event) => event.preventDefault(), { signal: this.#abort.signal });
    this.redraw();
  }

  get open(): boolean {
    return !this.element.hidden;
  }

  set open(open: boolean) {
    this.element.hidden = !open;
    if (!open) this.forget();
  }

  set softKeyboard(on: boolean) {
    this.#softKeyboard = on;
    this.redraw();
  }

  /** A finger's press ended: a button that was for one press only is the left one again. */
  pressed(): void {
    if (this.#button !== null && !this.#button.locked) this.#choose(null);
  }

  /** Nothing is armed any more. */
  forget(): void {
    if (this.#button !== null) this.#choose(null);
    this.redraw();
  }

  redraw(): void {
    const t = texts().keys;
    this.element.setAttribute("aria-label", t.label);
    // Buttons stay the same elements while they are pressed, so only faces and states change after the first time.
    if (this.element.childElementCount === 0 || this.element.lang !== document.documentElement.lang) this.#build();
    for (const element of this.element.querySelectorAll<HTMLElement>("[data-modifier]")) {
      const state = this.#state(element.dataset.modifier as StickyModifier);
      element.dataset.armed = state;
      element.setAttribute("aria-pressed", String(state !== "off"));
    }
    for (const element of this.element.querySelectorAll<HTMLElement>("[data-mouse]")) {
      const mine = this.#button?.button === Number(element.dataset.mouse);
      element.dataset.armed = mine ? (this.#button?.locked ? "locked" : "next") : "off";
      element.setAttribute("aria-pressed", String(mine));
    }
    this.element.querySelector("[data-functions]")?.setAttribute("aria-pressed", String(this.#functions));
    this.element.querySelector("[data-soft-keyboard]")?.setAttribute("aria-pressed", String(this.#softKeyboard));
    for (const row of this.element.querySelectorAll<HTMLElement>(".keys-functions")) row.hidden = !this.#functions;
  }

  close(): void {
    this.#abort.abort();
  }

  #build(): void {
    const t = texts().keys;
    this.element.lang = document.documentElement.lang;
    const group = (...children: HTMLElement[]): HTMLElement => h("div", { class: "keys-group" }, ...children);
    const functions = Array.from({ length: 12 }, (_, index) => this.#key(`F${index + 1}`, `F${index + 1}`, F1 + index));
    this.element.replaceChildren(
      h(
        "div",
        { class: "keys-row keys-functions", attrs: { hidden: "" } },
        group(...functions),
        group(...PAGES.map(({ name, face, keysym }) => this.#key(face, t[name], keysym))),
        group(this.#plain("C-A-Del", t.ctrlAltDel, {}, () => this.#ctrlAltDel())),
      ),
      h(
        "div",
        { class: "keys-row" },
        group(...EDIT_KEYS.map(({ name, face, keysym }) => this.#key(face, t[name], keysym))),
        group(
          ...MODIFIERS.map(({ name, face }) =>
            this.#plain(face, t[name], { "data-modifier": name }, () => this.#acts.modifier(name)),
          ),
        ),
        group(...ARROWS.map(({ name, face, keysym }) => this.#key(face, t[name], keysym))),
        group(...KOREAN.map(({ name, face, keysym }) => this.#key(face, t[name], keysym))),
        group(
          this.#plain(icon("mouseMiddle"), t.middle, { "data-mouse": "2" }, () => this.#mouse(2)),
          this.#plain(icon("mouseRight"), t.right, { "data-mouse": "4" }, () => this.#mouse(4)),
        ),
        group(
          this.#plain("Fn", t.functions, { "data-functions": "" }, () => {
            this.#functions = !this.#functions;
            this.redraw();
            // The bar grew or shrank: whoever keeps it above the keyboard must know.
            this.element.dispatchEvent(new Event("resize"));
          }),
          this.#plain(icon("keyboard"), t.softKeyboard, { "data-soft-keyboard": "" }, () => this.#acts.softKeyboard()),
          this.#plain(icon("close"), t.close, {}, () => this.#acts.close()),
        ),
      ),
    );
  }

  /** Down while the finger is: the desktop repeats it. */
  #key(face: string, label: string, keysym: number): HTMLElement {
    const code = `Bar${keysym.toString(16)}`;
    let down = false;
    const press = (event: PointerEvent): void => {
      event.preventDefault();
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
      down = true;
      this.#hands.send({ type: "key", keysym, code, down: true });
    };
    const release = (): void => {
      if (!down) return;
      down = false;
      this.#hands.send({ type: "key", keysym, code, down: false });
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
          // A screen reader or switch control gives only the click.
          click: (event) => {
            if (event.detail !== 0) return;
            this.#hands.send({ type: "key", keysym, code, down: true });
            this.#hands.send({ type: "key", keysym, code, down: false });
          },
        },
      },
      face,
    );
  }

  #plain(face: string | SVGSVGElement, label: string, data: Record<string, string>, act: () => void): HTMLElement {
    return h(
      "button",
      { class: "keycap", attrs: { type: "button", "aria-label": label, title: label, ...data }, on: { click: act } },
      face,
    );
  }

  #ctrlAltDel(): void {
    for (const { keysym, code } of CTRL_ALT_DEL) this.#hands.send({ type: "key", keysym, code, down: true });
    for (const { keysym, code } of [...CTRL_ALT_DEL].reverse())
      this.#hands.send({ type: "key", keysym, code, down: false });
  }

  #mouse(button: number): void {
    const atMs = performance.now();
    const before = this.#button;
    if (before === null || before.button !== button) this.#choose({ button, locked: false, atMs });
    else if (!before.locked && atMs - before.atMs < DOUBLE_MS) this.#choose({ button, locked: true, atMs });
    else this.#choose(null);
  }

  #choose(button: PressedButton | null): void {
    this.#button = button;
    this.#acts.button(button?.button ?? LEFT);
    this.redraw();
  }
}
