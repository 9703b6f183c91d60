/** Formats numbers for the badge and the frame times. Pure. */

/** Formats a number of bytes with a decimal unit, such as "12.3 MB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[unit] ?? ""}`;
}

/** Formats raw bytes per transmitted byte, such as "12.5 : 1"; a dash while either number is 0. */
export function formatRatio(rawBytes: number, bytes: number): string {
  if (bytes <= 0 || rawBytes <= 0) return "–";
  const ratio = rawBytes / bytes;
  return `${ratio >= 100 ? Math.round(ratio) : ratio.toFixed(1)} : 1`;
}

/** Formats an integer with narrow spaces between groups of three digits. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US").replaceAll(",", "\u202f");
}

/** Formats what fraction each count has of the total, largest first, such as "grey 71 % · raw 29 %". */
export function formatMix(
  counts: Readonly<Record<string, number>>,
  names: Readonly<Record<string, string>> = {},
): string {
  const entries = Object.entries(counts).filter(([, count]) => count > 0);
  const total = entries.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return "–";
  return entries
    .sort((left, right) => right[1] - left[1])
    .map(([name, count]) => `${names[name] ?? name}\u00a0${formatPercent(count / total)}`)
    .join(" · ");
}

function formatPercent(fraction: number): string {
  const percent = fraction * 100;
  return percent < 1 ? "<1\u00a0%" : `${Math.round(percent)}\u00a0%`;
}
