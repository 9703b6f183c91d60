import { describe, expect, it } from "vitest";
import { adminPath, adminRouteOf } from "../../src/ui/admin/admin_route.ts";
import { firstPage, mayDo, maySee } from "../../src/ui/admin/rights.ts";
import { routeOf } from "../../src/ui/route.ts";

describe("an address of the administration", () => {
  it("means a page and its object", () => {
    expect(adminRouteOf("admin")).toEqual({ page: "start" });
    expect(adminRouteOf("admin/")).toEqual({ page: "start" });
    expect(adminRouteOf("admin/sessions")).toEqual({ page: "sessions", item: null });
    expect(adminRouteOf("admin/people/HOSPITAL%5Ckim")).toEqual({ page: "people", item: "HOSPITAL\\kim" });
    expect(adminRouteOf("admin/people/%zz")).toEqual({ page: "people", item: "%zz" });
  });

  it("means nothing where no page is, and is none elsewhere", () => {
    for (const path of ["admin/nothing", "admin/people/a/b", "admin//a"])
      expect(adminRouteOf(path)).toEqual({ page: "nothing" });
    for (const path of ["", "desktop/admin", "administration", null]) expect(adminRouteOf(path)).toBeNull();
  });

  it("is made of a page, an object and a query", () => {
    expect(adminPath("sessions")).toBe("admin/sessions");
    expect(adminPath("sessions", undefined, { pool: "ward 3", state: "" })).toBe("admin/sessions?pool=ward+3");
    const path = adminPath("people", "A/B 김");
    expect(adminRouteOf(path)).toEqual({ page: "people", item: "A/B 김" });
  });

  it("is known to the client before the administration is loaded", () => {
    for (const path of ["admin", "admin/people/kim"]) expect(routeOf(path)).toEqual({ page: "admin" });
    expect(routeOf("administration")).toEqual({ page: "nothing" });
  });
});

describe("what a role is offered", () => {
  it("begins with the overview for who sees everything, and with the helpdesk for who helps", () => {
    expect(firstPage(["administrator"])).toBe("overview");
    expect(firstPage(["auditor", "helpdesk"])).toBe("overview");
    expect(firstPage(["helpdesk"])).toBe("help");
  });

  it("lets an auditor read and change nothing", () => {
    expect(maySee(["auditor"], "audit")).toBe(true);
    for (const act of ["end-session", "sign-out", "change-account", "change-pool", "reset-second-factor"] as const)
      expect(mayDo(["auditor"], act)).toBe(false);
  });

  it("lets a helpdesk help, and neither change accounts nor read the audit", () => {
    expect(mayDo(["helpdesk"], "send-message")).toBe(true);
    expect(mayDo(["helpdesk"], "change-account")).toBe(false);
    expect(maySee(["helpdesk"], "audit")).toBe(false);
  });

  it("is nothing without a role", () => {
    expect(maySee([], "sessions")).toBe(false);
    expect(mayDo([], "end-session")).toBe(false);
  });
});
