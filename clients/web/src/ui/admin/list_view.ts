/** A list of the server: search, filters, parts, and updates. The address has the query, so that a reload keeps it. */

import type { ListQuery } from "../../gateway/admin/admin_client.ts";
import type { PageOf } from "../../gateway/admin/shapes.ts";
import type { Answer } from "../../gateway/gateway_client.ts";
import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { type Message, sentences } from "../message.ts";
import { numberText } from "./format.ts";
import { Paging } from "./paging.ts";
import type { Table } from "./table.ts";
import { adminTexts } from "./texts.ts";
import type { Admin } from "./view.ts";

/** Items of one part of a list. */
const PART_SIZE = 50;
/** After the last key of a search the server is asked after this time, ms. */
const TYPING_MS = 200;
/** However often the server says that something changed, the list is loaded at most once in this time, ms. */
const UPDATE_MS = 2_000;

/** A choice above the list. The first option is "all". */
export interface Filter {
  readonly name: string;
  readonly label: string;
  readonly kind: "choice" | "text" | "date";
  readonly options?: readonly (readonly [string, string])[];
}

export interface ListOptions<T> {
  readonly admin: Admin;
  readonly title: string;
  readonly table: Table<T>;
  load(query: ListQuery): Promise<Answer<PageOf<T>>>;
  readonly searchLabel: string;
  readonly filters?: readonly Filter[];
  /** What is said when there is nothing at all, and when the query finds nothing. */
  readonly empty: Message;
  readonly nothingFound: Message;
  /** What is between the heading and the search. */
  readonly banner?: HTMLElement;
  /** Buttons beside the search. */
  readonly actions?: readonly HTMLElement[];
  /** Returns what a filter is sent as; without it the value itself. */
  filterValue?(name: string, value: string): string;
}

export class ListView<T> {
  readonly element: HTMLElement;
  readonly search: HTMLInputElement;
  readonly #options: ListOptions<T>;
  readonly #paging = new Paging(PART_SIZE);
  readonly #controls: ReadonlyMap<string, HTMLInputElement | HTMLSelectElement>;
  readonly #range = h("span", { class: "muted", attrs: { role: "status" } });
  readonly #previous: HTMLButtonElement;
  readonly #next: HTMLButtonElement;
  readonly #pager: HTMLElement;
  readonly #message = h("div", { class: "list-message" });
  #turn = 0;
  #loading: Promise<void> = Promise.resolve();
  #typing: ReturnType<typeof setTimeout> | undefined;
  #update: ReturnType<typeof setTimeout> | undefined;
  #updatedAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: ListOptions<T>) {
    const t = adminTexts();
    const given = new URLSearchParams(location.search);
    this.#options = options;
    this.search = h("input", {
      class: "field search",
      attrs: {
        type: "search",
        placeholder: options.searchLabel,
        "aria-label": `${t.list.search}: ${options.searchLabel}`,
        "aria-keyshortcuts": "/",
        autocomplete: "off",
        spellcheck: "false",
        maxlength: "200",
      },
      on: { input: () => this.#typed(), keydown: (event) => this.#searchKey(event) },
    });
    this.search.value = given.get("q") ?? "";
    this.#controls = new Map((options.filters ?? []).map((filter) => [filter.name, this.#control(filter, given)]));
    this.#previous = pageButton(t.list.previous, "‹", () => this.#turnPage(this.#paging.back()));
    this.#next = pageButton(t.list.next, "›", () => this.#turnPage(this.#paging.forward()));
    this.#pager = h("span", { class: "pager", attrs: { hidden: "" } }, this.#range, this.#previous, this.#next);
    this.element = h(
      "div",
      { class: "list" },
      h("h1", {}, options.title),
      options.banner ?? null,
      h(
        "div",
        { class: "list-tools" },
        this.search,
        ...(options.filters ?? []).map((filter) =>
          h("label", { class: "filter" }, h("span", {}, filter.label), this.#controls.get(filter.name) ?? null),
        ),
        h("span", { class: "spacer" }),
        ...(options.actions ?? []),
        this.#pager,
      ),
      options.table.element,
      this.#message,
    );
    options.table.element.hidden = true;
    this.#message.append(h("p", { class: "muted" }, t.loading));
  }

  /** Loads what is shown. Call it when the element is in the document, and after an act. */
  refresh(): Promise<void> {
    this.#loading = this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    clearTimeout(this.#update);
    this.#update = undefined;
    this.#updatedAtMs = Date.now();
    const turn = ++this.#turn;
    const answer = await this.#options.load(this.#query());
    if (turn !== this.#turn || this.#closed) return;
    if (answer.ok) this.#show(answer.value);
    else this.#fail(answer.failure);
  }

  /** The server says that the list may have changed. */
  changed(): void {
    if (this.#update !== undefined || this.#closed) return;
    const waitMs = Math.max(0, this.#updatedAtMs + UPDATE_MS - Date.now());
    this.#update = setTimeout(() => void this.refresh(), waitMs);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#typing);
    clearTimeout(this.#update);
  }

  /** Sets what can be chosen for a filter, after the option "all". The chosen value stays. */
  offer(name: string, options: readonly (readonly [string, string])[]): void {
    const control = this.#controls.get(name);
    if (!(control instanceof HTMLSelectElement)) return;
    const chosen = control.value || (new URLSearchParams(location.search).get(name) ?? "");
    const all = ["", adminTexts().list.all] as const;
    control.replaceChildren(...[all, ...options].map(([value, label]) => h("option", { attrs: { value } }, label)));
    control.value = chosen;
    // Where there is nothing to choose, the choice is left out.
    control.closest("label")?.toggleAttribute("hidden", options.length === 0 && chosen === "");
  }

  #values(): [string, string][] {
    const filters = [...this.#controls].map(([name, control]): [string, string] => [name, control.value.trim()]);
    return [["q", this.search.value.trim()], ...filters];
  }

  #query(): ListQuery {
    const values = this.#values().map(([name, value]): [string, string] => [
      name,
      value === "" ? "" : (this.#options.filterValue?.(name, value) ?? value),
    ]);
    return { ...Object.fromEntries(values), limit: PART_SIZE, after: this.#paging.after };
  }

  #show(page: PageOf<T>): void {
    const t = adminTexts();
    this.#paging.received(page.items.length, page.next, page.total);
    if (page.items.length === 0 && this.#paging.hasPrevious) {
      // The last item of this part is gone.
      this.#turnPage(this.#paging.back());
      return;
    }
    const { table, empty, nothingFound } = this.#options;
    table.element.hidden = page.items.length === 0;
    // Times such as "running for" are drawn again every minute.
    table.show(page.items, String(Math.floor(Date.now() / 60_000)));
    this.#range.textContent =
      page.items.length === 0
        ? ""
        : t.list.range(numberText(this.#paging.first), numberText(this.#paging.last), numberText(page.total));
    this.#pager.hidden = page.items.length === 0;
    this.#previous.disabled = !this.#paging.hasPrevious;
    this.#next.disabled = !this.#paging.hasNext;
    const everything = this.#values().every(([, value]) => value === "");
    this.#message.replaceChildren(...(page.items.length > 0 ? [] : [emptyState(everything ? empty : nothingFound)]));
  }

  #fail(failure: Parameters<Admin["messageOf"]>[0]): void {
    const reason = this.#options.admin.messageOf(failure);
    if (reason === null) return;
    const t = adminTexts();
    const retry = h(
      "button",
      { class: "secondary", attrs: { type: "button" }, on: { click: () => void this.refresh() } },
      t.retry,
    );
    this.#message.replaceChildren(
      h("div", { class: "empty", attrs: { role: "alert" } }, icon("warning"), h("p", {}, sentences(reason)), retry),
    );
    // What was loaded stays: it is better than nothing while the server is away.
  }

  #turnPage(moved: boolean): void {
    if (moved) void this.refresh().then(() => this.#options.table.element.scrollIntoView({ block: "nearest" }));
  }

  #typed(): void {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#queryChanged(), TYPING_MS);
  }

  /** Waits until the list shows what the search says. */
  async #settled(): Promise<void> {
    if (this.#typing !== undefined) this.#queryChanged();
    await this.#loading;
  }

  #queryChanged(): void {
    clearTimeout(this.#typing);
    this.#typing = undefined;
    const search = new URLSearchParams(this.#values().filter(([, value]) => value !== ""));
    history.replaceState(history.state, "", search.size > 0 ? `${location.pathname}?${search}` : location.pathname);
    this.#paging.restart();
    void this.refresh();
  }

  #searchKey(event: KeyboardEvent): void {
    if (event.isComposing) return; // Enter and arrows belong to the input method.
    if (event.key === "ArrowDown") {
      event.preventDefault();
      void this.#settled().then(() => this.#options.table.focusFirst());
    }
    if (event.key === "Enter") {
      event.preventDefault();
      this.#queryChanged();
    }
  }

  #control(filter: Filter, given: URLSearchParams): HTMLInputElement | HTMLSelectElement {
    const changed = { on: { change: () => this.#queryChanged() } };
    const control =
      filter.kind === "choice"
        ? h(
            "select",
            { class: "field", ...changed },
            ...[["", adminTexts().list.all] as const, ...(filter.options ?? [])].map(([value, label]) =>
              h("option", { attrs: { value } }, label),
            ),
          )
        : h("input", {
            class: "field",
            attrs: { type: filter.kind, autocomplete: "off", spellcheck: "false", maxlength: "200" },
            ...changed,
          });
    const value = given.get(filter.name) ?? "";
    // The options of a choice may arrive later.
    if (filter.kind === "choice" && value !== "" && filter.options?.every(([known]) => known !== value))
      control.append(h("option", { attrs: { value } }, value));
    control.value = value;
    return control;
  }
}

/** What a page shows instead of a list that is empty: why, and what to do. */
export function emptyState({ what, why, next }: Message): HTMLElement {
  return h(
    "div",
    { class: "empty" },
    h("p", {}, h("strong", {}, what)),
    h("p", { class: "muted" }, why),
    h("p", { class: "muted" }, next),
  );
}

function pageButton(label: string, sign: string, onClick: () => void): HTMLButtonElement {
  return h(
    "button",
    {
      class: "quiet square",
      attrs: { type: "button", "aria-label": label, title: label, disabled: "" },
      on: { click: onClick },
    },
    sign,
  );
}
