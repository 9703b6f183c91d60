/** When to try again after a connection was lost. Pure: time and chance are arguments. */

/** An agent that was killed is back within half a second, so the first tries come quickly. */
const FIRST_MS = 100;
const GROWTH = 1.7;
/** A network that comes back after a gap should not wait for us: a try that reaches nobody costs nothing. */
const CAP_MS = 500;
/** But after about a minute of tries something is down, and a ward's screens should not keep hammering at it. */
const PATIENT_AFTER = 125;
const PATIENT_CAP_MS = 10_000;
/** Share of the delay that is random, so that a ward's screens do not return in one instant. */
const JITTER = 0.3;

/** Delay before try number `attempt` (from 0), `chance` in 0…1. */
export function retryDelayMs(attempt: number, chance: number): number {
  const cap = attempt < PATIENT_AFTER ? CAP_MS : PATIENT_CAP_MS;
  const full = Math.min(cap, FIRST_MS * GROWTH ** attempt);
  return Math.round(full * (1 - JITTER + JITTER * 2 * chance));
}
