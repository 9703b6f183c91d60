"""Click → canvas and key → canvas: the time from a press in the page until the surface shows its effect."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from playwright.sync_api import Page

from benchmarks.cases.case import Bench, Outcome
from benchmarks.driver.browser import Observation, SurfaceError
from benchmarks.driver.meter import Reading
from benchmarks.report.results import quantile

#: Presses at the start that are not counted, because caches are cold and connections new.
WARM_UP = 8
#: Range of the random pause between presses, ms. It is random so that presses do not lock to a frame clock.
PAUSE_MS = (60.0, 140.0)
#: A press without an answer within this time, ms, counts as unanswered.
TIMEOUT_MS = 2000


#: Functions that press and release a button or a key.
Press = tuple[Callable[[Page], None], Callable[[Page], None]]


def click(bench: Bench) -> Outcome:
    """Times presses of the left button."""
    return _times(bench, (lambda page: page.mouse.down(), lambda page: page.mouse.up()))


def key(bench: Bench) -> Outcome:
    """Times presses of a letter key while the pointer rests on the desktop."""
    return _times(bench, (lambda page: page.keyboard.down("a"), lambda page: page.keyboard.up("a")))


def _times(bench: Bench, press: Press) -> Outcome:
    """Times `effort.clicks` presses on a target that changes with each. Raises SurfaceError if fewer than
    half were answered."""
    player, surface, page = bench.player, bench.surface, bench.surface.page
    player.target()
    bench.pause(500)
    at_x, at_y = player.slice_at
    page.mouse.move(*surface.point(at_x + 200, at_y + 200))
    page.mouse.down()  # gives the focus to the element that receives keys
    page.mouse.up()
    bench.pause(200)
    draw = random.Random(1)
    surface.start(player.slice_at, times_input=True)
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
    observed = surface.stop()
    player.blank()
    latencies = observed.latencies_ms[WARM_UP:]
    if len(latencies) < bench.effort.clicks // 2:
        raise SurfaceError(f"only {len(latencies)} of {bench.effort.clicks} presses were answered")
    figures = latency_figures(latencies, observed, reading)
    return Outcome(figures | {"unanswered": float(unanswered)}, {"latency_ms": latencies})


def answered(page: Page, timeout_ms: float) -> bool:
    """Waits until the last press is answered. Returns False if `timeout_ms` passes first."""
    waited = 0.0
    while not page.evaluate("lightboxBenchmark.answered()"):
        page.wait_for_timeout(5)
        waited += 5
        if waited > timeout_ms:
            return False
    return True


def latency_figures(latencies: Sequence[float], observed: Observation, reading: Reading) -> dict[str, float]:
    return {
        **{f"p{percent}_ms": quantile(latencies, percent / 100) for percent in (50, 90, 95, 99)},
        "clicks": float(len(latencies)),
        "poll_interval_p50_ms": observed.poll_interval_ms.p50 or 0.0,
        "poll_cost_p50_ms": observed.poll_cost_ms.p50 or 0.0,
        "foreign_cores": reading.foreign_cpu_s / reading.seconds,
    }
