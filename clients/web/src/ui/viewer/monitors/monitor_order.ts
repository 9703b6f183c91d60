/** Monitors as a person goes through them: from left to right, then from top to bottom. Pure. */

import type { Monitor } from "../../../protocol/messages.ts";
import { bounds, type Size } from "./monitor_layout.ts";

/** Their numbers. */
export function reading(monitors: readonly Monitor[]): number[] {
  return [...monitors].sort((one, other) => one.x - other.x || one.y - other.y).map((monitor) => monitor.id);
}

/** What is shown after going `by` monitors on from those that are shown; null beyond the ends: a swipe there must not jump across the desk. */
export function turned(monitors: readonly Monitor[], shown: readonly number[], by: number): number | null {
  const order = reading(monitors);
  const first = Math.min(...shown.map((monitor) => order.indexOf(monitor)));
  const to = first + by;
  return first < 0 || to < 0 || to + shown.length > order.length ? null : (order[to] ?? null);
}

/** Which one stands beside a monitor where two are shown, and on which side of it; null where it is alone. */
export function beside(
  monitors: readonly Monitor[],
  own: number,
): { readonly monitor: number; readonly side: "before" | "after" } | null {
  const next = turned(monitors, [own], 1);
  if (next !== null) return { monitor: next, side: "after" };
  const previous = turned(monitors, [own], -1);
  return previous === null ? null : { monitor: previous, side: "before" };
}

/** An arrangement that was kept as JSON; null when it is none, or too large for a desktop that goes to `most` px. */
export function kept(value: unknown, most: Size): Monitor[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const monitors: Monitor[] = [];
  for (const entry of value as readonly Partial<Monitor>[]) {
    const { id, x, y, width, height, primary } = entry ?? {};
    if (![id, x, y, width, height].every((number) => Number.isInteger(number))) return null;
    monitors.push({ id, x, y, width, height, primary: primary === true } as Monitor);
  }
  const whole = bounds(monitors);
  return whole.width <= most.width && whole.height <= most.height ? monitors : null;
}

/** Whether two arrangements are the same, in whatever order they are told. */
export function alike(one: readonly Monitor[], other: readonly Monitor[]): boolean {
  const told = (monitors: readonly Monitor[]): string =>
    JSON.stringify(
      [...monitors].sort((a, b) => a.id - b.id).map(({ id, x, y, width, height }) => [id, x, y, width, height]),
    );
  return told(one) === told(other);
}
