import { describe, expect, it } from "vitest";
import { draggedPosition } from "../../src/ui/viewer/bar_position.ts";

describe("the bar's position", () => {
  it("follows a drag and stays between the ends of the edge", () => {
    expect(draggedPosition(0.5, 100, 1000)).toBeCloseTo(0.6);
    expect(draggedPosition(0.5, -2000, 1000)).toBe(0);
    expect(draggedPosition(0.5, 2000, 1000)).toBe(1);
  });

  it("does not change where the bar fills the edge", () => {
    expect(draggedPosition(0.5, 10, 0)).toBe(0.5);
    expect(draggedPosition(0.5, 10, -5)).toBe(0.5);
  });
});
