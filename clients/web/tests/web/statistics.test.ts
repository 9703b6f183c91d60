import { describe, expect, it } from "vitest";
import type { TraceFrame } from "../../src/protocol/messages.ts";
import { formatBytes, formatMix, formatRatio } from "../../src/ui/viewer/number_format.ts";
import { percentile, stageTimes, summarise } from "../../src/ui/viewer/trace_statistics.ts";

const frame = (sent: number, more: Partial<TraceFrame> = {}): TraceFrame => ({
  epoch: 1,
  damaged: sent - 4,
  captured: sent - 3,
  diffed: sent - 2,
  encoded: sent - 1,
  sent,
  received: sent + 1,
  decoded: sent + 3,
  shown: sent + 4,
  acked: sent + 5,
  tiles: 1,
  bytes: 1250,
  ...more,
});

describe("number formats", () => {
  it("formats bytes, ratios and fractions for people", () => {
    expect([0, 999, 1500, 12_345_678].map(formatBytes)).toEqual(["0 B", "999 B", "1.50 kB", "12.3 MB"]);
    expect([formatRatio(0, 0), formatRatio(300, 100), formatRatio(100_000, 100)]).toEqual(["–", "3.0 : 1", "1000 : 1"]);
    expect(formatMix({ grey: 996, solid: 0, raw: 4 }).replaceAll("\u00a0", " ")).toBe("grey 100 % · raw <1 %");
    expect(formatMix({})).toBe("–");
  });

  it("computes percentiles, and NaN of no values", () => {
    expect(percentile([5, 1, 3], 0.5)).toBe(3);
    expect(percentile([5, 1, 3], 1)).toBe(5);
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe("trace statistics", () => {
  it("computes the duration of each stage of a frame", () => {
    expect(stageTimes(frame(100))).toEqual({
      capture: 1,
      diff: 1,
      encode: 1,
      queue: 1,
      network: 1,
      decode: 2,
      show: 1,
    });
    expect(stageTimes(frame(100, { received: null, decoded: null, shown: null }))).toMatchObject({
      network: null,
      decode: null,
      show: null,
    });
    expect(stageTimes(frame(100, { received: 99 })).network).toBe(0);
  });

  it("summarises the frames of the last seconds", () => {
    const frames = Array.from({ length: 40 }, (_, index) => frame(index * 100));
    const summary = summarise(frames, 2_000);
    expect(summary?.framesPerS).toBe(10);
    expect(summary?.mbitPerS).toBeCloseTo(0.1);
    expect(summary?.total.p50).toBe(8);
    expect(summarise([], 2_000)).toBeNull();
  });
});
