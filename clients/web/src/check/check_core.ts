/**
 * The course of a display check: which pattern and which question comes next, and what the answers amount to. Pure;
 * randomness is an argument.
 *
 * The contrast test shows squares near black, in the middle and near white, each at a level and a position that
 * nobody can predict. In each range it goes down from a square that everybody sees to a difference of one level, and
 * turns to the next range at the first square that is missed.
 */

import type { ShownState } from "../protocol/badge_state.ts";

export const PATTERNS = ["tg18-qc", "tg270-sqc", "smpte", "pixels"] as const;
export type PatternName = (typeof PATTERNS)[number];
/** Number of questions about each pattern; `texts.ts` has the questions. */
export const QUESTIONS: Readonly<Record<PatternName, number>> = { "tg18-qc": 3, "tg270-sqc": 2, smpte: 2, pixels: 2 };
/** Grey levels (0…255) of the background: near black, in the middle, near white. `sign` is the direction of the difference. */
const RANGES = [
  { from: 2, to: 20, sign: 1 },
  { from: 118, to: 138, sign: 1 },
  { from: 235, to: 253, sign: -1 },
] as const;
/** Differences between square and background in the order in which they are shown, grey levels. */
const DIFFERENCES = [8, 6, 4, 3, 2, 1] as const;
/** Number of positions at which the square can be. */
const PLACES = 4;

export interface PatternResult {
  readonly pattern: PatternName;
  /** The worst state that the badge had while the person answered. */
  readonly state: ShownState;
  readonly answers: readonly boolean[];
}

/** One square of the contrast test. */
export interface Trial {
  /** Grey level of the background. */
  readonly base: number;
  /** Grey levels by which the square differs from the background. */
  readonly difference: number;
  readonly place: number;
}

export interface TrialResult extends Trial {
  /** The place at which the person saw the square; null if the person saw none. */
  readonly answer: number | null;
  readonly state: ShownState;
}

export type Step =
  | { readonly kind: "question"; readonly pattern: PatternName; readonly number: number }
  | { readonly kind: "trial"; readonly trial: Trial }
  | { readonly kind: "done" };

/** What the core was before an answer, so that the person can take it back. */
interface Before {
  readonly patterns: number;
  readonly trials: number;
  readonly answers: readonly boolean[];
  readonly worst: ShownState;
  readonly pattern: number;
  readonly range: number;
  readonly difference: number;
  readonly step: Step;
}

/** The states from the best to the worst. */
const FROM_BEST_TO_WORST: readonly ShownState[] = ["exact", "refining", "scaled", "lossy", "unverified"];

export class CheckCore {
  readonly #random: () => number;
  readonly #patterns: PatternResult[] = [];
  readonly #trials: TrialResult[] = [];
  /** Answers about the current pattern. */
  #answers: boolean[] = [];
  /** The worst state during the current pattern. */
  #worst: ShownState = "exact";
  /** Index into `PATTERNS`, `RANGES` and `DIFFERENCES`. */
  #pattern = 0;
  #range = 0;
  #difference = 0;
  #step: Step;
  readonly #before: Before[] = [];

  /** `random` returns numbers from 0 up to, but not including, 1. */
  constructor(random: () => number) {
    this.#random = random;
    this.#step = { kind: "question", pattern: PATTERNS[0], number: 0 };
  }

  get step(): Step {
    return this.#step;
  }

  get patterns(): readonly PatternResult[] {
    return this.#patterns;
  }

  get trials(): readonly TrialResult[] {
    return this.#trials;
  }

  /** The completed fraction of the check, 0…1. */
  get progress(): number {
    const total = PATTERNS.length + RANGES.length;
    return (this.#pattern + this.#range + this.#difference / DIFFERENCES.length) / total;
  }

  /** Whether there is an answer that the person can take back. */
  get canGoBack(): boolean {
    return this.#before.length > 0 && this.#step.kind !== "done";
  }

  /** The text that makes the program on the desktop draw what this step needs. */
  get command(): string {
    const step = this.#step;
    if (step.kind === "question") return String(PATTERNS.indexOf(step.pattern) + 1);
    if (step.kind === "done") return "1";
    const { base, difference, place } = step.trial;
    return `c${base},${difference},${place}\n`;
  }

  /** Takes the answer to a question about a pattern; `state` is what the badge shows. */
  answer(yes: boolean, state: ShownState): void {
    const step = this.#step;
    if (step.kind !== "question") return;
    this.#remember();
    this.#answers.push(yes);
    if (FROM_BEST_TO_WORST.indexOf(state) > FROM_BEST_TO_WORST.indexOf(this.#worst)) this.#worst = state;
    if (step.number + 1 < QUESTIONS[step.pattern]) {
      this.#step = { ...step, number: step.number + 1 };
      return;
    }
    this.#patterns.push({ pattern: step.pattern, state: this.#worst, answers: this.#answers });
    this.#answers = [];
    this.#worst = "exact";
    this.#pattern += 1;
    const next = PATTERNS[this.#pattern];
    this.#step = next === undefined ? this.#nextTrial() : { kind: "question", pattern: next, number: 0 };
  }

  /** Takes the place at which the person saw the square, or null; `state` is what the badge shows. */
  point(answer: number | null, state: ShownState): void {
    const step = this.#step;
    if (step.kind !== "trial") return;
    this.#remember();
    this.#trials.push({ ...step.trial, answer, state });
    const found = answer === step.trial.place;
    this.#difference += 1;
    if (!found || this.#difference === DIFFERENCES.length) {
      this.#difference = 0;
      this.#range += 1;
    }
    this.#step = this.#range < RANGES.length ? this.#nextTrial() : { kind: "done" };
  }

  /**
   * Takes the last answer back and returns to its question.
   *
   * A square of the contrast test is then shown at another level and place: the answer says nothing about it.
   */
  back(): void {
    const before = this.canGoBack ? this.#before.pop() : undefined;
    if (before === undefined) return;
    this.#patterns.length = before.patterns;
    this.#trials.length = before.trials;
    this.#answers = [...before.answers];
    this.#worst = before.worst;
    this.#pattern = before.pattern;
    this.#range = before.range;
    this.#difference = before.difference;
    this.#step = before.step.kind === "trial" ? this.#nextTrial() : before.step;
  }

  #remember(): void {
    this.#before.push({
      patterns: this.#patterns.length,
      trials: this.#trials.length,
      answers: [...this.#answers],
      worst: this.#worst,
      pattern: this.#pattern,
      range: this.#range,
      difference: this.#difference,
      step: this.#step,
    });
  }

  #nextTrial(): Step {
    const range = RANGES[this.#range] ?? RANGES[0];
    const base = range.from + Math.floor(this.#random() * (range.to - range.from + 1));
    const difference = range.sign * (DIFFERENCES[this.#difference] ?? 1);
    return { kind: "trial", trial: { base, difference, place: Math.floor(this.#random() * PLACES) } };
  }
}
