"""The cost of an idle desktop: a terminal with a blinking caret, and no input."""

from __future__ import annotations

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.play import cost_figures

#: Time until the terminal is visible and its pixels have been sent, ms.
SETTLE_MS = 1500


def idle(bench: Bench) -> Outcome:
    bench.player.terminal()
    bench.pause(SETTLE_MS)
    meter = bench.meter()
    meter.start()
    bench.pause(bench.effort.idle_seconds * 1000)
    reading = meter.stop()
    figures = cost_figures(reading, reading.seconds)
    figures["down_bytes_per_s"] = reading.down_bytes / reading.seconds
    return Outcome(figures)
