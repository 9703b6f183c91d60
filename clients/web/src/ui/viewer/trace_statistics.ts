/** Turns the agent's trace of each frame (PROTOCOL.md §6) into the statistics that the overlay draws. Pure. */

import type { TraceFrame } from "../../protocol/messages.ts";

export const STAGES = ["capture", "diff", "encode", "queue", "network", "decode", "show"] as const;
export type Stage = (typeof STAGES)[number];

/** The timestamps at which each stage starts and ends. */
const SPANS: Readonly<Record<Stage, readonly [keyof TraceFrame, keyof TraceFrame]>> = {
  capture: ["damaged", "captured"],
  diff: ["captured", "diffed"],
  encode: ["diffed", "encoded"],
  queue: ["encoded", "sent"],
  network: ["sent", "received"],
  decode: ["received", "decoded"],
  show: ["decoded", "shown"],
};

/** Duration of each stage, ms; null where a timestamp is missing. Never negative, although two clocks are compared. */
export type StageTimes = Readonly<Record<Stage, number | null>>;

export function stageTimes(frame: TraceFrame): StageTimes {
  const times = {} as Record<Stage, number | null>;
  for (const stage of STAGES) {
    const [from, to] = SPANS[stage];
    const start = frame[from];
    const end = frame[to];
    times[stage] = start === null || end === null ? null : Math.max(0, end - start);
  }
  return times;
}

export function totalMs(times: StageTimes): number {
  return STAGES.reduce((sum, stage) => sum + (times[stage] ?? 0), 0);
}

export interface TraceSummary {
  readonly framesPerS: number;
  readonly mbitPerS: number;
  readonly stages: Readonly<Record<Stage, { readonly p50: number; readonly p90: number }>>;
  readonly total: { readonly p50: number; readonly p90: number };
}

/** Summarises the frames sent within `windowMs` before the newest one. Returns null when there is none. */
export function summarise(frames: readonly TraceFrame[], windowMs: number): TraceSummary | null {
  const newest = frames.at(-1)?.sent;
  if (newest === undefined || newest === null) return null;
  const recent = frames.filter((frame) => frame.sent !== null && newest - frame.sent < windowMs);
  const times = recent.map(stageTimes);
  const spread = (values: readonly number[]): { p50: number; p90: number } => ({
    p50: percentile(values, 0.5),
    p90: percentile(values, 0.9),
  });
  const stages = {} as Record<Stage, { p50: number; p90: number }>;
  for (const stage of STAGES)
    stages[stage] = spread(times.map((time) => time[stage]).filter((value) => value !== null));
  const bytes = recent.reduce((sum, frame) => sum + frame.bytes, 0);
  return {
    framesPerS: (recent.length * 1000) / windowMs,
    mbitPerS: (bytes * 8) / windowMs / 1000,
    stages,
    total: spread(times.map(totalMs)),
  };
}

/** Returns the value below which `fraction` (0…1) of the values lie; NaN when there are no values. */
export function percentile(values: readonly number[], fraction: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))] ?? Number.NaN;
}
