"""Click → canvas and key → canvas: a real press in the page until the surface holds the changed pixels."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from playwright.sync_api import Page

from benchmarks.cases.case import Bench, Outcome
from benchmarks.driver.browser import SurfaceError, Watched
from benchmarks.driver.meter import Reading
from benchmarks.report.results import quantile

#: Presses at the start that are not counted: lazily made paths, cold caches.
WARM_UP = 8
#: Between presses; drawn at random so that they do not lock to any frame clock.
PAUSE_MS = (60.0, 140.0)
#: An answer later than this is a failure, not a latency.
TIMEOUT_MS = 2000


#: What is pressed: its down and its up.
Press = tuple[Callable[[Page], None], Callable[[Page], None]]


def click(bench: Bench) -> Outcome:
    """Presses of the left button."""
    return _times(bench, (lambda page: page.mouse.down(), lambda page: page.mouse.up()))


def key(bench: Bench) -> Outcome:
    """Presses of a letter; the pointer rests on the desktop."""
    return _times(bench, (lambda page: page.keyboard.down("a"), lambda page: page.keyboard.up("a")))


def _times(bench: Bench, press: Press) -> Outcome:
    """Times `effort.clicks` presses on a patch that changes with each."""
    stage, surface, page = bench.stage, bench.surface, bench.surface.page
    stage.target()
    bench.pause(500)
    at_x, at_y = stage.slice_at
    page.mouse.move(*surface.point(at_x + 200, at_y + 200))
    page.mouse.down()  # whoever listens for keys has the focus now
    page.mouse.up()
    bench.pause(200)
    draw = random.Random(1)
    surface.start(stage.slice_at, times_input=True)
    unanswered = 0
    meter = bench.meter()
    for turn in range(WARM_UP + bench.effort.clicks):
        if turn == WARM_UP:
            meter.start()
        press[0](page)
        unanswered += not answered(page, TIMEOUT_MS)
        press[1](page)
        bench.pause(draw.uniform(*PAUSE_MS))
    reading = meter.stop()
    watched = surface.stop()
    stage.blank()
    latencies = watched.latencies_ms[WARM_UP:]
    if len(latencies) < bench.effort.clicks // 2:
        raise SurfaceError(f"only {len(latencies)} of {bench.effort.clicks} presses were answered")
    figures = latency_figures(latencies, watched, reading)
    return Outcome(figures | {"unanswered": float(unanswered)}, {"latency_ms": latencies})


def answered(page: Page, timeout_ms: float) -> bool:
    """Whether the last press was, in time."""
    waited = 0.0
    while not page.evaluate("lightboxBenchmark.answered()"):
        page.wait_for_timeout(5)
        waited += 5
        if waited > timeout_ms:
            return False
    return True


def latency_figures(latencies: Sequence[float], watched: Watched, reading: Reading) -> dict[str, float]:
    return {
        **{f"p{percent}_ms": quantile(latencies, percent / 100) for percent in (50, 90, 95, 99)},
        "clicks": float(len(latencies)),
        "poll_gap_p50_ms": watched.poll_gap_ms.p50 or 0.0,
        "poll_cost_p50_ms": watched.poll_cost_ms.p50 or 0.0,
        "foreign_cores": reading.foreign_cpu_s / reading.seconds,
    }
