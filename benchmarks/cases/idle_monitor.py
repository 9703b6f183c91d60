"""The cost of an idle second monitor for a stack that scrolls on the first."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.multi_monitor import LISTS, Size, arranged, monitor_rects, window
from benchmarks.cases.play import REST_TIMEOUT_S, shown_figures
from benchmarks.content.player import ContentPlayer
from benchmarks.driver.browser import VIEWPORT_MARGIN_PX, Surface

SIZES = (LISTS, LISTS)
#: Slices per second.
RATE = 60.0
#: Measurements without and with the idle monitor, taken in turn.
TURNS = 3
#: Time for new windows to settle, ms.
SETTLE_MS = 1500.0


def idle_monitor(bench: Bench) -> Outcome:
    """Plays the stack at 60/s in one window, in turn without and with a second window on the other monitor.

    The desktop has both monitors throughout.
    """
    across, down = VIEWPORT_MARGIN_PX
    viewport = LISTS[0] + across, LISTS[1] + down
    moving_rect, idle_rect = monitor_rects(SIZES)
    desktop = bench.surface.page.url
    display, xauthority = bench.running.display, bench.running.xauthority
    alone: list[float] = []
    with_idle: list[float] = []
    with (
        arranged(bench, SIZES),
        window(bench, "monitor=0", viewport) as surface,
        ContentPlayer(display, xauthority, window_rect=moving_rect) as player,
        ContentPlayer(display, xauthority, window_rect=idle_rect) as idle,
    ):
        surface.wait(*LISTS)
        # The page of the other cases would be a third viewer.
        bench.surface.page.goto("about:blank")
        idle.show(idle.load(1)[0])
        for _ in range(TURNS):
            for rates, shows_idle in ((alone, False), (with_idle, True)):
                with ExitStack() as stack:
                    if shows_idle:
                        stack.enter_context(_shown(bench, viewport, desktop))
                    bench.pause(SETTLE_MS)
                    rates.append(_slices_per_s(bench, player, surface))
    return Outcome(idle_figures(alone, with_idle), {"alone_per_s": alone, "with_idle_per_s": with_idle})


@contextmanager
def _shown(bench: Bench, viewport: Size, desktop: str) -> Iterator[None]:
    with window(bench, "monitor=1", viewport, desktop=desktop) as surface:
        surface.wait(*LISTS)
        yield


def _slices_per_s(bench: Bench, player: ContentPlayer, surface: Surface) -> float:
    seconds = bench.effort.seconds
    numbers = player.load(round(RATE * seconds))
    bench.pause(300)
    surface.start(player.frame_rect[:2], size_px=player.frame_rect[2:])
    player.play(numbers, RATE)
    bench.pause(seconds * 1000)
    drawn = player.wait_for_end(30)
    surface.wait_for(numbers[-1], REST_TIMEOUT_S)
    return shown_figures(drawn, surface.stop())["shown"] / seconds


def idle_figures(alone: list[float], with_idle: list[float]) -> dict[str, float]:
    """Computes the figures from the slices/s of each turn, without and with the idle monitor.

    `cost_fraction` is the fraction of the rate that the idle monitor costs, at least 0.
    """
    alone_per_s, with_idle_per_s = statistics.median(alone), statistics.median(with_idle)
    return {
        "alone_per_s": alone_per_s,
        "with_idle_per_s": with_idle_per_s,
        "cost_fraction": max(0.0, 1 - with_idle_per_s / alone_per_s),
    }
