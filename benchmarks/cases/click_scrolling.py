"""Click → canvas while a stack is scrolled elsewhere on the screen: input must not wait behind pictures."""

from __future__ import annotations

import random
import time

from benchmarks.cases.case import Bench, Outcome
from benchmarks.cases.click import PAUSE_MS, WARM_UP, answered, latency_figures
from benchmarks.content.frames import LONG
from benchmarks.driver.browser import SurfaceError

RATE = 60.0
#: Left of the slices.
TARGET_AT = (24, 340)
#: Until the subject has found its way with what moves, ms.
SETTLE_MS = 2000.0
#: Where pictures pile up a click waits for them: each is waited for, so that no answer is taken for that of
#: the next one …
TIMEOUT_MS = 10_000.0
#: … and the case ends after this time, s, with as many clicks as there were.
LONGEST_S, LEAST = 55.0, 5


def click_scrolling(bench: Bench) -> Outcome:
    """Clicks on a patch beside the slices, `effort.clicks` of them; one without an answer counts as late as
    it was waited for."""
    stage, surface, page = bench.stage, bench.surface, bench.surface.page
    numbers = stage.load(round(RATE * (LONGEST_S + SETTLE_MS / 1000 + TIMEOUT_MS / 1000)), LONG)
    stage.target(TARGET_AT)
    at_x, at_y = TARGET_AT
    page.mouse.move(*surface.point(at_x + 200, at_y + 200))
    bench.pause(500)
    stage.play(numbers, RATE)
    bench.pause(SETTLE_MS)
    draw = random.Random(1)
    surface.start(TARGET_AT, times_input=True)
    unanswered = 0
    meter = bench.meter()
    meter.start()
    until = time.monotonic() + LONGEST_S
    for turn in range(WARM_UP + bench.effort.clicks):
        if time.monotonic() > until and turn >= WARM_UP + LEAST:
            break
        page.mouse.down()
        unanswered += not answered(page, TIMEOUT_MS)
        page.mouse.up()
        bench.pause(draw.uniform(*PAUSE_MS))
    reading = meter.stop()
    stage.stop()
    drawn = stage.played(30)
    watched = surface.stop()
    stage.blank()
    # Those that were not answered are the last of all where a subject has stopped to follow.
    latencies = watched.latencies_ms[WARM_UP:] + [TIMEOUT_MS] * unanswered
    if len(latencies) < LEAST:
        raise SurfaceError(f"only {len(latencies)} clicks were answered in {LONGEST_S:.0f} s")
    figures = latency_figures(latencies, watched, reading) | {"unanswered": float(unanswered)}
    figures["down_mbps"] = reading.down_bytes * 8 / reading.seconds / 1e6
    figures["drawn_per_s"] = (len(drawn) - 1) * 1000 / (drawn[-1].epoch_ms - drawn[0].epoch_ms)
    return Outcome(figures, {"latency_ms": latencies})
