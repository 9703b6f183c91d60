/**
 * The toolbar: a small tab at the upper edge that holds the badge. Its tools open below it when it is pointed
 * at, focused or tapped.
 *
 * Nothing in the tab moves when the tools open or the badge changes, so that a click never lands on a
 * neighbouring control. The person can drag the tab along the edge.
 *
 * It stays folded while a mouse button is held, because a person who drags a window past it does not want
 * tools.
 */

import { button, h } from "../dom.ts";
import { Emitter } from "../emitter.ts";
import { type IconName, icon } from "../icons.ts";
import { settingButtons, toolLabel } from "../settings.ts";
import { texts } from "../texts.ts";
import type { Badge } from "./badge.ts";
import { BarPosition } from "./bar_position.ts";

/** Time that the mouse points at the tab before the toolbar opens, ms. */
const OPEN_AFTER_MS = 180;
/** Time after which the toolbar folds when mouse or focus leave it, ms. */
const CLOSE_AFTER_MS = 700;

export type ToolbarCommand =
  | "fullscreen"
  /** Switch between fit and 1:1. */
  | "view"
  /** Show or hide the extra keys. */
  | "keyboard"
  | "monitors"
  /** Show the touch gestures. */
  | "touch"
  /** Show or hide the frame times. */
  | "trace"
  /** Send this device's clipboard to the desktop. */
  | "paste"
  | "desktops"
  /** Lock the screen, because the person leaves for a moment. */
  | "lock"
  | "signOut"
  /** The person chose another language. */
  | "language"
  /** Return the keyboard focus to the desktop. */
  | "focusDesktop";

/** What the buttons show about the things they control. */
export interface ToolbarState {
  /** The surface is shown 1:1. */
  readonly actual: boolean;
  readonly fullscreen: boolean;
  /** The extra keys are shown. */
  readonly keyboard: boolean;
  /** The frame times are shown. */
  readonly trace: boolean;
  /** The desktop accepts this device's clipboard. */
  readonly paste: boolean;
}

export class Toolbar {
  readonly element: HTMLElement;
  readonly commands = new Emitter<ToolbarCommand>();
  readonly #badge: Badge;
  readonly #name: string;
  readonly #tools: HTMLElement;
  readonly #handle: HTMLButtonElement;
  readonly #position: BarPosition;
  /** Whether the tools opened because they were pointed at: then a click on the handle keeps them open. */
  #openedByPointing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What `show` was last told; `#state` is what the tools show. */
  #wanted: ToolbarState | null = null;
  #state: ToolbarState = { actual: false, fullscreen: false, keyboard: false, trace: false, paste: false };

  /** `name` is the desktop's; `strip` is placed beside the badge. */
  constructor(badge: Badge, name: string, strip: HTMLElement) {
    this.#badge = badge;
    this.#name = name;
    this.#tools = h("div", { class: "tools", attrs: { role: "toolbar" } });
    this.#handle = h(
      "button",
      {
        class: "handle",
        attrs: { type: "button", "aria-expanded": "false", "aria-keyshortcuts": "Control+Alt+Home" },
        on: { click: () => this.#toggle() },
      },
      h("span", {}),
    );
    const tab = h("div", { class: "tab" }, badge.element, strip, this.#handle);
    // A click on a tool leaves the keyboard focus with the desktop.
    for (const part of [tab, this.#tools]) part.addEventListener("mousedown", (event) => event.preventDefault());
    this.element = h(
      "div",
      {
        class: "bar",
        attrs: { "data-open": "false" },
        on: {
          pointerenter: (event) =>
            event.pointerType !== "touch" && event.buttons === 0 && this.#setOpenAfter(true, OPEN_AFTER_MS),
          pointerleave: (event) => event.pointerType !== "touch" && this.#setOpenAfter(false, CLOSE_AFTER_MS),
          focusin: (event) => (event.target as Element).matches(":focus-visible") && this.#setOpen(true),
          focusout: (event) =>
            !this.element.contains(event.relatedTarget as Node | null) && this.#setOpenAfter(false, CLOSE_AFTER_MS),
          keydown: (event) => {
            if (event.key !== "Escape") return;
            this.#setOpen(false);
            this.commands.emit("focusDesktop");
          },
        },
      },
      tab,
      h("div", { class: "drop" }, this.#tools, badge.popover),
    );
    this.#position = new BarPosition(this.element, tab, "bar");
    this.redraw();
  }

  get open(): boolean {
    return this.element.dataset.open === "true";
  }

  show(state: ToolbarState): void {
    // While the tools are open none is added or removed, because the others would move under the pointer.
    const next = this.open ? { ...state, paste: this.#state.paste } : state;
    this.#wanted = state;
    if (JSON.stringify(this.#state) === JSON.stringify(next)) return;
    this.#state = next;
    this.redraw();
  }

  /** Opens the toolbar and moves the keyboard focus into it. */
  focus(): void {
    this.#setOpen(true);
    this.#badge.element.focus();
  }

  /** Folds the toolbar because the person works in the desktop again; leaves it open while the popover is. */
  fold(): void {
    if (this.open && !this.#badge.open) this.#setOpen(false);
  }

  /** Redraws all buttons after a state or the language changed. */
  redraw(): void {
    const t = texts().bar;
    const s = t.short;
    const { actual, fullscreen, keyboard, trace, paste } = this.#state;
    const focused = [...this.#tools.children].indexOf(document.activeElement as HTMLElement);
    const tool = (
      label: string,
      short: string,
      name: IconName,
      command: ToolbarCommand,
      pressed?: boolean,
    ): HTMLElement => {
      const element = button(label, icon(name), "quiet square", () => this.commands.emit(command));
      element.dataset.tool = command;
      element.append(toolLabel(short));
      if (pressed !== undefined) element.setAttribute("aria-pressed", String(pressed));
      return element;
    };
    const fullscreenTool = fullscreen
      ? tool(t.leaveFullscreen, s.leaveFullscreen, "window", "fullscreen")
      : tool(t.fullscreen, s.fullscreen, "fullscreen", "fullscreen");
    this.#tools.setAttribute("aria-label", t.label);
    this.#handle.setAttribute("aria-label", t.label);
    this.#handle.title = t.handle;
    this.#tools.replaceChildren(
      h("span", { class: "tools-name", attrs: { title: this.#name } }, this.#name),
      actual ? tool(t.fit, s.fit, "fit", "view") : tool(t.actual, s.actual, "actual", "view"),
      ...(document.fullscreenEnabled === true ? [fullscreenTool] : []),
      tool(t.keyboard, s.keyboard, "keyboard", "keyboard", keyboard),
      tool(t.monitors, s.monitors, "monitors", "monitors"),
      ...(navigator.maxTouchPoints > 0 ? [tool(t.touch, s.touch, "touch", "touch")] : []),
      ...(paste ? [tool(t.paste, s.paste, "paste", "paste")] : []),
      tool(t.trace, s.trace, "trace", "trace", trace),
      h("span", { class: "separator" }),
      ...settingButtons(() => this.commands.emit("language")),
      h("span", { class: "separator" }),
      tool(t.desktops, s.desktops, "desktops", "desktops"),
      tool(t.lock, s.lock, "lock", "lock"),
      tool(t.signOut, s.signOut, "signOut", "signOut"),
    );
    if (focused >= 0) (this.#tools.children[focused] as HTMLElement | undefined)?.focus();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #setOpenAfter(open: boolean, afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // The popover is below the tools: it must not move while it is open.
      const inUse = this.#badge.open || this.#tools.matches(":focus-within:has(:focus-visible)");
      if (inUse || this.#position.dragging) return;
      this.#setOpen(open);
      this.#openedByPointing = open;
    }, afterMs);
  }

  #toggle(): void {
    const keepOpen = this.#openedByPointing;
    this.#openedByPointing = false;
    this.#setOpen(keepOpen || !this.open);
  }

  #setOpen(open: boolean): void {
    clearTimeout(this.#timer);
    this.element.dataset.open = String(open);
    this.#handle.setAttribute("aria-expanded", String(open));
    if (open) return;
    this.#openedByPointing = false;
    if (this.#wanted !== null) this.show(this.#wanted);
  }
}
