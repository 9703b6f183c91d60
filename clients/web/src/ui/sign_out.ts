/** Signing out: what the sign-in page says afterwards. Nobody is believed to be signed out before the server says so. */

import { type Desktop, listDesktops, signOut } from "../gateway/gateway_client.ts";
import type { Message } from "./message.ts";
import { language } from "./preferences.ts";
import { texts } from "./texts.ts";

/**
 * What the sign-in page says after somebody signed out: which desktops end with it, and which ones go on. `running`
 * is null where the list could not be loaded.
 */
export interface SignedOut {
  readonly ended: readonly Desktop[];
  readonly running: readonly Desktop[] | null;
  /** Where the browser signs out at the person's provider as well; null if it need not, or cannot. */
  readonly continueAt: string | null;
  /** The provider at which the person stays signed in; null if there is none. */
  readonly signedInAt: string | null;
}

/** Why the sign-in page is shown. */
export type SignInReason = "first" | "expired" | "step-over" | SignedOut;

/** States of a desktop that has no programs. */
const NOT_RUNNING: readonly string[] = ["off", "spare", "none", "ended", "failed", "stopped"];
/** Signing out waits for the list of desktops at most this long, ms. */
const LIST_TIMEOUT_MS = 2_000;

/** Signs out. Returns null when the server did not confirm it: then the person is still signed in. */
export async function leave(): Promise<SignedOut | null> {
  const running = await Promise.race([runningDesktops(), after(LIST_TIMEOUT_MS)]);
  const answer = await signOut();
  if (!answer.ok) {
    return answer.failure.kind === "signed-out" ? { ended: [], running, continueAt: null, signedInAt: null } : null;
  }
  const { continueAt, signedInAt } = answer.value;
  const ends = ({ name }: Desktop): boolean => answer.value.ended.includes(name);
  return {
    continueAt,
    signedInAt,
    ended: running?.filter(ends) ?? [],
    running: running?.filter((desktop) => !ends(desktop)) ?? null,
  };
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
  if (reason === "step-over") return t.api["sign-in-over"];
  if (reason.signedInAt !== null) return t.signedOut.atProvider(reason.signedInAt);
  if (reason.running === null) return t.signedOut.unknown;
  const names = (desktops: readonly Desktop[]): string => desktops.map(titleOf).join(", ");
  const { ended, running } = reason;
  if (ended.length > 0) return t.signedOut.ended(names(ended), names(running));
  return running.length === 0 ? t.signedOut.nothingRunning : t.signedOut.running(names(running));
}

/** Returns the name of a desktop in the current language. */
export function titleOf(desktop: Desktop): string {
  return desktop.titles[language()] ?? desktop.titles.en ?? desktop.name;
}
