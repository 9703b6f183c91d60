"""Two upright 5 MP monitors and a 1920 × 1080 one, a window each, and a stack scrolled on all at once."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.exactness import exactness_figures
from benchmarks.cases.play import REST_TIMEOUT_S, cost_figures, gaps_ms, shown_figures
from benchmarks.cases.several import LISTS, UPRIGHT, arranged, places, window
from benchmarks.content.stage import Shown, Stage
from benchmarks.driver.browser import VIEWPORT_MARGIN_PX, Surface, Watched
from benchmarks.driver.meter import Reading

SIZES = (UPRIGHT, UPRIGHT, LISTS)
RATE = 30.0
#: Four windows read as often as one would are busy with reading.
STEP_MS = 4.0
SETTLE_MS = 1500.0

Seat = tuple[Stage, Surface]


def monitors(bench: Bench) -> Outcome:
    """A 1024² stack of its own at 30/s on each monitor, all three at the same time.

    Two passes over different slices, as in `play`: one timed, one in which each slice that is shown is read
    back whole. `exact_per_s` is that of the monitor that fares worst: what it showed a second in the timed
    pass, times the share that was exact in the other.
    """
    across, down = VIEWPORT_MARGIN_PX
    with arranged(bench, SIZES), ExitStack() as stack:
        seats: list[Seat] = []
        for number, place in enumerate(places(SIZES)):
            width, height = place[2:]
            surface = stack.enter_context(window(bench, f"monitor={number}", (width + across, height + down)))
            stage = stack.enter_context(Stage(bench.running.display, bench.running.xauthority, place=place))
            surface.wait(width, height)
            seats.append((stage, surface))
        # The window that other cases use would be a fourth viewer.
        bench.surface.page.goto("about:blank")
        bench.pause(SETTLE_MS)
        return _measure(bench, seats)


def _measure(bench: Bench, seats: Sequence[Seat]) -> Outcome:
    seconds = bench.effort.seconds
    timed, reading = _pass(bench, seats, check=False)
    checked, _ = _pass(bench, seats, check=True)
    figures = cost_figures(reading, seconds)
    series: dict[str, list[float]] = {}
    for number, ((drawn, watched), (drawn_again, read)) in enumerate(zip(timed, checked, strict=True), 1):
        shown = shown_figures(drawn, watched)
        exact = exactness_figures(drawn_again, read, "stack")
        figures[f"shown_per_s_{number}"] = shown["shown"] / seconds
        figures[f"checked_{number}"] = exact["checked"]
        figures[f"exact_share_{number}"] = exact["exact_share"]
        figures[f"exact_per_s_{number}"] = shown["shown"] / seconds * exact["exact_share"]
        figures[f"checked_exact_per_s_{number}"] = exact["exact"] / seconds
        series[f"gap_ms_{number}"] = gaps_ms(watched)
        if series[f"gap_ms_{number}"]:
            figures[f"gap_p50_ms_{number}"] = statistics.median(series[f"gap_ms_{number}"])
    numbers = range(1, len(seats) + 1)
    figures["exact_per_s"] = min(figures[f"exact_per_s_{number}"] for number in numbers)
    figures["exact_share"] = min(figures[f"exact_share_{number}"] for number in numbers)
    return Outcome(figures, series)


def _pass(
    bench: Bench, seats: Sequence[Seat], *, check: bool
) -> tuple[list[tuple[list[Shown], Watched]], Reading]:
    """All stacks at once; what each monitor was given and what its window showed."""
    count = round(RATE * bench.effort.seconds)
    orders = [stage.load(count) for stage, _ in seats]
    bench.pause(300)
    for stage, surface in seats:
        expected = stage.checksums if check else None
        surface.start(stage.place[:2], size_px=stage.place[2:], expected=expected, step_ms=STEP_MS)
    meter = bench.meter()
    meter.start()
    for (stage, _), numbers in zip(seats, orders, strict=True):
        stage.play(numbers, RATE)
    bench.pause(count / RATE * 1000)
    drawn = [stage.played(30) for stage, _ in seats]
    bench.pause(300)
    reading = meter.stop()
    for (_, surface), numbers in zip(seats, orders, strict=True):
        surface.wait_for(numbers[-1], REST_TIMEOUT_S)
    watched = [surface.stop() for _, surface in seats]
    return list(zip(drawn, watched, strict=True)), reading
