"""Scrolls a stack while the link's rate drops to a tenth and recovers; measures queueing delay and
recovery."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.cases.case import Bench, NotApplicableError, Outcome
from benchmarks.cases.exactness import rest_figures
from benchmarks.cases.minute import RATE, REST_TIMEOUT_S, stall_figures
from benchmarks.cases.play import cost_figures, frame_intervals_ms, shown_figures
from benchmarks.content.frames import LONG
from benchmarks.driver.browser import Observation
from benchmarks.driver.meter import Meter
from benchmarks.links.delay import DelayProbe, idle_delay_ms, queueing
from benchmarks.links.network import CLIENT_ADDRESS
from benchmarks.report.results import quantile

#: Rate of the link during the drop, Mbit/s.
DROPPED_MBPS = 5.0
#: Duration of each of the three phases (before, during and after the drop), s.
PHASE_S = 10.0
#: Time before the first phase in which the delay of the idle link is measured, s.
IDLE_S = 2.0
#: Length of the link's queue at the dropped rate, ms. It exceeds the bounds, so that it does not limit the
#: result.
QUEUE_MS = 1000.0
#: Time for a subject to find the new rate, s. The queueing delay after it is reported apart.
ADAPTATION_S = 1.0
#: The rate of a phase is that of its last seconds, s.
STEADY_S = 5.0
#: The rate has recovered when it reaches this fraction of the rate before the drop …
RECOVERED_FRACTION = 0.9
#: … averaged over this time, s.
RECOVERY_WINDOW_S = 1.0
#: Interval between two readings of the byte counter, s.
SAMPLE_S = 0.05


@dataclass(frozen=True, slots=True)
class Delivered:
    """Bytes that have left the server's end of the link so far, at a wall-clock time."""

    at_s: float
    down_bytes: int


def link_drop(bench: Bench) -> Outcome:
    """Plays the stack at 60/s for three phases. Raises NotApplicableError on a link that is too slow to
    drop."""
    full_mbps = bench.link.rate_mbps
    if full_mbps is None or full_mbps <= DROPPED_MBPS:
        raise NotApplicableError(f"needs a link of more than {DROPPED_MBPS:g} Mbit/s (--link 50)")
    player, surface, network = bench.player, bench.surface, bench.network
    numbers = player.load(round(RATE * 3 * PHASE_S), LONG)
    samples: list[Delivered] = []
    meter = bench.meter()

    def sample_until(until_s: float) -> None:
        _sample(bench, meter, samples, until_s)

    # The queue has the same length in bytes at both rates.
    network.shape(full_mbps, QUEUE_MS * DROPPED_MBPS / full_mbps)
    try:
        with DelayProbe(network, CLIENT_ADDRESS) as delays:
            bench.pause(IDLE_S * 1000)
            idle_until_s = time.time()
            at, size_px = player.frame_rect[:2], player.frame_rect[2:]
            surface.start(at, size_px=size_px, expected=player.checksums, checks_at_rest=True)
            meter.start()
            player.play(numbers, RATE)
            dropped_s = time.time() + PHASE_S
            sample_until(dropped_s)
            network.shape(DROPPED_MBPS, QUEUE_MS)
            dropped_s = time.time()
            sample_until(dropped_s + PHASE_S)
            network.shape(full_mbps, QUEUE_MS * DROPPED_MBPS / full_mbps)
            restored_s = time.time()
            sample_until(restored_s + PHASE_S)
            drawn = player.wait_for_end(30)
            reading = meter.stop()
            surface.settle(numbers[-1], REST_TIMEOUT_S)
            observed = surface.stop()
        probes = delays.probes()
    finally:
        network.shape(full_mbps)
    player.blank()
    idle_ms = idle_delay_ms(probes, idle_until_s)
    during_ms = queueing(probes, dropped_s, restored_s, idle_ms)
    adapted_ms = queueing(probes, dropped_s + ADAPTATION_S, restored_s, idle_ms)
    before_ms = queueing(probes, dropped_s - STEADY_S, dropped_s, idle_ms)
    byte_rate, frame_rate = partial(rate_mbps, samples), partial(shown_between, observed)
    before_mbps, before_per_s = (rate(dropped_s - STEADY_S, dropped_s) for rate in (byte_rate, frame_rate))
    end_s = restored_s + PHASE_S
    figures = (
        cost_figures(reading, 3 * PHASE_S) | shown_figures(drawn, observed) | rest_figures(drawn, observed)
    )
    figures |= {
        "queue_max_ms": max(during_ms, default=0.0),
        "queue_p95_ms": quantile(adapted_ms, 0.95),
        "queue_before_drop_p95_ms": quantile(before_ms, 0.95),
        "probes_lost": float(sum(p.delay_ms is None for p in probes)),
        "before_drop_mbps": before_mbps,
        "during_drop_mbps": rate_mbps(samples, restored_s - STEADY_S, restored_s),
        "after_drop_mbps": rate_mbps(samples, end_s - STEADY_S, end_s),
        "recovery_s": recovery_s(frame_rate, before_per_s, restored_s, end_s),
        # Only informative: video needs fewer bytes than the tiles that it replaces.
        "bytes_recovery_s": recovery_s(byte_rate, before_mbps, restored_s, end_s),
        **stall_figures(drawn, observed),
        "shown_per_s_before_drop": shown_between(observed, dropped_s - PHASE_S, dropped_s),
        "shown_per_s_during_drop": shown_between(observed, dropped_s, dropped_s + PHASE_S),
        "shown_per_s_after_drop": shown_between(observed, restored_s, end_s),
    }
    return Outcome(figures, {"frame_interval_ms": frame_intervals_ms(observed), "queue_ms": during_ms})


def _sample(bench: Bench, meter: Meter, samples: list[Delivered], until_s: float) -> None:
    while (now_s := time.time()) < until_s:
        samples.append(Delivered(now_s, meter.wire().down))
        bench.pause(1000 * max(0.001, min(SAMPLE_S, until_s - now_s)))


def rate_mbps(samples: Sequence[Delivered], began_s: float, ended_s: float) -> float:
    """Returns the rate between the first and the last sample within a time span, or 0 with fewer than two."""
    within = [sample for sample in samples if began_s <= sample.at_s <= ended_s]
    if len(within) < 2 or within[-1].at_s == within[0].at_s:
        return 0.0
    first, last = within[0], within[-1]
    return (last.down_bytes - first.down_bytes) * 8 / (last.at_s - first.at_s) / 1e6


def recovery_s(rate: Callable[[float, float], float], before: float, began_s: float, ended_s: float) -> float:
    """Returns the time from `began_s` until `rate` first reached RECOVERED_FRACTION of `before`.

    `rate` gives the rate between two wall-clock times and is averaged over RECOVERY_WINDOW_S, which must lie
    after `began_s`. Returns the whole time span if the rate did not recover.
    """
    at_s = began_s + RECOVERY_WINDOW_S
    while at_s < ended_s:
        if rate(at_s - RECOVERY_WINDOW_S, at_s) >= RECOVERED_FRACTION * before:
            return at_s - began_s
        at_s += SAMPLE_S
    return ended_s - began_s


def shown_between(observed: Observation, began_s: float, ended_s: float) -> float:
    """Returns the frames shown per second between two wall-clock times."""
    count = sum(began_s * 1000 <= seen.epoch_ms < ended_s * 1000 for seen in observed.seen)
    return count / (ended_s - began_s)
