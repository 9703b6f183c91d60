import { describe, expect, it } from "vitest";
import { LAST_MS, type PersonMessage, PersonMessagesCore } from "../../src/ui/person_messages/person_messages_core.ts";

const MINUTE_MS = 60_000;

function ending(id: string, remainingMs: number | null): PersonMessage {
  const code = remainingMs === null ? "access-ends-at-sign-out" : "access-ends";
  return { id, code, desktop: "reading", titles: {}, remainingMs, text: null };
}

function minutes(core: PersonMessagesCore, nowMs: number): (number | null)[] {
  return core.shown(nowMs).map((shown) => shown.minutes);
}

describe("messages to the person", () => {
  it("count the minutes down while the server is not asked", () => {
    const core = new PersonMessagesCore();
    core.received([ending("one", 5 * MINUTE_MS)], 0);
    expect(minutes(core, 0)).toEqual([5]);
    expect(minutes(core, 1)).toEqual([5]);
    expect(minutes(core, 4 * MINUTE_MS)).toEqual([1]);
    expect(minutes(core, 9 * MINUTE_MS)).toEqual([1]);
  });

  it("stay closed, except for the last minute", () => {
    const core = new PersonMessagesCore();
    core.received([ending("one", 5 * MINUTE_MS), ending("two", null)], 0);
    core.close("one");
    core.close("two");
    expect(core.shown(5 * MINUTE_MS - LAST_MS - 1)).toEqual([]);
    expect(minutes(core, 5 * MINUTE_MS - LAST_MS)).toEqual([1]);
  });

  it("are shown again when the same thing happens again", () => {
    const core = new PersonMessagesCore();
    core.received([ending("one", null)], 0);
    core.close("one");
    core.received([], 1);
    expect(core.shown(1)).toEqual([]);
    core.received([ending("one", null)], 2);
    expect(minutes(core, 2)).toEqual([null]);
  });

  it("are forgotten when the person signs out", () => {
    const core = new PersonMessagesCore();
    core.received([ending("one", MINUTE_MS)], 0);
    core.clear();
    expect(core.shown(0)).toEqual([]);
  });
});
