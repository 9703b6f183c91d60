/** Signing out: what the sign-in page says afterwards. Nobody is believed to be signed out before the server says so. */

import { type Desktop, listDesktops, signOut } from "../gateway/gateway_client.ts";
import type { Message } from "./message.ts";
import { language } from "./preferences.ts";
import { texts } from "./texts.ts";

/** What the sign-in page says after somebody signed out. `running` is null where the list could not be loaded. */
export interface SignedOut {
  readonly running: readonly Desktop[] | null;
}

/** Why the sign-in page is shown. */
export type SignInReason = "first" | "expired" | SignedOut;

/** States of a desktop that has no programs. */
const NOT_RUNNING: readonly string[] = ["off", "none", "ended", "failed", "stopped"];
/** Signing out waits for the list of desktops at most this long, ms. */
const LIST_TIMEOUT_MS = 2_000;

/** Signs out. Returns null when the server did not confirm it: then the person is still signed in. */
export async function leave(): Promise<SignedOut | null> {
  const running = await Promise.race([runningDesktops(), after(LIST_TIMEOUT_MS)]);
  const answer = await signOut();
  return answer.ok || answer.failure.kind === "signed-out" ? { running } : null;
}

async function runningDesktops(): Promise<readonly Desktop[] | null> {
  const listed = await listDesktops();
  return listed.ok ? listed.value.filter(({ state }) => !NOT_RUNNING.includes(state)) : null;
}

function after(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), ms));
}

/** Returns what the sign-in page says, in the current language; null at a person's first visit. */
export function reasonMessage(reason: SignInReason): Message | null {
  const t = texts().messages;
  if (reason === "first") return null;
  if (reason === "expired") return t.signIn.expired;
  if (reason.running === null) return t.signedOut.unknown;
  if (reason.running.length === 0) return t.signedOut.nothingRunning;
  return t.signedOut.running(reason.running.map(titleOf).join(", "));
}

/** Returns the name of a desktop in the current language. */
export function titleOf(desktop: Desktop): string {
  return desktop.titles[language()] ?? desktop.titles.en ?? desktop.name;
}
