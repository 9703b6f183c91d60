/** What the administration API answers. Times are ms since the epoch. */

/** A part of a list, and where the next part begins. `total` counts all items that the query finds. */
export interface PageOf<T> {
  readonly items: readonly T[];
  readonly next: string | null;
  readonly total: number;
}

/** A desktop of one person. Times are ms since the epoch. */
export interface Session {
  readonly id: string;
  readonly person: string;
  readonly desktop: string;
  readonly pool: string;
  readonly state: string;
  readonly since: number | null;
  readonly viewers: number;
  readonly address: string;
  readonly place: string;
  readonly unattendedSince: number | null;
}

/** How long one stage of a frame takes. */
export interface Stage {
  readonly name: string;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

export interface DesktopProcess {
  readonly name: string;
  /** Of one processor; null before it was measured twice. */
  readonly cpuPercent: number | null;
  /** Resident memory, bytes. */
  readonly memory: number;
}

/** A session with what is known of its inside; null is not known. */
export interface SessionDetail extends Session {
  readonly stages: readonly Stage[] | null;
  /** For how long the windows of the session showed which state of the badge, s. */
  readonly exactness: Counts | null;
  readonly processes: readonly DesktopProcess[] | null;
}

/** Desktops of the same kind. Counts are desktops; `maximum` is 0 where there is no limit. */
export interface Pool {
  readonly name: string;
  /** The name that people see, by language. */
  readonly titles: Readonly<Record<string, string>>;
  readonly kind: string;
  readonly state: string;
  readonly ready: number;
  readonly assigned: number;
  readonly starting: number;
  readonly failed: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly imageVersion: string;
  /** The version that the pool changes to; empty while it does not change. */
  readonly imageTarget: string;
  /** How far the change is, how many desktops have the new version, and how many another one. */
  readonly rollout: string;
  readonly canaries: number;
  readonly former: number;
  readonly rolloutError: string;
  /** Versions that the pool can change to. */
  readonly versions: readonly string[];
  readonly maintenance: boolean;
  readonly lastError: string;
}

/** A desktop of a dedicated pool that belongs to a person. */
export interface Assignment {
  readonly place: number;
  readonly person: string;
  readonly state: string;
  readonly error: string;
}

export type Counts = Readonly<Record<string, number>>;

export interface Host {
  readonly name: string;
  /** Average number of runnable threads. */
  readonly load: number;
  readonly processors: number;
  /** Bytes. */
  readonly memoryUsed: number;
  readonly memoryTotal: number;
}

export interface Overview {
  readonly desktops: Counts;
  readonly sessions: number;
  readonly viewers: number;
  readonly signedIn: number;
  readonly pools: readonly Pool[];
  readonly host: Host;
  readonly latencyP95Ms: number | null;
  /** For how long all windows showed which state of the badge lately, s; empty is not known. */
  readonly exactness: Counts;
}

export interface Person {
  readonly name: string;
  readonly displayName: string;
  readonly source: string;
  readonly state: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** Whether the person is signed in anywhere. */
  readonly signedIn: boolean;
  readonly secondFactor: boolean;
  readonly lastSignIn: number | null;
}

/** A person with the desktops that they may open, and those that run. */
export interface PersonDetail extends Person {
  readonly desktops: readonly string[];
  readonly sessions: readonly Session[];
}

/** A group, and what it contains directly. */
export interface Group {
  readonly name: string;
  readonly origin: string;
  readonly people: number;
  readonly groups: number;
}

export interface GroupDetail extends Group {
  readonly members: readonly Member[];
}

export type MemberKind = "person" | "group";

export interface Member {
  readonly kind: MemberKind;
  readonly name: string;
}

export interface Entitlement {
  readonly id: string;
  readonly subject: string;
  readonly name: string;
  readonly desktop: string;
  readonly origin: string;
}

/** One reason why a person may open a desktop: an entitlement, and the groups that lead to it. */
export interface AccessPath {
  readonly subject: string;
  readonly name: string;
  readonly origin: string;
  readonly groups: readonly string[];
}

/** Why a person may open a desktop, or what is missing. */
export interface Access {
  readonly allowed: boolean;
  readonly paths: readonly AccessPath[];
  readonly lacks: readonly string[];
  /** Membership in any of these groups would be an entitlement. */
  readonly entitledGroups: readonly string[];
}

/** A role that somebody was given. */
export interface RoleAssignment {
  readonly id: string;
  readonly role: string;
  readonly subject: string;
  readonly name: string;
  /** What kind of thing it is limited to, and the name of that; the name is empty for everything. */
  readonly scope: string;
  readonly scopeName: string;
}

export interface Device {
  readonly id: string;
  readonly name: string;
  readonly place: string;
  readonly tags: readonly string[];
  readonly enrolled: number | null;
  readonly lastSeen: number | null;
  readonly person: string;
}

/** A policy: its settings apply where all of its conditions hold. */
export interface Policy {
  readonly id: string;
  readonly conditions: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, unknown>>;
  readonly changed: number | null;
  readonly changedBy: string;
}

/** A setting that policies can decide on. `form` says what to write. */
export interface PolicyKey {
  readonly key: string;
  readonly form: string;
  readonly titles: Readonly<Record<string, string>>;
}

/** One setting of the effective policy. `origin` says which rule it comes from. */
export interface PolicyValue {
  readonly key: string;
  readonly titles: Readonly<Record<string, string>>;
  readonly value: unknown;
  readonly origin: string;
}

export interface AuditEntry {
  readonly seq: number;
  readonly at: number | null;
  readonly account: string;
  readonly role: string;
  readonly action: string;
  readonly outcome: string;
  readonly object: string;
  readonly address: string;
  readonly device: string;
  readonly reason: string;
}

export interface AuditVerification {
  readonly intact: boolean;
  readonly entries: number;
  readonly findings: readonly string[];
  /** When the entries were read. */
  readonly at: number | null;
}

export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
  readonly nextStep: string;
}

/** The largest number of people of a pool at the same time, within one hour. */
export interface UseHour {
  readonly hour: number;
  readonly pool: string;
  readonly peak: number;
}
