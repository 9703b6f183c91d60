/** What a viewer does when a connection has ended, by its close code (PROTOCOL.md §1). */

import { CloseCode } from "./generated/wire_facts.ts";

/** Why a viewer stopped for good; selects the text that the person reads. */
export type EndReason =
  | "violation"
  | "forbidden"
  | "missing"
  | "moved"
  | "monitor"
  | "version"
  | "limit"
  | "signed-out"
  | "locked"
  | "unsupported"
  | "left";

export type CloseAction =
  | { readonly kind: "retry"; readonly atOnce: boolean }
  | { readonly kind: "end"; readonly reason: EndReason };

/**
 * A ticket can expire before it is used, so a rejected one is replaced at once. After this many in a row something
 * else is wrong, and the viewer waits between attempts.
 */
const MAX_IMMEDIATE_TICKETS = 2;
/** A protocol violation is retried once. */
const MAX_VIOLATIONS = 1;
/**
 * A viewer that opens a desktop just as it ends may reach the old one; a later ticket leads to a new desktop. After
 * this many attempts the desktop is considered missing.
 */
const MAX_ENDED_DESKTOPS = 3;

/** How often each outcome happened in a row, without a working connection in between. */
export interface CloseHistory {
  readonly tickets: number;
  readonly violations: number;
  /** Desktops that ended before they were shown; null once a desktop was shown, because then its end is final. */
  readonly endings: number | null;
}

/** Returns what to do after `code`. Unknown codes are treated like a network failure. */
export function closeAction(code: number, before: CloseHistory): CloseAction {
  switch (code) {
    case CloseCode.PROTOCOL_VIOLATION:
      return before.violations < MAX_VIOLATIONS
        ? { kind: "retry", atOnce: false }
        : { kind: "end", reason: "violation" };
    case CloseCode.TICKET_REJECTED:
      return { kind: "retry", atOnce: before.tickets < MAX_IMMEDIATE_TICKETS };
    case CloseCode.FORBIDDEN:
      return { kind: "end", reason: "forbidden" };
    case CloseCode.DESKTOP_ENDED:
      return before.endings !== null && before.endings < MAX_ENDED_DESKTOPS
        ? { kind: "retry", atOnce: false }
        : { kind: "end", reason: "missing" };
    case CloseCode.TAKEN_OVER:
      return { kind: "end", reason: "moved" };
    case CloseCode.MONITOR_REMOVED:
      return { kind: "end", reason: "monitor" };
    case CloseCode.VERSION_MISMATCH:
      return { kind: "end", reason: "version" };
    case CloseCode.LIMIT_REACHED:
      return { kind: "end", reason: "limit" };
    default:
      return { kind: "retry", atOnce: false };
  }
}
