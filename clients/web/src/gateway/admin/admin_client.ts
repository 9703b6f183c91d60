/** Requests of the administration's pages. They return failures instead of throwing. */

import { isRecord } from "../../protocol/fields.ts";
import { type Answer, call, failure, type Method } from "../gateway_client.ts";
import * as readers from "./readers.ts";
import type * as shapes from "./shapes.ts";

const BASE = "/api/v1/admin/";

/** What a list is asked for. Empty texts ask for everything. */
export interface ListQuery {
  readonly q?: string;
  readonly limit?: number;
  /** Where the part begins, as the part before said. */
  readonly after?: string | null;
  readonly [filter: string]: string | number | null | undefined;
}

/** Returns the address of a list with its query. Pure. */
export function listPath(list: string, query: ListQuery): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return search.size > 0 ? `${list}?${search}` : list;
}

async function ask<T>(path: string, read: readers.Reader<T>): Promise<Answer<T>> {
  const reply = await call("GET", BASE + path);
  return reply?.ok && isRecord(reply.body) ? { ok: true, value: read(reply.body) } : failure(reply);
}

async function act(method: Method, path: string, body?: object): Promise<Answer<null>> {
  const reply = await call(method, BASE + path, method === "POST" ? (body ?? {}) : body);
  return reply?.ok ? { ok: true, value: null } : failure(reply);
}

/** Does the same where the server may have made a password, which it says only in this answer. */
async function actForPassword(path: string, body: object): Promise<Answer<string | null>> {
  const reply = await call("POST", BASE + path, body);
  if (!reply?.ok) return failure(reply);
  const password = isRecord(reply.body) ? reply.body.password : null;
  return { ok: true, value: typeof password === "string" ? password : null };
}

/** An empty password lets the server make one. */
const given = (password: string): { password?: string } => (password === "" ? {} : { password });

const part = encodeURIComponent;

function list<T>(path: string, read: readers.Reader<T>): (query: ListQuery) => Promise<Answer<shapes.PageOf<T>>> {
  const readPage = readers.pageOf(read);
  return (query) => ask(listPath(path, query), readPage);
}

export const overview = (): Promise<Answer<shapes.Overview>> => ask("overview", readers.overview);

export const listPools = list("pools", readers.pool);
export const setMaintenance = (name: string, on: boolean): Promise<Answer<null>> =>
  act("POST", `pools/${part(name)}/maintenance`, { on });
export const poolOf = (name: string): Promise<Answer<shapes.Pool>> => ask(`pools/${part(name)}`, readers.pool);
export const assignmentsOf = (name: string): Promise<Answer<shapes.PageOf<shapes.Assignment>>> =>
  list(`pools/${part(name)}/assignments`, readers.assignment)({ limit: 200 });
export const assignDesktop = (name: string, person: string): Promise<Answer<null>> =>
  act("POST", `pools/${part(name)}/assign`, { person });
export const releaseDesktop = (name: string, person: string): Promise<Answer<null>> =>
  act("POST", `pools/${part(name)}/release`, { person });
/** After `withinMinutes` desktops of the former version end; null lets people go on with them. */
export const recomposePool = (
  name: string,
  version: string,
  canaryPercent: number,
  withinMinutes: number | null,
): Promise<Answer<null>> =>
  act("POST", `pools/${part(name)}/recompose`, {
    version,
    canary_percent: canaryPercent,
    within_minutes: withinMinutes,
  });
export const rollBackPool = (name: string): Promise<Answer<null>> => act("POST", `pools/${part(name)}/rollback`);
export const retryPool = (name: string): Promise<Answer<null>> => act("POST", `pools/${part(name)}/retry`);

export const listSessions = list("sessions", readers.session);
export const sessionOf = (id: string): Promise<Answer<shapes.SessionDetail>> =>
  ask(`sessions/${part(id)}`, readers.sessionDetail);
export const endSession = (id: string): Promise<Answer<null>> => act("POST", `sessions/${part(id)}/end`);
export const restartSession = (id: string): Promise<Answer<null>> => act("POST", `sessions/${part(id)}/restart`);
export const sendMessage = (id: string, text: string): Promise<Answer<null>> =>
  act("POST", `sessions/${part(id)}/message`, { text });

export const listPeople = list("people", readers.person);
export const personOf = (name: string): Promise<Answer<shapes.PersonDetail>> =>
  ask(`people/${part(name)}`, readers.personDetail);
export type AccountAct = "enable" | "sign-out" | "reset-second-factor";
export const changePerson = (name: string, what: AccountAct): Promise<Answer<null>> =>
  act("POST", `people/${part(name)}/${what}`);
export const disablePerson = (name: string, endDesktops: boolean): Promise<Answer<null>> =>
  act("POST", `people/${part(name)}/disable`, { end_desktops: endDesktops });
export const resetPassword = (name: string, password: string): Promise<Answer<string | null>> =>
  actForPassword(`people/${part(name)}/reset-password`, given(password));
export const addPerson = (name: string, displayName: string, password: string): Promise<Answer<string | null>> =>
  actForPassword("people", { name, display_name: displayName, ...given(password) });

export const listGroups = list("groups", readers.group);
export const groupOf = (name: string): Promise<Answer<shapes.GroupDetail>> =>
  ask(`groups/${part(name)}`, readers.groupDetail);
export const addGroup = (name: string): Promise<Answer<null>> => act("POST", "groups", { name });
export const deleteGroup = (name: string): Promise<Answer<null>> => act("DELETE", `groups/${part(name)}`);
export const addMember = (group: string, kind: shapes.MemberKind, member: string): Promise<Answer<null>> =>
  act("POST", `groups/${part(group)}/members`, { kind, member });
export const removeMember = (group: string, kind: shapes.MemberKind, member: string): Promise<Answer<null>> =>
  act("DELETE", listPath(`groups/${part(group)}/members/${part(member)}`, { kind }));

export const listEntitlements = list("entitlements", readers.entitlement);
export const addEntitlement = (subject: string, name: string, desktop: string): Promise<Answer<null>> =>
  act("POST", "entitlements", { subject, name, desktop });
export const removeEntitlement = (id: string): Promise<Answer<null>> => act("DELETE", `entitlements/${part(id)}`);
export const whyAccess = (person: string, desktop: string): Promise<Answer<shapes.Access>> =>
  ask(listPath("why", { person, desktop }), readers.access);

export const listRoles = list("roles", readers.roleAssignment);
export const giveRole = (role: Omit<shapes.RoleAssignment, "id">): Promise<Answer<null>> =>
  act("POST", "roles", {
    subject: role.subject,
    name: role.name,
    role: role.role,
    scope: role.scope,
    scope_name: role.scopeName,
  });
export const takeRole = (id: string): Promise<Answer<null>> => act("DELETE", `roles/${part(id)}`);
export const listDevices = list("devices", readers.device);

export const listPolicies = list("policies", readers.policy);
export const setPolicy = (
  id: string,
  conditions: Readonly<Record<string, string>>,
  values: Readonly<Record<string, unknown>>,
): Promise<Answer<null>> => act("PUT", `policies/${part(id)}`, { conditions, values });
export const removePolicy = (id: string): Promise<Answer<null>> => act("DELETE", `policies/${part(id)}`);

/** Returns the settings that policies can decide on. */
export async function policyKeys(): Promise<Answer<readonly shapes.PolicyKey[]>> {
  const reply = await call("GET", `${BASE}policies/keys`);
  const keys = reply?.ok ? readers.listOf(reply.body, readers.policyKey) : null;
  return keys === null ? failure(reply) : { ok: true, value: keys };
}

/** Returns the settings that apply to a person, on a desktop, a device and at an address as far as they are given. */
export async function effectivePolicy(
  person: string,
  where: Readonly<Record<"desktop" | "device" | "address", string>>,
): Promise<Answer<readonly shapes.PolicyValue[]>> {
  const reply = await call("GET", BASE + listPath("policies/effective", { person, ...where }));
  const values = reply?.ok ? readers.listOf(reply.body, readers.policyValue) : null;
  return values === null ? failure(reply) : { ok: true, value: values };
}

export const listAudit = list("audit", readers.auditEntry);
export const verifyAudit = (): Promise<Answer<shapes.AuditVerification>> =>
  ask("audit/verification", readers.auditVerification);

export const health = (): Promise<Answer<readonly shapes.HealthCheck[]>> => ask("health", readers.healthChecks);
export const useOf = (days: number): Promise<Answer<readonly shapes.UseHour[]>> =>
  ask(listPath("use", { days }), readers.useHours);

/** Returns the parts of the API that are there for this person, such as `devices.read`; none when the server does not say. */
export async function ownScopes(): Promise<readonly string[]> {
  const reply = await call("GET", `${BASE}me`);
  const scopes = reply?.ok && isRecord(reply.body) ? reply.body.scopes : null;
  return Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === "string") : [];
}

/** Gives the password once more, which acts of administration need from some networks. */
export async function stepUp(password: string): Promise<Answer<"done" | "factor-due">> {
  const reply = await call("POST", "/api/v1/me/step-up", { password });
  if (reply?.ok) return { ok: true, value: "done" };
  const code = isRecord(reply?.body) ? reply.body.code : null;
  if (code === "factor-due") return { ok: true, value: "factor-due" };
  if (code === "wrong-credentials") return { ok: false, failure: { kind: "wrong-password" } };
  return failure(reply);
}
