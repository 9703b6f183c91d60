/**
 * What the pages offer to each role. Pure.
 *
 * It is what `display_server/broker/roles.py` allows without regard to scopes. Only the server decides: what it refuses
 * although a page offers it is shown as its refusal.
 */

import type { Role } from "../../gateway/gateway_client.ts";
import type { AdminPageName } from "./admin_route.ts";

export type Act =
  | "end-session"
  | "restart-session"
  | "send-message"
  | "sign-out"
  | "change-account"
  | "reset-second-factor"
  | "change-group"
  | "change-role"
  | "change-entitlement"
  | "change-pool"
  | "change-policy"
  | "verify-audit";

const EVERY_ROLE: readonly Role[] = ["helpdesk", "administrator", "auditor"];
const SYSTEM: readonly Role[] = ["administrator", "auditor"];
const SUPPORT: readonly Role[] = ["helpdesk", "administrator"];
const ADMINISTRATOR: readonly Role[] = ["administrator"];

const PAGES: Readonly<Record<AdminPageName, readonly Role[]>> = {
  help: SUPPORT,
  overview: EVERY_ROLE,
  sessions: EVERY_ROLE,
  pools: EVERY_ROLE,
  people: EVERY_ROLE,
  groups: EVERY_ROLE,
  access: EVERY_ROLE,
  devices: SYSTEM,
  policies: SYSTEM,
  audit: SYSTEM,
  use: SYSTEM,
  health: SYSTEM,
};

const ACTS: Readonly<Record<Act, readonly Role[]>> = {
  "end-session": SUPPORT,
  "restart-session": SUPPORT,
  "send-message": SUPPORT,
  "sign-out": SUPPORT,
  "change-account": ADMINISTRATOR,
  "reset-second-factor": SUPPORT,
  "change-group": ADMINISTRATOR,
  "change-role": ADMINISTRATOR,
  "change-entitlement": ADMINISTRATOR,
  "change-pool": ADMINISTRATOR,
  "change-policy": ADMINISTRATOR,
  "verify-audit": SYSTEM,
};

export function maySee(roles: readonly Role[], page: AdminPageName): boolean {
  return roles.some((role) => PAGES[page].includes(role));
}

export function mayDo(roles: readonly Role[], act: Act): boolean {
  return roles.some((role) => ACTS[act].includes(role));
}

/** Returns the page that somebody with these roles sees first. */
export function firstPage(roles: readonly Role[]): AdminPageName {
  return maySee(roles, "audit") ? "overview" : "help";
}
