import { describe, expect, it } from "vitest";
import type { TraceFrame } from "../../src/protocol/messages.ts";
import { bytesText, mixText, percentile, ratioText } from "../../src/ui/viewer/number_format.ts";
import { stageTimes, summarise } from "../../src/ui/viewer/trace_statistics.ts";

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

describe("figures", () => {
  it("are readable", () => {
    expect([0, 999, 1500, 12_345_678].map(bytesText)).toEqual(["0 B", "999 B", "1.50 kB", "12.3 MB"]);
    expect([ratioText(0, 0), ratioText(300, 100), ratioText(100_000, 100)]).toEqual(["–", "3.0 : 1", "1000 : 1"]);
    expect(mixText({ grey: 996, solid: 0, raw: 4 }).replaceAll("\u00a0", " ")).toBe("grey 100 % · raw <1 %");
    expect(mixText({})).toBe("–");
  });

  it("percentiles", () => {
    expect(percentile([5, 1, 3], 0.5)).toBe(3);
    expect(percentile([5, 1, 3], 1)).toBe(5);
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe("trace", () => {
  it("splits a frame into its stages", () => {
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

  it("summarises the last seconds", () => {
    const frames = Array.from({ length: 40 }, (_, index) => frame(index * 100));
    const summary = summarise(frames, 2_000);
    expect(summary?.framesPerS).toBe(10);
    expect(summary?.mbitPerS).toBeCloseTo(0.1);
    expect(summary?.total.p50).toBe(8);
    expect(summarise([], 2_000)).toBeNull();
  });
});
