/**
 * What mice and touchpads send in each engine, and how many notches it is.
 *
 * Sources. Gecko: `dom/events/WheelEvent.{h,cpp}` (`kNativeTicksToWheelDelta` 120, `kTrustedDeltaToWheelDelta` 3; macOS gives no
 * ticks). Chromium: `components/input/web_input_event_builders_mac.mm` with `kScrollbarPixelsPerCocoaTick` 40, `wheel_event.cc` with
 * `kTickMultiplier` 120. MapLibre: `src/ui/handler/scroll_zoom.ts` (4.000244140625). The others are issue threads on GitHub.
 */

import { describe, expect, it } from "vitest";
import {
  mayBePinch,
  pinchPixels,
  UNITS_PER_NOTCH,
  WheelCore,
  type WheelInput,
  type WheelPlatform,
} from "../../src/input/wheel_core.ts";

const MAC: WheelPlatform = { mac: true, ratio: () => 2 };
const ZOOMED_MAC: WheelPlatform = { mac: true, ratio: () => 2.5 };
const OTHER: WheelPlatform = { mac: false, ratio: () => 1 };
/** One detent of a mouse is one notch. */
const NOTCH = UNITS_PER_NOTCH;

const px = (deltaY: number, wheelDeltaY?: number): WheelInput => ({
  deltaX: 0,
  deltaY,
  deltaMode: 0,
  ...(wheelDeltaY === undefined ? {} : { wheelDeltaX: 0, wheelDeltaY }),
});
const lines = (deltaY: number, wheelDeltaY?: number): WheelInput => ({ ...px(deltaY, wheelDeltaY), deltaMode: 1 });

describe("a detent of a mouse wheel is one notch", () => {
  it.each([
    ["Chromium on Windows", OTHER, px(100, -120), "openfl/lime#355, ag-grid/ag-charts#947"],
    ["Chromium on Windows, one line per detent", OTHER, px(100 / 3, -120), "wheel_event.cc"],
    ["Chromium on Windows, 125 %", OTHER, px(80, -120), "wheel_event.cc"],
    ["Edge on Windows, the page zoomed to 150 %", OTHER, px(66.66, -120), "wheel_event.cc"],
    ["Firefox on Windows", OTHER, lines(3, -120), "openfl/lime#355"],
    ["Firefox on Windows, one line per detent", OTHER, lines(1, -120), "openfl/lime#355"],
    ["Firefox before 88", OTHER, lines(3), "openfl/lime#355"],
    ["Chromium on Linux", OTHER, px(120, -120), "david-vanderson/dvui#805; XTEST"],
    ["Chromium on Linux before 2022", OTHER, px(53, -120), "atom/atom#16114"],
    ["Firefox on Linux", OTHER, lines(6, -120), "ivmartel/dwv#917; XTEST"],
    ["WebKitGTK", OTHER, px(96, -120), "XTEST"],
    ["Chromium on ChromeOS", OTHER, px(100, -120), "vispy/jupyter_rfb#50"],
    ["Chromium on macOS, slow", MAC, px(4.000244140625, -12), "MapLibre"],
    ["Chromium on macOS, accelerated", MAC, px(34.15283203125, -102), "MapLibre"],
    ["Chromium on macOS, fast", MAC, px(153.34228515625, -460), "MapLibre"],
    ["Safari on macOS, slow", MAC, px(4.000244140625, -12), "HumbleUI/JWM#288"],
    ["Chromium on macOS, the page zoomed to 125 %", ZOOMED_MAC, px(4.000244140625 / 1.25, -12), "MapLibre"],
    ["Chromium on macOS, no acceleration", MAC, px(40, -120), "kScrollbarPixelsPerCocoaTick"],
    ["Firefox on macOS, slow", MAC, lines(1, -48), "david-vanderson/dvui#805"],
    ["Firefox on macOS, fast", MAC, lines(10, -480), "david-vanderson/dvui#805"],
  ] as const)("%s", (_name, platform, input, _source) => {
    const wheel = new WheelCore(platform);
    for (let detent = 0; detent < 25; detent++) expect(wheel.turn(input, detent * 200)).toEqual({ dx: 0, dy: NOTCH });
    const back = {
      ...input,
      deltaY: -input.deltaY,
      ...(input.wheelDeltaY === undefined ? {} : { wheelDeltaY: -input.wheelDeltaY }),
    };
    expect(wheel.turn(back, 10_000)).toEqual({ dx: 0, dy: -NOTCH });
  });

  it("counts detents of a macOS mouse that acceleration turns into whole pixels", () => {
    const wheel = new WheelCore(MAC);
    const turns = [px(4.000244140625, -12), px(20, -60), px(80, -240), px(8.00048828125, -24), px(15, -45)];
    expect(turns.map((input, index) => wheel.turn(input, index * 16).dy)).toEqual([NOTCH, NOTCH, NOTCH, NOTCH, NOTCH]);
  });

  it("adds up the parts of a detent of a high-resolution wheel", () => {
    for (const [count, input] of [
      [8, px(15, -15)], // Chromium on Linux
      [8, px(12.5, -15)], // Chromium on Windows, microsoft/vscode#70515: 21.66 px and −26 units
      [8, lines(0.375, -15)], // Firefox on Windows
      [8, lines(0.375)],
    ] as const) {
      const wheel = new WheelCore(OTHER);
      let sum = 0;
      for (let part = 0; part < count; part++) sum += wheel.turn(input, part).dy;
      expect(sum).toBe(NOTCH);
    }
    expect(new WheelCore(OTHER).turn(px(21.66, -26), 0).dy).toBe(26);
  });

  it("counts detents that a browser merged into one event", () => {
    expect(new WheelCore(OTHER).turn(px(-300, 360), 0).dy).toBe(-3 * NOTCH);
    expect(new WheelCore(OTHER).turn(px(240, -240), 0).dy).toBe(2 * NOTCH); // Chromium on Linux, dvui#805
    const firefox = new WheelCore(OTHER);
    const turn = (input: WheelInput): number => firefox.turn(input, 0).dy;
    expect([lines(6, -120), lines(24, -120), lines(-12, 120), lines(6, -120)].map(turn)).toEqual([120, 480, -240, 120]);
  });

  it("counts a quick first turn, which Firefox merged before a single notch was seen", () => {
    const firefox = new WheelCore(OTHER);
    const turn = (input: WheelInput): number => firefox.turn(input, 0).dy;
    expect([lines(12, -120), lines(6, -120), lines(18, -120)].map(turn)).toEqual([2 * NOTCH, NOTCH, 3 * NOTCH]);
    const faster = new WheelCore(OTHER); // the system's speed is set to 10 lines
    expect([10, 10, 20, 10].map((count) => faster.turn(lines(count, -120), 0).dy)).toEqual([120, 120, 240, 120]);
  });

  it("turns sideways", () => {
    expect(
      new WheelCore(OTHER).turn({ deltaX: 100, deltaY: 0, deltaMode: 0, wheelDeltaX: -120, wheelDeltaY: 0 }, 0),
    ).toEqual({
      dx: NOTCH,
      dy: 0,
    });
    const shifted = { deltaX: 4.000244140625, deltaY: 0, deltaMode: 0, wheelDeltaX: -12, wheelDeltaY: 0 };
    expect(new WheelCore(MAC).turn(shifted, 0)).toEqual({ dx: NOTCH, dy: 0 }); // macOS exchanges the axes with Shift
  });
});

describe("a touchpad scrolls by its pixels", () => {
  it.each([
    ["Chromium and Safari on macOS", MAC, (y: number) => px(y, -3 * y), "vispy/jupyter_rfb#55"],
    ["Chromium on macOS, the page zoomed to 125 %", ZOOMED_MAC, (y: number) => px(y / 1.25, -3 * y), "wheel_event.cc"],
    ["Firefox on macOS and Linux", OTHER, (y: number) => px(y, -3 * y), "WheelEvent.cpp"],
    ["Chromium on Windows, Linux and ChromeOS", OTHER, (y: number) => px(y, -y), "wheel_event.cc"],
    ["browsers without the old fields", OTHER, (y: number) => px(y), "UI Events"],
  ] as const)("%s", (_name, platform, event, _source) => {
    const wheel = new WheelCore(platform);
    // A swipe with momentum; one of its events has exactly the pixels of a macOS line.
    const swipe = [1, 2, 3, 7, 12, 18, 23, 31, 40, 38, 33, 27, 22, 17, 11, 8, 5, 3, 2, 1];
    const units = swipe.map((y, index) => wheel.turn(event(y), index * 8).dy);
    const total = units.reduce((sum, unit) => sum + unit, 0);
    const sum = swipe.reduce((all, y) => all + y, 0);
    expect(total).toBeGreaterThanOrEqual(Math.floor(sum * 0.79));
    expect(total).toBeLessThanOrEqual(Math.ceil(sum * 1.2));
    for (const [index, unit] of units.entries())
      expect(unit).toBeLessThanOrEqual(Math.ceil((swipe[index] ?? 0) * 1.2) + 1);
  });

  it("carries fractions over", () => {
    const wheel = new WheelCore();
    let sum = 0;
    for (let step = 0; step < 100; step++) sum += wheel.turn(px(0.7), step).dy;
    expect(sum).toBeGreaterThanOrEqual(83);
    expect(sum).toBeLessThanOrEqual(84);
  });
});

describe("a pinch is a zoom", () => {
  it("makes about two and a half times as large with nine notches", () => {
    const wheel = new WheelCore();
    // mdn/content#36637: both engines send −100 × ln(scale) px in many events.
    const events = Array.from({ length: 24 }, () => pinchPixels(2.4 ** (1 / 24)));
    const notches = events.reduce((sum, deltaPx) => sum + wheel.pinch(deltaPx), 0) / NOTCH;
    expect(notches).toBe(-8);
    expect(events.every((deltaPx) => mayBePinch({ deltaX: 0, deltaY: deltaPx, deltaMode: 0 }))).toBe(true);
  });

  it("sends whole notches alone, and turns round at once", () => {
    const wheel = new WheelCore();
    expect([4, 4, 4, -4, -4, -4].map((deltaPx) => wheel.pinch(deltaPx))).toEqual([0, 0, NOTCH, 0, 0, -NOTCH]);
    expect(wheel.pinch(Number.NaN)).toBe(0);
  });

  it("takes no turn of a wheel for a pinch", () => {
    expect(mayBePinch(px(100, -120))).toBe(false);
    expect(mayBePinch(lines(3, -120))).toBe(false);
    expect(mayBePinch(px(-1.5, 120))).toBe(true); // Chromium gives every event of a pinch a whole tick
  });
});

describe("other wheel events", () => {
  it.each([
    ["one page", { deltaX: 0, deltaY: 1, deltaMode: 2 }, 1200],
    ["nonsense", px(Number.NaN), 0],
    ["far too much", px(1e9), 12_000],
  ])("%s", (_, input, dy) => {
    expect(new WheelCore().turn(input, 0)).toEqual({ dx: 0, dy });
  });
});
