"""Memory of the subject's processes and of the browser while stacks are scrolled for minutes."""

from __future__ import annotations

import statistics
import time

from benchmarks.cases.case import Bench, NotApplicableError, Outcome
from benchmarks.driver.meter import memory_mb

#: Slices of one stack. Each stack is scrolled to its end and back, then a new stack follows.
STACK_SLICES = 60
#: Slices per second.
RATE = 30.0


def memory(bench: Bench) -> Outcome:
    """Samples memory after each stack. Growth is the median of the last quarter of the samples minus that of
    the second quarter."""
    if bench.effort.memory_minutes <= 0:
        raise NotApplicableError("needs --minutes")
    until = time.monotonic() + bench.effort.memory_minutes * 60
    series: dict[str, list[float]] = {}
    while time.monotonic() < until:
        numbers = bench.player.load(STACK_SLICES)
        forth_and_back = [*numbers, *reversed(numbers)]
        bench.player.play(forth_and_back, RATE)
        bench.pause(len(forth_and_back) / RATE * 1000)
        bench.player.wait_for_end(30)
        sizes_mb = memory_mb(bench.running.pids()) | {"browser": bench.chromium.memory_mb()}
        for role, size_mb in sizes_mb.items():
            series.setdefault(f"{role}_mb", []).append(size_mb)
    figures = {}
    for name, sizes in series.items():
        quarter = max(1, len(sizes) // 4)
        figures[f"peak_{name}"] = max(sizes)
        figures[f"growth_{name}"] = statistics.median(sizes[-quarter:]) - statistics.median(
            sizes[quarter : 2 * quarter] or sizes
        )
    return Outcome(figures, series)
