"""Tests which differences between two runs count as changes, and in which direction."""

from __future__ import annotations

import pytest

from benchmarks.report.compare import (
    Verdict,
    as_subject,
    changes,
    compare,
    comparison_page,
    only_cases,
    ratio_interval,
    regressions,
    require_rounds,
)
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
        ("shown_fraction", 0.8, Verdict.WORSE),
        ("shown_fraction", 1.2, Verdict.BETTER),
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


def test_a_change_smaller_than_the_variation_is_noise() -> None:
    before, after = [10.0, 14.0, 8.0, 12.0, 9.0], [11.0, 9.0, 15.0, 8.0, 12.0]
    (change,) = changes(results("server_cores", before), results("server_cores", after))
    assert change.verdict is Verdict.NOISE


def test_too_few_values_give_no_interval() -> None:
    (change,) = changes(results("server_cores", [10.0]), results("server_cores", [20.0]))
    assert (change.interval, change.verdict) == (None, Verdict.NOISE)


def test_a_peer_that_became_slower_is_no_regression() -> None:
    before, after = results("server_cores", STEADY, "novnc"), results("server_cores", [20.0] * 5, "novnc")
    assert regressions(before, after) == []


def test_rounds_are_paired() -> None:
    """A machine that was slow in some rounds of both runs does not hide a change."""
    before = {0: [10.0], 1: [20.0], 2: [10.0], 3: [20.0]}
    after = {turn: [1.3 * value for value in values] for turn, values in before.items()}
    assert ratio_interval(before, after) == pytest.approx((1.3, 1.3))


def test_rounds_are_paired_by_number_in_any_order() -> None:
    before = {0: [10.0], 1: [20.0], 2: [40.0]}
    after = {2: [52.0], 0: [13.0], 1: [26.0]}
    assert ratio_interval(before, after) == pytest.approx((1.3, 1.3))


def test_high_quantiles_are_compared_with_all_clicks() -> None:
    before, after = results("p90_ms", [10.0]), results("p90_ms", [15.0])
    for found, slow in ((before, 10.0), (after, 15.0)):
        found.samples[0].series["latency_ms"] = [5.0] * 80 + [slow] * 20
    (change,) = changes(before, after)
    assert change.verdict is Verdict.WORSE


def test_many_clicks_in_a_few_unequal_rounds_give_no_certainty() -> None:
    """Values of one round are not independent: a hundred of them say little more than one."""
    before, after = results("p50_ms", [0.0] * 3), results("p50_ms", [0.0] * 3)
    for found, levels in ((before, (5.0, 9.0, 5.0)), (after, (9.0, 5.0, 9.0))):
        for sample, level in zip(found.samples, levels, strict=True):
            sample.series["latency_ms"] = [level + 0.01 * index for index in range(100)]
    (change,) = changes(before, after)
    assert change.ratio is not None
    assert change.ratio > 1.5
    assert change.verdict is Verdict.NOISE


@pytest.mark.parametrize("figure", ["exact_fraction", "exact_at_rest"])
def test_any_loss_of_exactness_is_a_regression(figure: str) -> None:
    """Exactness is checked in one round only, and the product promises it."""
    (lost,) = regressions(results(figure, [1.0]), results(figure, [0.99]))
    assert lost.interval is None
    (change,) = changes(results(figure, [0.0]), results(figure, [1.0]))
    assert (change.ratio, change.verdict) == (None, Verdict.BETTER)
    assert regressions(results(figure, [1.0]), results(figure, [1.0])) == []


def test_a_figure_that_was_zero_has_no_ratio() -> None:
    (change,) = changes(results("back_ratio", [0.0] * 4), results("back_ratio", [0.5] * 4))
    assert (change.ratio, change.interval, change.verdict) == (None, None, Verdict.NOISE)
    assert "| – | too few rounds | noise |" in compare(
        results("back_ratio", [0.0] * 4), results("back_ratio", [0.5] * 4)
    )


def test_the_comparison_is_also_a_page() -> None:
    before, after = results("server_cores", STEADY), results("server_cores", [1.2 * v for v in STEADY])
    text = comparison_page(before, after)
    assert "Figures of Lightbox that became worse: 1." in text
    assert '<span class="fail">worse</span>' in text
    assert "No figure of Lightbox became worse." in comparison_page(before, before)


def test_a_comparison_may_require_a_number_of_rounds() -> None:
    found = results("server_cores", STEADY)
    require_rounds(found, "a.json", ["stack60"], len(STEADY))
    with pytest.raises(ValueError, match=r"a\.json: case stack60 has 5 of 6 rounds"):
        require_rounds(found, "a.json", ["stack60"], len(STEADY) + 1)
    with pytest.raises(ValueError, match="case click has 0 of 1 rounds"):
        require_rounds(found, "a.json", ["click"], 1)


def test_a_comparison_may_be_limited_to_cases() -> None:
    before, after = results("server_cores", STEADY), results("server_cores", [2 * v for v in STEADY])
    assert regressions(before, after)
    assert not regressions(only_cases(before, ["click"]), only_cases(after, ["click"]))
    assert len(before.samples) == len(STEADY), "the results themselves are unchanged"


def test_two_subjects_of_one_run_can_be_compared() -> None:
    both = results("server_cores", STEADY, "lightbox-no-isolation")
    both.samples += results("server_cores", [1.5 * value for value in STEADY], "lightbox-isolation").samples
    both.samples += results("server_cores", [9 * value for value in STEADY]).samples
    before, after = (as_subject(both, name) for name in ("lightbox-no-isolation", "lightbox-isolation"))
    (change,) = regressions(before, after)
    assert change.ratio == pytest.approx(1.5)
    assert as_subject(both, "lightbox") is both
