"""Times opening a desktop, from the person's action to the first exact frame."""

from __future__ import annotations

import time

from benchmarks.cases.case import Bench, NotApplicableError, Outcome
from benchmarks.cases.play import REST_TIMEOUT_S

#: Longest time to wait for a desktop, s.
TIMEOUT_S = 20.0


def open_running(bench: Bench) -> Outcome:
    """Opens a desktop that is already running and shows a still slice. The time ends when the surface shows
    the slice exactly."""
    number = bench.player.load(1)[0]
    bench.player.show(number)
    surface = bench.chromium.surface(bench.player.width_px, bench.player.height_px)
    try:
        open_desktop = bench.running.prepare_open(surface.page)
        began_ms = time.time() * 1000
        open_desktop()
        # The action may load another document, which has a new probe.
        surface.wait(bench.player.width_px, bench.player.height_px, TIMEOUT_S)
        surface.start(
            bench.player.frame_rect[:2], size_px=bench.player.frame_rect[2:], expected=bench.player.checksums
        )
        if surface.wait_for(number, TIMEOUT_S):
            surface.settle(number, REST_TIMEOUT_S)
        seen = surface.stop().seen
    finally:
        surface.page.context.close()
        bench.player.blank()
    exact = [s.exact_epoch_ms for s in seen if s.exact_epoch_ms is not None]
    figures = {"opened_exact": float(bool(exact))}
    if exact:
        figures["open_ms"] = exact[0] - began_ms
    return Outcome(figures)


def open_cold(bench: Bench) -> Outcome:
    """Opens a desktop that has to be started. The time ends with the first frame that is not black."""
    if bench.running.prepare_cold_open is None:
        raise NotApplicableError("it does not start desktops by itself")
    surface = bench.chromium.surface(bench.player.width_px, bench.player.height_px)
    try:
        open_desktop = bench.running.prepare_cold_open(surface.page)
        began = time.monotonic()
        open_desktop()
        while not surface.page.evaluate("lightboxBenchmark.painted()"):
            if time.monotonic() - began > TIMEOUT_S:
                return Outcome({"cold_timed_out": 1.0})
            surface.page.wait_for_timeout(10)
        return Outcome({"cold_open_ms": (time.monotonic() - began) * 1000})
    finally:
        surface.page.context.close()
