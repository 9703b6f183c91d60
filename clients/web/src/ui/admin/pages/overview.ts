/** The overview: what runs, what people see, and what needs attention. */

import { overview } from "../../../gateway/admin/admin_client.ts";
import * as readers from "../../../gateway/admin/readers.ts";
import type { Counts, Overview, Pool } from "../../../gateway/admin/shapes.ts";
import { isRecord } from "../../../protocol/fields.ts";
import { h } from "../../dom.ts";
import { type Message, sentences } from "../../message.ts";
import { adminPath } from "../admin_route.ts";
import { attentionOf } from "../attention.ts";
import { History } from "../chart_geometry.ts";
import { LineChart, StackedBar } from "../charts.ts";
import { memoryText, numberText, percentText } from "../format.ts";
import { link, poolTitle, section } from "../parts.ts";
import { Table } from "../table.ts";
import { adminTexts, nameIn } from "../texts.ts";
import type { Admin, View } from "../view.ts";
import { inUseText, poolLink, poolState, spareText } from "./pools.ts";

/** Values that a line shows at most, and room that it has at least: it then grows from the right. */
const VALUES_MAX = 180;
const SLOTS_MIN = 24;
/** Pools on the overview; the page of pools has all of them. */
const POOLS_SHOWN = 12;
/** The order of the states in the bar. Others come after them. */
const STATE_ORDER = ["assigned", "ready", "starting", "ending", "failed"];
const EXACTNESS_ORDER = ["exact", "changing", "other"];

export function overviewView(admin: Admin): View {
  const t = adminTexts();
  const o = t.overview;
  const sessions = new Tile(o.sessions);
  const people = new Tile(o.signedIn);
  const latency = new Tile(o.latency, o.latencyHint);
  const load = new Tile(o.load);
  const desktops = new StackedBar();
  const exactness = new StackedBar(percentText);
  const exactnessUnknown = h("p", { class: "muted" }, o.exactnessUnknown);
  const pools = poolTable();
  const attention = h("ul", { class: "attention" });
  const alert = h("p", { class: "alert", attrs: { role: "alert" } });
  let attentionDrawn = "";
  let closed = false;

  const drawAttention = (found: readonly Message[]): void => {
    const key = JSON.stringify(found);
    if (key === attentionDrawn) return; // screen readers read it out when it changes
    attentionDrawn = key;
    attention.replaceChildren(
      ...found.map(({ what, why, next }) =>
        h("li", {}, h("strong", {}, what), h("span", {}, ` ${why} `), h("span", { class: "muted" }, next)),
      ),
    );
    attentionSection.hidden = found.length === 0;
  };
  const draw = (now: Overview): void => {
    alert.textContent = "";
    sessions.show(now.sessions, numberText(now.sessions), o.viewers(numberText(now.viewers)));
    people.show(now.signedIn, numberText(now.signedIn), "");
    const p95 = now.latencyP95Ms;
    latency.show(p95, p95 === null ? "–" : `${numberText(p95)} ms`, p95 === null ? t.unknown : "");
    const { host } = now;
    const busy = host.processors > 0 ? host.load / host.processors : 0;
    load.show(busy, percentText(busy), o.memory(memoryText(host.memoryUsed), memoryText(host.memoryTotal)));
    // A desktop that is ready and belongs to nobody waits for somebody.
    desktops.show(ordered(now.desktops, STATE_ORDER), (name) => nameIn(t.states, name === "ready" ? "waiting" : name));
    exactness.show(sharesOf(now.exactness), (name) => nameIn(t.exactness, name));
    const seen = Object.keys(now.exactness).length > 0;
    exactness.element.hidden = !seen;
    exactnessUnknown.hidden = seen;
    pools.show(now.pools.slice(0, POOLS_SHOWN));
    poolSection.hidden = now.pools.length === 0;
    drawAttention(attentionOf(now, t.messages.attention, poolTitle));
    content.hidden = false;
    loading.hidden = true;
  };
  const refresh = async (): Promise<void> => {
    const answer = await overview();
    if (closed) return;
    if (answer.ok) {
      draw(answer.value);
      return;
    }
    const reason = admin.messageOf(answer.failure);
    if (reason !== null) alert.textContent = sentences(reason);
  };

  const attentionSection = section(o.attention, attention);
  attentionSection.hidden = true;
  const poolSection = section(
    o.pools,
    pools.element,
    h("p", { class: "section-links" }, link(adminPath("pools"), o.allPools)),
  );
  const loading = h("p", { class: "muted" }, t.loading);
  const content = h(
    "div",
    { class: "overview", attrs: { hidden: "" } },
    attentionSection,
    h("div", { class: "tiles" }, ...[sessions, people, latency, load].map(({ element }) => element)),
    h(
      "div",
      { class: "columns" },
      section(o.desktops, desktops.element),
      section(o.exactness, exactness.element, exactnessUnknown),
    ),
    poolSection,
  );
  return {
    element: h("div", { class: "list" }, h("h1", {}, t.nav.overview), alert, loading, content),
    title: t.nav.overview,
    shown: () => void refresh(),
    changed: ({ topic, data }) => {
      if (topic !== "overview") return;
      if (isRecord(data)) draw(readers.overview(data));
      else void refresh();
    },
    close: () => {
      closed = true;
    },
  };
}

/** A number with its recent course. */
class Tile {
  readonly element: HTMLElement;
  readonly #value = h("p", { class: "tile-value" });
  readonly #detail = h("p", { class: "muted tile-detail" });
  readonly #chart = new LineChart();
  readonly #history = new History(VALUES_MAX);

  constructor(title: string, hint = "") {
    this.element = h("section", { class: "card tile" }, h("h2", {}, title), this.#value, this.#detail);
    this.element.append(this.#chart.element);
    if (hint !== "") this.element.title = hint;
  }

  /** Null is not known: the line has no point then. */
  show(value: number | null, text: string, detail: string): void {
    this.#value.textContent = text;
    this.#detail.textContent = detail;
    if (value === null) return;
    this.#history.add(value);
    const { values } = this.#history;
    this.#chart.show(values, Math.max(values.length, SLOTS_MIN));
  }
}

/** Returns counts in an order, then those that the order lacks. */
function ordered(counts: Counts, order: readonly string[]): readonly (readonly [string, number])[] {
  const known = order.filter((name) => Object.hasOwn(counts, name));
  const others = Object.keys(counts).filter((name) => !order.includes(name));
  return [...known, ...others].map((name) => [name, counts[name] ?? 0] as const);
}

/** Returns the fraction of the time in which windows were exact, changing, or neither. */
function sharesOf(seconds: Counts): readonly (readonly [string, number])[] {
  const total = Object.values(seconds).reduce((sum, count) => sum + count, 0);
  if (total === 0) return [];
  return ordered(seconds, EXACTNESS_ORDER).map(([name, count]) => [name, count / total] as const);
}

function poolTable(): Table<Pool> {
  const t = adminTexts();
  const p = t.pools;
  return new Table<Pool>({
    caption: t.overview.pools,
    keyOf: ({ name }) => name,
    columns: [
      { label: p.name, cell: poolLink },
      { label: p.state, cell: poolState },
      { label: p.spare, class: "number", cell: spareText },
      { label: p.starting, class: "number", cell: ({ starting }) => numberText(starting) },
      { label: p.assigned, class: "number", cell: inUseText },
    ],
  });
}
