import { describe, expect, it } from "vitest";
import { layout } from "../../src/input/geometry.ts";
import { DEVICE_PX_MAX, Zoom } from "../../src/ui/viewer/zoom.ts";

const STAGE = { width: 1180, height: 820 };
const SURFACE = { width: 2360, height: 1640 };
const RATIO = 2;
const BASE = layout(STAGE, SURFACE, RATIO, "actual");

/** Pinches around x, y until the picture is `factor` times as large, in steps as fingers make them. */
function pinched(zoom: Zoom, x: number, y: number, factor: number, cover = 0): ReturnType<Zoom["box"]> {
  let box = zoom.box(BASE, STAGE, cover, SURFACE, RATIO);
  for (let step = 0; step < 20; step++) {
    zoom.start(box);
    zoom.move(x, y, 0, 0, factor ** (1 / 20));
    box = zoom.box(BASE, STAGE, cover, SURFACE, RATIO);
  }
  return box;
}

describe("zoom", () => {
  it("leaves the layout alone until fingers came", () => {
    expect(new Zoom().box(BASE, STAGE, 0, SURFACE, RATIO)).toEqual(BASE);
  });

  it("keeps the point between the fingers where it is, to a device pixel a step", () => {
    const box = pinched(new Zoom(), 400, 300, 2.5);
    expect(Math.abs(box.x + (400 / BASE.width) * box.width - 400)).toBeLessThan(20 / RATIO);
    expect(Math.abs(box.y + (300 / BASE.height) * box.height - 300)).toBeLessThan(20 / RATIO);
  });

  it("snaps to whole device pixels, with corners on one", () => {
    for (const factor of [1.95, 2.05, 2.97, 4.04]) {
      const box = pinched(new Zoom(), 500, 400, factor);
      expect((box.width * RATIO) / SURFACE.width).toBeCloseTo(Math.round(factor), 9);
      expect([box.x * RATIO, box.y * RATIO].every(Number.isInteger)).toBe(true);
    }
    expect((pinched(new Zoom(), 500, 400, 2.5).width * RATIO) / SURFACE.width).toBeCloseTo(2.5, 9);
  });

  it("never leaves a gap, nor goes beyond its ends", () => {
    const zoom = new Zoom();
    pinched(zoom, 500, 400, 3);
    for (const [dx, dy] of [
      [9_999, 9_999],
      [-99_999, -99_999],
    ] as const) {
      zoom.move(0, 0, dx, dy, 1);
      const { x, y, width, height } = zoom.box(BASE, STAGE, 0, SURFACE, RATIO);
      expect(x <= 0 && y <= 0 && x + width >= STAGE.width && y + height >= STAGE.height).toBe(true);
    }
    expect((pinched(zoom, 500, 400, 1_000).width * RATIO) / SURFACE.width).toBeCloseTo(DEVICE_PX_MAX, 9);
  });

  it("goes back to the layout when pinched together", () => {
    const zoom = new Zoom();
    pinched(zoom, 100, 100, 3);
    expect(zoom.enlarged).toBe(true);
    zoom.move(100, 100, 0, 0, 0.1);
    expect([zoom.box(BASE, STAGE, 0, SURFACE, RATIO), zoom.active]).toEqual([BASE, false]);
  });

  it("lets the lower edge come above a soft keyboard, at the same size", () => {
    const zoom = new Zoom();
    zoom.start(zoom.box(BASE, STAGE, 400, SURFACE, RATIO));
    zoom.move(0, 0, 0, -5_000, 1);
    const box = zoom.box(BASE, STAGE, 400, SURFACE, RATIO);
    expect([box.y + box.height, box.width]).toEqual([420, BASE.width]);
  });
});
