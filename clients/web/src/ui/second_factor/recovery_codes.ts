/** Shows new recovery codes, once. */

import { h } from "../dom.ts";
import { sentences } from "../message.ts";
import { texts } from "../texts.ts";
import { workButton } from "./form_parts.ts";

/** Creates the list of codes, with buttons to print and to copy them. `done` is called when the person has kept them. */
export function recoveryCodes(codes: readonly string[], account: string, done: () => void): HTMLElement {
  const t = texts().secondFactor;
  const status = h("p", { class: "muted", attrs: { role: "status" } });
  const copy = workButton(t.copy, "secondary", async () => {
    try {
      await navigator.clipboard.writeText(codes.join("\n"));
      status.textContent = t.copied;
    } catch {
      status.textContent = sentences(texts().messages.secondFactor.notCopied);
    }
  });
  const print = h(
    "button",
    { class: "secondary", attrs: { type: "button" }, on: { click: () => window.print() } },
    t.print,
  );
  const kept = h("button", { class: "primary", attrs: { type: "button" }, on: { click: done } }, t.kept);
  return h(
    "section",
    { class: "recovery-codes", attrs: { "aria-labelledby": "recovery-title" } },
    h("h2", { attrs: { id: "recovery-title", tabindex: "-1" } }, t.newCodes),
    h("p", { class: "only-printed" }, `${texts().product} · ${location.host} · ${account}`),
    h("p", {}, t.newCodesHint),
    h("ol", { class: "codes" }, ...codes.map((code) => h("li", {}, h("code", {}, code)))),
    h("div", { class: "message-actions" }, print, copy),
    status,
    kept,
  );
}
