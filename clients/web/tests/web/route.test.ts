import { describe, expect, it } from "vitest";
import { routeOf } from "../../src/ui/route.ts";

describe("an address", () => {
  it("means a page", () => {
    expect(routeOf("")).toEqual({ page: "list" });
    expect(routeOf("my-sign-in")).toEqual({ page: "my-sign-in" });
    expect(routeOf("enrol")).toEqual({ page: "enrol" });
    expect(routeOf("desktop/reading%20room")).toEqual({ page: "desktop", desktop: "reading room" });
    expect(routeOf("oidc/hospital")).toEqual({ page: "provider", provider: "hospital" });
    expect(routeOf("check/check/")).toEqual({ page: "check", desktop: "check" });
  });

  it("means nothing where no page is", () => {
    for (const path of ["nothing", "my-sign-in/", "desktop", "desktop/", "desktop/a/b", "checks/a", "oidc", null])
      expect(routeOf(path)).toEqual({ page: "nothing" });
  });

  it("with a malformed escape names no desktop", () => {
    expect(routeOf("desktop/%zz")).toEqual({ page: "desktop", desktop: "%zz" });
  });
});
