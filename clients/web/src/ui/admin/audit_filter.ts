/** What the server is asked for when somebody searches the audit. Pure. */

/** Returns what the server is sent for a filter: days of this place as times. The last day counts as a whole. */
export function auditFilterValue(name: string, value: string): string {
  if (name !== "from" && name !== "to") return value;
  const [year = 0, month = 1, day = 1] = value.split("-").map(Number);
  return new Date(year, month - 1, name === "to" ? day + 1 : day).toISOString();
}
