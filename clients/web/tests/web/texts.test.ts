import { describe, expect, it } from "vitest";
import { NoticeCode } from "../../src/protocol/generated.ts";
import { english } from "../../src/ui/texts.ts";
import { korean } from "../../src/ui/texts_ko.ts";

const LANGUAGES = { english, korean };

/** Returns the names of all texts below a value, with their paths. */
function names(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([name, part]) => names(part, `${path}.${name}`));
}

describe("texts", () => {
  it.each(Object.entries(LANGUAGES))("have a notice for each code of the agent: %s", (_, { notices }) => {
    expect(Object.keys(notices).sort()).toEqual(Object.values(NoticeCode).sort());
    expect(Object.values(notices).filter((text) => text.trim() === "")).toEqual([]);
  });

  it("exist in both languages", () => {
    expect(names(korean).sort()).toEqual(names(english).sort());
  });
});
