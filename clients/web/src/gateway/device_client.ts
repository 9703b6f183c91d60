/** Requests about the device itself: what it is enrolled as, enrolling it, and badges held to its reader. */

import { isRecord } from "../protocol/fields.ts";
import type { ReaderFormat } from "../ui/badge_reader/badge_reader_core.ts";
import { type Answer, call, failure, type Reply } from "./gateway_client.ts";

/** What an administrator said of this device. */
export interface EnrolledDevice {
  readonly name: string;
  readonly place: string;
  /** How its reader of badges types; null where badges do not work. */
  readonly badge: ReaderFormat | null;
}

function enrolledDevice(reply: Reply | null): EnrolledDevice | null {
  const body = reply?.ok && isRecord(reply.body) ? reply.body : null;
  if (body?.enrolled !== true || typeof body.name !== "string" || typeof body.place !== "string") return null;
  return { name: body.name, place: body.place, badge: readerFormat(body.badge) };
}

function readerFormat(value: unknown): ReaderFormat | null {
  if (!isRecord(value) || typeof value.prefix !== "string" || value.prefix.length !== 1) return null;
  const { prefix, digits_min: digitsMin, digits_max: digitsMax } = value;
  return typeof digitsMin === "number" && typeof digitsMax === "number" ? { prefix, digitsMin, digitsMax } : null;
}

/** Returns what this device is enrolled as; null if it is unknown. */
export async function thisDevice(): Promise<Answer<EnrolledDevice | null>> {
  const reply = await call("GET", "/api/v1/device");
  return reply?.ok ? { ok: true, value: enrolledDevice(reply) } : failure(reply);
}

/** Enrols this device with a one-time code. */
export async function enrolDevice(code: string): Promise<Answer<EnrolledDevice>> {
  const reply = await call("POST", "/api/v1/device/enrol", { code });
  const device = enrolledDevice(reply);
  return device === null ? failure(reply) : { ok: true, value: device };
}

/** What the person of a badge gave besides it. */
export type BadgeProof = { readonly pin: string } | { readonly password: string; readonly newPin: string };

const STATES = ["signed-in", "open", "pin", "new-pin"] as const;

/** What a tap has done: who is signed in now, or (`open`) was before, or what is missing for that. */
export interface BadgeStep {
  readonly state: (typeof STATES)[number];
  readonly username: string;
  readonly name: string;
  /** The screen of somebody else was locked. */
  readonly locked: boolean;
}

/** A badge was held to the reader: signs its person in, or unlocks their screen. */
export async function tapBadge(number: string, proof: BadgeProof | null): Promise<Answer<BadgeStep>> {
  const given = proof === null ? {} : "pin" in proof ? proof : { password: proof.password, new_pin: proof.newPin };
  const reply = await call("POST", "/api/v1/badge", { number, ...given });
  const body = reply?.ok && isRecord(reply.body) ? reply.body : null;
  const state = STATES.find((known) => known === body?.state);
  if (body !== null && state !== undefined) {
    const username = typeof body.username === "string" ? body.username : "";
    const name = typeof body.display_name === "string" && body.display_name !== "" ? body.display_name : username;
    return { ok: true, value: { state, username, name, locked: body.locked === true } };
  }
  const wrong = isRecord(reply?.body) && reply.body.code === "wrong-credentials";
  return wrong ? { ok: false, failure: { kind: "wrong-password" } } : failure(reply);
}
