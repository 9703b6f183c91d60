"""What a micro benchmark says, and how its parts are timed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: Runs of each subject, taken in turn, so that what else the machine does meets all.
TURNS = 9


@dataclass(frozen=True, slots=True)
class Figure:
    """`ratio` is to the limit or the peer that `against` names."""

    part: str
    subject: str
    value: float
    unit: str
    ratio: float | None = None
    against: str = ""


class MissingError(Exception):
    """A library is not installed; the text says how to get it."""


def interleaved_ms(works: Mapping[str, Callable[[], object]], turns: int = TURNS) -> dict[str, float]:
    """Medians in ms, A B C A B C …; the first turn warms up and does not count."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(turns + 1):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if turn:
                times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}
