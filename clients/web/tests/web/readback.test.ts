import { describe, expect, it } from "vitest";
import { noise, sameColours } from "../../src/surface/readback_probe.ts";
import { readbackHelp } from "../../src/ui/viewer/readback_help.ts";
import {
  CHECK_INTERVAL_MS,
  DOUBT_INTERVAL_MS,
  RECHECK_INTERVAL_MS,
  ReadbackCheck,
} from "../../src/worker/readback_check.ts";

describe("readback pattern", () => {
  it("is opaque, differs by seed and has no two equal neighbours", () => {
    const pattern = noise(4096, 7);
    expect(sameColours(pattern, noise(4096, 8))).toBe(false);
    expect(sameColours(pattern, noise(4096, 7))).toBe(true);
    const words = new Uint32Array(pattern.buffer);
    for (let index = 1; index < words.length; index++) expect(words[index]).not.toBe(words[index - 1]);
    for (let index = 3; index < pattern.length; index += 4) expect(pattern[index]).toBe(255);
  });

  it("is altered if one colour of one pixel differs by one level, but not by alpha", () => {
    const pattern = noise(4096, 7);
    for (const channel of [0, 1, 2]) {
      const read = pattern.slice();
      read[4000 + channel] = (read[4000 + channel] ?? 0) ^ 1;
      expect(sameColours(pattern, read)).toBe(false);
    }
    const read = pattern.slice();
    read[4003] = 254;
    expect(sameColours(pattern, read)).toBe(true);
    expect(sameColours(pattern, pattern.slice(4))).toBe(false);
  });
});

describe("readback check", () => {
  it("trusts nothing before the first result, and only an intact pattern", () => {
    const check = new ReadbackCheck();
    expect([check.trusted, check.altered]).toEqual([false, false]);
    check.finished("refused");
    expect([check.trusted, check.altered]).toEqual([false, false]);
    check.finished("altered");
    expect([check.trusted, check.altered]).toEqual([false, true]);
    check.finished("intact");
    expect([check.trusted, check.altered]).toEqual([true, false]);
  });

  it("is repeated: soon while readings are altered or the agent doubts them, seldom otherwise, never twice at once", () => {
    const check = new ReadbackCheck();
    expect(check.due(0)).toBe(true);
    check.started(0);
    expect(check.due(60_000)).toBe(false);
    check.finished("altered");
    expect([check.due(RECHECK_INTERVAL_MS - 1), check.due(RECHECK_INTERVAL_MS)]).toEqual([false, true]);
    check.started(10_000);
    check.finished("intact");
    expect([check.due(9_999 + CHECK_INTERVAL_MS), check.due(10_000 + CHECK_INTERVAL_MS)]).toEqual([false, true]);
    check.setDoubted(true);
    expect([check.due(9_999 + DOUBT_INTERVAL_MS), check.due(10_000 + DOUBT_INTERVAL_MS)]).toEqual([false, true]);
  });
});

describe("instructions for a browser that alters readings", () => {
  const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
  const chrome =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

  it.each([
    [{ userAgent: firefox }, "firefox"],
    [{ userAgent: chrome, brave: {} }, "brave"],
    [{ userAgent: chrome }, "other"],
  ])("belong to the browser %#", (browser, expected) => {
    expect(readbackHelp(browser)).toBe(expected);
  });
});
