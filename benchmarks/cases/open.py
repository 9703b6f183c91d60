"""From the person's action that opens a desktop to the first exact picture."""

from __future__ import annotations

import time

from benchmarks.cases.case import Bench, NotApplicableError, Outcome
from benchmarks.cases.play import REST_TIMEOUT_S

TIMEOUT_S = 20.0


def open_ready(bench: Bench) -> Outcome:
    """A desktop that runs already shows a still slice; the clock stops when the surface holds it exactly."""
    number = bench.stage.load(1)[0]
    bench.stage.still(number)
    surface = bench.chromium.surface(bench.stage.width_px, bench.stage.height_px)
    try:
        act = bench.running.doorstep(surface.page)
        began_ms = time.time() * 1000
        act()
        # A link may lead to another document, which brings a probe of its own.
        surface.wait(bench.stage.width_px, bench.stage.height_px, TIMEOUT_S)
        surface.start(bench.stage.place[:2], size_px=bench.stage.place[2:], expected=bench.stage.checksums)
        if surface.wait_for(number, TIMEOUT_S):
            surface.settle(number, REST_TIMEOUT_S)
        seen = surface.stop().seen
    finally:
        surface.page.context.close()
        bench.stage.blank()
    exact = [s.exact_epoch_ms for s in seen if s.exact_epoch_ms is not None]
    figures = {"opened_exact": float(bool(exact))}
    if exact:
        figures["open_ms"] = exact[0] - began_ms
    return Outcome(figures)


def cold_open(bench: Bench) -> Outcome:
    """A desktop that has to be started: until its first picture that is not black is on the surface."""
    if bench.running.cold_doorstep is None:
        raise NotApplicableError("it does not start desktops by itself")
    surface = bench.chromium.surface(bench.stage.width_px, bench.stage.height_px)
    try:
        act = bench.running.cold_doorstep(surface.page)
        began = time.monotonic()
        act()
        while not surface.page.evaluate("lightboxBenchmark.painted()"):
            if time.monotonic() - began > TIMEOUT_S:
                return Outcome({"cold_timed_out": 1.0})
            surface.page.wait_for_timeout(10)
        return Outcome({"cold_open_ms": (time.monotonic() - began) * 1000})
    finally:
        surface.page.context.close()
