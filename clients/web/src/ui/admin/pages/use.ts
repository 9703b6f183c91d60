/** The report of use: the most people at the same time, per pool and hour, as a heat map that is a table. */

import { useOf } from "../../../gateway/admin/admin_client.ts";
import type { UseHour } from "../../../gateway/admin/shapes.ts";
import { h } from "../../dom.ts";
import { sentences } from "../../message.ts";
import { type HeatDay, heatDays, heatLevel } from "../chart_geometry.ts";
import { numberText, weekdayText } from "../format.ts";
import { emptyState } from "../list_view.ts";
import { section } from "../parts.ts";
import { adminTexts } from "../texts.ts";
import type { Admin, View } from "../view.ts";

/** Periods that can be chosen, days. */
const PERIODS = [7, 14, 31];

export function useView(admin: Admin): View {
  const t = adminTexts();
  const result = h(
    "div",
    { class: "use-result", attrs: { "aria-busy": "true" } },
    h("p", { class: "muted" }, t.loading),
  );
  const days = h(
    "select",
    { class: "field", on: { change: () => void load() } },
    ...PERIODS.map((n) => h("option", { attrs: { value: String(n) } }, t.use.lastDays(numberText(n)))),
  );
  let turn = 0;
  const load = async (): Promise<void> => {
    const now = ++turn;
    const answer = await useOf(Number(days.value));
    if (now !== turn) return;
    result.setAttribute("aria-busy", "false");
    if (answer.ok) {
      result.replaceChildren(...maps(answer.value));
      return;
    }
    const reason = admin.messageOf(answer.failure);
    if (reason !== null)
      result.replaceChildren(h("p", { class: "alert", attrs: { role: "alert" } }, sentences(reason)));
  };
  return {
    element: h(
      "div",
      { class: "list" },
      h("h1", {}, t.nav.use),
      h(
        "div",
        { class: "list-tools" },
        h("p", { class: "muted" }, t.use.hint),
        h("span", { class: "spacer" }),
        h("label", { class: "filter" }, h("span", {}, t.use.days), days),
      ),
      result,
    ),
    title: t.nav.use,
    shown: () => void load(),
    close: () => {
      turn += 1;
    },
  };
}

/** One heat map for each pool, the busiest pool first. */
function maps(entries: readonly UseHour[]): readonly HTMLElement[] {
  const t = adminTexts();
  const pools = new Map<string, UseHour[]>();
  for (const entry of entries) pools.set(entry.pool, [...(pools.get(entry.pool) ?? []), entry]);
  if (pools.size === 0) return [emptyState(t.messages.empty.use)];
  return [...pools]
    .map(([pool, hours]) => ({ pool, hours, peak: Math.max(...hours.map(({ peak }) => peak)) }))
    .sort((a, b) => b.peak - a.peak)
    .map(({ pool, hours, peak }) =>
      section(pool, h("p", { class: "muted" }, t.use.peak(numberText(peak))), heatMap(pool, heatDays(hours), peak)),
    );
}

function heatMap(pool: string, days: readonly HeatDay[], peak: number): HTMLElement {
  const t = adminTexts().use;
  const hours = Array.from({ length: 24 }, (_, hour) => h("th", { attrs: { scope: "col" } }, String(hour)));
  const row = ({ day, hours: peaks }: HeatDay): HTMLElement =>
    h(
      "tr",
      {},
      h("th", { attrs: { scope: "row" } }, weekdayText(day)),
      ...peaks.map((value) =>
        value === null
          ? h("td", { class: "unknown" }, "")
          : h("td", { class: `heat-${heatLevel(value, peak)}` }, numberText(value)),
      ),
    );
  return h(
    "div",
    { class: "table-frame", attrs: { tabindex: "0", role: "group", "aria-label": pool } },
    h(
      "table",
      { class: "heat" },
      h("caption", { class: "sr-only" }, `${pool}: ${t.hint}`),
      h("thead", {}, h("tr", {}, h("th", { attrs: { scope: "col" } }, t.day), ...hours)),
      h("tbody", {}, ...days.map(row)),
    ),
  );
}
