"""Scrolls stacks at once on three monitors: two portrait 5 MP monitors and one of 1920 × 1080."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.exactness import exactness_figures
from benchmarks.cases.multi_monitor import LISTS, PORTRAIT, arranged, monitor_rects, window
from benchmarks.cases.play import REST_TIMEOUT_S, cost_figures, frame_intervals_ms, shown_figures
from benchmarks.content.player import ContentPlayer, DrawnFrame
from benchmarks.driver.browser import VIEWPORT_MARGIN_PX, Observation, Surface
from benchmarks.driver.meter import Reading

SIZES = (PORTRAIT, PORTRAIT, LISTS)
#: Slices per second on each monitor.
RATE = 30.0
#: Interval at which the probe reads each window, ms. Reading three windows every millisecond would fill the
#: CPU.
STEP_MS = 4.0
#: Time for new windows to settle, ms.
SETTLE_MS = 1500.0

#: The content of one monitor and the browser window that shows it.
MonitorWindow = tuple[ContentPlayer, Surface]


def monitors(bench: Bench) -> Outcome:
    """Plays a stack of 1024² slices at 30/s on each monitor, all three at the same time.

    As in `play`, there are two passes over different slices: one is timed, and in the other each slice shown
    is read back and compared. `exact_per_s` is that of the worst monitor: the slices it showed per second in
    the timed pass, times the fraction that was exact in the other pass.
    """
    across, down = VIEWPORT_MARGIN_PX
    display, xauthority = bench.running.display, bench.running.xauthority
    with arranged(bench, SIZES), ExitStack() as stack:
        windows: list[MonitorWindow] = []
        for number, rect in enumerate(monitor_rects(SIZES)):
            width, height = rect[2:]
            surface = stack.enter_context(window(bench, f"monitor={number}", (width + across, height + down)))
            player = stack.enter_context(ContentPlayer(display, xauthority, window_rect=rect))
            surface.wait(width, height)
            windows.append((player, surface))
        # The page of the other cases would be a fourth viewer.
        bench.surface.page.goto("about:blank")
        bench.pause(SETTLE_MS)
        return _measure(bench, windows)


def _measure(bench: Bench, windows: Sequence[MonitorWindow]) -> Outcome:
    seconds = bench.effort.seconds
    timed, reading = _pass(bench, windows, check=False)
    checked, _ = _pass(bench, windows, check=True)
    figures = cost_figures(reading, seconds)
    series: dict[str, list[float]] = {}
    for number, (timed_pass, checked_pass) in enumerate(zip(timed, checked, strict=True), 1):
        shown = shown_figures(*timed_pass)
        exact = exactness_figures(*checked_pass, "stack")
        figures[f"shown_per_s_{number}"] = shown["shown"] / seconds
        figures[f"checked_{number}"] = exact["checked"]
        figures[f"exact_fraction_{number}"] = exact["exact_fraction"]
        figures[f"exact_per_s_{number}"] = shown["shown"] / seconds * exact["exact_fraction"]
        figures[f"checked_exact_per_s_{number}"] = exact["exact"] / seconds
        intervals = frame_intervals_ms(timed_pass[1])
        series[f"frame_interval_ms_{number}"] = intervals
        if intervals:
            figures[f"frame_interval_p50_ms_{number}"] = statistics.median(intervals)
    numbers = range(1, len(windows) + 1)
    figures["exact_per_s"] = min(figures[f"exact_per_s_{number}"] for number in numbers)
    figures["exact_fraction"] = min(figures[f"exact_fraction_{number}"] for number in numbers)
    return Outcome(figures, series)


def _pass(
    bench: Bench, windows: Sequence[MonitorWindow], *, check: bool
) -> tuple[list[tuple[list[DrawnFrame], Observation]], Reading]:
    """Plays all stacks at once. Returns for each monitor what was drawn and what its window showed."""
    count = round(RATE * bench.effort.seconds)
    stacks = [player.load(count) for player, _ in windows]
    bench.pause(300)
    for player, surface in windows:
        expected = player.checksums if check else None
        surface.start(
            player.frame_rect[:2], size_px=player.frame_rect[2:], expected=expected, step_ms=STEP_MS
        )
    meter = bench.meter()
    meter.start()
    for (player, _), numbers in zip(windows, stacks, strict=True):
        player.play(numbers, RATE)
    bench.pause(count / RATE * 1000)
    drawn = [player.wait_for_end(30) for player, _ in windows]
    bench.pause(300)
    reading = meter.stop()
    for (_, surface), numbers in zip(windows, stacks, strict=True):
        surface.wait_for(numbers[-1], REST_TIMEOUT_S)
    observed = [surface.stop() for _, surface in windows]
    return list(zip(drawn, observed, strict=True)), reading
