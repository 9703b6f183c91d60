/** The panel of monitors: which there are and what they show, how many, how large and in which shape; windows for all of them. */

import { type DesktopLayout, MONITORS_MAX, type Monitor } from "../../../protocol/messages.ts";
import { button, h } from "../../dom.ts";
import { icon } from "../../icons.ts";
import { texts } from "../../texts.ts";
import { arranged, bounds, PRESETS, SHAPES, type Shape, type Size, shapeOf } from "./plan.ts";

export interface PanelActs {
  /** Shows a monitor in this window. */
  show(monitor: number): void;
  open(monitor: number): void;
  /** A window for each monitor. */
  openAll(): void;
  /** A monitor and a window for each display; null where the browser does not tell of displays. */
  readonly useDisplays: (() => void) | null;
  order(monitors: readonly Monitor[], scale: number): void;
  match(on: boolean): void;
  closed(): void;
}

export interface PanelFacts {
  readonly own: number;
  readonly matches: boolean;
  /** The display that this window is on, device px. */
  readonly display: Size;
  readonly picture: (monitor: number) => ImageData | null | undefined;
}

/** Text scale, percent. */
const SCALES = [100, 125, 150, 175, 200, 250, 300] as const;

interface Draft {
  readonly sizes: readonly Size[];
  readonly shape: Shape;
  readonly scale: number;
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

  /** New small pictures, without disturbing what the person is choosing. */
  pictures(): void {
    const t = texts().monitors;
    const { own, picture } = this.#facts();
    const items = (this.#layout?.monitors ?? []).map((monitor) => {
      const image = picture(monitor.id);
      const name = t.name(monitor.id + 1);
      const state = monitor.id === own ? t.here : image === undefined ? t.notOpen : t.isOpen;
      const show = h(
        "button",
        {
          class: "monitor-show",
          attrs: {
            type: "button",
            "data-monitor-show": String(monitor.id),
            "aria-current": String(monitor.id === own),
            "aria-label": `${name}, ${state}`,
          },
          on: { click: () => this.#acts.show(monitor.id) },
        },
        image == null ? h("span", { class: "monitor-blank" }, icon("screen")) : drawn(image),
        h("strong", {}, name),
        h("span", { class: "muted" }, `${monitor.width} × ${monitor.height}`),
        h("span", { class: "muted" }, state),
      );
      const open = button(t.open(monitor.id + 1), icon("newWindow"), "quiet square", () => this.#acts.open(monitor.id));
      return h("li", {}, show, ...(monitor.id === own ? [] : [open]));
    });
    const focused = this.element.contains(document.activeElement)
      ? (document.activeElement as HTMLElement).dataset.monitorShow
      : undefined;
    this.#pictures?.replaceChildren(...items);
    if (focused !== undefined)
      this.element.querySelector<HTMLElement>(`[data-monitor-show="${CSS.escape(focused)}"]`)?.focus();
  }

  #form(layout: DesktopLayout): HTMLElement[] {
    const t = texts().monitors;
    const draft = this.#draft ?? {
      sizes: layout.monitors.map(({ width, height }) => ({ width, height })),
      shape: shapeOf(layout.monitors) ?? "row",
      scale: layout.scale,
    };
    const change = (changed: Partial<Draft>): void => {
      this.#draft = { ...draft, ...changed };
      this.redraw();
    };
    const wanted = arranged(draft.sizes, draft.shape);
    const { width, height } = bounds(wanted);
    const [mostWidth, mostHeight] = layout.screen_max ?? [0, 0];
    const fits = width <= mostWidth && height <= mostHeight;
    const { display, matches } = this.#facts();
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
              change({ sizes: draft.sizes.map((other, at) => (at === index ? sizeOf(value) : other)) }),
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
        h(
          "label",
          { class: "monitor-match" },
          h("input", {
            attrs: { type: "checkbox", ...(matches ? { checked: "" } : {}) },
            on: { change: (event) => this.#acts.match((event.target as HTMLInputElement).checked) },
          }),
          t.match,
        ),
        this.#act("apply", "primary", () => this.#acts.order(wanted, draft.scale), !fits),
      ),
    ];
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
