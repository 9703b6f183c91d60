/** What this browser remembers of a person's choices. Nothing of a patient or a session is ever kept here. */

import type { ViewMode } from "../input/geometry.ts";
import type { TouchMode } from "../input/touch_table.ts";

export type Language = "ko" | "en";
export type Theme = "system" | "light" | "dark";

const PREFIX = "lightbox.";

/** Storage may be forbidden or full: then a choice lives as long as the page. */
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
    return; // `memory` has it.
  }
}

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

/** The style sheet asks for `data-theme`; without it the system decides. */
export function applyTheme(): void {
  const chosen = theme();
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

/** Whether the page is dark now, by choice or by the system. */
export function isDark(): boolean {
  const chosen = theme();
  return chosen === "system" ? matchMedia("(prefers-color-scheme: dark)").matches : chosen === "dark";
}

/** null until the person chose: then the desktop's and the window's size decide. */
export function viewMode(): ViewMode | null {
  const chosen = load("view");
  return chosen === "fit" || chosen === "actual" ? chosen : null;
}

export function setViewMode(value: ViewMode): void {
  store("view", value);
}

/** Tablets go from hand to hand: how fingers work is kept for each person, under a number that does not tell the name. */
let person = "";

export function setPerson(name: string): void {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  person = name === "" ? "" : `.${hash.toString(16)}`;
}

export function touchMode(): TouchMode {
  return load(`touch${person}`) === "trackpad" ? "trackpad" : "direct";
}

export function setTouchMode(value: TouchMode): void {
  store(`touch${person}`, value);
}

/** Whatever was stored under a name, as JSON; null when there is nothing, or nothing that can be read. */
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

/** On a Mac ⌘ acts as Ctrl unless switched off. */
export function commandIsControl(): boolean {
  return load("command") !== "super";
}
