/** The small charts of the administration: a line, a stacked bar, and bars of stages. */

import { h } from "../dom.ts";
import { linePath, type Segment, segments } from "./chart_geometry.ts";
import { numberText } from "./format.ts";

const SVG = "http://www.w3.org/2000/svg";
/** Size of the line in its own units; the style sheet stretches it. */
const LINE_PX = [160, 40] as const;
const BAR_PX = 1000;

function svg(name: string, attributes: Readonly<Record<string, string | number>>, ...children: Node[]): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** A line of recent values. It only illustrates the number beside it, so screen readers skip it. */
export class LineChart {
  readonly element: SVGElement;
  readonly #line = svg("path", { class: "chart-line", d: "", "vector-effect": "non-scaling-stroke" });
  readonly #area = svg("path", { class: "chart-area", d: "" });

  constructor() {
    const [width, height] = LINE_PX;
    this.element = svg(
      "svg",
      {
        class: "line-chart",
        viewBox: `0 -2 ${width} ${height + 4}`,
        preserveAspectRatio: "none",
        "aria-hidden": "true",
        focusable: "false",
      },
      this.#area,
      this.#line,
    );
  }

  show(values: readonly number[], slots: number): void {
    const [width, height] = LINE_PX;
    const path = linePath(values, width, height, slots);
    const from = path.slice(1).split(" ")[0] ?? "0";
    this.#line.setAttribute("d", path);
    this.#area.setAttribute("d", path === "" ? "" : `${path}L${width} ${height}L${from} ${height}Z`);
  }
}

/** A bar of parts with its legend. `name` is the class of a part, which has its colour. */
export class StackedBar {
  readonly element: HTMLElement;
  readonly #svg = svg("svg", {
    class: "stacked-bar",
    viewBox: `0 0 ${BAR_PX} 10`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
    focusable: "false",
  });
  readonly #legend = h("ul", { class: "legend" });
  readonly #write: (count: number) => string;
  #drawn = "";

  /** `write` writes a count of the legend. */
  constructor(write: (count: number) => string = numberText) {
    this.#write = write;
    this.element = h("div", { class: "stacked" });
    this.element.append(this.#svg, this.#legend);
  }

  show(counts: readonly (readonly [string, number])[], label: (name: string) => string): void {
    const key = JSON.stringify(counts.map(([name, count]) => [label(name), count]));
    if (key === this.#drawn) return;
    this.#drawn = key;
    const parts = segments(counts, BAR_PX);
    this.#svg.replaceChildren(...parts.map(partOf));
    this.#legend.replaceChildren(
      ...counts.map(([name, count]) =>
        h(
          "li",
          { class: count === 0 ? "none" : "" },
          h("span", { class: `swatch part-${name}` }),
          h("span", {}, label(name)),
          h("strong", {}, this.#write(count)),
        ),
      ),
    );
  }
}

function partOf({ name, x, width }: Segment): SVGElement {
  // A gap between the parts keeps them apart for people who do not see the colours.
  return svg("rect", { class: `part-${name}`, x, y: 0, width: Math.max(width - 4, 1), height: 10 });
}

/** A horizontal bar for a value and a lighter one for a larger value, both of a common largest one. */
export function rangeBar(value: number, larger: number, largest: number): SVGElement {
  const scale = largest > 0 ? 100 / largest : 0;
  return svg(
    "svg",
    {
      class: "range-bar",
      viewBox: "0 0 100 8",
      preserveAspectRatio: "none",
      "aria-hidden": "true",
      focusable: "false",
    },
    svg("rect", { class: "range-larger", x: 0, y: 0, width: larger * scale, height: 8 }),
    svg("rect", { class: "range-value", x: 0, y: 0, width: value * scale, height: 8 }),
  );
}
