/** The monitors panel: shows all monitors with thumbnails, opens windows for them, and changes their number, sizes and positions. */

import { MONITORS_MAX } from "../../../protocol/generated/wire_facts.ts";
import type { DesktopLayout, Monitor } from "../../../protocol/messages.ts";
import { button, h, keepFocusInside } from "../../dom.ts";
import { Emitter } from "../../emitter.ts";
import { icon } from "../../icons.ts";
import { sentences } from "../../message.ts";
import { texts } from "../../texts.ts";
import { arrange, bounds, detectShape, PRESETS, SCALES, SHAPES, type Shape, type Size } from "./monitor_layout.ts";
import type { MonitorThumbnails } from "./thumbnails.ts";

/** What the panel shows besides the layout. */
export interface PanelState {
  /** Numbers of the monitors that this window shows, its own first. */
  readonly shown: readonly number[];
  /** Whether monitors keep their sizes when the window changes; null where another device's windows set the sizes. */
  readonly keepsSizes: boolean | null;
  /** Whether two monitors are shown side by side; null where that is impossible. */
  readonly split: boolean | null;
  /** Size of the display that this window is on, device px. */
  readonly display: Size;
}

export interface ChosenLayout {
  readonly monitors: readonly Monitor[];
  /** Text size of programs, percent. */
  readonly scale: number;
  /** The person chose sizes, not only the number or the shape of the monitors. */
  readonly sizesChosen: boolean;
}

/** What the person has chosen and not applied yet. */
interface Draft {
  readonly sizes: readonly Size[];
  /** Null while the monitors have none of the shapes and keep their positions. */
  readonly shape: Shape | null;
  readonly scale: number;
  readonly sizesChosen: boolean;
}

export class MonitorsPanel {
  readonly element = h("section", {
    class: "dialog monitors",
    attrs: { role: "dialog", "aria-modal": "true", hidden: "", tabindex: "-1" },
  });
  /** Announces the monitor that the person wants to see in this window. */
  readonly chosen = new Emitter<number>();
  /** Announces monitors that get windows of their own. */
  readonly windowRequested = new Emitter<readonly number[]>();
  readonly splitChosen = new Emitter<boolean>();
  /** Announces that the person wants one monitor per display. */
  readonly displaysRequested = new Emitter<void>();
  readonly layoutChosen = new Emitter<ChosenLayout>();
  readonly keepSizesChosen = new Emitter<boolean>();
  /** Announces that the panel was closed: the keyboard focus returns to the desktop. */
  readonly closed = new Emitter<void>();
  readonly #state: () => PanelState;
  readonly #thumbnails: MonitorThumbnails;
  readonly #supportsDisplays: boolean;
  #layout: DesktopLayout | null = null;
  #draft: Draft | null = null;
  #list: HTMLElement | null = null;

  /** `state` is called whenever the panel is drawn. */
  constructor(state: () => PanelState, thumbnails: MonitorThumbnails, supportsDisplays: boolean) {
    this.#state = state;
    this.#thumbnails = thumbnails;
    this.#supportsDisplays = supportsDisplays;
    thumbnails.changed.on(() => this.#updateList());
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this.setOpen(false));
    this.element.addEventListener("click", (event) => event.target === this.element && this.setOpen(false));
    keepFocusInside(this.element);
  }

  get open(): boolean {
    return !this.element.hidden;
  }

  /**
   * Shows another layout.
   *
   * What the person has chosen and not applied yet is kept: a window that is being resized changes the layout often.
   */
  setLayout(layout: DesktopLayout): void {
    if (this.#draft !== null) this.#draft = redraft(this.#draft, this.#layout, layout);
    this.#layout = layout;
    if (this.open) this.redraw();
  }

  setOpen(open: boolean): void {
    this.#thumbnails.setActive(open);
    this.element.hidden = !open;
    this.#draft = null;
    if (open) {
      this.redraw();
      this.element.querySelector<HTMLElement>("[aria-current=true]")?.focus();
    } else this.closed.emit();
  }

  /** Redraws the panel after the layout, the draft or the language changed. */
  redraw(): void {
    const layout = this.#layout;
    const t = texts().monitors;
    const focused = this.element.contains(document.activeElement) ? document.activeElement : null;
    this.element.setAttribute("aria-label", t.title);
    this.#list = h("ul", { class: "monitor-list" });
    this.#updateList();
    this.element.replaceChildren(
      h(
        "div",
        { class: "dialog-card monitors-card" },
        h(
          "header",
          {},
          h("h1", {}, t.title),
          button(t.close, icon("close"), "quiet square", () => this.setOpen(false)),
        ),
        this.#list,
        h("p", { class: "muted" }, t.keys),
        h("div", { class: "monitor-actions" }, ...this.#windowButtons()),
        ...(layout === null ? [] : layout.screen_max === null ? [h("p", {}, t.attached)] : this.#form(layout)),
      ),
    );
    if (focused !== null) this.#restoreFocus(focused);
  }

  /** Focuses the element that replaces `before` after a redraw, or else the dialog itself: without the focus, Esc has no effect. */
  #restoreFocus(before: Element): void {
    const act = (before as HTMLElement).dataset.act;
    const selector = before.id !== "" ? `#${before.id}` : act !== undefined ? `[data-act="${act}"]` : null;
    if (selector !== null) this.element.querySelector<HTMLElement>(selector)?.focus();
    if (!this.element.contains(document.activeElement)) this.element.focus();
  }

  /** Updates the thumbnails in place: a button that is replaced under a finger gets no click. */
  #updateList(): void {
    const list = this.#list;
    if (list === null) return;
    const monitors = this.#layout?.monitors ?? [];
    const { shown } = this.#state();
    const drawn = JSON.stringify([monitors, shown]);
    if (list.dataset.drawn !== drawn) {
      list.dataset.drawn = drawn;
      list.replaceChildren(...monitors.map((monitor) => this.#item(monitor, shown.includes(monitor.id))));
    }
    for (const element of list.querySelectorAll<HTMLElement>("[data-monitor-show]")) this.#updateItem(element, shown);
  }

  #item(monitor: Monitor, here: boolean): HTMLElement {
    const t = texts().monitors;
    const show = h(
      "button",
      {
        class: "monitor-show",
        attrs: { type: "button", "data-monitor-show": String(monitor.id), "aria-current": String(here) },
        on: { click: () => this.chosen.emit(monitor.id) },
      },
      h("span", {}),
      h("strong", {}, t.name(monitor.id + 1)),
      h("span", { class: "muted" }, `${monitor.width} × ${monitor.height}`),
      h("span", { class: "muted monitor-state" }),
    );
    const open = button(t.open(monitor.id + 1), icon("newWindow"), "quiet square", () =>
      this.windowRequested.emit([monitor.id]),
    );
    return h("li", {}, show, ...(here ? [] : [open]));
  }

  /** Draws a monitor's thumbnail, and says where the monitor is shown. */
  #updateItem(element: HTMLElement, shown: readonly number[]): void {
    const t = texts().monitors;
    const monitor = Number(element.dataset.monitorShow);
    const { image, open } = this.#thumbnails.get(monitor);
    const state = shown.includes(monitor) ? t.here : open ? t.isOpen : t.notOpen;
    const label = element.querySelector(".monitor-state");
    if (label !== null) label.textContent = state;
    element.firstElementChild?.replaceWith(
      image === null ? h("span", { class: "monitor-blank" }, icon("screen")) : draw(image),
    );
  }

  #form(layout: DesktopLayout): HTMLElement[] {
    const t = texts().monitors;
    const { display, keepsSizes } = this.#state();
    const draft = this.#draft ?? {
      sizes: layout.monitors.map(({ width, height }) => ({ width, height })),
      shape: detectShape(layout.monitors),
      scale: layout.scale,
      sizesChosen: false,
    };
    const change = (changed: Partial<Draft>): void => {
      this.#draft = { ...draft, ...changed };
      this.redraw();
    };
    const unchanged =
      draft.shape === null &&
      draft.sizes.length === layout.monitors.length &&
      layout.monitors.every((monitor, at) => formatSize(monitor) === formatSize(draft.sizes[at] ?? display));
    const wanted = unchanged ? layout.monitors : arrange(draft.sizes, draft.shape ?? "row");
    const { width, height } = bounds(wanted);
    const [maxWidth, maxHeight] = layout.screen_max ?? [0, 0];
    const fits = width <= maxWidth && height <= maxHeight;
    const countButton = (count: number): HTMLElement =>
      this.#radio(`count-${count}`, String(count), count === draft.sizes.length, () => {
        const last = draft.sizes.at(-1) ?? display;
        change({ sizes: Array.from({ length: count }, (_, index) => draft.sizes[index] ?? last) });
      });
    const counts = Array.from({ length: MONITORS_MAX }, (_, index) => index + 1);
    const apply = (): void => {
      this.#draft = null;
      this.layoutChosen.emit({ monitors: wanted, scale: draft.scale, sizesChosen: draft.sizesChosen });
    };
    return [
      h("h2", {}, t.arrange),
      h(
        "div",
        { class: "segments", attrs: { role: "radiogroup", "aria-label": t.count, "data-count": "" } },
        ...counts.map(countButton),
      ),
      h(
        "ul",
        { class: "monitor-sizes" },
        ...draft.sizes.map((size, index) =>
          h(
            "li",
            {},
            h("label", { attrs: { for: `monitor-size-${index}` } }, t.name(index + 1)),
            this.#select(`monitor-size-${index}`, sizeOptions(size, display), formatSize(size), (value) =>
              change({
                sizes: draft.sizes.map((other, at) => (at === index ? parseSize(value) : other)),
                sizesChosen: true,
              }),
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
        ...SHAPES.map((shape) =>
          this.#radio(`shape-${shape}`, t.shapes[shape], shape === draft.shape, () => change({ shape })),
        ),
      ),
      h(
        "p",
        { class: fits ? "muted" : "warning" },
        fits ? t.total(width, height) : sentences(texts().messages.monitors.tooLarge(maxWidth, maxHeight)),
      ),
      h(
        "div",
        { class: "monitor-actions monitor-apply" },
        keepsSizes === null
          ? h("p", { class: "muted monitor-keep" }, t.otherSizes)
          : h(
              "label",
              { class: "monitor-keep" },
              h("input", {
                attrs: { type: "checkbox", ...(keepsSizes || draft.sizesChosen ? { checked: "" } : {}) },
                on: {
                  change: (event) => {
                    const { checked } = event.target as HTMLInputElement;
                    this.keepSizesChosen.emit(checked);
                    change({ sizesChosen: draft.sizesChosen && checked });
                  },
                },
              }),
              t.keepSize,
            ),
        this.#button("apply", "primary", apply, !fits),
      ),
    ];
  }

  /** The buttons for split view, windows and displays, as far as they apply. */
  #windowButtons(): HTMLElement[] {
    const layout = this.#layout;
    const { shown, split } = this.#state();
    const buttons: HTMLElement[] = [];
    if (split !== null) {
      const splitButton = this.#button(split ? "single" : "split", "secondary", () => this.splitChosen.emit(!split));
      splitButton.dataset.act = "split";
      splitButton.setAttribute("aria-pressed", String(split));
      buttons.push(splitButton);
    }
    if (layout !== null && layout.monitors.length > 1) {
      const others = layout.monitors.map(({ id }) => id).filter((id) => id !== shown[0]);
      buttons.push(this.#button("openAll", "secondary", () => this.windowRequested.emit(others)));
    }
    if (this.#supportsDisplays && layout?.screen_max != null)
      buttons.push(this.#button("useDisplays", "primary", () => this.displaysRequested.emit()));
    return buttons;
  }

  #button(
    name: "split" | "single" | "openAll" | "useDisplays" | "apply",
    className: string,
    onClick: () => void,
    disabled = false,
  ): HTMLButtonElement {
    const attrs = { type: "button", "data-act": name, ...(disabled ? { disabled: "" } : {}) };
    return h("button", { class: className, attrs, on: { click: onClick } }, texts().monitors[name]);
  }

  #radio(act: string, label: string, checked: boolean, onClick: () => void): HTMLElement {
    return h(
      "button",
      {
        class: "segment",
        attrs: { type: "button", role: "radio", "aria-checked": String(checked), "data-act": act },
        on: { click: onClick },
      },
      label,
    );
  }

  #select(
    id: string,
    options: readonly (readonly [string, string])[],
    selected: string,
    onChange: (value: string) => void,
  ): HTMLSelectElement {
    return h(
      "select",
      { attrs: { id }, on: { change: (event) => onChange((event.target as HTMLSelectElement).value) } },
      ...options.map(([value, label]) =>
        h("option", { attrs: { value, ...(value === selected ? { selected: "" } : {}) } }, label),
      ),
    );
  }
}

/** Returns what the person has chosen so far, for another layout; null where it makes no sense any more. */
function redraft(draft: Draft, before: DesktopLayout | null, after: DesktopLayout): Draft | null {
  if (before?.monitors.length !== after.monitors.length) return null;
  if (draft.sizesChosen) return draft;
  const last = after.monitors.at(-1);
  const sizes = draft.sizes.map((size, index) => after.monitors[index] ?? last ?? size);
  return { ...draft, sizes: sizes.map(({ width, height }) => ({ width, height })) };
}

function formatSize({ width, height }: Size): string {
  return `${width}x${height}`;
}

function parseSize(value: string): Size {
  const [width = 0, height = 0] = value.split("x").map(Number);
  return { width, height };
}

/** Returns the sizes to choose from: the display's own, the presets, and the monitor's current size. */
function sizeOptions(current: Size, display: Size): [string, string][] {
  const t = texts().monitors;
  const label = ({ width, height }: Size): string => `${width} × ${height}`;
  const options = new Map([[formatSize(display), `${label(display)} – ${t.thisDisplay}`]]);
  for (const size of [...PRESETS, current]) {
    if (!options.has(formatSize(size))) options.set(formatSize(size), label(size));
  }
  return [...options];
}

function draw(image: ImageData): HTMLCanvasElement {
  const canvas = h("canvas", { class: "monitor-thumbnail", attrs: { "aria-hidden": "true" } });
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d", { alpha: false })?.putImageData(image, 0, 0);
  return canvas;
}
