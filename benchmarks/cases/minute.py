"""Scrolls a stack at 60/s for a minute, measures stalls, and checks that the last slice becomes exact."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.exactness import rest_figures
from benchmarks.cases.play import cost_figures, delays_ms, frame_intervals_ms, shown_figures
from benchmarks.content.frames import LONG
from benchmarks.content.player import DrawnFrame
from benchmarks.driver.browser import Observation

#: Slices per second, and duration, s.
RATE, SECONDS = 60.0, 60.0
#: How long the last slice may take to be shown, and then to become exact, s.
REST_TIMEOUT_S = 10.0
#: A longer interval than this without a new frame, ms, counts as a stall.
STALL_MS = 300.0
#: Time in which a subject adapts to the motion, ms. Stalls after it are reported apart.
START_MS = 3000.0


def minute(bench: Bench) -> Outcome:
    """Runs the case. Only the last slice is compared with its source, at rest."""
    player, surface = bench.player, bench.surface
    numbers = player.load(round(RATE * SECONDS), LONG)
    bench.pause(500)
    surface.start(
        player.frame_rect[:2], size_px=player.frame_rect[2:], expected=player.checksums, checks_at_rest=True
    )
    meter = bench.meter()
    meter.start()
    player.play(numbers, RATE)
    bench.pause(SECONDS * 1000)
    drawn = player.wait_for_end(30)
    reading = meter.stop()
    surface.settle(numbers[-1], REST_TIMEOUT_S)
    observed = surface.stop()
    player.blank()
    figures = cost_figures(reading, SECONDS) | shown_figures(drawn, observed) | rest_figures(drawn, observed)
    figures["shown_per_s"] = figures["shown"] / SECONDS
    figures |= stall_figures(drawn, observed)
    return Outcome(
        figures, {"frame_interval_ms": frame_intervals_ms(observed), "delay_ms": delays_ms(drawn, observed)}
    )


def stall_figures(drawn: Sequence[DrawnFrame], observed: Observation) -> dict[str, float]:
    """Computes the longest interval without a new frame during the motion, when it began, and the stalls.

    Intervals also begin with the first frame drawn and end with the last, so a late first frame and frames
    that stop coming count too.
    """
    began_ms, ended_ms = drawn[0].epoch_ms, drawn[-1].epoch_ms
    seen_ms = [seen.epoch_ms for seen in observed.seen if began_ms <= seen.epoch_ms < ended_ms]
    intervals = [(b - a, a) for a, b in itertools.pairwise([began_ms, *seen_ms, ended_ms])]
    longest_ms, at_ms = max(intervals)
    return {
        "stall_max_ms": longest_ms,
        "stall_at_s": (at_ms - began_ms) / 1000,
        "stalls": float(sum(interval > STALL_MS for interval, _ in intervals)),
        "stall_later_max_ms": max(
            (interval for interval, at in intervals if at - began_ms >= START_MS), default=0.0
        ),
    }
