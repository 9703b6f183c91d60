/**
 * A window for each monitor: opened, placed and remembered. Where the browser knows the displays (Window Management: Chrome, Edge) they are
 * put on them full screen; elsewhere the person drags them, and where they were dragged to is remembered.
 */

import { loadJson, storeJson } from "../../preferences.ts";
import { type Display, inOrder } from "./monitor_layout.ts";

/** Window Management, which TypeScript's library does not know. */
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
type WithScreens = Window & { getScreenDetails?(): Promise<ScreenDetails> };
type FullscreenOn = FullscreenOptions & { screen?: ScreenDetailed };

interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export function knowsDisplays(): boolean {
  return "getScreenDetails" in window;
}

/** From left to right; null where the browser does not tell or the person refuses. Asks the person the first time. */
export async function displays(): Promise<{
  readonly all: readonly ScreenDetailed[];
  readonly own: number;
} | null> {
  try {
    const details = await (window as WithScreens).getScreenDetails?.();
    if (details === undefined) return null;
    const all = inOrder(details.screens);
    return { all, own: Math.max(0, all.indexOf(details.currentScreen)) };
  } catch {
    return null;
  }
}

/** Tells of displays that come, go or change, where the person has allowed it before; asks nobody. */
export async function watchDisplays(signal: AbortSignal, changed: () => void): Promise<void> {
  try {
    const name = "window-management" as PermissionName;
    if ((await navigator.permissions.query({ name })).state !== "granted") return;
    const details = await (window as WithScreens).getScreenDetails?.();
    if (!signal.aborted) details?.addEventListener("screenschange", changed, { signal });
  } catch {
    return; // No Window Management: whoever plugs a display in says so in the panel.
  }
}

/** The address of a desktop's monitor. */
export function address(desktop: string, monitor: number): string {
  return `/desktop/${encodeURIComponent(desktop)}?monitor=${monitor}`;
}

/** Opens a window, or brings the one there is to the front. False where the browser refuses. */
export function openWindow(desktop: string, monitor: number, on?: ScreenDetailed): boolean {
  const place = on === undefined ? remembered(desktop, monitor) : whole(on);
  const features = ["popup"];
  if (place !== null) for (const [name, value] of Object.entries(place)) features.push(`${name}=${value}`);
  if (on !== undefined) features.push("fullscreen");
  const opened = window.open(address(desktop, monitor), windowName(desktop, monitor), features.join(","));
  opened?.focus();
  return opened !== null;
}

/** This window becomes the full screen of a display. */
export async function fillDisplay(on: ScreenDetailed): Promise<void> {
  const options: FullscreenOn = { navigationUI: "hide", screen: on };
  try {
    await document.documentElement.requestFullscreen(options);
  } catch (error) {
    console.info("full screen:", error); // The window stays as it is: nothing is lost.
  }
}

/** Where this window stands, for the next time. */
export function rememberPlace(desktop: string, monitor: number): void {
  if (document.fullscreenElement !== null) return;
  const { screenX: left, screenY: top, innerWidth: width, innerHeight: height } = window;
  if (width > 0 && height > 0) storeJson(placeName(desktop, monitor), { left, top, width, height });
}

function remembered(desktop: string, monitor: number): Place | null {
  const found = loadJson(placeName(desktop, monitor)) as Partial<Place> | null;
  const values = [found?.left, found?.top, found?.width, found?.height];
  return values.every((value) => Number.isFinite(value)) ? (found as Place) : null;
}

function whole(screen: ScreenDetailed): Place {
  const { availLeft: left, availTop: top, availWidth: width, availHeight: height } = screen;
  return { left, top, width, height };
}

function windowName(desktop: string, monitor: number): string {
  return `lightbox ${desktop} ${monitor}`;
}

function placeName(desktop: string, monitor: number): string {
  return `place.${desktop}.${monitor}`;
}
