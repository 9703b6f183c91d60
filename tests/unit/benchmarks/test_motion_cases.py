"""Tests the figures of the cases about motion: stalls, queueing delay and recovery of the rate."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from benchmarks.cases.case import Bench, NotApplicableError
from benchmarks.cases.exactness import PSNR_MAX_DB, text_psnr_db
from benchmarks.cases.idle_monitor import idle_figures
from benchmarks.cases.link_drop import Delivered, link_drop, rate_mbps, recovery_s, shown_between
from benchmarks.cases.minute import stall_figures
from benchmarks.content.frames import TEXT_VIDEO, frame
from benchmarks.content.player import DrawnFrame
from benchmarks.content.text_over_video import text_with_border
from benchmarks.driver.browser import Observation, Quantiles, SeenFrame
from benchmarks.links.delay import Probe, idle_delay_ms, queueing
from benchmarks.links.link import parse_link

NOTHING = Quantiles(0, None, None, None)


def observation(*moments_ms: float) -> Observation:
    seen = [SeenFrame(number, at, None, None, 0) for number, at in enumerate(moments_ms)]
    return Observation(seen, [], 0, NOTHING, NOTHING, NOTHING, {})


#: Frames drawn for one second.
DRAWN = [DrawnFrame(number, 1000.0 + 20 * number) for number in range(51)]


@pytest.mark.parametrize(
    ("moments_ms", "longest_ms", "at_s", "stalls"),
    [
        ([1010, 1300, 1500, 1800], 300, 0.5, 0),
        ([1010, 1990, 2500], 980, 0.01, 1),
        ([1700, 1990], 700, 0, 1),  # the first frame came late
        ([1010, 1350, 1400], 600, 0.4, 2),  # no frame came any more
        ([], 1000, 0, 1),
    ],
)
def test_a_stall_is_any_interval_without_a_new_frame_during_motion(
    moments_ms: list[float], longest_ms: float, at_s: float, stalls: int
) -> None:
    figures = stall_figures(DRAWN, observation(*moments_ms))
    assert figures.pop("stall_later_max_ms") == 0
    assert figures == {"stall_max_ms": longest_ms, "stall_at_s": at_s, "stalls": stalls}


def test_stalls_at_the_start_are_reported_apart() -> None:
    drawn = [DrawnFrame(number, 20.0 * number) for number in range(301)]  # six seconds
    figures = stall_figures(drawn, observation(*range(2000, 3100, 100), 3500, *range(3600, 6000, 100)))
    assert (figures["stall_max_ms"], figures["stall_at_s"]) == (2000, 0)
    assert (figures["stall_later_max_ms"], figures["stalls"]) == (500, 2)


def test_frames_per_second_of_a_phase() -> None:
    assert shown_between(observation(900, 1000, 1999, 2000, 2500), 1.0, 3.0) == 2.0


PROBES = [
    Probe(0.1, 3.0),
    Probe(0.2, 5.0),
    Probe(0.3, 4.0),
    Probe(1.1, 54.0),
    Probe(1.2, None),
    Probe(1.3, 104.0),
]


def test_queueing_delay_is_relative_to_the_idle_link_and_lost_probes_count_as_the_longest() -> None:
    idle_ms = idle_delay_ms(PROBES, 1.0)
    assert idle_ms == 4.0
    assert sorted(queueing(PROBES, 1.0, 2.0, idle_ms)) == [50.0, 100.0, 100.0]
    assert queueing(PROBES, 5.0, 6.0, idle_ms) == []


def test_an_idle_link_without_any_probe_is_an_error() -> None:
    with pytest.raises(ValueError, match="no probe arrived"):
        idle_delay_ms([Probe(0.1, None)], 1.0)


def delivered(*rates_mbps: float) -> list[Delivered]:
    """Returns samples every 0.1 s. Each rate applies to the interval after a sample."""
    samples, total = [Delivered(0.0, 0)], 0.0
    for index, rate in enumerate(rates_mbps, 1):
        total += rate * 1e6 / 8 * 0.1
        samples.append(Delivered(index / 10, round(total)))
    return samples


def test_a_rate_is_measured_between_the_first_and_the_last_sample() -> None:
    samples = delivered(*[8.0] * 10, *[4.0] * 10)
    assert rate_mbps(samples, 0.0, 1.0) == pytest.approx(8)
    assert rate_mbps(samples, 0.0, 2.0) == pytest.approx(6)
    assert rate_mbps(samples, 5.0, 6.0) == 0.0


def test_the_rate_has_recovered_when_a_whole_second_reaches_it() -> None:
    rate = partial(rate_mbps, delivered(*[1.0] * 10, *[8.5] * 10, *[9.5] * 20))
    assert recovery_s(rate, 10.0, 1.0, 4.0) == pytest.approx(1.5, abs=0.11)
    assert recovery_s(rate, 9.0, 1.0, 4.0) == pytest.approx(1.0, abs=0.11)


def test_bytes_from_before_the_recovery_do_not_count() -> None:
    rate = partial(rate_mbps, delivered(*[50.0] * 10, *[1.0] * 20, *[10.0] * 20))
    assert recovery_s(rate, 10.0, 1.0, 5.0) > 2.5


def test_a_rate_that_never_recovers_takes_the_whole_time() -> None:
    assert recovery_s(partial(rate_mbps, delivered(*[5.0] * 40)), 10.0, 1.0, 4.0) == pytest.approx(3.0)
    assert recovery_s(partial(shown_between, observation()), 60.0, 1.0, 4.0) == pytest.approx(3.0)


def test_a_link_that_is_too_slow_to_drop_is_not_applicable() -> None:
    for name in ("loopback", "5"):
        bench = cast(Bench, SimpleNamespace(link=parse_link(name)))
        with pytest.raises(NotApplicableError, match="--link 50"):
            link_drop(bench)


def test_the_cost_of_an_idle_monitor() -> None:
    assert idle_figures([60.0, 59.0, 60.0], [57.0, 60.0, 54.0])["cost_fraction"] == pytest.approx(0.05)
    assert idle_figures([58.0], [60.0])["cost_fraction"] == 0.0


def test_the_error_of_text_excludes_the_background() -> None:
    source = frame(TEXT_VIDEO, 12)
    mask = text_with_border()
    background_wrong, text_wrong = source.copy(), source.copy()
    background_wrong[~mask, :3] ^= 0x40
    text_wrong[mask, :3] ^= 1
    assert text_psnr_db(background_wrong.ravel(), source) == PSNR_MAX_DB
    assert text_psnr_db(text_wrong.ravel(), source) == pytest.approx(48.13, abs=0.01)
    assert np.array_equal(source, frame(TEXT_VIDEO, 12))
