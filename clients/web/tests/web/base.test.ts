import { describe, expect, it } from "vitest";
import { BASE_PATH, pathBelowBase, pathTo } from "../../src/base.ts";

describe("the address below which the gateway serves the client", () => {
  it("precedes every path, however it is written", () => {
    expect(BASE_PATH).toBe("/");
    expect(["", "/api/v1/me", "healthz", "//evil.example"].map(pathTo)).toEqual([
      "/",
      "/api/v1/me",
      "/healthz",
      "/evil.example",
    ]);
  });

  it.each([
    ["/desktop/a", "/", "desktop/a"],
    ["/lightbox/desktop/a", "/lightbox/", "desktop/a"],
    ["/lightbox/", "/lightbox/", ""],
    ["/other/desktop/a", "/lightbox/", null],
  ])("is removed from %s", (path, base, below) => {
    expect(pathBelowBase(path, base)).toBe(below);
  });
});
