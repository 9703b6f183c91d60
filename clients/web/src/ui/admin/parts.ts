/** Small parts that several pages of the administration have. */

import { pathTo } from "../../base.ts";
import type { Pool } from "../../gateway/admin/shapes.ts";
import { h } from "../dom.ts";
import { language } from "../preferences.ts";
import { adminTexts, nameIn } from "./texts.ts";

/** What a state means for whoever looks at it: the colour of its dot. */
const TONES: Readonly<Record<string, "good" | "busy" | "warn" | "bad" | "still">> = {
  ready: "good",
  running: "good",
  normal: "good",
  active: "good",
  enabled: "good",
  exact: "good",
  done: "good",
  assigned: "good",
  released: "busy",
  "not-wiped": "bad",
  starting: "busy",
  probing: "busy",
  refining: "busy",
  changing: "busy",
  maintenance: "warn",
  unattended: "still",
  lossy: "warn",
  scaled: "warn",
  refused: "warn",
  disabled: "still",
  leaver: "still",
  failed: "bad",
  restrained: "bad",
  unverified: "bad",
};

/** A state as a word with a dot in its colour. */
export function state(word: string, names: Readonly<Record<string, string>> = adminTexts().states): HTMLElement {
  return h(
    "span",
    { class: "state", attrs: { "data-tone": TONES[word] ?? "still" } },
    h("span", { class: "dot" }),
    word === "" ? adminTexts().unknown : nameIn(names, word),
  );
}

/** Facts in two columns: names and values. Facts without a value are left out. */
export function facts(...rows: readonly (readonly [string, Node | string | null])[]): HTMLElement {
  const shown = rows.filter(([, value]) => value !== null && value !== "");
  return h("dl", { class: "facts" }, ...shown.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** A part of a page with its heading. */
export function section(title: string, ...children: (Node | string | null)[]): HTMLElement {
  return h("section", { class: "card section" }, h("h2", {}, title), ...children);
}

/** A link to another page of the administration. */
export function link(path: string, text: string): HTMLElement {
  return h("a", { attrs: { href: pathTo(path) } }, text);
}

/** A button with its name. */
export function action(label: string, onClick: () => void, className = "secondary"): HTMLButtonElement {
  return h("button", { class: className, attrs: { type: "button" }, on: { click: onClick } }, label);
}

/** A list of words, or the word for none. */
export function words(list: readonly string[], names: Readonly<Record<string, string>> = {}): string {
  return list.map((word) => nameIn(names, word)).join(", ");
}

/** Returns the name of a pool in the current language. */
export function poolTitle({ name, titles }: Pool): string {
  return titles[language()] || titles.en || name;
}
