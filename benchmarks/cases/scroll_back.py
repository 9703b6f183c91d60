"""A stack scrolled back: what a subject remembers of what it has sent."""

from __future__ import annotations

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.exactness import exactness_figures
from benchmarks.cases.play import one_pass, shown_figures


def scroll_back(bench: Bench) -> Outcome:
    """Forward over slices never seen at 30/s, then back over the same: bytes of the second pass to the
    first."""
    rate = 30.0
    numbers = bench.stage.load(round(rate * min(bench.effort.seconds, 4)))
    first = one_pass(bench, numbers, rate, check=False).reading
    back = one_pass(bench, numbers[-2::-1], rate, check=True)
    drawn, watched, second = back.drawn, back.watched, back.reading
    figures = {"first_bytes": float(first.down_bytes), "back_bytes": float(second.down_bytes)}
    figures["back_share"] = second.down_bytes / first.down_bytes
    figures["back_server_cores"] = second.server_cpu_s * rate / len(numbers)
    figures["foreign_cores"] = first.foreign_cpu_s / first.seconds
    figures |= shown_figures(drawn, watched) | exactness_figures(drawn, watched, "stack")
    bench.stage.blank()
    return Outcome(figures)
