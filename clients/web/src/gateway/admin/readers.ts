/**
 * How the answers of the administration API are read.
 *
 * Unknown fields are ignored, and a missing one is read as "not known": the pages then say so instead of failing.
 */

import { isRecord } from "../../protocol/fields.ts";
import type {
  Access,
  AccessPath,
  Assignment,
  AuditEntry,
  AuditVerification,
  Counts,
  DesktopProcess,
  Device,
  Entitlement,
  Group,
  GroupDetail,
  HealthCheck,
  Member,
  Overview,
  PageOf,
  Person,
  PersonDetail,
  Policy,
  PolicyKey,
  PolicyValue,
  Pool,
  RoleAssignment,
  Session,
  SessionDetail,
  Stage,
  UseHour,
} from "./shapes.ts";

type Fields = Readonly<Record<string, unknown>>;
export type Reader<T> = (fields: Fields) => T;

const text = (value: unknown): string =>
  typeof value === "string" ? value : typeof value === "number" ? `${value}` : "";
const number = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
const numberOrNull = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;
const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.map(text).filter((t) => t !== "") : [];

/** Reads a time that is written as ISO 8601, as ms since the epoch. */
export function timeOf(value: unknown): number | null {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

function counts(value: unknown): Counts {
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, count]) => [name, number(count)]));
}

/** Reads names by language. A single text is the name in every language. */
function names(value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) return { en: text(value) };
  return Object.fromEntries(Object.entries(value).map(([language, name]) => [language, text(name)]));
}

/** Reads the items of a list that are objects; null if there is no list. */
export function listOf<T>(value: unknown, read: Reader<T>): readonly T[] | null {
  return Array.isArray(value) ? value.filter(isRecord).map((item) => read(item)) : null;
}

/** Reads one part of a list. */
export function pageOf<T>(read: Reader<T>): Reader<PageOf<T>> {
  return (fields) => {
    const items = listOf(fields.items, read) ?? [];
    const next = text(fields.next);
    return { items, next: next === "" ? null : next, total: numberOrNull(fields.total) ?? items.length };
  };
}

export const session: Reader<Session> = (fields) => ({
  id: text(fields.id),
  person: text(fields.person),
  desktop: text(fields.desktop),
  pool: text(fields.pool),
  state: text(fields.state),
  since: timeOf(fields.since),
  viewers: number(fields.viewers),
  address: text(fields.address),
  place: text(fields.place),
  unattendedSince: timeOf(fields.unattended_since),
});

const stage: Reader<Stage> = (fields) => ({
  name: text(fields.name),
  p50Ms: number(fields.p50_ms),
  p95Ms: number(fields.p95_ms),
});

const desktopProcess: Reader<DesktopProcess> = (fields) => ({
  name: text(fields.name),
  cpuPercent: numberOrNull(fields.cpu_percent),
  memory: number(fields.memory),
});

export const sessionDetail: Reader<SessionDetail> = (fields) => ({
  ...session(fields),
  stages: isRecord(fields.latency) ? listOf(fields.latency.stages, stage) : null,
  exactness: isRecord(fields.exactness) ? counts(fields.exactness) : null,
  processes: listOf(fields.processes, desktopProcess),
});

export const pool: Reader<Pool> = (fields) => ({
  name: text(fields.name),
  titles: names(fields.title),
  kind: text(fields.kind),
  state: text(fields.state),
  ready: number(fields.ready),
  assigned: number(fields.assigned),
  starting: number(fields.starting),
  failed: number(fields.failed),
  minimum: number(fields.minimum),
  maximum: number(fields.maximum),
  imageVersion: text(fields.image_version),
  imageTarget: text(fields.image_target),
  rollout: text(fields.rollout),
  canaries: number(fields.canaries),
  former: number(fields.former),
  rolloutError: text(fields.rollout_error),
  versions: texts(fields.versions),
  maintenance: fields.maintenance === true,
  lastError: text(fields.last_error),
});

export const assignment: Reader<Assignment> = (fields) => ({
  place: number(fields.place),
  person: text(fields.person),
  state: text(fields.state),
  error: text(fields.error),
});

export const overview: Reader<Overview> = (fields) => {
  const host = isRecord(fields.host) ? fields.host : {};
  return {
    desktops: counts(fields.desktops),
    sessions: number(fields.sessions),
    viewers: number(fields.viewers),
    signedIn: number(fields.signed_in),
    pools: listOf(fields.pools, pool) ?? [],
    host: {
      name: text(host.name),
      load: number(host.load),
      processors: number(host.processors),
      memoryUsed: number(host.memory_used),
      memoryTotal: number(host.memory_total),
    },
    latencyP95Ms: numberOrNull(fields.latency_p95_ms),
    exactness: counts(fields.exactness),
  };
};

export const person: Reader<Person> = (fields) => ({
  name: text(fields.name),
  displayName: text(fields.display_name) || text(fields.name),
  source: text(fields.source),
  state: text(fields.state),
  roles: texts(fields.roles),
  groups: texts(fields.groups),
  signedIn: fields.signed_in === true,
  secondFactor: fields.second_factor === true,
  lastSignIn: timeOf(fields.last_sign_in),
});

export const personDetail: Reader<PersonDetail> = (fields) => ({
  ...person(fields),
  desktops: texts(fields.desktops),
  sessions: listOf(fields.sessions, session) ?? [],
});

export const group: Reader<Group> = (fields) => ({
  name: text(fields.name),
  origin: text(fields.origin),
  people: number(fields.people),
  groups: number(fields.groups),
});

export const groupDetail: Reader<GroupDetail> = (fields) => {
  const members = isRecord(fields.members) ? fields.members : {};
  const people = texts(members.people).map((name): Member => ({ kind: "person", name }));
  const groups = texts(members.groups).map((name): Member => ({ kind: "group", name }));
  return { ...group(fields), members: [...groups, ...people] };
};

export const entitlement: Reader<Entitlement> = (fields) => ({
  id: text(fields.id),
  subject: text(fields.subject),
  name: text(fields.name),
  desktop: text(fields.desktop),
  origin: text(fields.origin),
});

const accessPath: Reader<AccessPath> = (fields) => ({
  subject: text(fields.subject),
  name: text(fields.name),
  origin: text(fields.origin),
  groups: texts(fields.groups),
});

export const access: Reader<Access> = (fields) => ({
  allowed: fields.may_open === true,
  paths: listOf(fields.paths, accessPath) ?? [],
  lacks: texts(fields.lacks),
  entitledGroups: texts(fields.entitled_groups),
});

export const roleAssignment: Reader<RoleAssignment> = (fields) => ({
  id: text(fields.id),
  role: text(fields.role),
  subject: text(fields.subject),
  name: text(fields.name),
  scope: text(fields.scope),
  scopeName: text(fields.scope_name),
});

export const device: Reader<Device> = (fields) => ({
  id: text(fields.id),
  name: text(fields.name),
  place: text(fields.place),
  tags: texts(fields.tags),
  enrolled: timeOf(fields.enrolled),
  lastSeen: timeOf(fields.last_seen),
  person: text(fields.person),
});

export const policy: Reader<Policy> = (fields) => ({
  id: text(fields.id),
  conditions: isRecord(fields.conditions) ? names(fields.conditions) : {},
  values: isRecord(fields.values) ? fields.values : {},
  changed: timeOf(fields.changed),
  changedBy: text(fields.changed_by),
});

export const policyKey: Reader<PolicyKey> = (fields) => ({
  key: text(fields.key),
  form: text(fields.form),
  titles: names(fields.titles),
});

export const policyValue: Reader<PolicyValue> = (fields) => ({
  key: text(fields.key),
  titles: names(fields.titles ?? fields.title),
  value: fields.value ?? null,
  origin: text(fields.origin),
});

export const auditEntry: Reader<AuditEntry> = (fields) => ({
  seq: number(fields.seq),
  at: timeOf(fields.at),
  account: text(fields.account),
  role: text(fields.role),
  action: text(fields.action),
  outcome: text(fields.outcome),
  object: text(fields.object),
  address: text(fields.address),
  device: text(fields.device),
  reason: text(fields.reason),
});

export const auditVerification: Reader<AuditVerification> = (fields) => ({
  intact: fields.intact === true,
  entries: number(fields.entries),
  findings: Array.isArray(fields.findings)
    ? fields.findings.map((found) => (isRecord(found) ? text(found.text) : text(found)))
    : [],
  at: timeOf(fields.at),
});

export const healthChecks: Reader<readonly HealthCheck[]> = (fields) =>
  listOf(fields.checks, (check) => ({
    name: text(check.name),
    ok: check.ok === true,
    text: text(check.text),
    nextStep: text(check.next_step),
  })) ?? [];

export const useHours: Reader<readonly UseHour[]> = (fields) =>
  (
    listOf(fields.hours, (entry) => ({ hour: timeOf(entry.hour), pool: text(entry.pool), peak: number(entry.peak) })) ??
    []
  ).filter((entry): entry is UseHour => entry.hour !== null);
