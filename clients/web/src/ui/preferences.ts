/** The person's choices, stored in this browser. Nothing about a patient or a session is ever stored here. */

import type { ViewMode } from "../input/geometry.ts";
import type { TouchMode } from "../input/touch_table.ts";
import { type FingerSettings, parseFingerSettings } from "../input/touch_tools.ts";

export type Language = "ko" | "en";
export type Theme = "system" | "light" | "dark";

const PREFIX = "lightbox.";

/** Used where the browser's storage is forbidden or full: a choice then lasts as long as the page. */
const memory = new Map<string, string>();

function load(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return memory.get(name) ?? null;
  }
}

function store(name: string, value: string): void {
  memory.set(name, value);
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    return; // `memory` has the value.
  }
}

/** Returns the chosen language; by default Korean if the browser prefers it, otherwise English. */
export function language(): Language {
  const chosen = load("language");
  if (chosen === "ko" || chosen === "en") return chosen;
  return navigator.languages.some((tag) => tag.toLowerCase().startsWith("ko")) ? "ko" : "en";
}

export function setLanguage(value: Language): void {
  store("language", value);
}

export function theme(): Theme {
  const chosen = load("theme");
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

export function setTheme(value: Theme): void {
  store("theme", value);
  applyTheme();
}

/**
 * Sets `data-theme` for the style sheets; without the attribute they follow the system's setting.
 *
 * Beside images the controls are dark unless the person chose light: a bright panel dazzles in a dark room.
 */
export function applyTheme(): void {
  const root = document.documentElement;
  const chosen = theme();
  const shown = chosen === "system" && root.classList.contains("viewing") ? "dark" : chosen;
  if (shown === "system") delete root.dataset.theme;
  else root.dataset.theme = shown;
}

/** Returns the chosen view mode; null before a choice, when the sizes of surface and viewport decide. */
export function viewMode(): ViewMode | null {
  const chosen = load("view");
  return chosen === "fit" || chosen === "actual" ? chosen : null;
}

export function setViewMode(value: ViewMode): void {
  store("view", value);
}

/** Suffix of choices that are stored per user, because tablets are shared: a hash that does not reveal the name. */
let userSuffix = "";

/** The user of this tab before, as a suffix; empty when there was none. It survives a reload of the page. */
const TAB_USER = `${PREFIX}user`;

/**
 * Sets the user whose choices are read and stored; empty when unknown.
 *
 * Returns whether somebody else used this tab before: then its address is theirs.
 */
export function setUser(name: string): boolean {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  userSuffix = name === "" ? "" : `.${hash.toString(16)}`;
  if (name === "") return false;
  try {
    const before = sessionStorage.getItem(TAB_USER);
    sessionStorage.setItem(TAB_USER, userSuffix);
    return before !== null && before !== userSuffix;
  } catch {
    const before = memory.get(TAB_USER);
    memory.set(TAB_USER, userSuffix);
    return before !== undefined && before !== userSuffix;
  }
}

export function touchMode(): TouchMode {
  return load(`touch${userSuffix}`) === "trackpad" ? "trackpad" : "direct";
}

export function setTouchMode(value: TouchMode): void {
  store(`touch${userSuffix}`, value);
}

/** Returns what one finger does on this desktop: one holds images and another one documents. */
export function fingerSettings(desktop: string): FingerSettings {
  return parseFingerSettings(loadJson(`finger${userSuffix}.${desktop}`));
}

export function setFingerSettings(desktop: string, settings: FingerSettings): void {
  storeJson(`finger${userSuffix}.${desktop}`, settings);
}

/** Returns the JSON value that was stored under a name; null when there is none or it is malformed. */
export function loadJson(name: string): unknown {
  try {
    return JSON.parse(load(name) ?? "null");
  } catch {
    return null;
  }
}

export function storeJson(name: string, value: unknown): void {
  store(name, JSON.stringify(value));
}

/** Returns whether ⌘ acts as Ctrl on a Mac; it does unless the person switched that off. */
export function commandIsControl(): boolean {
  return load("command") !== "super";
}

/** Returns whether the left ⌥ acts as Alt on a Mac; it types characters unless the person chose Alt. */
export function optionIsAlt(): boolean {
  return load("option") === "alt";
}

export function setOptionIsAlt(value: boolean): void {
  store("option", value ? "alt" : "characters");
}
