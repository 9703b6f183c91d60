"""Click → canvas while a stack scrolls elsewhere on the screen: input must not wait behind queued frames."""

from __future__ import annotations

import random
import time

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.click import PAUSE_MS, WARM_UP, answered, latency_figures
from benchmarks.content.frames import LONG
from benchmarks.driver.browser import SurfaceError

#: Slices per second of the scrolling stack.
RATE = 60.0
#: x and y of the click target, left of the slices, px.
TARGET_AT = (24, 340)
#: Time for the subject to adapt to the motion before the first click, ms.
SETTLE_MS = 2000.0
#: Longest wait for one answer, ms. Each click is waited for, so that a late answer is not taken for the next
#: one.
TIMEOUT_MS = 10_000.0
#: The case ends after this time, s, with as many clicks as it has made.
DURATION_MAX_S = 55.0
#: Fewer answered clicks than this are a failure.
CLICKS_MIN = 5


def click_scrolling(bench: Bench) -> Outcome:
    """Times up to `effort.clicks` clicks on a target beside the slices. An unanswered click counts as
    TIMEOUT_MS. Raises SurfaceError if there were fewer than CLICKS_MIN."""
    player, surface, page = bench.player, bench.surface, bench.surface.page
    numbers = player.load(round(RATE * (DURATION_MAX_S + SETTLE_MS / 1000 + TIMEOUT_MS / 1000)), LONG)
    player.target(TARGET_AT)
    at_x, at_y = TARGET_AT
    page.mouse.move(*surface.point(at_x + 200, at_y + 200))
    bench.pause(500)
    player.play(numbers, RATE)
    bench.pause(SETTLE_MS)
    draw = random.Random(1)
    surface.start(TARGET_AT, times_input=True)
    unanswered = 0
    meter = bench.meter()
    meter.start()
    until = time.monotonic() + DURATION_MAX_S
    for turn in range(WARM_UP + bench.effort.clicks):
        if time.monotonic() > until and turn >= WARM_UP + CLICKS_MIN:
            break
        page.mouse.down()
        unanswered += not answered(page, TIMEOUT_MS)
        page.mouse.up()
        bench.pause(draw.uniform(*PAUSE_MS))
    reading = meter.stop()
    player.stop()
    drawn = player.wait_for_end(30)
    observed = surface.stop()
    player.blank()
    # If a subject stops following, the unanswered clicks are the last ones.
    latencies = observed.latencies_ms[WARM_UP:] + [TIMEOUT_MS] * unanswered
    if len(latencies) < CLICKS_MIN:
        raise SurfaceError(f"only {len(latencies)} clicks were answered in {DURATION_MAX_S:.0f} s")
    figures = latency_figures(latencies, observed, reading) | {"unanswered": float(unanswered)}
    figures["down_mbps"] = reading.down_bytes * 8 / reading.seconds / 1e6
    figures["drawn_per_s"] = (len(drawn) - 1) * 1000 / (drawn[-1].epoch_ms - drawn[0].epoch_ms)
    return Outcome(figures, {"latency_ms": latencies})
