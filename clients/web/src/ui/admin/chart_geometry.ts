/** Where the marks of the small charts are. Pure. */

/** A part of a stacked bar. */
export interface Segment {
  readonly name: string;
  readonly count: number;
  readonly x: number;
  readonly width: number;
}

/** Narrowest part of a bar, so that one desktop of hundreds stays visible, as a fraction of the bar. */
const NARROWEST = 0.012;

/** Divides a bar of the given width among counts. Counts of 0 have no part. */
export function segments(counts: readonly (readonly [string, number])[], width: number): readonly Segment[] {
  const shown = counts.filter(([, count]) => count > 0);
  const total = shown.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return [];
  const wanted = shown.map(([, count]) => Math.max(count / total, NARROWEST));
  const sum = wanted.reduce((a, b) => a + b, 0);
  let x = 0;
  return shown.map(([name, count], index) => {
    const part = ((wanted[index] ?? 0) / sum) * width;
    const segment = { name, count, x, width: part };
    x += part;
    return segment;
  });
}

/** Returns the path of a line through the values, from the lower left; empty for fewer than two. */
export function linePath(values: readonly number[], width: number, height: number, slots: number): string {
  if (values.length < 2) return "";
  const top = Math.max(...values, 1e-9);
  const step = width / Math.max(slots - 1, 1);
  const from = width - step * (values.length - 1);
  return values
    .map((value, index) => {
      const y = height - (value / top) * height;
      return `${index === 0 ? "M" : "L"}${round(from + index * step)} ${round(y)}`;
    })
    .join("");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Levels of a heat map. Level 0 is nothing at all. */
export const HEAT_LEVELS = 5;

/** Returns the level of a value. The largest value has the highest level. */
export function heatLevel(value: number, largest: number): number {
  if (value <= 0 || largest <= 0) return 0;
  return Math.min(HEAT_LEVELS, Math.ceil((value / largest) * HEAT_LEVELS));
}

/** A day of a heat map: peaks by the hour of the day, null where nothing is known. */
export interface HeatDay {
  readonly day: number;
  readonly hours: readonly (number | null)[];
}

/** Arranges hourly peaks in days of 24 hours, in local time. The newest day comes first. */
export function heatDays(entries: readonly { readonly hour: number; readonly peak: number }[]): readonly HeatDay[] {
  const days = new Map<number, (number | null)[]>();
  for (const { hour, peak } of entries) {
    const at = new Date(hour);
    const day = new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
    const hours = days.get(day) ?? Array.from({ length: 24 }, () => null);
    hours[at.getHours()] = Math.max(hours[at.getHours()] ?? 0, peak);
    days.set(day, hours);
  }
  return [...days].sort(([a], [b]) => b - a).map(([day, hours]) => ({ day, hours }));
}

/** The newest values of something, at most `slots`. */
export class History {
  readonly slots: number;
  readonly #values: number[] = [];

  constructor(slots: number) {
    this.slots = slots;
  }

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > this.slots) this.#values.shift();
  }

  get values(): readonly number[] {
    return this.#values;
  }
}
