/** What a viewer does about the end of a connection (PROTOCOL.md §1). */

export const CLOSE = {
  violation: 4400,
  ticket: 4401,
  forbidden: 4403,
  missing: 4404,
  takenOver: 4409,
  monitorGone: 4410,
  version: 4426,
} as const;

/** Why a viewer ended for good; names the text that the person reads. */
export type EndReason =
  | "violation"
  | "forbidden"
  | "missing"
  | "moved"
  | "monitor"
  | "version"
  | "signed-out"
  | "unsupported"
  | "left";

export type CloseAction =
  | { readonly kind: "retry"; readonly atOnce: boolean }
  | { readonly kind: "end"; readonly reason: EndReason };

/** A ticket can expire on the way; more than this in a row means that something else is wrong, and waiting is due. */
const QUICK_TICKETS = 2;
/** “Reconnect once” of 4400. */
const VIOLATIONS_BORNE = 1;

/** Who opens a desktop in the instant of its end meets what is left of it; the next ticket is for a new one. */
const ENDINGS_MET = 3;

/** How often each happened in a row, without a working connection in between. */
export interface CloseHistory {
  readonly tickets: number;
  readonly violations: number;
  /** null once it was open: then it ended for good. */
  readonly endings: number | null;
}

export function closeAction(code: number, before: CloseHistory): CloseAction {
  switch (code) {
    case CLOSE.violation:
      return before.violations < VIOLATIONS_BORNE
        ? { kind: "retry", atOnce: false }
        : { kind: "end", reason: "violation" };
    case CLOSE.ticket:
      return { kind: "retry", atOnce: before.tickets < QUICK_TICKETS };
    case CLOSE.forbidden:
      return { kind: "end", reason: "forbidden" };
    case CLOSE.missing:
      return before.endings !== null && before.endings < ENDINGS_MET
        ? { kind: "retry", atOnce: false }
        : { kind: "end", reason: "missing" };
    case CLOSE.takenOver:
      return { kind: "end", reason: "moved" };
    case CLOSE.monitorGone:
      return { kind: "end", reason: "monitor" };
    case CLOSE.version:
      return { kind: "end", reason: "version" };
    default:
      return { kind: "retry", atOnce: false };
  }
}
