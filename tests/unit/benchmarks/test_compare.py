"""What is a change, which way, and what is noise."""

from __future__ import annotations

import pytest

from benchmarks.report.compare import Verdict, changes, compare, ratio_interval, regressions
from benchmarks.report.results import Results, Sample

STEADY = [10.0, 10.2, 9.9, 10.1, 10.05]


def results(figure: str, values: list[float], subject: str = "lightbox") -> Results:
    found = Results(machine={}, started="2026-01-01T00:00:00")
    for turn, value in enumerate(values):
        found.samples.append(Sample(subject, "stack60", turn, {figure: value}))
    return found


@pytest.mark.parametrize(
    ("figure", "factor", "verdict"),
    [
        ("server_cores", 1.0, Verdict.NOISE),
        ("server_cores", 1.2, Verdict.WORSE),
        ("server_cores", 0.8, Verdict.BETTER),
        ("shown_share", 0.8, Verdict.WORSE),
        ("shown_share", 1.2, Verdict.BETTER),
        ("server_cores", 1.01, Verdict.NOISE),
    ],
)
def test_a_change_has_a_direction(figure: str, factor: float, verdict: Verdict) -> None:
    before, after = results(figure, STEADY), results(figure, [factor * value for value in STEADY])
    (change,) = changes(before, after)
    assert change.verdict is verdict
    assert change.ratio == pytest.approx(factor)
    assert bool(regressions(before, after)) is (verdict is Verdict.WORSE)
    assert f"| {verdict.value} |" in compare(before, after)


def test_what_wavers_more_than_it_changed_is_noise() -> None:
    before, after = [10.0, 14.0, 8.0, 12.0, 9.0], [11.0, 9.0, 15.0, 8.0, 12.0]
    (change,) = changes(results("server_cores", before), results("server_cores", after))
    assert change.verdict is Verdict.NOISE


def test_few_values_tell_nothing() -> None:
    (change,) = changes(results("server_cores", [10.0]), results("server_cores", [20.0]))
    assert (change.interval, change.verdict) == (None, Verdict.NOISE)


def test_a_peer_that_became_slower_is_no_regression_of_ours() -> None:
    before, after = results("server_cores", STEADY, "novnc"), results("server_cores", [20.0] * 5, "novnc")
    assert regressions(before, after) == []


def test_rounds_are_paired() -> None:
    """A machine that was slow in some rounds of both runs hides nothing."""
    before = [10.0, 20.0, 10.0, 20.0]
    low, high = ratio_interval(before, [1.3 * value for value in before]) or (0.0, 0.0)
    assert (low, high) == pytest.approx((1.3, 1.3))


def test_tails_are_compared_by_all_clicks() -> None:
    before, after = results("p90_ms", [10.0]), results("p90_ms", [15.0])
    for found, slow in ((before, 10.0), (after, 15.0)):
        found.samples[0].series["latency_ms"] = [5.0] * 80 + [slow] * 20
    (change,) = changes(before, after)
    assert change.verdict is Verdict.WORSE
