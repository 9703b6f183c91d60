/**
 * Computes where the surface lies on the page and which of its pixels a page position falls on. Pure
 * functions.
 */

export type ViewMode = "fit" | "actual";

/**
 * Largest absolute coordinate of a pointer message, px: coordinates are signed 16-bit numbers (PROTOCOL.md
 * §2).
 */
const COORDINATE_MAX = 32_767;

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
 * Returns the surface's box in CSS px inside a viewport of `stage` CSS px. `surface` is in monitor px,
 * `ratio` in device px per CSS px.
 *
 * In mode `actual` one monitor pixel covers one device pixel and the box starts on a whole device pixel. In
 * mode `fit` the box is as large as the viewport allows. A surface of exactly the viewport's size is shown
 * 1:1 in both modes.
 */
export function layout(stage: Extent, surface: Extent, ratio: number, mode: ViewMode): Box {
  const actual = { width: surface.width / ratio, height: surface.height / ratio };
  const scale = mode === "fit" ? Math.min(stage.width / actual.width, stage.height / actual.height) : 1;
  // Ratios such as 1.25 leave a remainder of less than one pixel, which is no reason to scale.
  const nearlyOne = Math.abs(scale - 1) * Math.max(surface.width, surface.height) < 1;
  const width = nearlyOne ? actual.width : actual.width * scale;
  const height = nearlyOne ? actual.height : actual.height * scale;
  const snap = (value: number): number => Math.max(0, Math.floor(value * ratio) / ratio);
  return { x: snap((stage.width - width) / 2), y: snap((stage.height - height) / 2), width, height };
}

/** Returns whether a surface that covers `shown` device pixels is displayed without scaling. */
export function isOneToOne(shown: Extent, surface: Extent): boolean {
  return Math.round(shown.width) === surface.width && Math.round(shown.height) === surface.height;
}

/**
 * Returns the default view mode: unscaled when the surface fits into the viewport, otherwise scaled down to
 * fit.
 */
export function naturalMode(stage: Extent, surface: Extent, ratio: number): ViewMode {
  const room = surface.width / ratio <= stage.width + 0.5 && surface.height / ratio <= stage.height + 0.5;
  return room ? "actual" : "fit";
}

/**
 * Returns the surface pixel under a page position, clamped to the surface. `box` is the surface's box on the
 * page, CSS px.
 */
export function pixelAt(box: Box, surface: Extent, clientX: number, clientY: number): { x: number; y: number } {
  const { x, y } = unclampedPixelAt(box, surface, clientX, clientY);
  return { x: Math.max(0, Math.min(surface.width - 1, x)), y: Math.max(0, Math.min(surface.height - 1, y)) };
}

/**
 * Like `pixelAt`, without clamping: a drag beyond the surface's edge continues on the neighbouring monitor.
 */
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
  // With ratios such as 1.25, rounding errors can put a position just before the edge of its pixel; 1e-6 px
  // corrects that.
  const found = Math.floor((offset / length) * pixels + 1e-6);
  return Math.max(-COORDINATE_MAX, Math.min(COORDINATE_MAX, found));
}
