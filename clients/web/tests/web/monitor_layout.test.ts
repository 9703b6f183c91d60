import { describe, expect, it } from "vitest";
import {
  arrange,
  bounds,
  type Display,
  detectShape,
  fitToWindows,
  layoutForDisplays,
  resizeMonitor,
  SHAPES,
  textScaleFor,
} from "../../src/ui/viewer/monitors/monitor_layout.ts";

const FULL_HD = { width: 1920, height: 1080 };
const PORTRAIT = { width: 2048, height: 2560 };
const SCREEN_MAX = { width: 8192, height: 4320 };

function display(left: number, top: number, ratio = 1, isPrimary = false): Display {
  return { left, top, ...FULL_HD, devicePixelRatio: ratio, isPrimary };
}

function overlaps(monitors: ReturnType<typeof arrange>): boolean {
  return monitors.some((one) =>
    monitors.some(
      (other) =>
        one.id < other.id &&
        one.x < other.x + other.width &&
        other.x < one.x + one.width &&
        one.y < other.y + other.height &&
        other.y < one.y + one.height,
    ),
  );
}

describe("shapes of layouts", () => {
  it("places monitors in a row, in a column, and in two rows", () => {
    expect(arrange([PORTRAIT, PORTRAIT, FULL_HD], "row").map(({ x, y }) => [x, y])).toEqual([
      [0, 0],
      [2048, 0],
      [4096, 0],
    ]);
    expect(arrange([PORTRAIT, FULL_HD], "column").map(({ x, y }) => [x, y])).toEqual([
      [0, 0],
      [0, 2560],
    ]);
    expect(arrange([PORTRAIT, PORTRAIT, FULL_HD], "grid").map(({ x, y }) => [x, y])).toEqual([
      [0, 0],
      [2048, 0],
      [0, 2560],
    ]);
    expect(arrange([PORTRAIT, FULL_HD], "row").map(({ id, primary }) => [id, primary])).toEqual([
      [0, true],
      [1, false],
    ]);
  });

  it("recognises its own layouts, which never overlap", () => {
    for (const shape of SHAPES) {
      for (let count = 1; count <= 6; count++) {
        const made = arrange(
          Array.from({ length: count }, (_, n) => (n % 2 === 0 ? PORTRAIT : FULL_HD)),
          shape,
        );
        expect(overlaps(made)).toBe(false);
        expect(arrange(made, detectShape(made) ?? "row")).toEqual(made);
      }
    }
    expect(detectShape(arrange([FULL_HD, FULL_HD], "row").map((monitor) => ({ ...monitor, y: monitor.id * 9 })))).toBe(
      null,
    );
  });
});

describe("layout for displays", () => {
  it("makes one monitor per display, at its position and in device pixels", () => {
    const monitors = layoutForDisplays([display(1920, 100, 2, true), display(0, 0, 2)]);
    expect(monitors).toEqual([
      { id: 0, x: 0, y: 0, width: 3840, height: 2160, primary: false },
      { id: 1, x: 3840, y: 200, width: 3840, height: 2160, primary: true },
    ]);
  });

  it("places displays of different density in a row", () => {
    const monitors = layoutForDisplays([display(0, 0, 1), display(1920, 0, 2), display(-1920, 0, 1.5)]);
    expect(monitors.map(({ x, width }) => [x, width])).toEqual([
      [0, 2880],
      [2880, 1920],
      [4800, 3840],
    ]);
  });

  it("places mirrored displays in a row, and takes at most six displays", () => {
    expect(overlaps(layoutForDisplays([display(0, 0), display(0, 0)]))).toBe(false);
    expect(layoutForDisplays(Array.from({ length: 8 }, (_, n) => display(n * 1920, 0)))).toHaveLength(6);
  });
});

describe("resizing one monitor", () => {
  it("moves the other monitors so that the shape is kept", () => {
    const three = arrange([FULL_HD, FULL_HD, FULL_HD], "row");
    const wider = resizeMonitor(three, 1, { width: 2500, height: 1300 }, SCREEN_MAX);
    expect(wider.map(({ x, width, height }) => [x, width, height])).toEqual([
      [0, 1920, 1080],
      [1920, 2500, 1300],
      [4420, 1920, 1080],
    ]);
    expect(resizeMonitor(wider, 1, FULL_HD, SCREEN_MAX)).toEqual(three);
    const above = resizeMonitor(arrange([FULL_HD, FULL_HD], "column"), 0, { width: 1000, height: 800 }, SCREEN_MAX);
    expect(above.map(({ y }) => y)).toEqual([0, 800]);
  });

  it("stays between the smallest monitor and the largest screen", () => {
    let seed = 7;
    const random = (low: number, high: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return low + (seed % (high - low));
    };
    for (let round = 0; round < 300; round++) {
      const sizes = Array.from({ length: random(1, 4) }, () => ({
        width: random(320, 2000),
        height: random(200, 1400),
      }));
      const made = arrange(sizes, SHAPES[random(0, 3)] ?? "row");
      const after = resizeMonitor(
        made,
        random(0, sizes.length),
        { width: random(1, 20000), height: random(1, 20000) },
        SCREEN_MAX,
      );
      const { width, height } = bounds(after);
      expect(overlaps(after), JSON.stringify({ made, after })).toBe(false);
      expect(width).toBeLessThanOrEqual(SCREEN_MAX.width);
      expect(height).toBeLessThanOrEqual(SCREEN_MAX.height);
      for (const monitor of after)
        expect(Math.min(monitor.width - 320, monitor.height - 200)).toBeGreaterThanOrEqual(0);
    }
  });
});

describe("monitors that take the sizes of their windows", () => {
  const pair = arrange([PORTRAIT, FULL_HD], "row");

  it("get the size of each window, and keep their shape", () => {
    const rooms = new Map([
      [0, { width: 1000, height: 900 }],
      [1, { width: 800, height: 700 }],
    ]);
    expect(fitToWindows(pair, rooms, SCREEN_MAX)?.map(({ x, width, height }) => [x, width, height])).toEqual([
      [0, 1000, 900],
      [1000, 800, 700],
    ]);
  });

  it("are never too small for programs, nor larger than the screen can be", () => {
    const tiny = fitToWindows(pair, new Map([[1, { width: 200, height: 900 }]]), SCREEN_MAX);
    expect(tiny?.[1]).toMatchObject({ width: 640, height: 900 });
    const huge = fitToWindows(pair, new Map([[1, { width: 9000, height: 9000 }]]), SCREEN_MAX);
    expect(bounds(huge ?? [])).toEqual(SCREEN_MAX);
  });

  it("stay as they are while a window has no size or shows a monitor that does not exist", () => {
    expect(fitToWindows(pair, new Map([[0, { width: 0, height: 500 }]]), SCREEN_MAX)).toBeNull();
    expect(fitToWindows(pair, new Map([[2, FULL_HD]]), SCREEN_MAX)).toBeNull();
  });

  it("get the text size that is nearest to the display's density", () => {
    expect([1, 1.1, 1.25, 1.6, 2, 2.625, 3, 4].map(textScaleFor)).toEqual([100, 100, 125, 150, 200, 250, 300, 300]);
  });
});
