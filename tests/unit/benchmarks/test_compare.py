"""What is a change, which way, and what is noise."""

from __future__ import annotations

import pytest

from benchmarks.report.compare import Verdict, changes, compare, comparison_page, ratio_interval, regressions
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
    before = {0: [10.0], 1: [20.0], 2: [10.0], 3: [20.0]}
    after = {turn: [1.3 * value for value in values] for turn, values in before.items()}
    assert ratio_interval(before, after) == pytest.approx((1.3, 1.3))


def test_rounds_of_one_number_are_pairs_whatever_their_order() -> None:
    before = {0: [10.0], 1: [20.0], 2: [40.0]}
    after = {2: [52.0], 0: [13.0], 1: [26.0]}
    assert ratio_interval(before, after) == pytest.approx((1.3, 1.3))


def test_tails_are_compared_by_all_clicks() -> None:
    before, after = results("p90_ms", [10.0]), results("p90_ms", [15.0])
    for found, slow in ((before, 10.0), (after, 15.0)):
        found.samples[0].series["latency_ms"] = [5.0] * 80 + [slow] * 20
    (change,) = changes(before, after)
    assert change.verdict is Verdict.WORSE


def test_many_clicks_in_a_few_unequal_rounds_are_no_certainty() -> None:
    """Values of a round share its desktop: a hundred of them tell little more than one."""
    before, after = results("p50_ms", [0.0] * 3), results("p50_ms", [0.0] * 3)
    for found, levels in ((before, (5.0, 9.0, 5.0)), (after, (9.0, 5.0, 9.0))):
        for sample, level in zip(found.samples, levels, strict=True):
            sample.series["latency_ms"] = [level + 0.01 * place for place in range(100)]
    (change,) = changes(before, after)
    assert change.ratio is not None
    assert change.ratio > 1.5
    assert change.verdict is Verdict.NOISE


@pytest.mark.parametrize("figure", ["exact_share", "exact_at_rest"])
def test_exactness_lost_once_is_a_regression(figure: str) -> None:
    """It is checked in one round only, and it is a promise."""
    (lost,) = regressions(results(figure, [1.0]), results(figure, [0.99]))
    assert lost.interval is None
    (change,) = changes(results(figure, [0.0]), results(figure, [1.0]))
    assert (change.ratio, change.verdict) == (None, Verdict.BETTER)
    assert regressions(results(figure, [1.0]), results(figure, [1.0])) == []


def test_what_was_nothing_has_no_ratio() -> None:
    (change,) = changes(results("back_share", [0.0] * 4), results("back_share", [0.5] * 4))
    assert (change.ratio, change.interval, change.verdict) == (None, None, Verdict.NOISE)
    assert "| – | too few rounds | noise |" in compare(
        results("back_share", [0.0] * 4), results("back_share", [0.5] * 4)
    )


def test_the_comparison_is_a_page_too() -> None:
    before, after = results("server_cores", STEADY), results("server_cores", [1.2 * v for v in STEADY])
    text = comparison_page(before, after)
    assert "Figures of Lightbox that became worse: 1." in text
    assert '<span class="fail">worse</span>' in text
    assert "Nothing of Lightbox became worse." in comparison_page(before, before)
