"""An idle desktop: a terminal whose caret blinks, and nobody does anything."""

from __future__ import annotations

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.play import cost_figures

#: Until the terminal is up and everything about it has been sent.
SETTLE_MS = 1500


def idle(bench: Bench) -> Outcome:
    bench.stage.terminal()
    bench.pause(SETTLE_MS)
    meter = bench.meter()
    meter.start()
    bench.pause(bench.effort.idle_seconds * 1000)
    reading = meter.stop()
    figures = cost_figures(reading, reading.seconds)
    figures["down_bytes_per_s"] = reading.down_bytes / reading.seconds
    return Outcome(figures)
