/** Requests for signing in at OpenID Connect providers. */

import { isRecord } from "../protocol/fields.ts";
import { type Answer, call, failure, type SignInStep, signInAnswer } from "./gateway_client.ts";

/** A service of the organisation at which people can sign in. */
export interface Provider {
  /** Its name in addresses. */
  readonly name: string;
  /** What people call it. */
  readonly title: string;
}

export function providerOf(value: unknown): Provider | null {
  if (!isRecord(value) || typeof value.name !== "string" || typeof value.title !== "string") return null;
  return { name: value.name, title: value.title };
}

/** Lists the providers; none when the server does not say. */
export async function listProviders(): Promise<readonly Provider[]> {
  const reply = await call("GET", "/api/v1/sign-in/oidc");
  if (!reply?.ok || !Array.isArray(reply.body)) return [];
  return (reply.body as unknown[]).map(providerOf).filter((provider) => provider !== null);
}

/** Begins to sign in, or to unlock the screen. Returns the address at which it goes on. */
export async function beginAtProvider(name: string, unlock: boolean): Promise<Answer<string>> {
  const reply = await call("POST", `/api/v1/sign-in/oidc/${encodeURIComponent(name)}/begin`, { unlock });
  const url = reply?.ok && isRecord(reply.body) ? reply.body.url : null;
  return typeof url === "string" && url.startsWith("https://") ? { ok: true, value: url } : failure(reply);
}

/** What the provider sent the browser back with. */
export type ProviderAnswer = Readonly<Record<"state", string> & Partial<Record<"code" | "iss" | "error", string>>>;

/** Returns what the provider says in the query of an address; null if it says nothing. Pure. */
export function providerAnswer(query: string): ProviderAnswer | null {
  const parameters = new URLSearchParams(query);
  const state = parameters.get("state");
  if (state === null) return null;
  const named = (["code", "iss", "error"] as const).flatMap((name) => {
    const value = parameters.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return { state, ...Object.fromEntries(named) };
}

/** Completes what was begun, with the answer of the provider. */
export async function finishAtProvider(name: string, answer: ProviderAnswer): Promise<Answer<SignInStep>> {
  const reply = await call("POST", `/api/v1/sign-in/oidc/${encodeURIComponent(name)}/finish`, answer);
  const code = isRecord(reply?.body) ? reply.body.code : null;
  if (code === "factor-due") return { ok: false, failure: { kind: "factor-due" } };
  if (code === "sign-in-over") return { ok: false, failure: { kind: "server", status: 401, code } };
  return signInAnswer(reply);
}
