"""A stack at 60/s for a minute: whether it ever stands still for the person, and is exact in the end."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.exactness import rest_figures
from benchmarks.cases.play import cost_figures, delays_ms, gaps_ms, shown_figures
from benchmarks.content.frames import LONG
from benchmarks.content.stage import Shown
from benchmarks.driver.browser import Watched

RATE, SECONDS = 60.0, 60.0
#: How long the last slice may take to be shown, and then to become exact, s.
REST_TIMEOUT_S = 10.0
#: Longer than this without a new picture, and it stands still for the person.
FREEZE_MS = 300.0
#: A subject that finds its way with what moves has done so by then: later freezes have other causes.
START_MS = 3000.0


def minute(bench: Bench) -> Outcome:
    """Slices are not compared while they move, only the last one at rest."""
    stage, surface = bench.stage, bench.surface
    numbers = stage.load(round(RATE * SECONDS), LONG)
    bench.pause(500)
    surface.start(stage.place[:2], size_px=stage.place[2:], expected=stage.checksums, checks_at_rest=True)
    meter = bench.meter()
    meter.start()
    stage.play(numbers, RATE)
    bench.pause(SECONDS * 1000)
    drawn = stage.played(30)
    reading = meter.stop()
    surface.settle(numbers[-1], REST_TIMEOUT_S)
    watched = surface.stop()
    stage.blank()
    figures = cost_figures(reading, SECONDS) | shown_figures(drawn, watched) | rest_figures(drawn, watched)
    figures["shown_per_s"] = figures["shown"] / SECONDS
    figures |= freeze_figures(drawn, watched)
    return Outcome(figures, {"gap_ms": gaps_ms(watched), "delay_ms": delays_ms(drawn, watched)})


def freeze_figures(drawn: Sequence[Shown], watched: Watched) -> dict[str, float]:
    """The longest time without a new picture while something moved, and when it began: the first may not come
    late either, and one that never came is a freeze to the end."""
    began_ms, ended_ms = drawn[0].epoch_ms, drawn[-1].epoch_ms
    moments = [seen.epoch_ms for seen in watched.seen if began_ms <= seen.epoch_ms < ended_ms]
    gaps = [(b - a, a) for a, b in itertools.pairwise([began_ms, *moments, ended_ms])]
    longest_ms, at_ms = max(gaps)
    return {
        "freeze_max_ms": longest_ms,
        "freeze_at_s": (at_ms - began_ms) / 1000,
        "freezes": float(sum(gap > FREEZE_MS for gap, _ in gaps)),
        "freeze_later_max_ms": max((gap for gap, at in gaps if at - began_ms >= START_MS), default=0.0),
    }
