/** Requests a ticket from the gateway, which permits opening one viewer connection. */

import { pathTo } from "../base.ts";
import type { EndReason } from "../protocol/close_action.ts";
import { isRecord } from "../protocol/fields.ts";

/** `detail` is the code of the gateway's error response, or empty. */
export type TicketAnswer =
  | { readonly kind: "ticket"; readonly ticket: string; readonly path: string }
  | { readonly kind: "refused"; readonly reason: EndReason; readonly detail: string }
  /**
   * A later request may succeed: there is no network, the gateway is restarting or the desktop is being
   * started.
   */
  | { readonly kind: "later"; readonly detail: string };

/** The gateway answers 404 for a desktop that the person may not open, as for one that does not exist. */
const REFUSALS: Readonly<Record<number, EndReason>> = {
  401: "signed-out",
  403: "forbidden",
  404: "forbidden",
  410: "missing",
  423: "locked",
  429: "limit",
};
/**
 * Timeout of a ticket request, ms. The gateway waits up to 40 s for a desktop to start and reports a failure.
 */
const TIMEOUT_MS = 45_000;
/**
 * Timeout of the reachability check, ms: three round trips on a bad line. A longer one would outlive the
 * network outage.
 */
const REACHABLE_TIMEOUT_MS = 1_000;

export const UNREACHABLE: TicketAnswer = { kind: "later", detail: "" };

/** Returns whether the gateway answers. */
export async function reachable(): Promise<boolean> {
  try {
    await fetch(pathTo("healthz"), { cache: "no-store", signal: AbortSignal.timeout(REACHABLE_TIMEOUT_MS) });
    return true;
  } catch {
    return false;
  }
}

/**
 * Requests a ticket for a desktop. `resume` is the session that this viewer showed before: if that one has ended, the
 * answer says so instead of starting another. Never throws; failures are part of the answer.
 */
export async function fetchTicket(desktop: string, resume: string | null): Promise<TicketAnswer> {
  const query = resume === null ? "" : `?resume=${encodeURIComponent(resume)}`;
  let response: Response;
  try {
    response = await fetch(pathTo(`api/v1/desktops/${encodeURIComponent(desktop)}/viewers${query}`), {
      method: "POST",
      headers: { Accept: "application/json" },
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    return UNREACHABLE;
  }
  const body: unknown = await response.json().catch(() => null);
  const detail = isRecord(body) && typeof body.code === "string" ? body.code : "";
  if (!response.ok) {
    const reason = REFUSALS[response.status];
    if (reason === undefined) return { kind: "later", detail };
    // The reason explains the others. A refusal of another site and the end of a desktop have messages of their own.
    return { kind: "refused", reason, detail: response.status === 403 || response.status === 410 ? detail : "" };
  }
  if (!isRecord(body) || typeof body.ticket !== "string") return { kind: "later", detail: "" };
  return { kind: "ticket", ticket: body.ticket, path: typeof body.websocket === "string" ? body.websocket : "/viewer" };
}
