"""The result of a micro benchmark, and the timing that all of them use."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: Timed runs of each function. Functions are run in turn, so that other load affects all alike.
TURNS = 9


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `ratio` is the value divided by that of the limit or peer named by `against`."""

    part: str
    subject: str
    value: float
    unit: str
    ratio: float | None = None
    against: str = ""


class MissingError(Exception):
    """A library is not installed. The text says how to install it."""


def interleaved_ms(works: Mapping[str, Callable[[], object]], turns: int = TURNS) -> dict[str, float]:
    """Runs the functions in turn (A B C A B C …) and returns the median time of each, ms.

    The first turn warms up and does not count.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(turns + 1):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if turn:
                times[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}
