import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  endSession,
  listPath,
  listSessions,
  removeMember,
  resetPassword,
  stepUp,
} from "../../src/gateway/admin/admin_client.ts";
import * as readers from "../../src/gateway/admin/readers.ts";
import { attentionOf } from "../../src/ui/admin/attention.ts";
import { auditFilterValue } from "../../src/ui/admin/audit_filter.ts";
import { largestUnits } from "../../src/ui/admin/format.ts";
import { englishAdminMessages } from "../../src/ui/admin/messages.ts";
import { Paging } from "../../src/ui/admin/paging.ts";
import { listKeys, parsePolicyText, policyText } from "../../src/ui/admin/policy_text.ts";

const SESSION = {
  id: "s1",
  person: "kim",
  desktop: "office",
  pool: null,
  state: "ready",
  since: "2026-12-01T08:00:00.000Z",
  viewers: 2,
  address: "10.0.0.7",
  place: null,
  unattended_since: null,
};
const POOL = { name: "ward", title: { en: "Ward", ko: "병동" }, state: "normal", ready: 2, assigned: 3, maximum: 5 };

describe("parts of a list", () => {
  it("are counted from the first item, and gone through in both directions", () => {
    const paging = new Paging(50);
    paging.received(50, "c1", 120);
    expect([paging.first, paging.last, paging.after]).toEqual([1, 50, null]);
    expect(paging.back()).toBe(false);
    expect(paging.forward()).toBe(true);
    paging.received(50, "c2", 120);
    expect([paging.first, paging.last, paging.after]).toEqual([51, 100, "c1"]);
    paging.forward();
    paging.received(20, null, 120);
    expect([paging.first, paging.last, paging.hasNext]).toEqual([101, 120, false]);
    expect(paging.forward()).toBe(false);
    expect(paging.back()).toBe(true);
    expect(paging.after).toBe("c1");
    paging.restart();
    expect(paging.after).toBeNull();
  });

  it("are 0 to 0 of nothing", () => {
    const paging = new Paging(50);
    paging.received(0, null, 0);
    expect([paging.first, paging.last, paging.hasNext, paging.hasPrevious]).toEqual([0, 0, false, false]);
  });
});

describe("a request of the administration", () => {
  const asked: [string, RequestInit][] = [];
  let answer: Response;
  beforeEach(() => {
    asked.length = 0;
    vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
      asked.push([path, init]);
      return answer;
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("leaves out what is not asked for", () => {
    expect(listPath("people", { q: "", limit: 50, after: null })).toBe("people?limit=50");
    expect(listPath("audit", { q: "a b&c", from: undefined })).toBe("audit?q=a+b%26c");
  });

  it("returns a part of a list", async () => {
    answer = Response.json({ items: [SESSION], next: "c1", total: 400 });
    const listed = await listSessions({ pool: "ward" });
    expect(asked[0]?.[0]).toBe("/api/v1/admin/sessions?pool=ward");
    expect(listed).toEqual({
      ok: true,
      value: { items: [expect.objectContaining({ id: "s1", pool: "", place: "" })], next: "c1", total: 400 },
    });
  });

  it("names its object with escapes, and has a body only where there is one", async () => {
    answer = new Response(null, { status: 204 });
    expect(await endSession("a/b")).toEqual({ ok: true, value: null });
    expect(asked[0]?.[0]).toBe("/api/v1/admin/sessions/a%2Fb/end");
    expect(asked[0]?.[1].body).toBe("{}");
    await removeMember("nurses", "group", "ward 3");
    expect(asked[1]?.[0]).toBe("/api/v1/admin/groups/nurses/members/ward%203?kind=group");
    expect(asked[1]?.[1]).toMatchObject({ method: "DELETE" });
    expect(asked[1]?.[1].body).toBeUndefined();
  });

  it("returns a password that the server made, and none otherwise", async () => {
    answer = Response.json({ name: "kim", password: "made" });
    expect(await resetPassword("kim", "")).toEqual({ ok: true, value: "made" });
    expect(asked[0]?.[1].body).toBe("{}");
    answer = Response.json({ name: "kim", password: null });
    expect(await resetPassword("kim", "given")).toEqual({ ok: true, value: null });
    expect(asked[1]?.[1].body).toBe('{"password":"given"}');
  });

  it("tells apart what a step-up lacks", async () => {
    answer = Response.json({ code: "factor-due" }, { status: 401 });
    expect(await stepUp("secret")).toEqual({ ok: true, value: "factor-due" });
    answer = Response.json({ code: "wrong-credentials" }, { status: 401 });
    expect(await stepUp("secret")).toEqual({ ok: false, failure: { kind: "wrong-password" } });
    answer = Response.json({ code: "signed-out" }, { status: 401 });
    expect(await stepUp("secret")).toEqual({ ok: false, failure: { kind: "signed-out" } });
  });

  it("returns why the server refused", async () => {
    answer = Response.json({ code: "no-role", cause: "…", next_step: "…" }, { status: 403 });
    expect(await endSession("s1")).toEqual({
      ok: false,
      failure: { kind: "server", status: 403, code: "no-role" },
    });
  });
});

describe("a refusal of the administration", () => {
  it("keeps the reason that its code does not name", async () => {
    const body = { code: "refused", cause: "There is no such setting.", next_step: "Choose another one." };
    vi.stubGlobal("fetch", async () => Response.json(body, { status: 409 }));
    expect(await endSession("s1")).toMatchObject({
      failure: { code: "refused", refusal: { why: "There is no such setting.", next: "Choose another one." } },
    });
  });
});

describe("an answer of the administration", () => {
  it("is read with its times", () => {
    const read = readers.session({ ...SESSION, unattended_since: "2026-12-01T09:00:00Z" });
    expect(read.since).toBe(Date.UTC(2026, 11, 1, 8));
    expect(read.unattendedSince).toBe(Date.UTC(2026, 11, 1, 9));
    expect(readers.timeOf("yesterday")).toBeNull();
  });

  it("may lack fields, which are then not known", () => {
    const read = readers.sessionDetail({ id: "s1" });
    expect(read).toMatchObject({ since: null, viewers: 0, stages: null, processes: null, exactness: null });
    const overview = readers.overview({ latency_p95_ms: null });
    expect(overview.latencyP95Ms).toBeNull();
    expect(overview.pools).toEqual([]);
    expect(readers.pageOf(readers.person)({}).items).toEqual([]);
  });

  it("has names of pools by language", () => {
    expect(readers.pool(POOL).titles).toEqual({ en: "Ward", ko: "병동" });
    expect(readers.pool({ name: "ward", title: "Ward" }).titles).toEqual({ en: "Ward" });
  });

  it("has the members of a group in one list", () => {
    const read = readers.groupDetail({
      name: "nurses",
      people: 1,
      groups: 1,
      members: { people: ["kim"], groups: ["ward"] },
    });
    expect(read.members).toEqual([
      { kind: "group", name: "ward" },
      { kind: "person", name: "kim" },
    ]);
  });

  it("drops hours without a time", () => {
    expect(
      readers.useHours({ hours: [{ hour: "2026-12-01T08:00:00Z", pool: "ward", peak: 3 }, { pool: "ward" }] }),
    ).toEqual([{ hour: Date.UTC(2026, 11, 1, 8), pool: "ward", peak: 3 }]);
  });
});

describe("what needs attention", () => {
  const messages = englishAdminMessages.attention;
  const found = (fields: Readonly<Record<string, unknown>>): string[] =>
    attentionOf(readers.overview(fields), messages, ({ name }) => name).map(({ what }) => what);

  it("is nothing while all is well", () => {
    expect(found({ pools: [POOL], desktops: { ready: 3 }, host: { memory_used: 5, memory_total: 10 } })).toEqual([]);
  });

  it("is a restrained pool before one that is full or in maintenance", () => {
    const full = { ...POOL, name: "full", ready: 0, assigned: 5 };
    const maintained = { ...POOL, name: "closed", maintenance: true };
    const restrained = { ...POOL, name: "broken", state: "restrained", last_error: "no display" };
    expect(found({ pools: [full, maintained, restrained] })).toEqual([
      "The pool “broken” starts no desktops.",
      "All 5 desktops of the pool “full” are in use.",
      "The pool “closed” is in maintenance.",
    ]);
  });

  it("is a host short of memory", () => {
    expect(found({ host: { memory_used: 95, memory_total: 100 } })).toEqual([
      "95 % of the memory of the host are in use.",
    ]);
  });
});

describe("a duration", () => {
  it("is written in its two largest units", () => {
    const minute = 60_000;
    expect(largestUnits(0)).toEqual([["second", 0]]);
    expect(largestUnits(59_999)).toEqual([["second", 59]]);
    expect(largestUnits(61 * minute)).toEqual([
      ["hour", 1],
      ["minute", 1],
    ]);
    expect(largestUnits(24 * 60 * minute + 5 * minute)).toEqual([["day", 1]]);
    expect(largestUnits(49 * 60 * minute)).toEqual([
      ["day", 2],
      ["hour", 1],
    ]);
    expect(largestUnits(-5)).toEqual([["second", 0]]);
  });
});

describe("the settings of a policy", () => {
  const lists = listKeys([
    { key: "networks", form: "names of networks, separated by commas, or anywhere" },
    { key: "idle_minutes", form: "a number from 1 to 60" },
  ]);

  it("are read as they are written", () => {
    const values = { idle_minutes: 10, share: false, video: "exact", networks: ["10.0.0.0/8"], tags: ["a", "b"] };
    expect(parsePolicyText(policyText(values), lists)).toEqual(values);
    expect(parsePolicyText("networks = anywhere\n\n", lists)).toEqual({ networks: "anywhere" });
  });

  it("are refused where a line is none", () => {
    expect(parsePolicyText("idle_minutes 10", lists)).toBeNull();
    expect(parsePolicyText("idle_minutes = 10\nnonsense", lists)).toBeNull();
  });
});

describe("days of the audit", () => {
  it("are sent as times, and the last one counts as a whole", () => {
    expect(auditFilterValue("from", "2026-12-01")).toBe(new Date(2026, 11, 1).toISOString());
    expect(auditFilterValue("to", "2026-12-31")).toBe(new Date(2027, 0, 1).toISOString());
    expect(auditFilterValue("account", "kim")).toBe("kim");
  });
});
