/**
 * The phases of a viewer, as a transition table.
 *
 *     connecting ─welcome─► welcomed ─update─► running
 *         ▲  └────────────── lost ──────┬─────────┘
 *         └── retry ── reconnecting ◄───┘          refused, in every phase ─► ended ─retry─► connecting
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

/** Returns the phase after `event`, or null if the event is not allowed: then the agent broke the protocol. */
export function nextPhase(phase: Phase, event: PhaseEvent): Phase | null {
  return TABLE[phase][event] ?? null;
}
