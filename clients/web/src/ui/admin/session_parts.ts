/** What is shown of a session: its state, its latency by stage, its processes and its badge. */

import type { Counts, DesktopProcess, Session, Stage } from "../../gateway/admin/shapes.ts";
import { h } from "../dom.ts";
import { rangeBar, StackedBar } from "./charts.ts";
import { durationText, memoryText, numberText } from "./format.ts";
import { emptyState } from "./list_view.ts";
import { state } from "./parts.ts";
import { Table } from "./table.ts";
import { adminTexts, nameIn } from "./texts.ts";

/** What is known of the badge, in the order of the bar. */
const EXACTNESS = ["exact", "changing", "other"];

/** State of a session, with the time since which nobody displays it. */
export function sessionState(session: Session): HTMLElement {
  const t = adminTexts();
  // A desktop of a pool that nobody has got yet.
  if (session.person === "" && session.state === "ready") return state("waiting");
  if (session.unattendedSince === null) return state(session.state);
  const time = durationText(Date.now() - session.unattendedSince);
  return h("span", {}, state("unattended"), h("span", { class: "muted second-line" }, t.sessions.unattended(time)));
}

/** Bars of the stages of a frame, from the desktop to the browser. */
export function latencyBars(stages: readonly Stage[] | null): HTMLElement {
  const t = adminTexts();
  if (stages === null || stages.length === 0) return emptyState(t.messages.empty.latency);
  const largest = Math.max(...stages.map(({ p95Ms }) => p95Ms));
  return h(
    "div",
    {},
    h("p", { class: "muted" }, t.sessions.latencyHint),
    h(
      "table",
      { class: "bars" },
      h("caption", { class: "sr-only" }, t.sessions.latency),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { attrs: { scope: "col" } }, h("span", { class: "sr-only" }, t.sessions.latency)),
          h("td", {}),
          h("th", { class: "number", attrs: { scope: "col" } }, "p50"),
          h("th", { class: "number", attrs: { scope: "col" } }, "p95"),
        ),
      ),
      h("tbody", {}, ...stages.map((stage) => stageRow(stage, largest))),
    ),
  );
}

function stageRow(stage: Stage, largest: number): HTMLElement {
  const ms = (value: number): string => `${numberText(value, value < 10 ? 1 : 0)} ms`;
  const bar = h("td", { class: "range" });
  bar.append(rangeBar(stage.p50Ms, stage.p95Ms, largest));
  return h(
    "tr",
    {},
    h("th", { attrs: { scope: "row" } }, nameIn(adminTexts().stages, stage.name)),
    bar,
    h("td", { class: "number" }, ms(stage.p50Ms)),
    h("td", { class: "number" }, ms(stage.p95Ms)),
  );
}

/** The processes of a desktop, the busiest first. */
export function processTable(processes: readonly DesktopProcess[] | null): HTMLElement {
  const t = adminTexts();
  if (processes === null || processes.length === 0) return emptyState(t.messages.empty.processes);
  const numbered = [...processes]
    .sort((a, b) => (b.cpuPercent ?? 0) - (a.cpuPercent ?? 0) || b.memory - a.memory)
    .map((process, index) => ({ ...process, index }));
  const table = new Table<DesktopProcess & { readonly index: number }>({
    caption: t.sessions.processes,
    keyOf: ({ index }) => String(index),
    columns: [
      { label: t.sessions.processes, cell: ({ name }) => name },
      {
        label: t.sessions.processor,
        class: "number",
        cell: ({ cpuPercent }) => (cpuPercent === null ? "–" : `${numberText(cpuPercent, 1)} %`),
      },
      { label: t.sessions.memory, class: "number", cell: ({ memory }) => memoryText(memory) },
    ],
  });
  table.show(numbered);
  return table.element;
}

/** For how long the windows of a session were exact. */
export function exactnessBar(seconds: Counts | null): HTMLElement {
  const t = adminTexts();
  const shown = EXACTNESS.map((name) => [name, Math.round(seconds?.[name] ?? 0)] as const);
  if (shown.every(([, count]) => count === 0)) return emptyState(t.messages.empty.exactness);
  const bar = new StackedBar((count) => durationText(count * 1000));
  bar.show(shown, (name) => nameIn(t.exactness, name));
  return bar.element;
}
