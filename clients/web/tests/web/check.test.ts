import { describe, expect, it } from "vitest";
import { CheckCore, PATTERNS, QUESTIONS } from "../../src/check/check_core.ts";

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function answerAllQuestions(core: CheckCore): void {
  for (const pattern of PATTERNS) {
    for (let number = 0; number < QUESTIONS[pattern]; number++) {
      expect(core.step).toEqual({ kind: "question", pattern, number });
      expect(core.command).toBe(String(PATTERNS.indexOf(pattern) + 1));
      core.answer(true, "exact");
    }
  }
}

describe("a display check", () => {
  it("asks about every pattern, then goes down to a difference of one level in three ranges", () => {
    const core = new CheckCore(seededRandom(1));
    answerAllQuestions(core);
    const seen: number[] = [];
    let last = 0;
    while (core.step.kind === "trial") {
      const { base, difference, place } = core.step.trial;
      expect(base + difference).toBeGreaterThanOrEqual(0);
      expect(base + difference).toBeLessThanOrEqual(255);
      expect(core.command).toBe(`c${base},${difference},${place}\n`);
      expect(core.progress).toBeGreaterThan(last);
      last = core.progress;
      seen.push(difference);
      core.point(place, "exact");
    }
    expect(seen).toEqual([8, 6, 4, 3, 2, 1, 8, 6, 4, 3, 2, 1, -8, -6, -4, -3, -2, -1]);
    expect(core.step.kind).toBe("done");
    expect(core.progress).toBe(1);
    expect(core.patterns.map(({ pattern }) => pattern)).toEqual(PATTERNS);
  });

  it("turns to the next range at the first square that is missed", () => {
    const core = new CheckCore(seededRandom(2));
    answerAllQuestions(core);
    for (const miss of [null, 1, 2]) {
      if (core.step.kind !== "trial") throw new Error("three ranges");
      const { place } = core.step.trial;
      core.point(miss === null ? null : (place + miss) % 4, "exact");
    }
    expect(core.step.kind).toBe("done");
    expect(core.trials.map(({ difference }) => difference)).toEqual([8, 8, -8]);
  });

  it("records the worst state that the badge had during a pattern", () => {
    const core = new CheckCore(seededRandom(3));
    core.answer(true, "exact");
    core.answer(false, "unverified");
    core.answer(true, "scaled");
    expect(core.patterns).toEqual([{ pattern: "tg18-qc", state: "unverified", answers: [true, false, true] }]);
    core.answer(true, "exact");
    core.answer(true, "refining");
    expect(core.patterns[1]?.state).toBe("refining");
  });

  it("uses every level and place of its ranges, and no others", () => {
    const bases = new Set<number>();
    const places = new Set<number>();
    for (let seed = 0; seed < 400; seed++) {
      const core = new CheckCore(seededRandom(seed * 7919));
      answerAllQuestions(core);
      while (core.step.kind === "trial") {
        bases.add(core.step.trial.base);
        places.add(core.step.trial.place);
        core.point(null, "exact");
      }
    }
    expect([...places].sort()).toEqual([0, 1, 2, 3]);
    const all = [...bases].sort((left, right) => left - right);
    expect([all[0], all.at(-1), all.length]).toEqual([2, 253, 59]);
  });
});

describe("taking an answer back", () => {
  it("returns to the question before, also across patterns, and forgets its answer", () => {
    const core = new CheckCore(seededRandom(4));
    expect(core.canGoBack).toBe(false);
    core.answer(true, "exact");
    core.answer(false, "unverified");
    core.answer(true, "exact");
    expect(core.step).toEqual({ kind: "question", pattern: "tg270-sqc", number: 0 });
    core.back();
    core.back();
    expect(core.step).toEqual({ kind: "question", pattern: "tg18-qc", number: 1 });
    expect(core.patterns).toEqual([]);
    core.answer(true, "exact");
    core.answer(true, "exact");
    expect(core.patterns).toEqual([{ pattern: "tg18-qc", state: "exact", answers: [true, true, true] }]);
  });

  it("shows another square of the same difference, so that nothing was learnt from the first", () => {
    const core = new CheckCore(seededRandom(5));
    answerAllQuestions(core);
    if (core.step.kind !== "trial") throw new Error("a square");
    const { trial } = core.step;
    core.point(null, "exact");
    core.back();
    if (core.step.kind !== "trial") throw new Error("a square");
    expect(core.step.trial.difference).toBe(trial.difference);
    expect(core.step.trial).not.toEqual(trial);
    expect(core.trials).toEqual([]);
  });

  it("is not possible before the first answer and after the last", () => {
    const core = new CheckCore(seededRandom(6));
    core.back();
    expect(core.step).toEqual({ kind: "question", pattern: "tg18-qc", number: 0 });
    answerAllQuestions(core);
    while (core.step.kind === "trial") core.point(null, "exact");
    expect(core.canGoBack).toBe(false);
    core.back();
    expect(core.step.kind).toBe("done");
  });
});
