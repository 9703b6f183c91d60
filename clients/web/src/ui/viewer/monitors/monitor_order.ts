/** The order in which a person goes through the monitors: from left to right, then from top to bottom. Pure. */

import type { Monitor } from "../../../protocol/messages.ts";
import { bounds, type Size } from "./monitor_layout.ts";

/** Returns the monitors' numbers from left to right, then from top to bottom. */
export function readingOrder(monitors: readonly Monitor[]): number[] {
  return [...monitors].sort((one, other) => one.x - other.x || one.y - other.y).map((monitor) => monitor.id);
}

/**
 * Returns the first monitor to show after going `steps` monitors on from those that are shown.
 *
 * Returns null beyond either end: a swipe at the end must not jump across the whole desk.
 */
export function monitorAfter(monitors: readonly Monitor[], shown: readonly number[], steps: number): number | null {
  const order = readingOrder(monitors);
  const first = Math.min(...shown.map((monitor) => order.indexOf(monitor)));
  const target = first + steps;
  return first < 0 || target < 0 || target + shown.length > order.length ? null : (order[target] ?? null);
}

/** Returns the monitor that a split view shows beside `own`, and on which side of it; null when `own` is alone. */
export function splitPartner(
  monitors: readonly Monitor[],
  own: number,
): { readonly monitor: number; readonly side: "before" | "after" } | null {
  const next = monitorAfter(monitors, [own], 1);
  if (next !== null) return { monitor: next, side: "after" };
  const previous = monitorAfter(monitors, [own], -1);
  return previous === null ? null : { monitor: previous, side: "before" };
}

/** Checks a layout that was stored as JSON. Returns null when it is malformed or larger than `screenMax`. */
export function parseLayout(value: unknown, screenMax: Size): Monitor[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const monitors: Monitor[] = [];
  for (const entry of value as readonly Partial<Monitor>[]) {
    const { id, x, y, width, height, primary } = entry ?? {};
    if (![id, x, y, width, height].every((number) => Number.isInteger(number))) return null;
    monitors.push({ id, x, y, width, height, primary: primary === true } as Monitor);
  }
  const screen = bounds(monitors);
  return screen.width <= screenMax.width && screen.height <= screenMax.height ? monitors : null;
}

/** Returns whether two layouts are the same, in whatever order they list their monitors. */
export function sameLayout(one: readonly Monitor[], other: readonly Monitor[]): boolean {
  const normalised = (monitors: readonly Monitor[]): string =>
    JSON.stringify(
      [...monitors].sort((a, b) => a.id - b.id).map(({ id, x, y, width, height }) => [id, x, y, width, height]),
    );
  return normalised(one) === normalised(other);
}
