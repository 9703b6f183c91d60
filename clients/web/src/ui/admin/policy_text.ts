/** The settings of a policy as text: a line for each, such as `idle_minutes = 10`. Pure. */

/** A setting, and in words what may be written for it. */
export interface WrittenKey {
  readonly key: string;
  readonly form: string;
}

/** Returns the keys whose values are lists, which the server says in words. */
export function listKeys(keys: readonly WrittenKey[]): ReadonlySet<string> {
  return new Set(keys.filter(({ form }) => form.includes("comma")).map(({ key }) => key));
}

/** Writes the settings, one line each. */
export function policyText(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key} = ${valueText(value)}`)
    .join("\n");
}

/** Writes one value: lists with commas, everything else as it is. */
export function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** A single word, such as the one that stands for every network, instead of a list. */
const WORD = /^[a-z]+$/;

/**
 * Reads settings. Numbers, `true` and `false` are values of these kinds; a value with a comma is a list, unless
 * `lists` names the keys whose values are always lists. Returns null when a line is no setting.
 */
export function parsePolicyText(text: string, lists: ReadonlySet<string>): Record<string, unknown> | null {
  const values: Record<string, unknown> = {};
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const [, key, written] = /^\s*([\w.-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || written === undefined) return null;
    values[key] = written.includes(",") || (lists.has(key) && !WORD.test(written)) ? listIn(written) : plain(written);
  }
  return values;
}

function listIn(written: string): string[] {
  return written
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function plain(written: string): unknown {
  if (written === "true" || written === "false") return written === "true";
  return /^-?\d+(\.\d+)?$/.test(written) ? Number(written) : written;
}
