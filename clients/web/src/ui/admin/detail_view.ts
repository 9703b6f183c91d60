/** What the pages about one object have in common: loading, updates, and saying that the object does not exist. */

import { pathTo } from "../../base.ts";
import type { Answer } from "../../gateway/gateway_client.ts";
import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { sentences } from "../message.ts";
import { type AdminPageName, adminPath } from "./admin_route.ts";
import { action } from "./parts.ts";
import { adminTexts } from "./texts.ts";
import type { Admin } from "./view.ts";

/** However often the server says that something changed, the object is loaded at most once in this time, ms. */
const UPDATE_MS = 2_000;

export interface DetailOptions<T> {
  readonly admin: Admin;
  /** The list to which the link above the heading leads. */
  readonly list: AdminPageName;
  readonly title: string;
  load(): Promise<Answer<T>>;
  /** Returns what is shown below the heading. */
  draw(value: T): readonly (Node | null)[];
  /** Returns the heading, once the object is loaded. */
  heading?(value: T): string;
}

export class DetailView<T> {
  readonly element: HTMLElement;
  readonly #options: DetailOptions<T>;
  readonly #heading: HTMLElement;
  readonly #content = h("div", { class: "detail" });
  readonly #alert = h("p", { class: "alert", attrs: { role: "alert" } });
  #drawn = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #updatedAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: DetailOptions<T>) {
    const t = adminTexts();
    this.#options = options;
    this.#heading = h("h1", {}, options.title);
    const list = t.nav[options.list];
    this.element = h(
      "div",
      { class: "list" },
      h("a", { class: "back", attrs: { href: pathTo(adminPath(options.list)) } }, `‹ ${t.back(list)}`),
      this.#heading,
      this.#alert,
      this.#content,
    );
    this.#content.append(h("p", { class: "muted" }, t.loading));
  }

  async refresh(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#updatedAtMs = Date.now();
    const answer = await this.#options.load();
    if (this.#closed) return;
    if (answer.ok) this.#show(answer.value);
    else this.#fail(answer.failure);
  }

  changed(): void {
    if (this.#timer !== undefined || this.#closed) return;
    const waitMs = Math.max(0, this.#updatedAtMs + UPDATE_MS - Date.now());
    this.#timer = setTimeout(() => void this.refresh(), waitMs);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #show(value: T): void {
    this.#alert.textContent = "";
    // Times such as "running for" are drawn again every minute, everything else when it changed.
    const key = JSON.stringify(value) + Math.floor(Date.now() / 60_000);
    if (key === this.#drawn) return;
    this.#drawn = key;
    const label = this.#focused();
    if (this.#options.heading !== undefined) this.#heading.textContent = this.#options.heading(value);
    this.#content.replaceChildren(...this.#options.draw(value).filter((part) => part !== null));
    if (label !== null) this.#focus(label);
  }

  #fail(failure: Parameters<Admin["messageOf"]>[0]): void {
    const reason = this.#options.admin.messageOf(failure);
    if (reason === null) return;
    if (this.#drawn !== "" && !(failure.kind === "server" && failure.status === 404)) {
      this.#alert.textContent = sentences(reason);
      return;
    }
    const retry = action(adminTexts().retry, () => void this.refresh());
    this.#drawn = "";
    this.#content.replaceChildren(
      h(
        "div",
        { class: "empty", attrs: { role: "alert" } },
        icon("warning"),
        h("p", {}, reason.what),
        h("p", { class: "muted" }, reason.why),
        h("p", { class: "muted" }, reason.next),
        retry,
      ),
    );
  }

  /** Returns the text of the focused control, by which it is found again after the content was drawn again. */
  #focused(): string | null {
    const { activeElement } = document;
    return this.#content.contains(activeElement) ? (activeElement?.textContent ?? null) : null;
  }

  #focus(label: string): void {
    const controls = [...this.#content.querySelectorAll<HTMLElement>("a, button")];
    controls.find((control) => control.textContent === label)?.focus();
  }
}
