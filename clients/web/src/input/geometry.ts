/** Where the surface lies on the page, and which of its pixels a position is. Pure. */

export type ViewMode = "fit" | "actual";

/** PROTOCOL.md §2: places are 16 bit. */
const PLACE_MAX = 32_767;

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Extent {
  readonly width: number;
  readonly height: number;
}

/**
 * The surface's box in CSS px inside a stage of `stage` CSS px.
 *
 * `actual`: one pixel of the surface is one of the screen, its corner on a whole device pixel. `fit`: as large as the stage allows.
 * A surface that fits exactly is 1:1 in both.
 */
export function layout(stage: Extent, surface: Extent, ratio: number, mode: ViewMode): Box {
  const actual = { width: surface.width / ratio, height: surface.height / ratio };
  const scale = mode === "fit" ? Math.min(stage.width / actual.width, stage.height / actual.height) : 1;
  // A rest of less than a pixel is no reason to scale: it comes of ratios like 1.25.
  const nearlyOne = Math.abs(scale - 1) * Math.max(surface.width, surface.height) < 1;
  const width = nearlyOne ? actual.width : actual.width * scale;
  const height = nearlyOne ? actual.height : actual.height * scale;
  const snap = (value: number): number => Math.max(0, Math.floor(value * ratio) / ratio);
  return { x: snap((stage.width - width) / 2), y: snap((stage.height - height) / 2), width, height };
}

/** Whether a surface that is `shown` device pixels large shows its own pixels one to one. */
export function isOneToOne(shown: Extent, surface: Extent): boolean {
  return Math.round(shown.width) === surface.width && Math.round(shown.height) === surface.height;
}

/** How a person who chose nothing sees a desktop: exact where it has room, else fitted. */
export function naturalMode(stage: Extent, surface: Extent, ratio: number): ViewMode {
  const room = surface.width / ratio <= stage.width + 0.5 && surface.height / ratio <= stage.height + 0.5;
  return room ? "actual" : "fit";
}

/** The surface's pixel under a position on the page, kept inside. `box` is the surface's own, on the page. */
export function pixelAt(box: Box, surface: Extent, clientX: number, clientY: number): { x: number; y: number } {
  const { x, y } = unclampedPixelAt(box, surface, clientX, clientY);
  return { x: Math.max(0, Math.min(surface.width - 1, x)), y: Math.max(0, Math.min(surface.height - 1, y)) };
}

/** The same, going on beyond the surface's edges: what is dragged over them goes to the monitor there. */
export function unclampedPixelAt(
  box: Box,
  surface: Extent,
  clientX: number,
  clientY: number,
): { x: number; y: number } {
  return {
    x: pixel(clientX - box.x, box.width, surface.width),
    y: pixel(clientY - box.y, box.height, surface.height),
  };
}

function pixel(offset: number, length: number, pixels: number): number {
  if (!(length > 0)) return 0;
  // The small term lets a position that a ratio like 1.25 put a hair before a pixel's edge fall into that pixel.
  const found = Math.floor((offset / length) * pixels + 1e-6);
  return Math.max(-PLACE_MAX, Math.min(PLACE_MAX, found));
}
