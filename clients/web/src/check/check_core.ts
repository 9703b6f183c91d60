/**
 * A display check: which pattern and which question comes next, and what the answers come to. Pure; chance is an argument.
 *
 * The contrast test goes down from a square that everybody sees to one level of difference, near black, in the middle and near
 * white, each at a level and a place that nobody can know beforehand; it turns to the next range at the first square missed.
 */

import type { ShownState } from "../protocol/verdict.ts";

export const PATTERNS = ["tg18-qc", "tg270-sqc", "smpte", "pixels"] as const;
export type PatternName = (typeof PATTERNS)[number];
/** Questions per pattern; their words are in `texts`. */
export const QUESTIONS: Readonly<Record<PatternName, number>> = { "tg18-qc": 3, "tg270-sqc": 2, smpte: 2, pixels: 2 };
/** Levels to start from: near black, in the middle, near white. Differences go up in the first two, down in the last. */
const RANGES = [
  { from: 2, to: 20, sign: 1 },
  { from: 118, to: 138, sign: 1 },
  { from: 235, to: 253, sign: -1 },
] as const;
const DIFFERENCES = [8, 6, 4, 3, 2, 1] as const;
const PLACES = 4;

export interface PatternSeen {
  readonly pattern: PatternName;
  readonly state: ShownState;
  readonly answers: readonly boolean[];
}

export interface Trial {
  readonly base: number;
  readonly difference: number;
  readonly place: number;
}

export interface TrialSeen extends Trial {
  readonly answer: number | null;
  readonly state: ShownState;
}

export type Step =
  | { readonly kind: "question"; readonly pattern: PatternName; readonly number: number }
  | { readonly kind: "trial"; readonly trial: Trial }
  | { readonly kind: "done" };

/** A state that proves less. A pattern counts as what it was at worst while the person answered. */
const WORSE: readonly ShownState[] = ["exact", "refining", "scaled", "lossy", "unverified"];

export class CheckCore {
  readonly #chance: () => number;
  readonly #patterns: PatternSeen[] = [];
  readonly #trials: TrialSeen[] = [];
  #answers: boolean[] = [];
  #worst: ShownState = "exact";
  #pattern = 0;
  #range = 0;
  #difference = 0;
  #step: Step;

  /** `chance` gives numbers in 0…1, without 1. */
  constructor(chance: () => number) {
    this.#chance = chance;
    this.#step = { kind: "question", pattern: PATTERNS[0], number: 0 };
  }

  get step(): Step {
    return this.#step;
  }

  get patterns(): readonly PatternSeen[] {
    return this.#patterns;
  }

  get trials(): readonly TrialSeen[] {
    return this.#trials;
  }

  /** Of the whole, 0…1. */
  get progress(): number {
    const total = PATTERNS.length + RANGES.length;
    return (this.#pattern + this.#range + this.#difference / DIFFERENCES.length) / total;
  }

  /** What is typed into the program on the desktop for this step. */
  get typed(): string {
    const step = this.#step;
    if (step.kind === "question") return String(PATTERNS.indexOf(step.pattern) + 1);
    if (step.kind === "done") return "1";
    const { base, difference, place } = step.trial;
    return `c${base},${difference},${place}\n`;
  }

  /** The person answered a question about the pattern. */
  answered(yes: boolean, state: ShownState): void {
    const step = this.#step;
    if (step.kind !== "question") return;
    this.#answers.push(yes);
    if (WORSE.indexOf(state) > WORSE.indexOf(this.#worst)) this.#worst = state;
    if (step.number + 1 < QUESTIONS[step.pattern]) {
      this.#step = { ...step, number: step.number + 1 };
      return;
    }
    this.#patterns.push({ pattern: step.pattern, state: this.#worst, answers: this.#answers });
    this.#answers = [];
    this.#worst = "exact";
    this.#pattern += 1;
    const next = PATTERNS[this.#pattern];
    this.#step = next === undefined ? this.#trial() : { kind: "question", pattern: next, number: 0 };
  }

  /** The person pointed at a place, or saw no square. */
  pointed(answer: number | null, state: ShownState): void {
    const step = this.#step;
    if (step.kind !== "trial") return;
    this.#trials.push({ ...step.trial, answer, state });
    const found = answer === step.trial.place;
    this.#difference += 1;
    if (!found || this.#difference === DIFFERENCES.length) {
      this.#difference = 0;
      this.#range += 1;
    }
    this.#step = this.#range < RANGES.length ? this.#trial() : { kind: "done" };
  }

  #trial(): Step {
    const range = RANGES[this.#range] ?? RANGES[0];
    const base = range.from + Math.floor(this.#chance() * (range.to - range.from + 1));
    const difference = range.sign * (DIFFERENCES[this.#difference] ?? 1);
    return { kind: "trial", trial: { base, difference, place: Math.floor(this.#chance() * PLACES) } };
  }
}
