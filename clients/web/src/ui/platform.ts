/** The system that the browser runs on, as far as its keyboard differs. */

import type { Platform } from "../input/keyboard_core.ts";

/** Returns the system by the browser's user agent. iPadOS counts as macOS: its keyboards have the same keys. */
export function platformOf(userAgent: string): Platform {
  if (/Mac|iPhone|iPad/.test(userAgent)) return "mac";
  return userAgent.includes("Windows") ? "windows" : "other";
}
