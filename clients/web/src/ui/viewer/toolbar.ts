/**
 * The tools, in a small tab at the top edge that holds the badge and grows when it is pointed at, focused or tapped.
 *
 * It stays folded while a button of the mouse is held: who drags a window past it does not want tools.
 */

import { button, h } from "../dom.ts";
import { type IconName, icon } from "../icons.ts";
import { settingButtons } from "../settings.ts";
import { texts } from "../texts.ts";
import type { Badge } from "./badge.ts";

/** Pointing at the tab this long is no accident. */
const OPEN_AFTER_MS = 180;
const CLOSE_AFTER_MS = 700;

export interface ToolbarActs {
  fullscreen(): void;
  view(): void;
  keyboard(): void;
  monitors(): void;
  /** The gesture map. */
  touch(): void;
  trace(): void;
  /** Brings the browser's clipboard to the desktop. */
  paste(): void;
  toList(): void;
  signOut(): void;
  /** The person chose another language. */
  language(): void;
  /** The keyboard goes back to the desktop. */
  leave(): void;
}

/** What the tools show about themselves. */
export interface ToolbarState {
  readonly actual: boolean;
  readonly fullscreen: boolean;
  readonly keyboard: boolean;
  readonly trace: boolean;
  /** Whether the browser's clipboard may go to the desktop. */
  readonly paste: boolean;
}

export class Toolbar {
  readonly element: HTMLElement;
  readonly #acts: ToolbarActs;
  readonly #badge: Badge;
  readonly #name: string;
  readonly #tools: HTMLElement;
  readonly #handle: HTMLButtonElement;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #state: ToolbarState = { actual: false, fullscreen: false, keyboard: false, trace: false, paste: false };

  /** `strip` stands beside the badge. */
  constructor(badge: Badge, name: string, strip: HTMLElement, acts: ToolbarActs) {
    this.#acts = acts;
    this.#badge = badge;
    this.#name = name;
    this.#tools = h("div", { class: "tools", attrs: { role: "toolbar" } });
    this.#handle = h(
      "button",
      {
        class: "handle",
        attrs: { type: "button", "aria-expanded": "false", "aria-keyshortcuts": "Control+Alt+Home" },
        on: { click: () => this.#fold(this.open) },
      },
      h("span", {}),
    );
    const tab = h("div", { class: "tab" }, badge.element, strip, this.#tools, this.#handle);
    // A click on a tool leaves the keyboard with the desktop.
    tab.addEventListener("mousedown", (event) => event.preventDefault());
    this.element = h(
      "div",
      {
        class: "bar",
        attrs: { "data-open": "false" },
        on: {
          pointerenter: (event) =>
            event.pointerType !== "touch" && event.buttons === 0 && this.#later(false, OPEN_AFTER_MS),
          pointerleave: (event) => event.pointerType !== "touch" && this.#later(true, CLOSE_AFTER_MS),
          focusin: (event) => (event.target as Element).matches(":focus-visible") && this.#fold(false),
          focusout: (event) =>
            !this.element.contains(event.relatedTarget as Node | null) && this.#later(true, CLOSE_AFTER_MS),
          keydown: (event) => {
            if (event.key !== "Escape") return;
            this.#fold(true);
            this.#acts.leave();
          },
        },
      },
      tab,
      badge.popover,
    );
    this.redraw();
  }

  get open(): boolean {
    return this.element.dataset.open === "true";
  }

  show(state: ToolbarState): void {
    const before = JSON.stringify(this.#state);
    this.#state = state;
    if (before !== JSON.stringify(state)) this.redraw();
  }

  /** Opens with the keyboard on the first tool. */
  enter(): void {
    this.#fold(false);
    this.#badge.element.focus();
  }

  /** The person works in the desktop again. */
  fold(): void {
    if (this.open && !this.#badge.open) this.#fold(true);
  }

  redraw(): void {
    const t = texts().bar;
    const { actual, fullscreen, keyboard, trace, paste } = this.#state;
    const focused = [...this.#tools.children].indexOf(document.activeElement as HTMLElement);
    const tool = (label: string, name: IconName, act: () => void, pressed?: boolean): HTMLElement => {
      const made = button(label, icon(name), "quiet square", act);
      if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
      return made;
    };
    this.#tools.setAttribute("aria-label", t.label);
    this.#handle.setAttribute("aria-label", t.label);
    this.#handle.title = t.label;
    const canFullscreen = document.fullscreenEnabled === true;
    this.#tools.replaceChildren(
      h("span", { class: "tools-name", attrs: { title: this.#name } }, this.#name),
      tool(actual ? t.fit : t.actual, actual ? "fit" : "actual", () => this.#acts.view()),
      ...(canFullscreen
        ? [
            tool(fullscreen ? t.leaveFullscreen : t.fullscreen, fullscreen ? "window" : "fullscreen", () =>
              this.#acts.fullscreen(),
            ),
          ]
        : []),
      tool(t.keyboard, "keyboard", () => this.#acts.keyboard(), keyboard),
      tool(t.monitors, "monitors", () => this.#acts.monitors()),
      ...(navigator.maxTouchPoints > 0 ? [tool(t.touch, "touch", () => this.#acts.touch())] : []),
      ...(paste ? [tool(t.paste, "paste", () => this.#acts.paste())] : []),
      tool(t.trace, "trace", () => this.#acts.trace(), trace),
      h("span", { class: "rule" }),
      ...settingButtons(() => this.#acts.language()),
      h("span", { class: "rule" }),
      tool(t.desktops, "desktops", () => this.#acts.toList()),
      tool(t.signOut, "signOut", () => this.#acts.signOut()),
    );
    if (focused >= 0) (this.#tools.children[focused] as HTMLElement | undefined)?.focus();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #later(folded: boolean, afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (folded && (this.#badge.open || this.#tools.matches(":focus-within:has(:focus-visible)"))) return;
      this.#fold(folded);
    }, afterMs);
  }

  #fold(folded: boolean): void {
    clearTimeout(this.#timer);
    this.element.dataset.open = String(!folded);
    this.#handle.setAttribute("aria-expanded", String(!folded));
  }
}
