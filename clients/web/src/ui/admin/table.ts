/**
 * A table whose rows are used by keyboard as well. Only rows whose content changed are drawn again, so that an update
 * takes neither the focus nor much time.
 */

import { pathTo } from "../../base.ts";
import { h } from "../dom.ts";

export type Cell = Node | string | null;

export interface Column<T> {
  readonly label: string;
  cell(item: T): Cell;
  readonly class?: string;
  /** The label is for screen readers only. */
  readonly silent?: boolean;
}

export interface TableOptions<T> {
  /** What the table lists, for screen readers. */
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  keyOf(item: T): string;
  /** Path of the page about an item, below the client's address. Without it rows lead nowhere. */
  hrefOf?(item: T): string;
}

interface Row {
  readonly element: HTMLTableRowElement;
  drawn: string;
}

export class Table<T> {
  readonly element: HTMLElement;
  readonly #options: TableOptions<T>;
  readonly #body = h("tbody", {});
  readonly #rows = new Map<string, Row>();

  constructor(options: TableOptions<T>) {
    this.#options = options;
    this.#body.addEventListener("keydown", (event) => this.#key(event));
    this.#body.addEventListener("click", (event) => this.#click(event));
    this.element = h(
      "div",
      { class: "table-frame" },
      h(
        "table",
        { class: options.hrefOf === undefined ? "table" : "table leads" },
        h("caption", { class: "sr-only" }, options.caption),
        h("thead", {}, h("tr", {}, ...options.columns.map(heading))),
        this.#body,
      ),
    );
  }

  /** Shows these items, in this order. Times in cells are drawn again if `clock` differs. */
  show(items: readonly T[], clock = ""): void {
    const wanted = new Set(items.map((item) => this.#options.keyOf(item)));
    for (const [key, row] of this.#rows)
      if (!wanted.has(key)) {
        row.element.remove();
        this.#rows.delete(key);
      }
    let before: HTMLTableRowElement | null = null;
    for (const item of items) {
      const element = this.#draw(item, clock);
      const place: Element | null = before === null ? this.#body.firstElementChild : before.nextElementSibling;
      if (place !== element) this.#body.insertBefore(element, place);
      before = element;
    }
  }

  /** Moves the keyboard to the first row. Returns whether there is one that takes it. */
  focusFirst(): boolean {
    const first = this.#body.querySelector<HTMLElement>("[data-row]");
    first?.focus();
    return first !== null;
  }

  #draw(item: T, clock: string): HTMLTableRowElement {
    const key = this.#options.keyOf(item);
    const content = JSON.stringify(item) + clock;
    const known = this.#rows.get(key);
    if (known?.drawn === content) return known.element;
    const row: Row = known ?? { element: h("tr", {}), drawn: "" };
    const focused = row.element.contains(document.activeElement) ? focusedIn(row.element) : null;
    row.element.replaceChildren(...this.#options.columns.map((column, index) => this.#cell(item, column, index)));
    row.drawn = content;
    this.#rows.set(key, row);
    if (focused !== null) focusIn(row.element, focused);
    return row.element;
  }

  #cell(item: T, column: Column<T>, index: number): HTMLTableCellElement {
    const content = column.cell(item);
    const props = column.class === undefined ? {} : { class: column.class };
    if (index > 0) return h("td", props, content);
    const href = this.#options.hrefOf?.(item);
    const head =
      href === undefined
        ? h("span", { attrs: { "data-row": "", tabindex: "-1" } }, content)
        : h("a", { attrs: { href: pathTo(href), "data-row": "" } }, content);
    return h("th", { ...props, attrs: { scope: "row" } }, head);
  }

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const rows = [...this.#body.querySelectorAll<HTMLElement>("[data-row]")];
    const row = (event.target as Element).closest("tr");
    const index = rows.findIndex((link) => row?.contains(link) === true);
    const target = TARGETS[event.key]?.(index, rows.length - 1);
    if (target === undefined || index < 0) return;
    event.preventDefault();
    rows[target]?.focus();
  }

  #click(event: MouseEvent): void {
    const target = event.target as Element;
    if (target.closest("a, button, input, select") !== null || getSelection()?.isCollapsed === false) return;
    target.closest("tr")?.querySelector<HTMLAnchorElement>("a[data-row]")?.click();
  }
}

/** Which row a key moves the keyboard to. */
const TARGETS: Readonly<Record<string, (index: number, last: number) => number>> = {
  ArrowDown: (index, last) => Math.min(index + 1, last),
  ArrowUp: (index) => Math.max(index - 1, 0),
  Home: () => 0,
  End: (_, last) => last,
};

function heading<T>(column: Column<T>): HTMLElement {
  const label = column.silent === true ? h("span", { class: "sr-only" }, column.label) : column.label;
  return h("th", { ...(column.class === undefined ? {} : { class: column.class }), attrs: { scope: "col" } }, label);
}

/** Returns the number of the focused control of a row. */
function focusedIn(row: HTMLElement): number {
  return [...row.querySelectorAll("a, button")].indexOf(document.activeElement as Element);
}

function focusIn(row: HTMLElement, index: number): void {
  row.querySelectorAll<HTMLElement>("a, button")[index]?.focus();
}
