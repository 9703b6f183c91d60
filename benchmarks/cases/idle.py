"""An idle desktop: a terminal whose caret blinks, and nobody does anything."""

from __future__ import annotations

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.stack import cost_figures

#: Until the terminal is up and everything about it has been sent.
SETTLE_MS = 2500


def idle(bench: Bench) -> Outcome:
    bench.stage.terminal()
    # xterm's caret blinks only while it has the focus, which follows the pointer.
    bench.surface.page.mouse.move(*bench.surface.point(200, 200))
    bench.pause(SETTLE_MS)
    meter = bench.meter()
    meter.start()
    bench.pause(bench.effort.idle_seconds * 1000)
    reading = meter.stop()
    figures = cost_figures(reading, reading.seconds)
    figures["down_bytes_per_s"] = reading.down_bytes / reading.seconds
    return Outcome(figures)
