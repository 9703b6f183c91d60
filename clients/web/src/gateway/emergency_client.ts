/** Requests about emergency access (break-glass): access to a desktop beyond one's entitlements. */

import { isRecord } from "../protocol/fields.ts";
import { type Answer, call, failure } from "./gateway_client.ts";

/** A desktop that the person could open in an emergency only. */
export interface EmergencyDesktop {
  readonly name: string;
  /** The name that people see, by language. */
  readonly titles: Readonly<Record<string, string>>;
}

export interface EmergencyChoices {
  /** How long it lasts. */
  readonly minutes: number;
  /** Shortest reason, characters. */
  readonly reasonMin: number;
  readonly desktops: readonly EmergencyDesktop[];
}

/** Returns what the person may choose; null if they may never take emergency access. */
export async function emergencyChoices(): Promise<Answer<EmergencyChoices | null>> {
  const reply = await call("GET", "/api/v1/break-glass");
  if (!reply?.ok || !isRecord(reply.body)) return failure(reply);
  const { allowed, minutes, reason_min: reasonMin, desktops } = reply.body;
  if (allowed !== true || !Array.isArray(desktops)) return { ok: true, value: null };
  const found: EmergencyDesktop[] = [];
  for (const item of desktops as unknown[]) {
    if (!isRecord(item) || typeof item.name !== "string" || !isRecord(item.titles)) continue;
    const entries = Object.entries(item.titles).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    );
    found.push({ name: item.name, titles: Object.fromEntries(entries) });
  }
  const number = (value: unknown, otherwise: number): number => (typeof value === "number" ? value : otherwise);
  return { ok: true, value: { minutes: number(minutes, 60), reasonMin: number(reasonMin, 1), desktops: found } };
}

/** Takes emergency access, which is recorded with the reason. */
export async function beginEmergency(desktop: string, reason: string): Promise<Answer<null>> {
  const reply = await call("POST", "/api/v1/break-glass", { desktop, reason });
  return reply?.ok ? { ok: true, value: null } : failure(reply);
}

/** Ends it before its time. */
export async function endEmergency(desktop: string): Promise<void> {
  await call("POST", "/api/v1/break-glass/end", { desktop });
}
