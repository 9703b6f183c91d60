"""A mid-range tablet: a CPU that is four times slower, and two 5 MP monitors in one page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.exactness import exactness_figures
from benchmarks.cases.multi_monitor import PORTRAIT, arranged, monitor_rects, window
from benchmarks.cases.play import REST_TIMEOUT_S, frame_intervals_ms, shown_figures
from benchmarks.content.player import ContentPlayer, DrawnFrame
from benchmarks.driver.browser import Observation

#: Factor by which DevTools slow the page's CPU.
SLOWDOWN = 4
#: Slices per second.
RATE = 30.0
#: Interval at which the probe reads the surface, ms. Reading every millisecond would fill the slowed CPU.
STEP_MS = 8.0
#: Time for new windows to settle, ms.
SETTLE_MS = 1500.0
#: Stacks scrolled on each monitor before memory is read, because the tile cache grows with them.
STACKS = 4
#: Viewport of an iPad Pro in landscape orientation, CSS px. Canvases have all pixels of their monitors at any
#: scale.
TABLET = (1366, 1024)

#: Collects the durations of the page's long tasks. Browsers report only tasks of 50 ms and more.
_WATCH_TASKS = """() => {
  window.longTasks = [];
  const seen = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) longTasks.push(entry.duration);
  });
  seen.observe({ type: 'longtask' });
}"""


def throttled(bench: Bench) -> Outcome:
    """Plays the stack of 1024² at 30/s with the page's CPU throttled, but not that of its workers. Then
    measures, unthrottled, the memory of a page with two 5 MP monitors after stacks were scrolled on each.

    `longest_task_ms` is 0 if no task took 50 ms. Long tasks are counted in the timed pass only, because in
    the other pass the probe itself reads whole slices.
    """
    page, seconds = bench.surface.page, bench.effort.seconds
    with _throttled_cpu(page):
        page.evaluate(_WATCH_TASKS)
        drawn, observed = _pass(bench, check=False)
        tasks: list[float] = page.evaluate("longTasks")
        read_drawn, read = _pass(bench, check=True)
    shown = shown_figures(drawn, observed)
    exact = exactness_figures(read_drawn, read, "stack")
    figures = {
        "shown_per_s": shown["shown"] / seconds,
        "exact_per_s": shown["shown"] / seconds * exact["exact_fraction"],
        "longest_task_ms": max(tasks, default=0.0),
        "long_tasks": float(len(tasks)),
        "poll_cost_p50_ms": observed.poll_cost_ms.p50 or 0.0,
    }
    figures |= {
        name: shown[name] for name in ("sent", "shown", "shown_fraction", "delay_p50_ms") if name in shown
    }
    figures |= {name: exact[name] for name in ("checked", "exact_fraction")}
    bench.player.blank()
    return Outcome(
        figures | _memory(bench), {"frame_interval_ms": frame_intervals_ms(observed), "long_task_ms": tasks}
    )


def _pass(bench: Bench, *, check: bool) -> tuple[list[DrawnFrame], Observation]:
    player, surface = bench.player, bench.surface
    count = round(RATE * bench.effort.seconds)
    numbers = player.load(count)
    bench.pause(500)
    expected = player.checksums if check else None
    surface.start(player.frame_rect[:2], size_px=player.frame_rect[2:], expected=expected, step_ms=STEP_MS)
    player.play(numbers, RATE)
    bench.pause(count / RATE * 1000)
    drawn = player.wait_for_end(30)
    surface.wait_for(numbers[-1], REST_TIMEOUT_S)
    return drawn, surface.stop()


@contextmanager
def _throttled_cpu(page: Page) -> Iterator[None]:
    """Throttles the page's CPU. DevTools cannot throttle workers ("only supported for pages")."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    try:
        yield
    finally:
        session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        session.detach()


def _memory(bench: Bench) -> dict[str, float]:
    """Measures the memory of a page with two 5 MP monitors after stacks were scrolled on each.

    `page_mb` is the memory of the page's process, including workers and surfaces; `page_heap_mb` is the
    JavaScript heap of the page alone.
    """
    sizes = (PORTRAIT, PORTRAIT)
    left, right = monitor_rects(sizes)
    display, xauthority = bench.running.display, bench.running.xauthority
    with (
        arranged(bench, sizes),
        window(bench, "monitor=0&split=yes", TABLET, tablet=True) as surface,
        ContentPlayer(display, xauthority, window_rect=left) as first,
        ContentPlayer(display, xauthority, window_rect=right) as second,
    ):
        surface.wait_for_any()
        bench.surface.page.goto("about:blank")
        surface.page.wait_for_selector(".pane canvas[data-monitor='1']")
        bench.pause(SETTLE_MS)
        count = round(RATE * bench.effort.seconds)
        for _ in range(STACKS):
            stacks = [player.load(count) for player in (first, second)]
            for player, numbers in zip((first, second), stacks, strict=True):
                player.play(numbers, RATE)
            for player in (first, second):
                player.wait_for_end(30 + bench.effort.seconds)
        bench.pause(SETTLE_MS)
        return {
            "page_mb": bench.chromium.page_mb(),
            "page_heap_mb": _heap_mb(surface.page),
            "browser_two_monitors_mb": bench.chromium.memory_mb(),
        }


def _heap_mb(page: Page) -> float:
    session = page.context.new_cdp_session(page)
    try:
        usage = session.send("Runtime.getHeapUsage")
        used: float = usage["usedSize"] + usage.get("backingStorageSize", 0)
        return used / 1e6
    finally:
        session.detach()
