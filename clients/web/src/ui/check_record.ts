/** What a display check stores about this device, and how earlier checks are listed. */

import type { CheckRecord } from "../gateway/gateway_client.ts";
import { h } from "./dom.ts";
import { texts } from "./texts.ts";
import { deviceName } from "./viewer/device_name.ts";

/** Number of earlier checks that are listed. */
const HISTORY_LENGTH = 5;

/** Describes this device and its display for the record of a check. */
export function describeDevice(): object {
  const ratio = window.devicePixelRatio;
  const gamut = ["rec2020", "p3", "srgb"].find((name) => matchMedia(`(color-gamut: ${name})`).matches);
  return {
    name: deviceName(navigator),
    screen_width: Math.round(screen.width * ratio),
    screen_height: Math.round(screen.height * ratio),
    ratio,
    colour_depth: screen.colorDepth,
    gamut: gamut ?? "",
    high_dynamic_range: matchMedia("(dynamic-range: high)").matches,
  };
}

/** Lists the latest checks; nothing when there are none. */
export function historyElements(records: readonly CheckRecord[]): HTMLElement[] {
  if (records.length === 0) return [];
  const t = texts().check;
  const rows = records
    .slice(0, HISTORY_LENGTH)
    .map((record) =>
      h(
        "li",
        { attrs: { "data-passed": String(record.passed) } },
        h("span", {}, new Date(record.checkedS * 1000).toLocaleString(document.documentElement.lang)),
        h("span", {}, `${record.device}, ${record.screen}`),
        h("span", {}, `${record.passed ? t.ok : t.notOk} (${record.thresholds.map(formatLevel).join(" / ")})`),
      ),
    );
  return [h("h2", { class: "check-history-title" }, t.history), h("ul", { class: "check-history" }, ...rows)];
}

export function formatLevel(level: number | null): string {
  return level === null ? "–" : String(level);
}
