/** Delay before the next attempt to connect. Pure: the caller passes the random number. */

/** Delay before the first attempt, ms. Short, because an agent that was killed is back within half a second. */
const FIRST_MS = 100;
/** Each delay is this many times the one before. */
const GROWTH = 1.7;
/** Longest delay at first, ms: an attempt that reaches nobody costs nothing, and the network may return any time. */
const CAP_MS = 500;
/** After this many attempts, about a minute, the server is considered down. */
const LONG_OUTAGE_ATTEMPTS = 125;
/** Longest delay in a long outage, ms, so that all screens of a ward together do not overload the server. */
const LONG_OUTAGE_CAP_MS = 10_000;
/** Random part of a delay, as a fraction, so that the screens of a ward do not reconnect at the same instant. */
const JITTER = 0.3;

/** Delay in ms before attempt number `attempt` (from 0). `random` is in 0…1. */
export function retryDelayMs(attempt: number, random: number): number {
  const cap = attempt < LONG_OUTAGE_ATTEMPTS ? CAP_MS : LONG_OUTAGE_CAP_MS;
  const full = Math.min(cap, FIRST_MS * GROWTH ** attempt);
  return Math.round(full * (1 - JITTER + JITTER * 2 * random));
}
