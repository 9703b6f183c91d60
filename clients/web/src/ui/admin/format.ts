/** Formats numbers and times for the administration's pages, in the language of the page. */

import { language } from "../preferences.ts";
import { adminTexts } from "./texts.ts";

/** Formatters are expensive to create and are used for each cell. */
const formatters = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat>();

function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `d${language()}${JSON.stringify(options)}`;
  const known = formatters.get(key);
  if (known instanceof Intl.DateTimeFormat) return known;
  const made = new Intl.DateTimeFormat(language() === "ko" ? "ko" : "en-GB", options);
  formatters.set(key, made);
  return made;
}

function numbers(digits: number): Intl.NumberFormat {
  const key = `n${language()}${digits}`;
  const known = formatters.get(key);
  if (known instanceof Intl.NumberFormat) return known;
  const made = new Intl.NumberFormat(language(), { maximumFractionDigits: digits });
  formatters.set(key, made);
  return made;
}

/** Writes a number with the separators of the language. */
export function numberText(value: number, digits = 0): string {
  return numbers(digits).format(value);
}

/** Writes a date and a time to the second. */
export function timeText(ms: number | null): string {
  return ms === null ? "–" : dates({ dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" }).format(ms);
}

/** Writes the time of today, and the date of other days. */
export function shortTimeText(ms: number | null, nowMs: number): string {
  if (ms === null) return "–";
  const sameDay = new Date(ms).toDateString() === new Date(nowMs).toDateString();
  return sameDay
    ? dates({ timeStyle: "short", hourCycle: "h23" }).format(ms)
    : dates({ month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ms);
}

export function weekdayText(ms: number): string {
  return dates({ weekday: "short", month: "numeric", day: "numeric" }).format(ms);
}

const UNITS_MS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

/** Splits a time into its two largest units; below a minute it is seconds. Pure. */
export function largestUnits(ms: number): readonly (readonly ["day" | "hour" | "minute" | "second", number])[] {
  let rest = Math.max(0, ms);
  const parts: (readonly ["day" | "hour" | "minute", number])[] = [];
  for (const [unit, length] of UNITS_MS) {
    const whole = Math.floor(rest / length);
    rest -= whole * length;
    if (parts.length === 1 && whole === 0) break;
    if (whole > 0) parts.push([unit, whole]);
    if (parts.length === 2) break;
  }
  return parts.length > 0 ? parts : [["second", Math.floor(rest / 1000)]];
}

/** Writes a duration in its two largest units. */
export function durationText(ms: number): string {
  const { units } = adminTexts();
  return largestUnits(ms)
    .map(([unit, count]) => units[unit](numberText(count)))
    .join(" ");
}

/** Writes how long ago something was. */
export function agoText(ms: number | null, nowMs: number): string {
  return ms === null ? "–" : durationText(nowMs - ms);
}

/** Writes bytes with a binary unit, as programs show memory. */
export function memoryText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${numberText(value, value < 10 && unit > 0 ? 1 : 0)} ${units[unit] ?? ""}`;
}

/** Writes a part of a whole as a percentage. */
export function percentText(fraction: number): string {
  return `${numberText(fraction * 100)} %`;
}
