"""What the cases about motion make of what was seen: freezes, waiting packets, a rate that comes back."""

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
from benchmarks.cases.minute import freeze_figures
from benchmarks.content.frames import TEXT_VIDEO, frame
from benchmarks.content.stage import Shown
from benchmarks.content.text_over_video import text_and_brim
from benchmarks.driver.browser import Quantiles, Seen, Watched
from benchmarks.links.delay import Probe, idle_delay_ms, queueing
from benchmarks.links.link import parse_link

NOTHING = Quantiles(0, None, None, None)


def watched(*moments_ms: float) -> Watched:
    seen = [Seen(number, at, None, None, 0) for number, at in enumerate(moments_ms)]
    return Watched(seen, [], 0, NOTHING, NOTHING, NOTHING, {})


DRAWN = [Shown(number, 1000.0 + 20 * number) for number in range(51)]  # for a second


@pytest.mark.parametrize(
    ("moments_ms", "longest_ms", "at_s", "freezes"),
    [
        ([1010, 1300, 1500, 1800], 300, 0.5, 0),
        ([1010, 1990, 2500], 980, 0.01, 1),
        ([1700, 1990], 700, 0, 1),  # the first came late
        ([1010, 1350, 1400], 600, 0.4, 2),  # none came any more
        ([], 1000, 0, 1),
    ],
)
def test_a_freeze_is_any_time_without_a_new_picture_while_something_moves(
    moments_ms: list[float], longest_ms: float, at_s: float, freezes: int
) -> None:
    figures = freeze_figures(DRAWN, watched(*moments_ms))
    assert figures.pop("freeze_later_max_ms") == 0
    assert figures == {"freeze_max_ms": longest_ms, "freeze_at_s": at_s, "freezes": freezes}


def test_freezes_at_the_start_are_told_apart() -> None:
    drawn = [Shown(number, 20.0 * number) for number in range(301)]  # for six seconds
    figures = freeze_figures(drawn, watched(*range(2000, 3100, 100), 3500, *range(3600, 6000, 100)))
    assert (figures["freeze_max_ms"], figures["freeze_at_s"]) == (2000, 0)
    assert (figures["freeze_later_max_ms"], figures["freezes"]) == (500, 2)


def test_pictures_a_second_of_a_phase() -> None:
    assert shown_between(watched(900, 1000, 1999, 2000, 2500), 1.0, 3.0) == 2.0


PROBES = [
    Probe(0.1, 3.0),
    Probe(0.2, 5.0),
    Probe(0.3, 4.0),
    Probe(1.1, 54.0),
    Probe(1.2, None),
    Probe(1.3, 104.0),
]


def test_what_packets_wait_is_more_than_on_the_idle_way_and_lost_ones_waited_longest() -> None:
    idle_ms = idle_delay_ms(PROBES, 1.0)
    assert idle_ms == 4.0
    assert sorted(queueing(PROBES, 1.0, 2.0, idle_ms)) == [50.0, 100.0, 100.0]
    assert queueing(PROBES, 5.0, 6.0, idle_ms) == []


def test_an_idle_way_that_lets_nothing_through_is_an_error() -> None:
    with pytest.raises(ValueError, match="no probe arrived"):
        idle_delay_ms([Probe(0.1, None)], 1.0)


def delivered(*rates_mbps: float) -> list[Delivered]:
    """Samples of 0.1 s, each with its rate until the next."""
    samples, total = [Delivered(0.0, 0)], 0.0
    for place, rate in enumerate(rates_mbps, 1):
        total += rate * 1e6 / 8 * 0.1
        samples.append(Delivered(place / 10, round(total)))
    return samples


def test_a_rate_is_between_the_first_and_the_last_sample() -> None:
    samples = delivered(*[8.0] * 10, *[4.0] * 10)
    assert rate_mbps(samples, 0.0, 1.0) == pytest.approx(8)
    assert rate_mbps(samples, 0.0, 2.0) == pytest.approx(6)
    assert rate_mbps(samples, 5.0, 6.0) == 0.0


def test_the_rate_is_back_when_a_second_has_it() -> None:
    rate = partial(rate_mbps, delivered(*[1.0] * 10, *[8.5] * 10, *[9.5] * 20))
    assert recovery_s(rate, 10.0, 1.0, 4.0) == pytest.approx(1.5, abs=0.11)
    assert recovery_s(rate, 9.0, 1.0, 4.0) == pytest.approx(1.0, abs=0.11)


def test_what_was_fast_before_does_not_count() -> None:
    rate = partial(rate_mbps, delivered(*[50.0] * 10, *[1.0] * 20, *[10.0] * 20))
    assert recovery_s(rate, 10.0, 1.0, 5.0) > 2.5


def test_a_rate_that_never_comes_back_took_all_the_time() -> None:
    assert recovery_s(partial(rate_mbps, delivered(*[5.0] * 40)), 10.0, 1.0, 4.0) == pytest.approx(3.0)
    assert recovery_s(partial(shown_between, watched()), 60.0, 1.0, 4.0) == pytest.approx(3.0)


def test_a_link_that_cannot_become_narrower_is_not_measured() -> None:
    for name in ("loopback", "5"):
        bench = cast(Bench, SimpleNamespace(link=parse_link(name)))
        with pytest.raises(NotApplicableError, match="--link 50"):
            link_drop(bench)


def test_what_an_idle_monitor_takes() -> None:
    assert idle_figures([60.0, 59.0, 60.0], [57.0, 60.0, 54.0])["cost_share"] == pytest.approx(0.05)
    assert idle_figures([58.0], [60.0])["cost_share"] == 0.0


def test_text_is_judged_apart_from_what_is_below_it() -> None:
    source = frame(TEXT_VIDEO, 12)
    there = text_and_brim()
    below, on = source.copy(), source.copy()
    below[~there, :3] ^= 0x40
    on[there, :3] ^= 1
    assert text_psnr_db(below.ravel(), source) == PSNR_MAX_DB
    assert text_psnr_db(on.ravel(), source) == pytest.approx(48.13, abs=0.01)
    assert np.array_equal(source, frame(TEXT_VIDEO, 12))
