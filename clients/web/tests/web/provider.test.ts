import { describe, expect, it } from "vitest";
import { providerAnswer, providerOf } from "../../src/gateway/provider_client.ts";

describe("the address to which a provider sends the browser back", () => {
  it("names what the provider said, and nothing else", () => {
    expect(providerAnswer("?code=abc&state=xyz&iss=https%3A%2F%2Fid.example&session_state=1")).toEqual({
      state: "xyz",
      code: "abc",
      iss: "https://id.example",
    });
    expect(providerAnswer("?error=access_denied&state=xyz")).toEqual({ state: "xyz", error: "access_denied" });
  });

  it("says nothing without a state", () => {
    expect(providerAnswer("")).toBeNull();
    expect(providerAnswer("?code=abc")).toBeNull();
  });
});

describe("a provider of the list", () => {
  it("is left out when it is not described as expected", () => {
    expect(providerOf({ name: "hospital", title: "Hospital" })).toEqual({ name: "hospital", title: "Hospital" });
    for (const wrong of [null, "hospital", { name: "hospital" }, { name: 1, title: "Hospital" }])
      expect(providerOf(wrong)).toBeNull();
  });
});
