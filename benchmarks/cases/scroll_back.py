"""Scrolls a stack back: whether a subject caches what it has sent."""

from __future__ import annotations

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.exactness import exactness_figures
from benchmarks.cases.play import one_pass, shown_figures


def scroll_back(bench: Bench) -> Outcome:
    """Plays new slices forwards at 30/s, then the same slices backwards. `back_ratio` is the bytes of the
    second pass divided by those of the first."""
    rate = 30.0
    numbers = bench.player.load(round(rate * min(bench.effort.seconds, 4)))
    first = one_pass(bench, numbers, rate, check=False).reading
    back = one_pass(bench, numbers[-2::-1], rate, check=True)
    drawn, observed, second = back.drawn, back.observed, back.reading
    figures = {"first_bytes": float(first.down_bytes), "back_bytes": float(second.down_bytes)}
    figures["back_ratio"] = second.down_bytes / first.down_bytes
    figures["back_server_cores"] = second.server_cpu_s * rate / len(numbers)
    figures["foreign_cores"] = first.foreign_cpu_s / first.seconds
    figures |= shown_figures(drawn, observed) | exactness_figures(drawn, observed, "stack")
    bench.player.blank()
    return Outcome(figures)
