/** Health: what the server checks about itself, and what to do about a check that failed. */

import { health } from "../../../gateway/admin/admin_client.ts";
import type { HealthCheck } from "../../../gateway/admin/shapes.ts";
import { h } from "../../dom.ts";
import { icon } from "../../icons.ts";
import { sentences } from "../../message.ts";
import { numberText } from "../format.ts";
import { adminTexts, nameIn } from "../texts.ts";
import type { Admin, View } from "../view.ts";

/** Interval between two questions to the server, ms. */
const ASK_INTERVAL_MS = 15_000;

export function healthView(admin: Admin): View {
  const t = adminTexts();
  const alert = h("p", { class: "alert", attrs: { role: "alert" } });
  const summary = h("p", { class: "health-summary", attrs: { role: "status" } }, t.loading);
  const list = h("ul", { class: "checks" });
  let drawn = "";
  let closed = false;
  const draw = (checks: readonly HealthCheck[]): void => {
    alert.textContent = "";
    const key = JSON.stringify(checks);
    if (key === drawn) return;
    drawn = key;
    const failed = checks.filter(({ ok }) => !ok).length;
    summary.dataset.ok = String(failed === 0);
    summary.textContent =
      failed === 0 ? t.health.fine : failed === 1 ? t.health.oneFailed : t.health.notFine(numberText(failed));
    const sorted = [...checks].sort((a, b) => Number(a.ok) - Number(b.ok));
    list.replaceChildren(...sorted.map(entry));
  };
  const refresh = async (): Promise<void> => {
    const answer = await health();
    if (closed) return;
    if (answer.ok) {
      draw(answer.value);
      return;
    }
    const reason = admin.messageOf(answer.failure);
    if (reason !== null) alert.textContent = sentences(reason);
  };
  const timer = setInterval(() => {
    if (document.visibilityState === "visible") void refresh();
  }, ASK_INTERVAL_MS);
  return {
    element: h("div", { class: "list" }, h("h1", {}, t.nav.health), alert, summary, list),
    title: t.nav.health,
    shown: () => void refresh(),
    close: () => {
      closed = true;
      clearInterval(timer);
    },
  };
}

function entry({ name, ok, text, nextStep }: HealthCheck): HTMLElement {
  const t = adminTexts().health;
  return h(
    "li",
    { class: "card check", attrs: { "data-ok": String(ok) } },
    h(
      "span",
      { class: "check-icon" },
      icon(ok ? "exact" : "warning"),
      h("span", { class: "sr-only" }, ok ? t.ok : t.failed),
    ),
    h(
      "div",
      {},
      h("h2", {}, checkName(name)),
      // The server writes these in English.
      text === "" ? null : h("p", { attrs: { lang: "en" } }, text),
      ok || nextStep === ""
        ? null
        : h("p", { class: "muted" }, `${t.next}: `, h("span", { attrs: { lang: "en" } }, nextStep)),
    ),
  );
}

/** The name of a check in the language of the page: a part of the server, or one of several certificates or pools. */
function checkName(name: string): string {
  const t = adminTexts().health;
  const [kind = "", ...rest] = name.split(" ");
  if (kind === "certificate") return t.certificate(rest.join(" "));
  return kind === "pool" && rest.length > 0 ? t.pool(rest.join(" ")) : nameIn(t.names, name);
}
