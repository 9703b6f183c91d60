/**
 * Opens and places browser windows, one per monitor.
 *
 * Browsers with the Window Management API (Chrome, Edge) report where the displays are, so that each window can fill
 * a display. In other browsers the person drags the windows, and their positions are remembered.
 */

import { pathTo } from "../../../base.ts";
import { loadJson, storeJson } from "../../preferences.ts";
import { type Display, sortDisplays } from "./monitor_layout.ts";

/** Types of the Window Management API, which TypeScript's library does not declare. */
interface ScreenDetailed extends Display {
  readonly availLeft: number;
  readonly availTop: number;
  readonly availWidth: number;
  readonly availHeight: number;
}
interface ScreenDetails extends EventTarget {
  readonly screens: readonly ScreenDetailed[];
  readonly currentScreen: ScreenDetailed;
}
type WindowWithScreens = Window & { getScreenDetails?(): Promise<ScreenDetails> };
type FullscreenOnScreen = FullscreenOptions & { screen?: ScreenDetailed };

/** Position and size of a window on the person's displays, CSS px. */
interface WindowPosition {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The displays of this device, from left to right. */
export interface DisplayList {
  readonly all: readonly ScreenDetailed[];
  /** Index of the display that this window is on. */
  readonly own: number;
}

/** Returns whether the browser can report displays. */
export function supportsDisplays(): boolean {
  return "getScreenDetails" in window;
}

/** Returns the displays; null where the browser does not report them or the person refuses. Asks the person the first time. */
export async function listDisplays(): Promise<DisplayList | null> {
  try {
    const details = await (window as WindowWithScreens).getScreenDetails?.();
    if (details === undefined) return null;
    const all = sortDisplays(details.screens);
    return { all, own: Math.max(0, all.indexOf(details.currentScreen)) };
  } catch {
    return null;
  }
}

/**
 * Calls `onChanged` when a display is added, removed or changed, until `signal` aborts.
 *
 * Does nothing where the person has not allowed window management yet: asking is left to the panel.
 */
export async function watchDisplays(signal: AbortSignal, onChanged: () => void): Promise<void> {
  try {
    const name = "window-management" as PermissionName;
    if ((await navigator.permissions.query({ name })).state !== "granted") return;
    const details = await (window as WindowWithScreens).getScreenDetails?.();
    if (!signal.aborted) details?.addEventListener("screenschange", onChanged, { signal });
  } catch {
    return; // The browser has no Window Management API: the person can arrange monitors in the panel.
  }
}

/** Returns the address of a page that shows one monitor of a desktop. */
export function monitorAddress(desktop: string, monitor: number): string {
  return pathTo(`desktop/${encodeURIComponent(desktop)}?monitor=${monitor}`);
}

/**
 * Opens a window for a monitor, or brings the one that exists to the front.
 *
 * With `display` the window is opened full screen there. Returns false when the browser blocks the window.
 */
export function openWindow(desktop: string, monitor: number, display?: ScreenDetailed): boolean {
  const position = display === undefined ? rememberedPosition(desktop, monitor) : availableArea(display);
  const features = ["popup"];
  if (position !== null) for (const [name, value] of Object.entries(position)) features.push(`${name}=${value}`);
  if (display !== undefined) features.push("fullscreen");
  const opened = window.open(monitorAddress(desktop, monitor), windowName(desktop, monitor), features.join(","));
  opened?.focus();
  return opened !== null;
}

/** Makes this window full screen on a display. */
export async function fillDisplay(display: ScreenDetailed): Promise<void> {
  const options: FullscreenOnScreen = { navigationUI: "hide", screen: display };
  try {
    await document.documentElement.requestFullscreen(options);
  } catch (error) {
    console.info("full screen:", error); // The browser may refuse; the window then stays as it is.
  }
}

/** Stores the position of this window, for the next time it is opened. */
export function rememberPosition(desktop: string, monitor: number): void {
  if (document.fullscreenElement !== null) return;
  const { screenX: left, screenY: top, innerWidth: width, innerHeight: height } = window;
  if (width > 0 && height > 0) storeJson(positionKey(desktop, monitor), { left, top, width, height });
}

function rememberedPosition(desktop: string, monitor: number): WindowPosition | null {
  const stored = loadJson(positionKey(desktop, monitor)) as Partial<WindowPosition> | null;
  const values = [stored?.left, stored?.top, stored?.width, stored?.height];
  return values.every((value) => Number.isFinite(value)) ? (stored as WindowPosition) : null;
}

function availableArea(display: ScreenDetailed): WindowPosition {
  const { availLeft: left, availTop: top, availWidth: width, availHeight: height } = display;
  return { left, top, width, height };
}

function windowName(desktop: string, monitor: number): string {
  return `lightbox ${desktop} ${monitor}`;
}

function positionKey(desktop: string, monitor: number): string {
  return `place.${desktop}.${monitor}`;
}
