import { describe, expect, it } from "vitest";
import { previewCorner } from "../../src/ui/viewer/composition_preview.ts";
import { type WindowSize, withoutSoftKeyboard } from "../../src/ui/viewer/monitors/soft_keyboard_height.ts";

const UPRIGHT: WindowSize = { width: 820, height: 1180 };

describe("the size of a window without its soft keyboard", () => {
  /** The window's sizes from the moment when the keyboard is raised, and what the last one counts as. */
  const CASES: readonly (readonly [string, readonly WindowSize[], WindowSize])[] = [
    ["a keyboard that covers the window", [UPRIGHT], UPRIGHT],
    ["a keyboard that takes its height from the window", [{ width: 820, height: 700 }], UPRIGHT],
    [
      "a keyboard that becomes lower",
      [
        { width: 820, height: 700 },
        { width: 820, height: 760 },
      ],
      UPRIGHT,
    ],
    ["a tablet that is turned below a covering keyboard", [{ width: 1180, height: 820 }], { width: 1180, height: 820 }],
    ["a tablet that is turned there and back", [{ width: 1180, height: 820 }, UPRIGHT], UPRIGHT],
    ["a browser that hides its own bar", [{ width: 820, height: 1240 }], { width: 820, height: 1240 }],
  ];

  it.each(CASES)("%s", (_, sizes, expected) => {
    expect(sizes.reduce(withoutSoftKeyboard, UPRIGHT)).toEqual(expected);
  });
});

describe("the place of composed text", () => {
  const SIZE = { width: 40, height: 30 };
  const PAGE_WIDTH = 800;

  it("is on the line of the desktop's caret", () => {
    const caret = { x: 200, y: 300, height: 20, bottom: 600 };
    expect(previewCorner(caret, SIZE, PAGE_WIDTH)).toEqual({ x: 200, y: 295 });
  });

  it("is below the last press where the caret is unknown", () => {
    expect(previewCorner({ x: 200, y: 300, height: 0, bottom: 600 }, SIZE, PAGE_WIDTH)).toEqual({ x: 200, y: 318 });
  });

  it("is above a press for which there is no room below", () => {
    expect(previewCorner({ x: 200, y: 590, height: 0, bottom: 600 }, SIZE, PAGE_WIDTH)).toEqual({ x: 200, y: 542 });
  });

  it("stays on the page, above a soft keyboard and the extra keys", () => {
    for (const x of [-50, 790]) {
      for (const y of [-50, 300, 700]) {
        for (const height of [0, 20]) {
          const corner = previewCorner({ x, y, height, bottom: 420 }, SIZE, PAGE_WIDTH);
          expect(corner.x).toBeGreaterThanOrEqual(0);
          expect(corner.x + SIZE.width).toBeLessThanOrEqual(PAGE_WIDTH);
          expect(corner.y).toBeGreaterThanOrEqual(0);
          expect(corner.y + SIZE.height).toBeLessThanOrEqual(420);
        }
      }
    }
  });
});
