/** Which instructions help a person whose browser alters what a page reads back. */

export type ReadbackHelp = "firefox" | "brave" | "other";

/** Returns whose instructions to show. Brave names itself only by a property of its own. */
export function readbackHelp(browser: { readonly userAgent: string; readonly brave?: unknown }): ReadbackHelp {
  if (browser.brave !== undefined) return "brave";
  return /\b(Firefox|LibreWolf|Mullvad)\b/.test(browser.userAgent) ? "firefox" : "other";
}
