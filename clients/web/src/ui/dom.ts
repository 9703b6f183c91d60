/**
 * Creates elements. Texts are inserted as text, never as HTML. Styles are set by classes, because the page's
 * Content-Security-Policy forbids inline styles in markup.
 */

type Child = Node | string | null;
type Listeners = { readonly [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };

export interface Props {
  readonly class?: string;
  readonly attrs?: Readonly<Record<string, string>>;
  readonly on?: Listeners;
}

/** Creates an element with its class, attributes, listeners and children; null children are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props,
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (props.class !== undefined) element.className = props.class;
  for (const [name, value] of Object.entries(props.attrs ?? {})) element.setAttribute(name, value);
  for (const [type, listen] of Object.entries(props.on ?? {})) element.addEventListener(type, listen as EventListener);
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/** Creates an icon from paths on a grid of 24 × 24 units, drawn in the text's colour. Hidden from screen readers. */
export function strokes(...paths: string[]): SVGSVGElement {
  const svg = document.createElementNS(SVG_NAMESPACE, "svg");
  for (const [name, value] of Object.entries({
    viewBox: "0 0 24 24",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "1.75",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
    focusable: "false",
    class: "icon",
  })) {
    svg.setAttribute(name, value);
  }
  for (const d of paths) {
    const path = document.createElementNS(SVG_NAMESPACE, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

/** Creates a button that shows an icon; `label` is its name and tooltip. */
export function button(label: string, icon: SVGSVGElement, className: string, onClick: () => void): HTMLButtonElement {
  return h(
    "button",
    { class: className, attrs: { type: "button", "aria-label": label, title: label }, on: { click: onClick } },
    icon,
  );
}

/** Keeps the keyboard in a modal dialog: Tab goes from its last control to the first, and Shift+Tab the other way round. */
export function keepFocusInside(dialog: HTMLElement): void {
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Tab") return;
    const controls = [...dialog.querySelectorAll<HTMLElement>("button, a[href], input, select")];
    const usable = controls.filter((control) => !control.hasAttribute("disabled"));
    const [first, last] = [usable[0], usable.at(-1)];
    const { activeElement } = document;
    if (activeElement !== (event.shiftKey ? first : last) && activeElement !== dialog) return;
    event.preventDefault();
    (event.shiftKey ? last : first)?.focus();
  });
}
