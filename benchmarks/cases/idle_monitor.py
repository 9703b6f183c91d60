"""A second monitor on which nothing happens, beside one that moves: what it takes from that one."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.play import REST_TIMEOUT_S, shown_figures
from benchmarks.cases.several import LISTS, Size, arranged, places, window
from benchmarks.content.stage import Stage
from benchmarks.driver.browser import VIEWPORT_MARGIN_PX, Surface

SIZES = (LISTS, LISTS)
RATE = 60.0
#: Each without the idle one and with it, in turn.
TURNS = 3
SETTLE_MS = 1500.0


def idle_monitor(bench: Bench) -> Outcome:
    """The stack at 60/s in a window of its own, in turn without and with a second window that shows the other
    monitor. The desktop has both monitors throughout."""
    across, down = VIEWPORT_MARGIN_PX
    viewport = LISTS[0] + across, LISTS[1] + down
    moving_at, idle_at = places(SIZES)
    desktop = bench.surface.page.url
    display, xauthority = bench.running.display, bench.running.xauthority
    alone: list[float] = []
    beside: list[float] = []
    with (
        arranged(bench, SIZES),
        window(bench, "monitor=0", viewport) as surface,
        Stage(display, xauthority, place=moving_at) as stage,
        Stage(display, xauthority, place=idle_at) as idle,
    ):
        surface.wait(*LISTS)
        # The window that other cases use would be a third viewer.
        bench.surface.page.goto("about:blank")
        idle.still(idle.load(1)[0])
        for _ in range(TURNS):
            for rates, shows_idle in ((alone, False), (beside, True)):
                with ExitStack() as stack:
                    if shows_idle:
                        stack.enter_context(_shown(bench, viewport, desktop))
                    bench.pause(SETTLE_MS)
                    rates.append(_slices_per_s(bench, stage, surface))
    return Outcome(idle_figures(alone, beside), {"alone_per_s": alone, "beside_idle_per_s": beside})


@contextmanager
def _shown(bench: Bench, viewport: Size, desktop: str) -> Iterator[None]:
    with window(bench, "monitor=1", viewport, desktop=desktop) as surface:
        surface.wait(*LISTS)
        yield


def _slices_per_s(bench: Bench, stage: Stage, surface: Surface) -> float:
    seconds = bench.effort.seconds
    numbers = stage.load(round(RATE * seconds))
    bench.pause(300)
    surface.start(stage.place[:2], size_px=stage.place[2:])
    stage.play(numbers, RATE)
    bench.pause(seconds * 1000)
    drawn = stage.played(30)
    surface.wait_for(numbers[-1], REST_TIMEOUT_S)
    return shown_figures(drawn, surface.stop())["shown"] / seconds


def idle_figures(alone: list[float], beside: list[float]) -> dict[str, float]:
    """Slices a second of each turn without and with the idle monitor; `cost_share` is what it takes, 0 where
    it takes nothing."""
    without, with_idle = statistics.median(alone), statistics.median(beside)
    return {
        "alone_per_s": without,
        "beside_idle_per_s": with_idle,
        "cost_share": max(0.0, 1 - with_idle / without),
    }
