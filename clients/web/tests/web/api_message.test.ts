import { describe, expect, it } from "vitest";
import { API_ERROR_CODES } from "../../src/protocol/generated/wire_facts.ts";
import { findMessage } from "../../src/ui/api_message.ts";
import { englishMessages } from "../../src/ui/messages.ts";
import { koreanMessages } from "../../src/ui/messages_ko.ts";

describe("messages for the gateway's error codes", () => {
  it.each([englishMessages, koreanMessages])("exist for every code", (messages) => {
    expect(API_ERROR_CODES.filter((code) => findMessage(messages, code) === null)).toEqual([]);
    expect(Object.keys(messages.api).sort()).toEqual([...API_ERROR_CODES].sort());
  });

  it("in Korean are Korean", () => {
    const foreign = Object.values(koreanMessages.api).filter(({ what, why, next }) =>
      [what, why, next].some((text) => !/[가-힣]/.test(text)),
    );
    expect(foreign).toEqual([]);
  });

  it("are missing for a code of a newer server", () => {
    expect(findMessage(englishMessages, "a-newer-code")).toBeNull();
    expect(findMessage(englishMessages, "constructor")).toBeNull();
  });
});
