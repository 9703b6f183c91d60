import { describe, expect, it } from "vitest";
import type { Desktop } from "../../src/gateway/gateway_client.ts";
import { BADGE_MAX_MS, BadgeReaderCore, GAP_MAX_MS } from "../../src/ui/badge_reader/badge_reader_core.ts";
import { ownDesktop } from "../../src/ui/badge_reader/own_desktop.ts";

const FORMAT = { prefix: ";", digitsMin: 6, digitsMax: 10 };

/** What a window sees of keys: what is typed, and the numbers of badges. */
interface Seen {
  typed: string;
  numbers: string[];
}

/** Presses keys one after another, `gapMs` apart. The keys that no reader holds back are typed at once. */
function press(core: BadgeReaderCore, keys: readonly string[], gapMs: number, beganMs = 1000): Seen {
  const seen: Seen = { typed: "", numbers: [] };
  keys.forEach((key, index) => {
    const { text, hold, number } = core.key({ key, timeMs: beganMs + index * gapMs, unusual: false });
    seen.typed += text;
    if (!hold && key !== "Shift") seen.typed += key === "Enter" ? "\n" : key;
    if (number !== null) seen.numbers.push(number);
  });
  seen.typed += core.release();
  return seen;
}

describe("a reader of badges", () => {
  it("types a badge, of which the window sees nothing", () => {
    expect(press(new BadgeReaderCore(FORMAT), [";", ..."0012345678", "Enter"], 15)).toEqual({
      typed: "",
      numbers: ["0012345678"],
    });
  });

  it("types the next badge as well, and the keys around both reach the window", () => {
    const core = new BadgeReaderCore(FORMAT);
    const keys = ["a", ";", ..."123456", "Enter", "b", "Shift", ";", ..."654321", "Enter", "c"];
    expect(press(core, keys, 10)).toEqual({ typed: "abc", numbers: ["123456", "654321"] });
  });

  it("takes at most the time of a badge, and no longer between two keys", () => {
    const keys = [";", ..."1234567", "Enter"];
    const gaps = keys.length - 1;
    expect(press(new BadgeReaderCore(FORMAT), keys, BADGE_MAX_MS / gaps).numbers).toEqual(["1234567"]);
    expect(press(new BadgeReaderCore(FORMAT), keys, (BADGE_MAX_MS + 1) / gaps)).toEqual({
      typed: ";1234567\n",
      numbers: [],
    });
    const core = new BadgeReaderCore(FORMAT);
    core.key({ key: ";", timeMs: 0, unusual: false });
    expect(core.key({ key: "1", timeMs: GAP_MAX_MS + 1, unusual: false })).toEqual({
      text: ";",
      hold: false,
      number: null,
    });
  });
});

describe("a person", () => {
  it.each([[60], [90], [150], [400]])("who types a number by hand, a key every %i ms, is no badge", (gapMs) => {
    expect(press(new BadgeReaderCore(FORMAT), [";", ..."123456", "Enter"], gapMs)).toEqual({
      typed: ";123456\n",
      numbers: [],
    });
  });

  it.each([
    ["digits without the prefix", [..."12345678", "Enter"], "12345678\n"],
    ["too few digits", [";", ..."12345", "Enter"], ";12345\n"],
    ["too many digits", [";", ..."12345678901", "Enter"], ";12345678901\n"],
    ["letters", [";", ..."123x456", "Enter"], ";123x456\n"],
    ["a prefix again", [";", "1", ";", "2"], ";1;2"],
    ["the prefix alone", [";"], ";"],
  ])("types %s, and all of it arrives in its order", (_, keys, typed) => {
    expect(press(new BadgeReaderCore(FORMAT), keys, 10)).toEqual({ typed, numbers: [] });
  });

  it("who uses shortcuts or holds a key is no badge", () => {
    const core = new BadgeReaderCore(FORMAT);
    core.key({ key: ";", timeMs: 0, unusual: false });
    expect(core.key({ key: "1", timeMs: 10, unusual: true })).toEqual({ text: ";", hold: false, number: null });
    expect(core.reading).toBe(false);
    expect(core.key({ key: ";", timeMs: 20, unusual: true }).hold).toBe(false);
  });
});

describe("the desktop that a badge opens", () => {
  const desktop = (name: string, state: string, kind: Desktop["kind"] = "desktop"): Desktop => ({
    name,
    titles: {},
    profile: "office",
    kind,
    state,
    attached: false,
    isolated: true,
    home: "kept",
    endsInS: null,
  });

  it("is the only one that runs, or else the only one", () => {
    expect(ownDesktop([desktop("a", "off"), desktop("b", "ready")])?.name).toBe("b");
    expect(ownDesktop([desktop("a", "spare"), desktop("check", "ready", "tool")])?.name).toBe("a");
  });

  it("is for the person to choose otherwise", () => {
    expect(ownDesktop([])).toBeNull();
    expect(ownDesktop([desktop("a", "off"), desktop("b", "off")])).toBeNull();
    expect(ownDesktop([desktop("a", "ready"), desktop("b", "starting")])).toBeNull();
  });
});
