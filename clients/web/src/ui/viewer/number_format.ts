/** Numbers as people read them. Pure. */

export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[unit] ?? ""}`;
}

/** Raw bytes per wire byte; a dash before anything came. */
export function ratioText(rawBytes: number, bytes: number): string {
  if (bytes <= 0 || rawBytes <= 0) return "–";
  const ratio = rawBytes / bytes;
  return `${ratio >= 100 ? Math.round(ratio) : ratio.toFixed(1)} : 1`;
}

export function countText(count: number): string {
  return count.toLocaleString("en-US").replaceAll(",", "\u202f");
}

/** Shares in percent, the largest first, as "grey 71 %". */
export function mixText(
  counts: Readonly<Record<string, number>>,
  names: Readonly<Record<string, string>> = {},
): string {
  const entries = Object.entries(counts).filter(([, count]) => count > 0);
  const total = entries.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return "–";
  return entries
    .sort((left, right) => right[1] - left[1])
    .map(([name, count]) => `${names[name] ?? name}\u00a0${share(count / total)}`)
    .join(" · ");
}

function share(part: number): string {
  const percent = part * 100;
  return percent < 1 ? "<1\u00a0%" : `${Math.round(percent)}\u00a0%`;
}

/** The value below which `share` (0…1) of them lie; NaN for none. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
