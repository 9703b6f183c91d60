/** Monitors as a person orders them: sizes in a shape, displays as they stand, one that follows its window. Pure; device px. */

import { MONITORS_MAX, type Monitor } from "../../../protocol/messages.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export type Shape = "row" | "column" | "grid";
export const SHAPES: readonly Shape[] = ["row", "column", "grid"];

/** A display of the person's, as Window Management tells of it: CSS px, and device px per CSS px. */
export interface Display extends Size {
  readonly left: number;
  readonly top: number;
  readonly devicePixelRatio: number;
  readonly isPrimary: boolean;
}

/** What radiology and wards have on their desks. */
export const PRESETS: readonly Size[] = [
  { width: 1920, height: 1080 },
  { width: 2048, height: 2560 },
  { width: 2560, height: 1440 },
  { width: 3840, height: 2160 },
];
/** Text sizes that are offered, percent. */
export const SCALES = [100, 125, 150, 175, 200, 250, 300] as const;
/** The least that an agent takes. */
const MIN: Size = { width: 320, height: 200 };
/** A window smaller than this shows a monitor of this size, made smaller: programs need so much. */
const LEAST: Size = { width: 640, height: 480 };

/** The first is the primary one. */
export function arranged(sizes: readonly Size[], shape: Shape): Monitor[] {
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

/** The shape that these monitors have; null for any other arrangement. */
export function shapeOf(monitors: readonly Monitor[]): Shape | null {
  const same = (made: readonly Monitor[]): boolean =>
    made.every((monitor, index) => monitor.x === monitors[index]?.x && monitor.y === monitors[index]?.y);
  return SHAPES.find((shape) => same(arranged(monitors, shape))) ?? null;
}

/**
 * A monitor for each display, in its device pixels and where it stands, from left to right; the first `MONITORS_MAX` of them.
 *
 * Displays of different density stand in CSS px that do not fit together in device px: then they are put side by side.
 */
export function forDisplays(displays: readonly Display[]): Monitor[] {
  const chosen = inOrder(displays).slice(0, MONITORS_MAX);
  const ratio = chosen[0]?.devicePixelRatio ?? 1;
  const uniform = chosen.every((display) => display.devicePixelRatio === ratio);
  const primary = Math.max(
    0,
    chosen.findIndex((display) => display.isPrimary),
  );
  const sizes = chosen.map(displaySize);
  const monitors = uniform
    ? sizes.map((size, id) => ({
        id,
        x: Math.round((chosen[id]?.left ?? 0) * ratio),
        y: Math.round((chosen[id]?.top ?? 0) * ratio),
        ...size,
        primary: id === primary,
      }))
    : arranged(sizes, "row").map((monitor) => ({ ...monitor, primary: monitor.id === primary }));
  return overlap(monitors)
    ? arranged(sizes, "row").map((monitor) => ({ ...monitor, primary: monitor.id === primary }))
    : monitors;
}

/** From left to right, then from top to bottom: the order in which displays are numbered. */
export function inOrder<T extends Display>(displays: readonly T[]): T[] {
  return [...displays].sort((one, other) => one.left - other.left || one.top - other.top);
}

export function displaySize(display: Size & { readonly devicePixelRatio: number }): Size {
  const { width, height, devicePixelRatio } = display;
  return { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
}

/** One monitor gets another size, as far as `most` allows; the others make room or close up, in the shape that they have. */
export function resized(monitors: readonly Monitor[], id: number, size: Size, most: Size): Monitor[] {
  const wish = { width: Math.max(MIN.width, size.width), height: Math.max(MIN.height, size.height) };
  const { width, height } = bounds(placed(monitors, id, wish));
  return placed(monitors, id, {
    width: Math.max(MIN.width, wish.width - Math.max(0, width - most.width)),
    height: Math.max(MIN.height, wish.height - Math.max(0, height - most.height)),
  });
}

/** The text size at which programs on a display of this density look as large as other pages, percent. */
export function scaleFor(ratio: number): number {
  const off = (scale: number): number => Math.abs(scale - ratio * 100);
  return SCALES.reduce((best, scale) => (off(scale) < off(best) ? scale : best));
}

/** Each monitor of `rooms` gets the size that its window has for it; null where a window has none yet, or one for a monitor that is not there. */
export function following(
  monitors: readonly Monitor[],
  rooms: ReadonlyMap<number, Size>,
  most: Size,
): Monitor[] | null {
  let wanted: Monitor[] = [...monitors];
  for (const [id, { width, height }] of rooms) {
    if (width === 0 || height === 0 || !monitors.some((monitor) => monitor.id === id)) return null;
    const size = { width: Math.max(LEAST.width, width), height: Math.max(LEAST.height, height) };
    wanted = resized(wanted, id, size, most);
  }
  return wanted;
}

function placed(monitors: readonly Monitor[], id: number, size: Size): Monitor[] {
  const changed = monitors.map((monitor) => (monitor.id === id ? { ...monitor, ...size } : monitor));
  const shape = shapeOf(monitors);
  const own = monitors.find((monitor) => monitor.id === id);
  if (shape === null && own !== undefined) {
    // They stand as the person's displays do: what is to the right and below keeps its distance.
    const moved = changed.map((monitor) => ({
      ...monitor,
      x: monitor.x + (monitor.x >= own.x + own.width ? size.width - own.width : 0),
      y: monitor.y + (monitor.y >= own.y + own.height ? size.height - own.height : 0),
    }));
    if (!overlap(moved)) return moved;
  }
  const places = arranged(changed, shape ?? "row");
  return changed.map((monitor, index) => ({ ...monitor, x: places[index]?.x ?? 0, y: places[index]?.y ?? 0 }));
}

export function bounds(monitors: readonly Monitor[]): Size {
  return {
    width: Math.max(...monitors.map((monitor) => monitor.x + monitor.width)),
    height: Math.max(...monitors.map((monitor) => monitor.y + monitor.height)),
  };
}

function overlap(monitors: readonly Monitor[]): boolean {
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
