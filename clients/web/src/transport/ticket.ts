/** Asks the door for the right to open one viewer connection. */

import type { EndReason } from "../protocol/close.ts";
import { isRecord } from "../protocol/fields.ts";

export type TicketAnswer =
  | { readonly kind: "ticket"; readonly ticket: string; readonly path: string }
  | { readonly kind: "refused"; readonly reason: EndReason; readonly detail: string }
  /** May work later: no network, the door restarts, the desktop is being started. */
  | { readonly kind: "later"; readonly detail: string };

const REFUSALS: Readonly<Record<number, EndReason>> = { 401: "signed-out", 403: "forbidden", 404: "missing" };
/** The door gives a desktop 40 s to start, and says when it failed; one that says nothing for longer is gone. */
const TIMEOUT_MS = 45_000;
/** Three round trips of a bad line. A request into a dead network would hang long after that is back. */
const REACHABLE_MS = 1_000;

export const UNREACHABLE: TicketAnswer = { kind: "later", detail: "" };

/** Whether the door answers at all. */
export async function reachable(): Promise<boolean> {
  try {
    await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(REACHABLE_MS) });
    return true;
  } catch {
    return false;
  }
}

export async function fetchTicket(desktop: string): Promise<TicketAnswer> {
  let response: Response;
  try {
    response = await fetch(`/api/v1/desktops/${encodeURIComponent(desktop)}/viewers`, {
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
  const detail = isRecord(body) && typeof body.message === "string" ? body.message : "";
  if (!response.ok) {
    const reason = REFUSALS[response.status];
    return reason === undefined ? { kind: "later", detail } : { kind: "refused", reason, detail };
  }
  if (!isRecord(body) || typeof body.ticket !== "string") return { kind: "later", detail: "" };
  return { kind: "ticket", ticket: body.ticket, path: typeof body.websocket === "string" ? body.websocket : "/viewer" };
}
