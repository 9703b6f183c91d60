"""Bars: what Lightbox must reach. Most are ratios to a peer in the same run. `bars.toml` registers all of
them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from benchmarks.links.link import LOOPBACK
from benchmarks.report.results import Results

#: The subject whose bars these are, unless a bar names another one.
SUBJECT = "lightbox"
#: As the case of a bar: its figure is a part of the micro benchmarks, and its value is the part's ratio.
MICRO = "micro"
#: Case, figure of the click latency while a stack scrolls.
SCROLLING = "click-scrolling", "p95_ms"


class Verb(StrEnum):
    """The command that measures a bar."""

    TEST = "test"  # `make test`
    BENCH = "bench"  # a case of `python -m benchmarks run`
    ACCEPTANCE = "acceptance"  # `make acceptance` alone, because it takes too long for `make test`


class Comparison(StrEnum):
    """How a figure is compared with the peer's: divided by it, or minus it."""

    RATIO = "ratio"
    DIFFERENCE = "difference"


class Bar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A registered bar. Its value must be at most `at_most` or at least `at_least`.

    A bar with a `case` takes its value from a benchmark run. A bar with a `command` passes if the command
    exits with 0 and is missed if it exits with 1; any other exit code means that it could not be measured. A
    bar with neither is registered, but nothing measures it yet.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    title: Annotated[str, msgspec.Meta(min_length=1)]
    registered: datetime.date
    verb: Verb
    #: Number of the issue that set the bar; None for bars from before the issues were numbered.
    issue: int | None = None
    #: Unit of the bound, such as "ms". Ratios and fractions have none.
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    #: Case and figure of `python -m benchmarks run`; with the case "micro" the figure is a part.
    case: str | None = None
    figure: str | None = None
    subject: str = SUBJECT
    peer: str | None = None
    comparison: Comparison = Comparison.RATIO
    link: str = LOOPBACK.name
    #: Another bar that must be reached in the same run, such as one on bytes beside one on quality.
    requires: str | None = None
    #: Shell words; "{python}" is replaced by the running interpreter.
    command: str | None = None
    #: Files that the command needs. If one is missing, the bar is not measured.
    needs: tuple[str, ...] = ()
    #: A machine other than the usual one. The bar is measured only when it is named on the command line.
    only_on: str | None = None
    #: Id of the bar that replaced this one. A replaced bar keeps its row and is not measured any more.
    replaced_by: str | None = None
    #: What a reader should know about the history of the bar.
    note: str = ""

    @property
    def bound(self) -> str:
        """The bound as text, such as "≤ 60 s"."""
        text = f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"
        return f"{text} {self.unit}" if self.unit else text

    @property
    def question(self) -> str:
        """The title with the subject, the peer and the link, as far as they are not the usual ones."""
        parts = [self.title]
        if self.subject != SUBJECT:
            parts.append(self.subject)
        if self.peer is not None:
            parts.append(f"{'divided by' if self.comparison is Comparison.RATIO else 'minus'} {self.peer}")
        if self.link != LOOPBACK.name:
            parts.append(f"link {self.link}")
        return "; ".join(parts)

    def reached_by(self, value: float) -> bool:
        """Returns whether the value is within the bound."""
        return (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a bar. `value` and `passed` are None if it was not measured; `reason` may say why."""

    bar: Bar
    value: float | None
    passed: bool | None
    reason: str = ""


def active(bars: Iterable[Bar]) -> list[Bar]:
    """Returns the bars that have not been replaced."""
    return [bar for bar in bars if bar.replaced_by is None]


def judge(results: Results, bars: Sequence[Bar]) -> list[Verdict]:
    """Judges each bar by a run. A run says nothing about bars that were registered after it began."""
    by_id = {bar.id: bar for bar in bars}
    return [_judge(results, bar, by_id) for bar in bars]


def _judge(results: Results, bar: Bar, by_id: dict[str, Bar]) -> Verdict:
    if results.started[:10] < bar.registered.isoformat():
        return Verdict(bar, None, None, "registered after this run")
    value = _value(results, bar)
    if value is None:
        return Verdict(bar, None, None, "not in this run")
    passed: bool | None = bar.reached_by(value)
    reason = ""
    if bar.requires is not None:
        required = _judge(results, by_id[bar.requires], by_id)
        if not required.passed:
            passed = required.passed
            reason = f"requires {bar.requires}"
            value = value if passed is not None else None
    return Verdict(bar, value, passed, reason)


def _value(results: Results, bar: Bar) -> float | None:
    if bar.case is None or bar.figure is None:
        return None
    if bar.case == MICRO:
        return next((figure.ratio for figure in results.micro if figure.part == bar.figure), None)
    value = results.figure(bar.subject, bar.case, bar.figure, bar.link)
    if bar.peer is None or value is None:
        return value
    peer = results.figure(bar.peer, bar.case, bar.figure, bar.link)
    if bar.comparison is Comparison.DIFFERENCE:
        return value - peer if peer is not None else None
    return value / peer if peer else None


#: The registry of all bars.
REGISTRY = Path(__file__).parents[1] / "bars.toml"
