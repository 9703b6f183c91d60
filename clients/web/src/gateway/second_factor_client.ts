/** The page's HTTPS client for second factors. It validates every answer, as `gateway_client.ts` does. */

import { isRecord } from "../protocol/fields.ts";
import { type Answer, call, failure, type Reply, type SignInStep, signInAnswer } from "./gateway_client.ts";

/** What a person gives to an authenticator app. */
export interface AppSetup {
  readonly secret: string;
  /** The rows of the QR code; `1` is a dark square. */
  readonly rows: readonly string[];
}

/** A factor was set up. `recoveryCodes` are new ones, or null if the person has some already. */
export interface Enrolled {
  readonly recoveryCodes: readonly string[] | null;
}

export interface PasskeyEntry {
  readonly id: number;
  readonly name: string;
  /** The name of the server with which it can be used. */
  readonly server: string;
  readonly createdS: number;
  readonly usedS: number | null;
}

/** What a person has set up. */
export interface OwnSignIn {
  /** Where the second factor is asked for. */
  readonly policy: "never" | "outside" | "always";
  readonly requiredHere: boolean;
  readonly appSinceS: number | null;
  readonly appUsedS: number | null;
  readonly passkeys: readonly PasskeyEntry[];
  readonly recoveryCodes: number;
  /** How long changes need no password, s. */
  readonly freshS: number;
}

/** Where a factor is set up: while a person signs in, or on "My sign-in". */
export type EnrolmentPath = "sign-in" | "me";

function done(reply: Reply | null): Answer<null> {
  return reply?.ok ? { ok: true, value: null } : failure(reply);
}

function texts(value: unknown): string[] | null {
  const items = Array.isArray(value) ? (value as unknown[]) : null;
  return items?.every((item) => typeof item === "string") ? (items as string[]) : null;
}

function enrolled(reply: Reply | null): Answer<Enrolled> {
  if (!reply?.ok || !isRecord(reply.body)) return failure(reply);
  return { ok: true, value: { recoveryCodes: texts(reply.body.recovery_codes) } };
}

/** Returns the options of the browser's WebAuthn functions. */
function record(reply: Reply | null): Answer<Record<string, unknown>> {
  return reply?.ok && isRecord(reply.body) ? { ok: true, value: reply.body } : failure(reply);
}

/** Returns how far the sign-in, or the unlocking, of this browser has come. */
export async function signInState(): Promise<Answer<SignInStep>> {
  return signInAnswer(await call("POST", "/api/v1/sign-in/state", {}));
}

/** Gives a code of the app, or a recovery code. */
export async function giveCode(method: "app" | "recovery", code: string): Promise<Answer<SignInStep>> {
  return signInAnswer(await call("POST", "/api/v1/sign-in/code", { method, code }));
}

export async function passkeyOptions(): Promise<Answer<Record<string, unknown>>> {
  return record(await call("POST", "/api/v1/sign-in/passkey/options", {}));
}

export async function givePasskey(credential: object): Promise<Answer<SignInStep>> {
  return signInAnswer(await call("POST", "/api/v1/sign-in/passkey", { credential }));
}

export async function beginApp(path: EnrolmentPath): Promise<Answer<AppSetup>> {
  const reply = await call("POST", `/api/v1/${path}/app/begin`, {});
  if (!reply?.ok || !isRecord(reply.body)) return failure(reply);
  const { secret } = reply.body;
  const rows = texts(reply.body.rows);
  return typeof secret === "string" && rows !== null ? { ok: true, value: { secret, rows } } : failure(reply);
}

export async function finishApp(path: EnrolmentPath, code: string): Promise<Answer<Enrolled>> {
  return enrolled(await call("POST", `/api/v1/${path}/app`, { code }));
}

export async function newPasskeyOptions(path: EnrolmentPath): Promise<Answer<Record<string, unknown>>> {
  return record(await call("POST", `/api/v1/${path}/passkeys/options`, {}));
}

export async function storePasskey(path: EnrolmentPath, name: string, credential: object): Promise<Answer<Enrolled>> {
  return enrolled(await call("POST", `/api/v1/${path}/passkeys`, { name, credential }));
}

function passkeyEntry(value: unknown): PasskeyEntry | null {
  if (!isRecord(value) || typeof value.id !== "number" || typeof value.name !== "string") return null;
  return {
    id: value.id,
    name: value.name,
    server: typeof value.server === "string" ? value.server : "",
    createdS: typeof value.created_s === "number" ? value.created_s : 0,
    usedS: typeof value.used_s === "number" ? value.used_s : null,
  };
}

/** Returns what the person has set up. */
export async function ownSignIn(): Promise<Answer<OwnSignIn>> {
  const reply = await call("GET", "/api/v1/me/sign-in");
  if (!reply?.ok || !isRecord(reply.body)) return failure(reply);
  const { body } = reply;
  const seconds = (value: unknown): number | null => (typeof value === "number" ? value : null);
  const listed = Array.isArray(body.passkeys) ? (body.passkeys as unknown[]) : [];
  return {
    ok: true,
    value: {
      policy: body.policy === "outside" || body.policy === "always" ? body.policy : "never",
      requiredHere: body.required_here === true,
      appSinceS: seconds(body.app_since_s),
      appUsedS: seconds(body.app_used_s),
      passkeys: listed.map(passkeyEntry).filter((entry) => entry !== null),
      recoveryCodes: seconds(body.recovery_codes) ?? 0,
      freshS: seconds(body.fresh_s) ?? 0,
    },
  };
}

/** Answers of the next two are about the password, not about the sign-in: a wrong one signs nobody out. */
function passwordAnswer(reply: Reply | null): Answer<null> {
  const wrong = isRecord(reply?.body) && reply.body.code === "wrong-credentials";
  return wrong ? { ok: false, failure: { kind: "wrong-password" } } : done(reply);
}

/** Gives the password once more, which changes need. */
export async function prove(password: string): Promise<Answer<null>> {
  return passwordAnswer(await call("POST", "/api/v1/me/proof", { password }));
}

export async function changePassword(old: string, fresh: string): Promise<Answer<null>> {
  return passwordAnswer(await call("POST", "/api/v1/me/password", { old, new: fresh }));
}

export async function removeApp(): Promise<Answer<null>> {
  return done(await call("POST", "/api/v1/me/app/remove", {}));
}

export async function renamePasskey(id: number, name: string): Promise<Answer<null>> {
  return done(await call("POST", `/api/v1/me/passkeys/${id}/name`, { name }));
}

export async function removePasskey(id: number): Promise<Answer<null>> {
  return done(await call("POST", `/api/v1/me/passkeys/${id}/remove`, {}));
}

/** Makes new recovery codes. Those before are void. */
export async function newRecoveryCodes(): Promise<Answer<readonly string[]>> {
  const reply = await call("POST", "/api/v1/me/recovery-codes", {});
  const codes = reply?.ok && isRecord(reply.body) ? texts(reply.body.recovery_codes) : null;
  return codes === null ? failure(reply) : { ok: true, value: codes };
}
