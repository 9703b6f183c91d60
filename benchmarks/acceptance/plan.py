"""Plans which benchmark runs measure a set of bars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.report.bars import MICRO, Bar


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """Cases that run on the same subjects over one link, so that subjects and peers are compared in one
    run."""

    link: str
    subjects: tuple[str, ...]
    cases: tuple[str, ...]


def plan_runs(bars: Iterable[Bar]) -> list[PlannedRun]:
    """Groups the cases of bars by link and subjects. Bars without a case and micro benchmarks need no run."""
    subjects: dict[tuple[str, str], dict[str, None]] = {}
    for bar in bars:
        if bar.case is None or bar.case == MICRO:
            continue
        needed = subjects.setdefault((bar.link, bar.case), {})
        needed[bar.subject] = None
        if bar.peer is not None:
            needed[bar.peer] = None
    cases: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (link, case), needed in subjects.items():
        cases.setdefault((link, tuple(sorted(needed))), []).append(case)
    return [PlannedRun(link, names, tuple(found)) for (link, names), found in cases.items()]


def plan_parts(bars: Iterable[Bar]) -> list[str]:
    """Returns the micro benchmarks that measure the bars."""
    figures = dict.fromkeys(bar.figure for bar in bars if bar.case == MICRO and bar.figure is not None)
    return [figure.replace(" ", "-") for figure in figures]


def with_required(bars: Iterable[Bar], registered: Iterable[Bar]) -> list[Bar]:
    """Adds the bars that the given ones require, because they must be measured in the same run."""
    by_id = {bar.id: bar for bar in registered}
    found: dict[str, Bar] = {}
    for bar in bars:
        following: Bar | None = bar
        while following is not None and following.id not in found:
            found[following.id] = following
            following = by_id[following.requires] if following.requires is not None else None
    return list(found.values())
