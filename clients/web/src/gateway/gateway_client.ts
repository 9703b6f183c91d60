/**
 * The page's HTTPS client for the gateway and broker. It validates every answer and returns failures instead
 * of throwing.
 */

import { pathTo } from "../base.ts";
import { isRecord } from "../protocol/fields.ts";
import type { ApiErrorCode } from "../protocol/generated/wire_facts.ts";
import { Emitter } from "../ui/emitter.ts";
import type { LockLimits } from "../ui/lock/lock_core.ts";
import { PERSON_MESSAGE_CODES, type PersonMessage } from "../ui/person_messages/person_messages_core.ts";

/** Where the list shows a desktop: among the desktops, among the tools, or not at all. */
export type DesktopKind = "desktop" | "tool" | "unlisted";

export interface Desktop {
  readonly name: string;
  /** The name that people see, by language. */
  readonly titles: Readonly<Record<string, string>>;
  readonly profile: string;
  readonly kind: DesktopKind;
  readonly state: string;
  /** It shows a display of the host, whose programs go on running when it ends. */
  readonly attached: boolean;
  /** It runs in a container of its own: its programs reach neither other desktops nor the host. */
  readonly isolated: boolean;
  /** Whether files are kept: for good, until the person signs out, or until the desktop ends. */
  readonly home: "kept" | "until-sign-out" | "until-end";
  /** Time until it ends because it is open nowhere, s; null if it does not. */
  readonly endsInS: number | null;
}

/** The signed-in person. */
export interface User {
  readonly username: string;
  /** What the page shows. */
  readonly name: string;
}

/** What somebody may do besides using their own desktops. */
export type Role = "helpdesk" | "administrator" | "auditor";
const ROLES: readonly Role[] = ["helpdesk", "administrator", "auditor"];

/** The signed-in person, with the roles that they have. */
export interface UserWithRoles extends User {
  readonly roles: readonly Role[];
}

/** What a reverse proxy does to requests that the gateway refuses for it. */
export type ProxyFault = Extract<ApiErrorCode, "proxy-host" | "proxy-http">;

const LOCK_REASONS = ["idle", "moved", "person", "badge", "emergency"] as const;
export type LockReason = (typeof LOCK_REASONS)[number];

/** The lock of this browser's screen, as the gateway knows it. */
export interface LockInfo extends User {
  readonly state: "open" | "warned" | "locked";
  readonly reason: LockReason | null;
  /** Time until the screen is locked, ms. */
  readonly remainingMs: number;
  readonly limits: LockLimits;
  /** Where the person unlocks the screen, if that is not here. */
  readonly provider: { readonly name: string; readonly title: string } | null;
}

/** The gateway refused a request because the screen is locked. */
export const screenLocked = new Emitter<void>();

export type Failure =
  | { readonly kind: "signed-out" }
  | { readonly kind: "locked" }
  | { readonly kind: "wrong-password" }
  /** The password was right; the second factor is missing. */
  | { readonly kind: "factor-due" }
  | { readonly kind: "too-many"; readonly waitS: number }
  | { readonly kind: "unreachable" }
  | { readonly kind: "proxy"; readonly fault: ProxyFault }
  | {
      readonly kind: "server";
      readonly status: number;
      readonly code: string;
      /** What the server says itself, in English, to what was refused for a reason that the code does not name. */
      readonly refusal?: { readonly why: string; readonly next: string };
    };

export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

/** Timeout of a request, ms. */
const TIMEOUT_MS = 15_000;
/** Waiting time shown when the gateway answers 429 without `Retry-After`, s. */
const DEFAULT_WAIT_S = 60;

/** The status of a request that is refused because the screen is locked. */
const LOCKED_STATUS = 423;

export interface Reply {
  readonly ok: boolean;
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterS: number;
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** Sends a request. Returns null when the gateway cannot be reached or does not answer in time. */
export async function call(method: Method, path: string, body?: object): Promise<Reply | null> {
  try {
    const response = await fetch(pathTo(path), {
      method,
      credentials: "same-origin",
      cache: "no-store",
      headers:
        body === undefined
          ? { Accept: "application/json" }
          : { Accept: "application/json", "Content-Type": "application/json" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const retryAfter = Number(response.headers.get("Retry-After") ?? Number.NaN);
    const parsed: unknown = await response.json().catch(() => null);
    if (response.status === LOCKED_STATUS) screenLocked.emit();
    return {
      ok: response.ok,
      status: response.status,
      body: parsed,
      retryAfterS: retryAfter > 0 ? Math.ceil(retryAfter) : DEFAULT_WAIT_S,
    };
  } catch {
    return null;
  }
}

/** Returns what a refused request means. */
export function failure(reply: Reply | null): { ok: false; failure: Failure } {
  if (reply === null) return { ok: false, failure: { kind: "unreachable" } };
  if (reply.status === 401) return { ok: false, failure: { kind: "signed-out" } };
  if (reply.status === LOCKED_STATUS) return { ok: false, failure: { kind: "locked" } };
  if (reply.status === 429) return { ok: false, failure: { kind: "too-many", waitS: reply.retryAfterS } };
  const code = isRecord(reply.body) ? reply.body.code : null;
  if (code === "proxy-host" || code === "proxy-http") return { ok: false, failure: { kind: "proxy", fault: code } };
  const server = { kind: "server", status: reply.status, code: typeof code === "string" ? code : "" } as const;
  const { cause, next_step: next } = isRecord(reply.body) ? reply.body : {};
  if (code !== "refused" || typeof cause !== "string" || typeof next !== "string")
    return { ok: false, failure: server };
  return { ok: false, failure: { ...server, refusal: { why: cause, next } } };
}

/** By what a person can give the second factor. */
export type FactorMethod = "passkey" | "app" | "recovery";

/** How far a sign-in has come. */
export interface SignInStep extends User {
  /** `factor`: the second factor is due; `enrolment`: the person has to set one up. */
  readonly state: "signed-in" | "factor" | "enrolment";
  readonly methods: readonly FactorMethod[];
  readonly expiresInS: number;
}

function signInStep(reply: Reply | null): SignInStep | null {
  const body = reply?.ok && isRecord(reply.body) ? reply.body : null;
  const state = body?.state;
  if (body === null || (state !== "signed-in" && state !== "factor" && state !== "enrolment")) return null;
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const named = Array.isArray(body.methods) ? (body.methods as unknown[]) : [];
  const methods = (["passkey", "app", "recovery"] as const).filter((method) => named.includes(method));
  const expiresInS = typeof body.expires_in_s === "number" ? body.expires_in_s : 0;
  const username = text(body.username);
  return { state, username, name: text(body.display_name) || username, methods, expiresInS };
}

/** Returns the answer to a request of which the answer is how far the sign-in has come. */
export function signInAnswer(reply: Reply | null): Answer<SignInStep> {
  const step = signInStep(reply);
  return step === null ? failure(reply) : { ok: true, value: step };
}

export async function signIn(username: string, password: string): Promise<Answer<SignInStep>> {
  const reply = await call("POST", "/api/v1/sign-in", { username, password });
  if (reply?.ok) return signInAnswer(reply);
  // The gateway answers 401 both to a missing session and to wrong credentials; here it can only be the
  // latter.
  if (reply?.status === 401) return { ok: false, failure: { kind: "wrong-password" } };
  return failure(reply);
}

/** Ends the display agent of a desktop, which hangs; its supervisor starts another. Programs go on running. */
export async function restartDisplay(desktop: string): Promise<Answer<null>> {
  const reply = await call("POST", `/api/v1/desktops/${encodeURIComponent(desktop)}/display/restart`);
  return reply?.ok ? { ok: true, value: null } : failure(reply);
}

/** Begins to end a desktop with all its programs. */
export async function endDesktop(desktop: string): Promise<Answer<null>> {
  const reply = await call("POST", `/api/v1/desktops/${encodeURIComponent(desktop)}/end`);
  return reply?.ok ? { ok: true, value: null } : failure(reply);
}

/** What signing out did. */
export interface SignOutOutcome {
  /** The names of the desktops that end with it. */
  readonly ended: readonly string[];
  /** Where the browser signs out at the person's provider as well; null if it need not, or cannot. */
  readonly continueAt: string | null;
  /** The provider at which the person stays signed in; null if there is none. */
  readonly signedInAt: string | null;
}

export async function signOut(): Promise<Answer<SignOutOutcome>> {
  const reply = await call("POST", "/api/v1/sign-out", {});
  if (!reply?.ok) return failure(reply);
  const body = isRecord(reply.body) ? reply.body : {};
  const ended = Array.isArray(body.ended) ? (body.ended as unknown[]) : [];
  const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
  return {
    ok: true,
    value: {
      ended: ended.filter((name) => typeof name === "string"),
      continueAt: text(body.continue_at)?.startsWith("https://") ? text(body.continue_at) : null,
      signedInAt: text(body.signed_in_at),
    },
  };
}

/** Returns the signed-in person. */
export async function whoAmI(): Promise<Answer<UserWithRoles>> {
  const reply = await call("GET", "/api/v1/me");
  if (!reply?.ok || !isRecord(reply.body)) return failure(reply);
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const username = text(reply.body.username);
  const given = Array.isArray(reply.body.roles) ? (reply.body.roles as unknown[]) : [];
  const roles = ROLES.filter((role) => given.includes(role));
  return { ok: true, value: { username, name: text(reply.body.display_name) || username, roles } };
}

function lockInfo(reply: Reply | null): Answer<LockInfo> {
  const body = reply?.ok && isRecord(reply.body) ? reply.body : null;
  if (body === null) return failure(reply);
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const ms = (value: unknown): number => (typeof value === "number" && value >= 0 ? value * 1000 : 0);
  const { state, reason } = body;
  const username = text(body.username);
  return {
    ok: true,
    value: {
      username,
      name: text(body.display_name) || username,
      // Whatever this page does not know counts as locked.
      state: state === "open" || state === "warned" ? state : "locked",
      reason: LOCK_REASONS.find((known) => known === reason) ?? null,
      remainingMs: ms(body.remaining_s),
      limits: { afterMs: ms(body.after_s), warningMs: ms(body.warning_s), blankMs: ms(body.blank_s) },
      provider: isRecord(body.provider) ? { name: text(body.provider.name), title: text(body.provider.title) } : null,
    },
  };
}

/** Returns the lock of the screen. Asking is no input. */
export async function lockState(): Promise<Answer<LockInfo>> {
  return lockInfo(await call("GET", "/api/v1/lock"));
}

/** Locks the screen at once. */
export async function lockNow(): Promise<Answer<LockInfo>> {
  return lockInfo(await call("POST", "/api/v1/lock", {}));
}

/** Unlocks the screen with the password of the person who is signed in. */
export async function unlock(password: string): Promise<Answer<LockInfo>> {
  const reply = await call("POST", "/api/v1/unlock", { password });
  const code = isRecord(reply?.body) ? reply.body.code : null;
  if (code === "wrong-credentials") return { ok: false, failure: { kind: "wrong-password" } };
  if (code === "factor-due") return { ok: false, failure: { kind: "factor-due" } };
  return lockInfo(reply);
}

/** What does not work at the moment. */
export interface Downtime {
  /** The directory that would check passwords does not answer. */
  readonly directoryAway: boolean;
  /** For this time after a sign-in the same password is accepted all the same, h; 0 for never. */
  readonly cachedHours: number;
}

/** Returns what does not work at the moment; null when the server does not say. */
export async function downtime(): Promise<Downtime | null> {
  const reply = await call("GET", "/api/v1/downtime");
  if (!reply?.ok || !isRecord(reply.body)) return null;
  const hours = reply.body.cached_sign_in_hours;
  return {
    directoryAway: reply.body.directory_away === true,
    cachedHours: typeof hours === "number" && hours > 0 ? hours : 0,
  };
}

/** Tells the gateway that the person used the page itself. */
export async function reportInput(): Promise<void> {
  await call("POST", "/api/v1/input", {});
}

/** Lists what the person should know at the moment. Messages that this page does not know are left out. */
export async function listMessages(): Promise<Answer<readonly PersonMessage[]>> {
  const reply = await call("GET", "/api/v1/messages");
  if (!reply?.ok || !Array.isArray(reply.body)) return failure(reply);
  const messages: PersonMessage[] = [];
  for (const item of reply.body as unknown[]) {
    if (!isRecord(item) || typeof item.id !== "string") continue;
    const code = PERSON_MESSAGE_CODES.find((known) => known === item.code);
    const text = typeof item.text === "string" ? item.text : null;
    if (code === undefined || (code === "from-administrator") !== (text !== null)) continue;
    const left = item.remaining_s;
    messages.push({
      id: item.id,
      code,
      text,
      desktop: typeof item.desktop === "string" ? item.desktop : "",
      titles: titles(item.titles),
      remainingMs: typeof left === "number" && left >= 0 ? left * 1000 : null,
    });
  }
  return { ok: true, value: messages };
}

/** The fields of a stored display check that the page shows. */
export interface CheckRecord {
  readonly checkedS: number;
  readonly passed: boolean;
  readonly device: string;
  readonly screen: string;
  /** Smallest grey-level difference that the person saw near black, at medium grey and near white. */
  readonly thresholds: readonly (number | null)[];
}

function checkRecord(value: unknown): CheckRecord | null {
  if (!isRecord(value) || !isRecord(value.device) || typeof value.checked_s !== "number") return null;
  const { device } = value;
  const seen = Array.isArray(value.thresholds) ? (value.thresholds as unknown[]) : [];
  return {
    checkedS: value.checked_s,
    passed: value.passed === true,
    device: typeof device.name === "string" ? device.name : "",
    screen: `${Number(device.screen_width)} × ${Number(device.screen_height)}`,
    thresholds: seen.map((level) => (typeof level === "number" ? level : null)),
  };
}

/** Stores the observations of a display check. The gateway decides whether the check is passed. */
export async function storeCheck(result: object): Promise<Answer<CheckRecord>> {
  const reply = await call("POST", "/api/v1/checks", result);
  const record = reply?.ok ? checkRecord(reply.body) : null;
  return record === null ? failure(reply) : { ok: true, value: record };
}

/** Lists the person's own display checks, newest first. */
export async function listChecks(): Promise<Answer<readonly CheckRecord[]>> {
  const reply = await call("GET", "/api/v1/checks");
  if (!reply?.ok || !Array.isArray(reply.body)) return failure(reply);
  return { ok: true, value: (reply.body as unknown[]).map(checkRecord).filter((record) => record !== null) };
}

function titles(value: unknown): Record<string, string> {
  const entries = isRecord(value) ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** Returns whether a desktop is isolated; null if that cannot be found out at the moment. */
export async function isIsolated(desktop: string): Promise<boolean | null> {
  const listed = await listDesktops();
  const found = listed.ok ? listed.value.find(({ name }) => name === desktop) : undefined;
  return found?.isolated ?? null;
}

export async function listDesktops(): Promise<Answer<readonly Desktop[]>> {
  const reply = await call("GET", "/api/v1/desktops");
  if (!reply?.ok || !Array.isArray(reply.body)) return failure(reply);
  const desktops: Desktop[] = [];
  for (const item of reply.body as unknown[]) {
    if (!isRecord(item) || typeof item.name !== "string") continue;
    const text = (value: unknown): string => (typeof value === "string" ? value : "");
    desktops.push({
      name: item.name,
      titles: titles(item.titles),
      profile: text(item.profile),
      kind: item.kind === "tool" || item.kind === "unlisted" ? item.kind : "desktop",
      state: text(item.state),
      attached: item.attached === true,
      isolated: item.isolated === true,
      home: item.home === "until-sign-out" || item.home === "until-end" ? item.home : "kept",
      endsInS: typeof item.ends_in_s === "number" ? item.ends_in_s : null,
    });
  }
  return { ok: true, value: desktops };
}
