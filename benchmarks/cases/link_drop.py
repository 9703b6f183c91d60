"""The link becomes ten times narrower in the middle of a stack, and wide again: what waits, and how soon the
rate is back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.cases.case import Bench, NotApplicableError, Outcome
from benchmarks.cases.exactness import rest_figures
from benchmarks.cases.minute import RATE, REST_TIMEOUT_S, freeze_figures
from benchmarks.cases.play import cost_figures, gaps_ms, shown_figures
from benchmarks.content.frames import LONG
from benchmarks.driver.browser import Watched
from benchmarks.driver.meter import Meter
from benchmarks.links.delay import DelayProbe, idle_delay_ms, queueing
from benchmarks.links.network import CLIENT_ADDRESS
from benchmarks.report.results import quantile

LOW_MBPS = 5.0
#: As long as the whole link, as the narrow one, and as the whole one again; and idle before that.
PHASE_S, IDLE_S = 10.0, 2.0
#: What fits into the queue, as time at the narrow rate: more than anything measured here is to wait.
QUEUE_MS = 1000.0
#: Until a subject has found the new rate its queue may grow, s; after that it is to be short.
FOUND_WITHIN_S = 1.0
#: The rate of before, in pictures a second, is that of the last seconds of its phase; it is back when so much
#: of it is shown …
STEADY_S, BACK_SHARE = 5.0, 0.9
#: … over this time, s.
WINDOW_S, SAMPLE_S = 1.0, 0.05


@dataclass(frozen=True, slots=True)
class Delivered:
    """Bytes that have left the server's end so far, at a time of the wall clock."""

    at_s: float
    down_bytes: int


def link_drop(bench: Bench) -> Outcome:
    """The stack at 60/s for half a minute. Lost probes count as late as the latest that arrived."""
    whole_mbps = bench.link.rate_mbps
    if whole_mbps is None or whole_mbps <= LOW_MBPS:
        raise NotApplicableError(f"needs a link of more than {LOW_MBPS:g} Mbit/s (--link 50)")
    stage, surface, way = bench.stage, bench.surface, bench.way
    numbers = stage.load(round(RATE * 3 * PHASE_S), LONG)
    samples: list[Delivered] = []
    meter = bench.meter()

    def let_pass(until_s: float) -> None:
        _sample(bench, meter, samples, until_s)

    # As much as fits in bytes at either rate: the narrow link's queue is to be no bound.
    way.shape(whole_mbps, QUEUE_MS * LOW_MBPS / whole_mbps)
    try:
        with DelayProbe(way, CLIENT_ADDRESS) as delays:
            bench.pause(IDLE_S * 1000)
            idle_until_s = time.time()
            surface.start(
                stage.place[:2], size_px=stage.place[2:], expected=stage.checksums, checks_at_rest=True
            )
            meter.start()
            stage.play(numbers, RATE)
            dropped_s = time.time() + PHASE_S
            let_pass(dropped_s)
            way.shape(LOW_MBPS, QUEUE_MS)
            dropped_s = time.time()
            let_pass(dropped_s + PHASE_S)
            way.shape(whole_mbps, QUEUE_MS * LOW_MBPS / whole_mbps)
            widened_s = time.time()
            let_pass(widened_s + PHASE_S)
            drawn = stage.played(30)
            reading = meter.stop()
            surface.settle(numbers[-1], REST_TIMEOUT_S)
            watched = surface.stop()
        probes = delays.probes()
    finally:
        way.shape(whole_mbps)
    stage.blank()
    idle_ms = idle_delay_ms(probes, idle_until_s)
    waits = queueing(probes, dropped_s, widened_s, idle_ms)
    found = queueing(probes, dropped_s + FOUND_WITHIN_S, widened_s, idle_ms)
    wide = queueing(probes, dropped_s - STEADY_S, dropped_s, idle_ms)
    bytes_rate, pictures = partial(rate_mbps, samples), partial(shown_between, watched)
    before, pictures_before = (rate(dropped_s - STEADY_S, dropped_s) for rate in (bytes_rate, pictures))
    figures = (
        cost_figures(reading, 3 * PHASE_S) | shown_figures(drawn, watched) | rest_figures(drawn, watched)
    )
    figures |= {
        "queue_max_ms": max(waits, default=0.0),
        "queue_p95_ms": quantile(found, 0.95),
        "queue_wide_p95_ms": quantile(wide, 0.95),
        "probes_lost": float(sum(p.delay_ms is None for p in probes)),
        "wide_mbps": before,
        "narrow_mbps": rate_mbps(samples, widened_s - STEADY_S, widened_s),
        "wide_again_mbps": rate_mbps(samples, widened_s + PHASE_S - STEADY_S, widened_s + PHASE_S),
        "recovery_s": recovery_s(pictures, pictures_before, widened_s, widened_s + PHASE_S),
        # Video needs fewer bytes than the tiles that it takes the place of: no sign of anything by itself.
        "bytes_recovery_s": recovery_s(bytes_rate, before, widened_s, widened_s + PHASE_S),
        **freeze_figures(drawn, watched),
        **{
            f"shown_per_s_{name}": shown_between(watched, began_s, began_s + PHASE_S)
            for name, began_s in (
                ("wide", dropped_s - PHASE_S),
                ("narrow", dropped_s),
                ("wide_again", widened_s),
            )
        },
    }
    return Outcome(figures, {"gap_ms": gaps_ms(watched), "queue_ms": waits})


def _sample(bench: Bench, meter: Meter, samples: list[Delivered], until_s: float) -> None:
    while (now_s := time.time()) < until_s:
        samples.append(Delivered(now_s, meter.wire().down))
        bench.pause(1000 * max(0.001, min(SAMPLE_S, until_s - now_s)))


def rate_mbps(samples: Sequence[Delivered], began_s: float, ended_s: float) -> float:
    """Between the first and the last sample in that time; 0 where there are none."""
    between = [sample for sample in samples if began_s <= sample.at_s <= ended_s]
    if len(between) < 2 or between[-1].at_s == between[0].at_s:
        return 0.0
    first, last = between[0], between[-1]
    return (last.down_bytes - first.down_bytes) * 8 / (last.at_s - first.at_s) / 1e6


def recovery_s(rate: Callable[[float, float], float], before: float, began_s: float, ended_s: float) -> float:
    """Until WINDOW_S, all of it after `began_s`, had BACK_SHARE of the rate before; all the time where it
    never had. `rate` is that between two times of the wall clock."""
    at_s = began_s + WINDOW_S
    while at_s < ended_s:
        if rate(at_s - WINDOW_S, at_s) >= BACK_SHARE * before:
            return at_s - began_s
        at_s += SAMPLE_S
    return ended_s - began_s


def shown_between(watched: Watched, began_s: float, ended_s: float) -> float:
    """Pictures a second."""
    count = sum(began_s * 1000 <= seen.epoch_ms < ended_s * 1000 for seen in watched.seen)
    return count / (ended_s - began_s)
