/**
 * The finger tools: a control at the side of the screen, where a thumb reaches it, that chooses what one moving finger
 * does. The person can drag it up and down, and to the other side for the other hand.
 *
 * It is not in the toolbar: a reader changes between scrolling and windowing all the time, and the hands that hold a
 * tablet are at its sides.
 */

import {
  FINGER_TOOLS,
  type FingerSettings,
  type FingerTool,
  SENSITIVITY_MAX,
  type SensitiveTool,
} from "../../input/touch_tools.ts";
import { button, h } from "../dom.ts";
import { Emitter } from "../emitter.ts";
import { type IconName, icon } from "../icons.ts";
import { loadJson, storeJson } from "../preferences.ts";
import { texts } from "../texts.ts";

const ICONS: Readonly<Record<FingerTool, IconName>> = {
  scroll: "fingerScroll",
  window: "fingerWindow",
  pan: "fingerPan",
  pointer: "fingerPointer",
};
/** A press on the control becomes a drag of it when it moves this far, CSS px. */
const DRAG_THRESHOLD_PX = 10;
/** The control's middle stays this far from the upper and lower edge, as a fraction of the height. */
const EDGE_FRACTION = 0.15;
/** The name under which this browser remembers where the control is. */
const PLACE = "fingerTools";

/** Where the control is: at which side, and at which fraction of the height. */
interface Place {
  readonly side: "left" | "right";
  readonly at: number;
}

const DEFAULT_PLACE: Place = { side: "right", at: 0.6 };

export class FingerTools {
  readonly element = h("div", { class: "finger-tools", attrs: { hidden: "", "data-open": "false" } });
  readonly chosen = new Emitter<FingerSettings>();
  #settings: FingerSettings;
  #place: Place = storedPlace();
  #press: { readonly pointer: number; readonly x: number; readonly y: number } | null = null;
  /** Whether the press became a drag, so that the click which ends it is none. */
  #dragged = false;

  /** The control appears at once where fingers are the main pointer (`touchFirst`), elsewhere with the first touch. */
  constructor(settings: FingerSettings, touchFirst: boolean, signal: AbortSignal) {
    this.#settings = settings;
    this.element.hidden = !touchFirst;
    // The keyboard focus stays with the desktop.
    this.element.addEventListener("mousedown", (event) => event.preventDefault());
    const appear = (event: PointerEvent): void => {
      if (event.pointerType === "touch") this.element.hidden = false;
    };
    window.addEventListener("pointerdown", appear, { signal, capture: true });
    this.#showPlace();
    this.redraw();
  }

  get settings(): FingerSettings {
    return this.#settings;
  }

  get open(): boolean {
    return this.element.dataset.open === "true";
  }

  /** Closes the list of tools, because the person works in the desktop again. */
  fold(): void {
    if (this.open) this.#setOpen(false);
  }

  /** Redraws everything after a choice, or after the language changed. */
  redraw(): void {
    const t = texts().fingers;
    const { tool } = this.#settings;
    const current = h(
      "button",
      {
        class: "finger-current",
        attrs: {
          type: "button",
          "aria-expanded": String(this.open),
          "aria-label": t.current(t.tools[tool]),
          title: t.current(t.tools[tool]),
        },
        on: {
          click: () => !this.#dragged && this.#setOpen(!this.open),
          pointerdown: (event) => this.#onPress(event),
          pointermove: (event) => this.#onMove(event),
          pointerup: () => this.#onEnd(),
          pointercancel: () => this.#onEnd(),
        },
      },
      icon(ICONS[tool]),
      h("span", {}, t.tools[tool]),
    );
    const list = h(
      "div",
      { class: "finger-list", attrs: { role: "radiogroup", "aria-label": t.label } },
      ...FINGER_TOOLS.map((name) => this.#choice(name)),
    );
    const sensitive = tool === "scroll" || tool === "window" ? this.#sensitivity(tool) : null;
    this.element.replaceChildren(h("div", { class: "finger-panel" }, list, sensitive), current);
  }

  #choice(tool: FingerTool): HTMLElement {
    return h(
      "button",
      {
        class: "finger-choice",
        attrs: {
          type: "button",
          role: "radio",
          "aria-checked": String(tool === this.#settings.tool),
          "data-finger-tool": tool,
        },
        on: {
          click: () => {
            this.element.dataset.open = "false";
            this.#choose({ ...this.#settings, tool });
          },
        },
      },
      icon(ICONS[tool]),
      h("span", {}, texts().fingers.tools[tool]),
    );
  }

  #sensitivity(tool: SensitiveTool): HTMLElement {
    const t = texts().fingers;
    const level = this.#settings[tool];
    const step = (label: string, name: IconName, by: number): HTMLButtonElement => {
      const element = button(label, icon(name), "finger-step", () => {
        this.#choose({ ...this.#settings, [tool]: level + by });
      });
      element.disabled = level + by < 1 || level + by > SENSITIVITY_MAX;
      element.dataset.fingerStep = String(by);
      return element;
    };
    return h(
      "div",
      { class: "finger-sensitivity", attrs: { role: "group", "aria-label": t.sensitivity(level, SENSITIVITY_MAX) } },
      step(t.less, "minus", -1),
      h("span", { attrs: { "aria-live": "polite", title: t.sensitivity(level, SENSITIVITY_MAX) } }, `${level}`),
      step(t.more, "plus", 1),
    );
  }

  #choose(settings: FingerSettings): void {
    this.#settings = settings;
    this.redraw();
    this.chosen.emit(settings);
  }

  #setOpen(open: boolean): void {
    this.element.dataset.open = String(open);
    this.redraw();
  }

  #onPress(event: PointerEvent): void {
    this.#dragged = false;
    this.#press = { pointer: event.pointerId, x: event.clientX, y: event.clientY };
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
  }

  #onMove(event: PointerEvent): void {
    const press = this.#press;
    if (press === null || event.pointerId !== press.pointer) return;
    const { clientX, clientY } = event;
    if (!this.#dragged && Math.hypot(clientX - press.x, clientY - press.y) < DRAG_THRESHOLD_PX) return;
    this.#dragged = true;
    this.#place = {
      side: clientX < window.innerWidth / 2 ? "left" : "right",
      at: Math.max(EDGE_FRACTION, Math.min(1 - EDGE_FRACTION, clientY / window.innerHeight)),
    };
    this.#showPlace();
  }

  #onEnd(): void {
    if (this.#press !== null && this.#dragged) storeJson(PLACE, this.#place);
    this.#press = null;
  }

  #showPlace(): void {
    this.element.dataset.side = this.#place.side;
    this.element.style.setProperty("--finger-at", String(this.#place.at));
  }
}

function storedPlace(): Place {
  const stored = loadJson(PLACE);
  if (typeof stored !== "object" || stored === null) return DEFAULT_PLACE;
  const { side, at } = stored as Partial<Record<string, unknown>>;
  if ((side !== "left" && side !== "right") || typeof at !== "number" || !(at >= 0 && at <= 1)) return DEFAULT_PLACE;
  return { side, at };
}
