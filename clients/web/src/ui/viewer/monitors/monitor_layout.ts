/**
 * Computes monitor layouts: sizes in a shape, one monitor per display, monitors that take their windows' sizes.
 * Pure; device pixels unless noted.
 */

import { MONITORS_MAX } from "../../../protocol/generated/wire_facts.ts";
import type { Monitor } from "../../../protocol/messages.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export type Shape = "row" | "column" | "grid";
export const SHAPES: readonly Shape[] = ["row", "column", "grid"];

/** A display of this device as the Window Management API describes it, in CSS px. */
export interface Display extends Size {
  readonly left: number;
  readonly top: number;
  /** Device px per CSS px. */
  readonly devicePixelRatio: number;
  readonly isPrimary: boolean;
}

/** Monitor sizes that are common in radiology departments and on wards. */
export const PRESETS: readonly Size[] = [
  { width: 1920, height: 1080 },
  { width: 2048, height: 2560 },
  { width: 2560, height: 1440 },
  { width: 3840, height: 2160 },
];
/** Text sizes that the panel offers, percent. */
export const SCALES = [100, 125, 150, 175, 200, 250, 300] as const;
/** Smallest monitor that an agent accepts. */
const MIN_SIZE: Size = { width: 320, height: 200 };
/** Smallest monitor that programs can use. A smaller window shows a monitor of this size, scaled down. */
const MIN_USABLE_SIZE: Size = { width: 640, height: 480 };

/** Places monitors of these sizes without gaps. The first one is the primary monitor. */
export function arrange(sizes: readonly Size[], shape: Shape): Monitor[] {
  const perRow = shape === "row" ? sizes.length : shape === "column" ? 1 : Math.ceil(sizes.length / 2);
  const monitors: Monitor[] = [];
  let top = 0;
  for (let start = 0; start < sizes.length; start += perRow) {
    const row = sizes.slice(start, start + perRow);
    let left = 0;
    for (const { width, height } of row) {
      monitors.push({ id: monitors.length, x: left, y: top, width, height, primary: monitors.length === 0 });
      left += width;
    }
    top += Math.max(...row.map((size) => size.height));
  }
  return monitors;
}

/** Returns the shape in which these monitors are placed; null for any other layout. */
export function detectShape(monitors: readonly Monitor[]): Shape | null {
  const isPlacedAs = (layout: readonly Monitor[]): boolean =>
    layout.every((monitor, index) => monitor.x === monitors[index]?.x && monitor.y === monitors[index]?.y);
  return SHAPES.find((shape) => isPlacedAs(arrange(monitors, shape))) ?? null;
}

/**
 * Makes one monitor per display, of the display's size in device px and at its position; the first `MONITORS_MAX`
 * displays from left to right.
 *
 * Positions are in CSS px. Between displays of different pixel density they cannot be converted to device px
 * without gaps or overlaps, so such displays become monitors in a row.
 */
export function layoutForDisplays(displays: readonly Display[]): Monitor[] {
  const chosen = sortDisplays(displays).slice(0, MONITORS_MAX);
  const ratio = chosen[0]?.devicePixelRatio ?? 1;
  const uniform = chosen.every((display) => display.devicePixelRatio === ratio);
  const primary = Math.max(
    0,
    chosen.findIndex((display) => display.isPrimary),
  );
  const sizes = chosen.map(displaySize);
  const row = arrange(sizes, "row").map((monitor) => ({ ...monitor, primary: monitor.id === primary }));
  if (!uniform) return row;
  const positioned = sizes.map((size, id) => ({
    id,
    x: Math.round((chosen[id]?.left ?? 0) * ratio),
    y: Math.round((chosen[id]?.top ?? 0) * ratio),
    ...size,
    primary: id === primary,
  }));
  return hasOverlap(positioned) ? row : positioned;
}

/** Sorts displays from left to right, then from top to bottom: the order in which monitors are numbered. */
export function sortDisplays<T extends Display>(displays: readonly T[]): T[] {
  return [...displays].sort((one, other) => one.left - other.left || one.top - other.top);
}

/** Returns a display's size in device px. */
export function displaySize(display: Size & { readonly devicePixelRatio: number }): Size {
  const { width, height, devicePixelRatio } = display;
  return { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
}

/** Resizes one monitor as far as the screen's maximum allows, and moves the others so that the shape is kept. */
export function resizeMonitor(monitors: readonly Monitor[], id: number, size: Size, screenMax: Size): Monitor[] {
  const requested = { width: Math.max(MIN_SIZE.width, size.width), height: Math.max(MIN_SIZE.height, size.height) };
  const { width, height } = bounds(replaceSize(monitors, id, requested));
  return replaceSize(monitors, id, {
    width: Math.max(MIN_SIZE.width, requested.width - Math.max(0, width - screenMax.width)),
    height: Math.max(MIN_SIZE.height, requested.height - Math.max(0, height - screenMax.height)),
  });
}

/** Returns the offered text size, percent, that is nearest to a display's density (device px per CSS px). */
export function textScaleFor(devicePixelRatio: number): number {
  const error = (scale: number): number => Math.abs(scale - devicePixelRatio * 100);
  return SCALES.reduce((best, scale) => (error(scale) < error(best) ? scale : best));
}

/**
 * Gives each monitor the size that its window has room for.
 *
 * Returns null when a window is not laid out yet (its size is 0), or shows a monitor that does not exist.
 */
export function fitToWindows(
  monitors: readonly Monitor[],
  windowSizes: ReadonlyMap<number, Size>,
  screenMax: Size,
): Monitor[] | null {
  let fitted: Monitor[] = [...monitors];
  for (const [id, { width, height }] of windowSizes) {
    if (width === 0 || height === 0 || !monitors.some((monitor) => monitor.id === id)) return null;
    const size = { width: Math.max(MIN_USABLE_SIZE.width, width), height: Math.max(MIN_USABLE_SIZE.height, height) };
    fitted = resizeMonitor(fitted, id, size, screenMax);
  }
  return fitted;
}

/** Returns the size of the screen that holds all monitors. */
export function bounds(monitors: readonly Monitor[]): Size {
  return {
    width: Math.max(...monitors.map((monitor) => monitor.x + monitor.width)),
    height: Math.max(...monitors.map((monitor) => monitor.y + monitor.height)),
  };
}

function replaceSize(monitors: readonly Monitor[], id: number, size: Size): Monitor[] {
  const changed = monitors.map((monitor) => (monitor.id === id ? { ...monitor, ...size } : monitor));
  const shape = detectShape(monitors);
  const resized = monitors.find((monitor) => monitor.id === id);
  if (shape === null && resized !== undefined) {
    // The monitors are placed like the displays of this device: those to the right and below keep their distance.
    const moved = changed.map((monitor) => ({
      ...monitor,
      x: monitor.x + (monitor.x >= resized.x + resized.width ? size.width - resized.width : 0),
      y: monitor.y + (monitor.y >= resized.y + resized.height ? size.height - resized.height : 0),
    }));
    if (!hasOverlap(moved)) return moved;
  }
  const positions = arrange(changed, shape ?? "row");
  return changed.map((monitor, index) => ({
    ...monitor,
    x: positions[index]?.x ?? 0,
    y: positions[index]?.y ?? 0,
  }));
}

function hasOverlap(monitors: readonly Monitor[]): boolean {
  return monitors.some((one, index) =>
    monitors
      .slice(index + 1)
      .some(
        (other) =>
          one.x < other.x + other.width &&
          other.x < one.x + one.width &&
          one.y < other.y + other.height &&
          other.y < one.y + one.height,
      ),
  );
}
