"""A tablet of the middle range: a CPU that is four times slower, and two 5 MP monitors in one page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.exactness import exactness_figures
from benchmarks.cases.play import REST_TIMEOUT_S, gaps_ms, shown_figures
from benchmarks.cases.several import UPRIGHT, arranged, places, window
from benchmarks.content.stage import Shown, Stage
from benchmarks.driver.browser import Watched

SLOWER = 4
RATE = 30.0
#: Twice a frame: reading as often as elsewhere would take the slowed page's time for itself.
STEP_MS = 8.0
SETTLE_MS = 1500.0
#: Scrolled one after the other on each monitor before memory is read: what is kept of tiles grows with them.
STACKS = 4
#: An iPad Pro held across, CSS px. Canvases have all pixels of their monitors, however small they are shown.
TABLET = (1366, 1024)

#: Tasks of 50 ms and more are all that the browser tells.
_WATCH_TASKS = """() => {
  window.longTasks = [];
  const seen = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) longTasks.push(entry.duration);
  });
  seen.observe({ type: 'longtask' });
}"""


def throttled(bench: Bench) -> Outcome:
    """The stack of 1024² at 30/s with the page's CPU throttled, its worker's not; then, unthrottled, the
    memory of two 5 MP monitors side by side after a stack was scrolled on each.

    `longest_task_ms` is 0 where no task of the page took 50 ms. The pass that compares slices reads them in
    the same slow page, whose tasks are not counted then.
    """
    page, seconds = bench.surface.page, bench.effort.seconds
    with _slowed(page):
        page.evaluate(_WATCH_TASKS)
        drawn, watched = _pass(bench, check=False)
        tasks: list[float] = page.evaluate("longTasks")
        read_drawn, read = _pass(bench, check=True)
    shown = shown_figures(drawn, watched)
    exact = exactness_figures(read_drawn, read, "stack")
    figures = {
        "shown_per_s": shown["shown"] / seconds,
        "exact_per_s": shown["shown"] / seconds * exact["exact_share"],
        "longest_task_ms": max(tasks, default=0.0),
        "long_tasks": float(len(tasks)),
        "poll_cost_p50_ms": watched.poll_cost_ms.p50 or 0.0,
    }
    figures |= {
        name: shown[name] for name in ("sent", "shown", "shown_share", "delay_p50_ms") if name in shown
    }
    figures |= {name: exact[name] for name in ("checked", "exact_share")}
    bench.stage.blank()
    return Outcome(figures | _memory(bench), {"gap_ms": gaps_ms(watched), "long_task_ms": tasks})


def _pass(bench: Bench, *, check: bool) -> tuple[list[Shown], Watched]:
    stage, surface = bench.stage, bench.surface
    count = round(RATE * bench.effort.seconds)
    numbers = stage.load(count)
    bench.pause(500)
    expected = stage.checksums if check else None
    surface.start(stage.place[:2], size_px=stage.place[2:], expected=expected, step_ms=STEP_MS)
    stage.play(numbers, RATE)
    bench.pause(count / RATE * 1000)
    drawn = stage.played(30)
    surface.wait_for(numbers[-1], REST_TIMEOUT_S)
    return drawn, surface.stop()


@contextmanager
def _slowed(page: Page) -> Iterator[None]:
    """The page alone: DevTools throttle no workers ("only supported for pages"). As before afterwards."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    try:
        yield
    finally:
        session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        session.detach()


def _memory(bench: Bench) -> dict[str, float]:
    """Of a page that shows two 5 MP monitors, after their stacks. `page_mb` is that of its process, workers
    and surfaces included; `page_heap_mb` the JavaScript heap of the page alone."""
    sizes = (UPRIGHT, UPRIGHT)
    left, right = places(sizes)
    display, xauthority = bench.running.display, bench.running.xauthority
    with (
        arranged(bench, sizes),
        window(bench, "monitor=0&split=yes", TABLET, tablet=True) as surface,
        Stage(display, xauthority, place=left) as first,
        Stage(display, xauthority, place=right) as second,
    ):
        surface.wait_for_any()
        bench.surface.page.goto("about:blank")
        surface.page.wait_for_selector(".pane canvas[data-monitor='1']")
        bench.pause(SETTLE_MS)
        count = round(RATE * bench.effort.seconds)
        for _ in range(STACKS):
            orders = [stage.load(count) for stage in (first, second)]
            for stage, numbers in zip((first, second), orders, strict=True):
                stage.play(numbers, RATE)
            for stage in (first, second):
                stage.played(30 + bench.effort.seconds)
        bench.pause(SETTLE_MS)
        return {
            "page_mb": bench.chromium.page_mb(),
            "page_heap_mb": _heap_mb(surface.page),
            "browser_with_two_mb": bench.chromium.memory_mb(),
        }


def _heap_mb(page: Page) -> float:
    session = page.context.new_cdp_session(page)
    try:
        usage = session.send("Runtime.getHeapUsage")
        used: float = usage["usedSize"] + usage.get("backingStorageSize", 0)
        return used / 1e6
    finally:
        session.detach()
