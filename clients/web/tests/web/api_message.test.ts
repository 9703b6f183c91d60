import { describe, expect, it } from "vitest";
import { API_ERROR_CODES } from "../../src/protocol/generated.ts";
import { apiMessage, messageForCode } from "../../src/ui/api_message.ts";
import { koreanApiMessages } from "../../src/ui/api_messages_ko.ts";

describe("messages for the gateway's error codes", () => {
  it("exist for every code, in both languages", () => {
    expect(API_ERROR_CODES.filter((code) => messageForCode(code) === null)).toEqual([]);
    expect(Object.keys(koreanApiMessages).sort()).toEqual([...API_ERROR_CODES].sort());
  });

  it("in Korean are Korean", () => {
    const foreign = Object.entries(koreanApiMessages).filter(([, message]) =>
      [message.what, message.why, message.next].some((text) => !/[가-힣]/.test(text)),
    );
    expect(foreign).toEqual([]);
  });

  it("fall back to the status for a code of a newer server", () => {
    expect(messageForCode("constructor")).toBeNull();
    expect(apiMessage("a-newer-code", 503).why).toContain("503");
  });
});
