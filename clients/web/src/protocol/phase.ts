/**
 * The life of a viewer, as a table.
 *
 *     connecting ─welcome─► welcomed ─update─► running
 *         ▲  └────────────── lost ──────┬─────────┘
 *         └── retry ── reconnecting ◄───┘          refused, from anywhere ─► ended ─retry─► connecting
 */

export type Phase = "connecting" | "welcomed" | "running" | "reconnecting" | "ended";
export type PhaseEvent = "welcome" | "update" | "lost" | "refused" | "retry";

const TABLE: Readonly<Record<Phase, Readonly<Partial<Record<PhaseEvent, Phase>>>>> = {
  connecting: { welcome: "welcomed", lost: "reconnecting", refused: "ended" },
  welcomed: { update: "running", lost: "reconnecting", refused: "ended" },
  running: { update: "running", lost: "reconnecting", refused: "ended" },
  reconnecting: { retry: "connecting", lost: "reconnecting", refused: "ended" },
  ended: { retry: "connecting", refused: "ended", lost: "ended" },
};

/** The phase after `event`, or null where it must not happen: the peer broke the protocol. */
export function nextPhase(phase: Phase, event: PhaseEvent): Phase | null {
  return TABLE[phase][event] ?? null;
}
