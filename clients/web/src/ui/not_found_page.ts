/** The page of an address at which there is nothing, or whose files cannot be loaded. */

import { pathTo } from "../base.ts";
import { h } from "./dom.ts";
import { icon } from "./icons.ts";
import type { Message } from "./message.ts";
import type { Page } from "./page.ts";
import { brand, settingButtons } from "./settings.ts";
import { texts } from "./texts.ts";

export function notFoundPage(redraw: () => void, message: Message = texts().messages.notFound): Page {
  const { what, why, next } = message;
  const element = h(
    "div",
    { class: "page" },
    h("header", { class: "header" }, brand(), h("span", { class: "spacer" }), ...settingButtons(redraw)),
    h(
      "main",
      { class: "centre" },
      h(
        "div",
        { class: "empty" },
        icon("warning"),
        h("h1", {}, what),
        h("p", { class: "muted" }, why),
        h("p", { class: "muted" }, next),
        h("a", { class: "primary link-button", attrs: { href: pathTo("") } }, texts().connection.toList),
      ),
    ),
  );
  return { element, title: what, shown: () => {}, close: () => {} };
}
