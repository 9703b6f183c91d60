/** The panel of monitors: which there are and what they show, how many, how large and in which shape; windows for all of them. */

import { type DesktopLayout, MONITORS_MAX, type Monitor } from "../../../protocol/messages.ts";
import { button, h } from "../../dom.ts";
import { icon } from "../../icons.ts";
import { texts } from "../../texts.ts";
import type { Seen } from "./thumbnails.ts";
import { arranged, bounds, PRESETS, SCALES, SHAPES, type Shape, type Size, shapeOf } from "./monitor_layout.ts";

export interface PanelActs {
  /** Shows a monitor in this window. */
  show(monitor: number): void;
  open(monitor: number): void;
  /** A window for each monitor. */
  openAll(): void;
  /** Two side by side in this window, or one again. */
  beside(on: boolean): void;
  /** A monitor and a window for each display; null where the browser does not tell of displays. */
  readonly useDisplays: (() => void) | null;
  /** `sized`: the person chose sizes, not only how many there are or how they stand. */
  order(monitors: readonly Monitor[], scale: number, sized: boolean): void;
  /** Sizes stay as they are, whatever the window's. */
  keep(on: boolean): void;
  closed(): void;
}

export interface PanelFacts {
  /** What this window shows, its own monitor first. */
  readonly shown: readonly number[];
  /** Whether sizes stay as they are, whatever the window's; null where another device gives them. */
  readonly keeps: boolean | null;
  /** Whether two are shown side by side; null where that cannot be. */
  readonly beside: boolean | null;
  /** The display that this window is on, device px. */
  readonly display: Size;
  readonly seen: (monitor: number) => Seen;
}

interface Draft {
  readonly sizes: readonly Size[];
  /** null while they stand in none of the shapes, and are left there. */
  readonly shape: Shape | null;
  readonly scale: number;
  /** A size was chosen. */
  readonly sized: boolean;
}

export class MonitorsPanel {
  readonly element = h("section", {
    class: "gestures monitors",
    attrs: { role: "dialog", "aria-modal": "true", hidden: "" },
  });
  readonly #acts: PanelActs;
  readonly #facts: () => PanelFacts;
  #layout: DesktopLayout | null = null;
  #draft: Draft | null = null;
  #pictures: HTMLElement | null = null;

  constructor(facts: () => PanelFacts, acts: PanelActs) {
    this.#facts = facts;
    this.#acts = acts;
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this.toggle(false));
    this.element.addEventListener("click", (event) => event.target === this.element && this.toggle(false));
  }

  get open(): boolean {
    return !this.element.hidden;
  }

  layout(layout: DesktopLayout): void {
    this.#layout = layout;
    this.#draft = null;
    if (this.open) this.redraw();
  }

  toggle(open: boolean): void {
    this.element.hidden = !open;
    this.#draft = null;
    if (open) {
      this.redraw();
      this.element.querySelector<HTMLElement>("[aria-current=true]")?.focus();
    } else this.#acts.closed();
  }

  redraw(): void {
    const layout = this.#layout;
    const t = texts().monitors;
    this.element.setAttribute("aria-label", t.title);
    this.#pictures = h("ul", { class: "monitor-strip" });
    this.pictures();
    this.element.replaceChildren(
      h(
        "div",
        { class: "gestures-card monitors-card" },
        h(
          "header",
          {},
          h("h1", {}, t.title),
          button(t.close, icon("close"), "quiet square", () => this.toggle(false)),
        ),
        this.#pictures,
        h("p", { class: "muted" }, t.keys),
        h(
          "div",
          { class: "monitor-acts" },
          ...this.#besideAct(),
          ...((layout?.monitors.length ?? 0) > 1
            ? [this.#act("openAll", "secondary", () => this.#acts.openAll())]
            : []),
          ...(this.#acts.useDisplays !== null && layout?.screen_max != null
            ? [this.#act("useDisplays", "primary", this.#acts.useDisplays)]
            : []),
        ),
        ...(layout === null ? [] : layout.screen_max === null ? [h("p", {}, t.attached)] : this.#form(layout)),
      ),
    );
  }

  /** New small pictures, without disturbing what the person is choosing: a button made anew under a finger would lose its tap. */
  pictures(): void {
    const strip = this.#pictures;
    if (strip === null) return;
    const monitors = this.#layout?.monitors ?? [];
    const { shown } = this.#facts();
    const made = JSON.stringify([monitors, shown]);
    if (strip.dataset.made !== made) {
      strip.dataset.made = made;
      strip.replaceChildren(...monitors.map((monitor) => this.#item(monitor, shown.includes(monitor.id))));
    }
    for (const button of strip.querySelectorAll<HTMLElement>("[data-monitor-show]")) this.#picture(button);
  }

  #item(monitor: Monitor, here: boolean): HTMLElement {
    const t = texts().monitors;
    const show = h(
      "button",
      {
        class: "monitor-show",
        attrs: { type: "button", "data-monitor-show": String(monitor.id), "aria-current": String(here) },
        on: { click: () => this.#acts.show(monitor.id) },
      },
      h("span", {}),
      h("strong", {}, t.name(monitor.id + 1)),
      h("span", { class: "muted" }, `${monitor.width} × ${monitor.height}`),
      h("span", { class: "muted monitor-state" }),
    );
    const open = button(t.open(monitor.id + 1), icon("newWindow"), "quiet square", () => this.#acts.open(monitor.id));
    return h("li", {}, show, ...(here ? [] : [open]));
  }

  /** What a monitor shows now, and where. */
  #picture(button: HTMLElement): void {
    const t = texts().monitors;
    const { shown, seen } = this.#facts();
    const monitor = Number(button.dataset.monitorShow);
    const { picture, open } = seen(monitor);
    const state = shown.includes(monitor) ? t.here : open ? t.isOpen : t.notOpen;
    button.setAttribute("aria-label", `${t.name(monitor + 1)}, ${state}`);
    const words = button.querySelector(".monitor-state");
    if (words !== null) words.textContent = state;
    button.firstElementChild?.replaceWith(
      picture === null ? h("span", { class: "monitor-blank" }, icon("screen")) : drawn(picture),
    );
  }

  #form(layout: DesktopLayout): HTMLElement[] {
    const t = texts().monitors;
    const { display, keeps } = this.#facts();
    const draft = this.#draft ?? {
      sizes: layout.monitors.map(({ width, height }) => ({ width, height })),
      shape: shapeOf(layout.monitors),
      scale: layout.scale,
      sized: false,
    };
    const change = (changed: Partial<Draft>): void => {
      this.#draft = { ...draft, ...changed };
      this.redraw();
    };
    const kept =
      draft.shape === null &&
      draft.sizes.length === layout.monitors.length &&
      layout.monitors.every((monitor, at) => sizeText(monitor) === sizeText(draft.sizes[at] ?? display));
    const wanted = kept ? layout.monitors : arranged(draft.sizes, draft.shape ?? "row");
    const { width, height } = bounds(wanted);
    const [mostWidth, mostHeight] = layout.screen_max ?? [0, 0];
    const fits = width <= mostWidth && height <= mostHeight;
    const count = (wish: number): HTMLElement =>
      this.#choice(String(wish), wish === draft.sizes.length, () => {
        const last = draft.sizes.at(-1) ?? display;
        change({ sizes: Array.from({ length: wish }, (_, index) => draft.sizes[index] ?? last) });
      });
    const numbers = Array.from({ length: MONITORS_MAX }, (_, index) => index + 1);
    return [
      h("h2", {}, t.arrange),
      h(
        "div",
        { class: "segments", attrs: { role: "radiogroup", "aria-label": t.count, "data-count": "" } },
        ...numbers.map(count),
      ),
      h(
        "ul",
        { class: "monitor-sizes" },
        ...draft.sizes.map((size, index) =>
          h(
            "li",
            {},
            h("label", { attrs: { for: `monitor-size-${index}` } }, t.name(index + 1)),
            this.#select(`monitor-size-${index}`, sizeOptions(size, display), sizeText(size), (value) =>
              change({ sizes: draft.sizes.map((other, at) => (at === index ? sizeOf(value) : other)), sized: true }),
            ),
          ),
        ),
        h(
          "li",
          {},
          h("label", { attrs: { for: "monitor-scale" } }, t.scale),
          this.#select(
            "monitor-scale",
            [...new Set([...SCALES, draft.scale])].sort((a, b) => a - b).map((scale) => [String(scale), `${scale} %`]),
            String(draft.scale),
            (value) => change({ scale: Number(value) }),
          ),
        ),
      ),
      h(
        "div",
        { class: "segments", attrs: { role: "radiogroup", "aria-label": t.shape } },
        ...SHAPES.map((shape) => this.#choice(t.shapes[shape], shape === draft.shape, () => change({ shape }))),
      ),
      h("p", { class: fits ? "muted" : "warning" }, fits ? t.total(width, height) : t.tooLarge(mostWidth, mostHeight)),
      h(
        "div",
        { class: "monitor-acts" },
        keeps === null
          ? h("p", { class: "muted monitor-keep" }, t.otherSizes)
          : h(
              "label",
              { class: "monitor-keep" },
              h("input", {
                attrs: { type: "checkbox", ...(keeps || draft.sized ? { checked: "" } : {}) },
                on: {
                  change: (event) => {
                    const { checked } = event.target as HTMLInputElement;
                    this.#acts.keep(checked);
                    change({ sized: draft.sized && checked });
                  },
                },
              }),
              t.keepSize,
            ),
        this.#act("apply", "primary", () => this.#acts.order(wanted, draft.scale, draft.sized), !fits),
      ),
    ];
  }

  #besideAct(): HTMLElement[] {
    const { beside } = this.#facts();
    if (beside === null) return [];
    const attrs = { type: "button", "data-act": "beside", "aria-pressed": String(beside) };
    const label = texts().monitors[beside ? "single" : "beside"];
    return [h("button", { class: "secondary", attrs, on: { click: () => this.#acts.beside(!beside) } }, label)];
  }

  #act(name: "openAll" | "useDisplays" | "apply", kind: string, act: () => void, disabled = false): HTMLButtonElement {
    const attrs = { type: "button", "data-act": name, ...(disabled ? { disabled: "" } : {}) };
    return h("button", { class: kind, attrs, on: { click: act } }, texts().monitors[name]);
  }

  #choice(label: string, chosen: boolean, choose: () => void): HTMLElement {
    return h(
      "button",
      {
        class: "segment",
        attrs: { type: "button", role: "radio", "aria-checked": String(chosen) },
        on: { click: choose },
      },
      label,
    );
  }

  #select(
    id: string,
    options: readonly (readonly [string, string])[],
    chosen: string,
    choose: (value: string) => void,
  ): HTMLSelectElement {
    return h(
      "select",
      { attrs: { id }, on: { change: (event) => choose((event.target as HTMLSelectElement).value) } },
      ...options.map(([value, label]) =>
        h("option", { attrs: { value, ...(value === chosen ? { selected: "" } : {}) } }, label),
      ),
    );
  }
}

function sizeText({ width, height }: Size): string {
  return `${width}x${height}`;
}

function sizeOf(value: string): Size {
  const [width = 0, height = 0] = value.split("x").map(Number);
  return { width, height };
}

/** The display's own size first, then what is usual, and whatever the monitor has now. */
function sizeOptions(now: Size, display: Size): [string, string][] {
  const t = texts().monitors;
  const label = ({ width, height }: Size): string => `${width} × ${height}`;
  const options = new Map([[sizeText(display), `${label(display)} – ${t.thisDisplay}`]]);
  for (const size of [...PRESETS, now]) {
    if (!options.has(sizeText(size))) options.set(sizeText(size), label(size));
  }
  return [...options];
}

function drawn(image: ImageData): HTMLCanvasElement {
  const canvas = h("canvas", { class: "monitor-picture", attrs: { "aria-hidden": "true" } });
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d", { alpha: false })?.putImageData(image, 0, 0);
  return canvas;
}
