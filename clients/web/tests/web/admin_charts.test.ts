import { describe, expect, it } from "vitest";
import { History, heatDays, heatLevel, linePath, segments } from "../../src/ui/admin/chart_geometry.ts";

describe("a stacked bar", () => {
  it("is divided in proportion and filled entirely", () => {
    const parts = segments(
      [
        ["ready", 30],
        ["failed", 10],
        ["starting", 0],
      ],
      400,
    );
    expect(parts.map(({ name, x, width }) => [name, x, width])).toEqual([
      ["ready", 0, 300],
      ["failed", 300, 100],
    ]);
  });

  it("shows one of many, too", () => {
    const parts = segments(
      [
        ["ready", 10_000],
        ["failed", 1],
      ],
      1000,
    );
    expect(parts[1]?.width).toBeGreaterThan(10);
    expect((parts[0]?.width ?? 0) + (parts[1]?.width ?? 0)).toBeCloseTo(1000);
  });

  it("is empty without counts", () => {
    expect(segments([["ready", 0]], 400)).toEqual([]);
  });
});

describe("a line", () => {
  it("ends at the right edge, and its largest value at the top", () => {
    expect(linePath([0, 5, 10], 100, 20, 3)).toBe("M0 20L50 10L100 0");
    expect(linePath([10, 5], 100, 20, 5)).toBe("M75 0L100 10");
  });

  it("needs two values, and lies at the bottom while all are 0", () => {
    expect(linePath([3], 100, 20, 5)).toBe("");
    expect(linePath([0, 0], 100, 20, 2)).toBe("M0 20L100 20");
  });

  it("keeps the newest values only", () => {
    const history = new History(3);
    for (const value of [1, 2, 3, 4]) history.add(value);
    expect(history.values).toEqual([2, 3, 4]);
  });
});

describe("a heat map", () => {
  it("gives the largest value the highest level and 0 none", () => {
    expect([0, 1, 20, 21, 100].map((value) => heatLevel(value, 100))).toEqual([0, 1, 1, 2, 5]);
    expect(heatLevel(0, 0)).toBe(0);
  });

  it("has a row for each day, the newest first, and keeps apart what is 0 and what is not known", () => {
    const at = (day: number, hour: number): number => new Date(2026, 11, day, hour).getTime();
    const days = heatDays([
      { hour: at(1, 8), peak: 3 },
      { hour: at(2, 0), peak: 0 },
      { hour: at(2, 23), peak: 7 },
    ]);
    expect(days.map(({ day }) => day)).toEqual([at(2, 0), at(1, 0)]);
    expect(days[0]?.hours[0]).toBe(0);
    expect(days[0]?.hours[1]).toBeNull();
    expect(days[0]?.hours[23]).toBe(7);
    expect(days[1]?.hours[8]).toBe(3);
  });
});
