import { describe, expect, it } from "vitest";
import { layout } from "../../src/input/geometry.ts";
import { DEVICE_PX_MAX, Zoom } from "../../src/ui/viewer/zoom.ts";

const VIEWPORT = { width: 1180, height: 820 };
const SURFACE = { width: 2360, height: 1640 };
const RATIO = 2;
const BASE = layout(VIEWPORT, SURFACE, RATIO, "actual");

/** Enlarges the surface by `factor` around x, y in the small steps of a pinch, and returns its box. */
function pinched(zoom: Zoom, x: number, y: number, factor: number, coveredPx = 0): ReturnType<Zoom["box"]> {
  let box = zoom.box(BASE, VIEWPORT, coveredPx, SURFACE, RATIO);
  for (let step = 0; step < 20; step++) {
    zoom.start(box);
    zoom.move(x, y, 0, 0, factor ** (1 / 20));
    box = zoom.box(BASE, VIEWPORT, coveredPx, SURFACE, RATIO);
  }
  return box;
}

describe("zoom", () => {
  it("returns the layout's box before the first pinch", () => {
    expect(new Zoom().box(BASE, VIEWPORT, 0, SURFACE, RATIO)).toEqual(BASE);
  });

  it("keeps the point between the fingers in place, within one device pixel per step", () => {
    const box = pinched(new Zoom(), 400, 300, 2.5);
    expect(Math.abs(box.x + (400 / BASE.width) * box.width - 400)).toBeLessThan(20 / RATIO);
    expect(Math.abs(box.y + (300 / BASE.height) * box.height - 300)).toBeLessThan(20 / RATIO);
  });

  it("snaps to whole device pixels per surface pixel, with corners on whole device pixels", () => {
    for (const factor of [1.95, 2.05, 2.97, 4.04]) {
      const box = pinched(new Zoom(), 500, 400, factor);
      expect((box.width * RATIO) / SURFACE.width).toBeCloseTo(Math.round(factor), 9);
      expect([box.x * RATIO, box.y * RATIO].every(Number.isInteger)).toBe(true);
    }
    expect((pinched(new Zoom(), 500, 400, 2.5).width * RATIO) / SURFACE.width).toBeCloseTo(2.5, 9);
  });

  it("leaves no gap when panned, and stops at the largest enlargement", () => {
    const zoom = new Zoom();
    pinched(zoom, 500, 400, 3);
    for (const [dx, dy] of [
      [9_999, 9_999],
      [-99_999, -99_999],
    ] as const) {
      zoom.move(0, 0, dx, dy, 1);
      const { x, y, width, height } = zoom.box(BASE, VIEWPORT, 0, SURFACE, RATIO);
      expect(x <= 0 && y <= 0 && x + width >= VIEWPORT.width && y + height >= VIEWPORT.height).toBe(true);
    }
    expect((pinched(zoom, 500, 400, 1_000).width * RATIO) / SURFACE.width).toBeCloseTo(DEVICE_PX_MAX, 9);
  });

  it("returns to the layout's box when the fingers are pinched together", () => {
    const zoom = new Zoom();
    pinched(zoom, 100, 100, 3);
    expect(zoom.enlarged).toBe(true);
    zoom.move(100, 100, 0, 0, 0.1);
    expect([zoom.box(BASE, VIEWPORT, 0, SURFACE, RATIO), zoom.active]).toEqual([BASE, false]);
  });

  it("moves the lower edge above a soft keyboard without changing the size", () => {
    const zoom = new Zoom();
    zoom.start(zoom.box(BASE, VIEWPORT, 400, SURFACE, RATIO));
    zoom.move(0, 0, 0, -5_000, 1);
    const box = zoom.box(BASE, VIEWPORT, 400, SURFACE, RATIO);
    expect([box.y + box.height, box.width]).toEqual([420, BASE.width]);
  });
});
