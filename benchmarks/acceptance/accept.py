"""Measures bars, by benchmark runs and by commands, and reports their verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.acceptance.commands import judge_by_command
from benchmarks.acceptance.plan import plan_parts, plan_runs, with_required
from benchmarks.cases.case import Effort
from benchmarks.links.link import parse_link
from benchmarks.micro import parts
from benchmarks.report.bars import Bar, Verb, Verdict, active, judge
from benchmarks.report.registry import select_bars
from benchmarks.report.results import Results
from benchmarks.run import note, run


def bars_to_measure(registered: tuple[Bar, ...], names: list[str]) -> list[Bar]:
    """Returns the named bars, or all active bars of the verbs "acceptance" and "bench".

    The bars of the verb "test" are measured by `make test`. Raises ValueError for an unknown name.
    """
    if names:
        return select_bars(registered, names)
    return [bar for bar in active(registered) if bar.verb is not Verb.TEST]


def measure_bars(
    bars: Sequence[Bar],
    registered: tuple[Bar, ...],
    rounds: int,
    effort: Effort,
    results: Results,
    *,
    named: bool,
) -> list[Verdict]:
    """Measures the bars and returns their verdicts in the same order. Adds the benchmark samples to
    `results`."""
    measured = with_required([bar for bar in bars if bar.case is not None], registered)
    for planned in plan_runs(measured):
        run(planned.subjects, planned.cases, [parse_link(planned.link)], rounds, effort, results)
    if names := plan_parts(measured):
        figures, missing = parts.measure(names)
        results.micro = parts.replace(results.micro, figures)
        results.missing |= missing
    by_case = {verdict.bar.id: verdict for verdict in judge(results, measured)}
    verdicts = []
    for bar in bars:
        if bar.case is not None:
            verdicts.append(by_case[bar.id])
        elif bar.only_on is not None and not named:
            verdicts.append(Verdict(bar, None, None, f"name it to measure it on {bar.only_on}"))
        else:
            if bar.command is not None:
                note(f"bar {bar.id}: {bar.command}")
            verdicts.append(judge_by_command(bar))
    return verdicts


WORDS = {True: "reached", False: "MISSED", None: "not measured"}


def table(verdicts: Sequence[Verdict]) -> str:
    """Returns a Markdown table of id, bound, value and verdict, and a line that counts the verdicts."""
    rows = [("bar", "bound", "value", "verdict"), ("---",) * 4]
    for verdict in verdicts:
        value = "–" if verdict.value is None else f"{verdict.value:.4g}"
        word = WORDS[verdict.passed] + (f": {verdict.reason}" if verdict.reason else "")
        rows.append((verdict.bar.id, verdict.bar.bound, value, word))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    counts = {key: sum(verdict.passed is key for verdict in verdicts) for key in WORDS}
    summary = f"{counts[True]} reached, {counts[False]} missed, {counts[None]} not measured."
    return "\n".join([*lines, "", summary])


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Returns 0 if every bar was measured and reached, otherwise 1."""
    return int(not all(verdict.passed for verdict in verdicts))
