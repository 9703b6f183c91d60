/** Requests about the device itself: what it is enrolled as, and enrolling it. */

import { isRecord } from "../protocol/fields.ts";
import { type Answer, call, failure, type Reply } from "./gateway_client.ts";

/** What an administrator said of this device. */
export interface EnrolledDevice {
  readonly name: string;
  readonly place: string;
}

function enrolledDevice(reply: Reply | null): EnrolledDevice | null {
  const body = reply?.ok && isRecord(reply.body) ? reply.body : null;
  if (body?.enrolled !== true || typeof body.name !== "string" || typeof body.place !== "string") return null;
  return { name: body.name, place: body.place };
}

/** Returns what this device is enrolled as; null if it is unknown, or while the server does not say. */
export async function thisDevice(): Promise<EnrolledDevice | null> {
  return enrolledDevice(await call("GET", "/api/v1/device"));
}

/** Enrols this device with a one-time code. */
export async function enrolDevice(code: string): Promise<Answer<EnrolledDevice>> {
  const reply = await call("POST", "/api/v1/device/enrol", { code });
  const device = enrolledDevice(reply);
  return device === null ? failure(reply) : { ok: true, value: device };
}
