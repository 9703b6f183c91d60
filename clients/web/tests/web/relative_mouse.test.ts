import { describe, expect, it } from "vitest";
import { RelativeMouse } from "../../src/input/relative_mouse.ts";

describe("relative mouse", () => {
  it("recognises a program that moves the pointer back again and again, once", () => {
    const mouse = new RelativeMouse();
    const seen = Array.from({ length: 5 }, () => {
      mouse.mouseMoved();
      return mouse.pointerReported(640, 400);
    });
    expect(seen).toEqual([false, false, true, false, false]);
  });

  it("ignores a program that moves the pointer to different places", () => {
    const mouse = new RelativeMouse();
    for (let x = 0; x < 10; x++) {
      mouse.mouseMoved();
      expect(mouse.pointerReported(x, 0)).toBe(false);
    }
  });

  it("ignores reports that no motion of the person preceded", () => {
    const mouse = new RelativeMouse();
    mouse.mouseMoved();
    for (let count = 0; count < 10; count++) expect(mouse.pointerReported(5, 5)).toBe(false);
  });
});
