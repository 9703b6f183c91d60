/** A dialog that explains what touch gestures do, and lets the person choose between direct touch and a trackpad. */

import type { TouchMode } from "../../input/touch_table.ts";
import type { FingerTool } from "../../input/touch_tools.ts";
import { button, h, keepFocusInside, strokes } from "../dom.ts";
import { icon } from "../icons.ts";
import { texts } from "../texts.ts";

const circle = (x: number, y: number, r: number): string =>
  `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;

/** Icons on a grid of 24 × 24 units: a small circle is a fingertip, a large one a tap. */
const ICONS = {
  tap: [circle(12, 12, 3), circle(12, 12, 7.5)],
  doubleTap: [circle(12, 12, 2.5), circle(12, 12, 6), circle(12, 12, 9.5)],
  hold: [circle(12, 12, 9), "M12 7v5l3.500 2"],
  aim: [circle(10.5, 10.5, 6.5), "M15.500 15.500 21 21", "M10.500 8v5M8 10.500h5"],
  drag: [circle(5.5, 12, 3), "M11 12h10M17.500 8.500 21 12l-3.500 3.500"],
  tapDrag: [circle(6, 12, 2.5), circle(6, 12, 5), "M13.500 12H22M19 9l3 3-3 3"],
  twoTap: [circle(8, 12, 3), circle(16, 12, 3), "M3.500 7a8 8 0 0 1 4.500-3M20.500 7a8 8 0 0 0-4.500-3"],
  twoScroll: [
    circle(7, 12, 3),
    circle(17, 12, 3),
    "M12 3v18M9.500 5.500 12 3l2.500 2.500M9.500 18.500 12 21l2.500-2.500",
  ],
  pinch: [
    circle(8.5, 15.5, 2.5),
    circle(15.5, 8.5, 2.5),
    "M5.500 18.500 3 21M3 17.500V21h3.500M18.500 5.500 21 3M17.500 3H21v3.500",
  ],
  fingerScroll: [circle(12, 12, 3), "M12 6V2M12 22v-4M9.500 4.500 12 2l2.500 2.500M9.500 19.500 12 22l2.500-2.500"],
  fingerWindow: [circle(12, 12, 8), "M12 4v16M15 4.800v14.400M18 7v10"],
  fingerPan: [circle(12, 12, 3), "M12 6V2.500M12 21.500V18M6 12H2.500M21.500 12H18", "M3.500 3.500h3M3.500 3.500v3"],
  move: [circle(12, 12, 3), "M12 6V2.500M12 21.500V18M6 12H2.500M21.500 12H18"],
  zoomed: ["M3.500 3.500h17v17h-17z", circle(9.5, 12, 2), circle(15, 12, 2), "M12 6.500v2M12 15.500v2"],
  threeSwipe: [circle(5, 8, 2), circle(11, 6.5, 2), circle(17, 8, 2), "M4 17h16M8 13.500 4 17l4 3.500"],
} as const satisfies Record<string, readonly string[]>;

export type GestureName = keyof typeof ICONS;

/** The gestures that exist in each mode, in the order in which they are listed. */
const ROWS: Readonly<Record<TouchMode, readonly GestureName[]>> = {
  direct: ["tap", "doubleTap", "drag", "hold", "aim", "twoTap", "twoScroll", "pinch", "zoomed", "threeSwipe"],
  trackpad: ["move", "tap", "doubleTap", "tapDrag", "twoTap", "twoScroll", "pinch", "zoomed", "threeSwipe"],
};
/** What one moving finger does with a tool other than the pointer, instead of the rows ONE_FINGER. */
const BY_TOOL: Readonly<Record<Exclude<FingerTool, "pointer">, GestureName>> = {
  scroll: "fingerScroll",
  window: "fingerWindow",
  pan: "fingerPan",
};
const ONE_FINGER: ReadonlySet<GestureName> = new Set(["drag", "move"]);
const MODES: readonly TouchMode[] = ["direct", "trackpad"];

export class GestureHelp {
  readonly element = h("section", {
    class: "dialog gestures",
    attrs: { role: "dialog", "aria-modal": "true", hidden: "" },
  });
  readonly #onModeChosen: (mode: TouchMode) => void;
  readonly #onClosed: () => void;
  #mode: TouchMode;
  #tool: FingerTool;

  constructor(mode: TouchMode, tool: FingerTool, onModeChosen: (mode: TouchMode) => void, onClosed: () => void) {
    this.#mode = mode;
    this.#tool = tool;
    this.#onModeChosen = onModeChosen;
    this.#onClosed = onClosed;
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this.setOpen(false));
    this.element.addEventListener("click", (event) => event.target === this.element && this.setOpen(false));
    keepFocusInside(this.element);
  }

  get open(): boolean {
    return !this.element.hidden;
  }

  setOpen(open: boolean): void {
    this.element.hidden = !open;
    if (open) {
      this.redraw();
      this.element.querySelector<HTMLElement>("[aria-checked=true]")?.focus();
    } else this.#onClosed();
  }

  /** Sets what one moving finger does. */
  setTool(tool: FingerTool): void {
    this.#tool = tool;
    if (this.open) this.redraw();
  }

  /** Returns the gestures that exist with this mode and tool. */
  #rows(): readonly GestureName[] {
    const tool = this.#tool;
    return ROWS[this.#mode].map((name) => (tool !== "pointer" && ONE_FINGER.has(name) ? BY_TOOL[tool] : name));
  }

  /** Redraws all texts after the language or the mode changed. */
  redraw(): void {
    const t = texts().gestures;
    this.element.setAttribute("aria-label", t.title);
    const modeButton = (value: TouchMode): HTMLElement =>
      h(
        "button",
        {
          class: "segment",
          attrs: {
            type: "button",
            role: "radio",
            "aria-checked": String(value === this.#mode),
            "data-touch-mode": value,
          },
          on: {
            click: () => {
              this.#mode = value;
              this.#onModeChosen(value);
              this.redraw();
            },
          },
        },
        t.modes[value],
      );
    this.element.replaceChildren(
      h(
        "div",
        { class: "dialog-card" },
        h(
          "header",
          {},
          h("h1", {}, t.title),
          button(t.close, icon("close"), "quiet square", () => this.setOpen(false)),
        ),
        h("div", { class: "segments", attrs: { role: "radiogroup", "aria-label": t.mode } }, ...MODES.map(modeButton)),
        h("p", { class: "muted" }, t.meaning[this.#mode]),
        h(
          "ul",
          { class: "gestures-list" },
          ...this.#rows().map((name) => {
            const [gesture, effect] = t.rows[this.#mode][name] ?? t.rows.both[name] ?? ["", ""];
            return h(
              "li",
              {},
              h("span", { class: "gesture-icon" }, strokes(...ICONS[name])),
              h("span", {}, h("strong", {}, gesture), h("span", { class: "muted" }, effect)),
            );
          }),
        ),
        h("p", { class: "muted" }, `${t.tools} ${t.palm}`),
      ),
    );
  }
}
