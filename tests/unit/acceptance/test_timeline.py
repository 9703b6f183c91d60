"""Tests how recordings of a silence or a grab are judged."""

from __future__ import annotations

import pytest

from tests.acceptance.timeline import (
    Sample,
    batches,
    exact_again_after,
    exact_fraction,
    late_inputs,
    longest_on_old_frame,
    longest_without_input,
    typed_twice_or_out_of_order,
)

DRAWN = [(10.0, 100), (10.2, 101), (10.4, 102)]


def exact(at_s: float, marker: int = 0) -> Sample:
    return Sample(at_s, "exact", marker)


def test_input_is_late_when_it_takes_effect_more_than_a_second_after_it_was_made() -> None:
    made = {"key a": 1.0, "key b": 2.0, "key c": 0.5}
    effects = [("key a", 2.5), ("key b", 2.9), ("key c", 2.5)]
    assert late_inputs(made, effects) == {"key c": 0.5, "key a": 1.0}


def test_an_effect_that_nobody_caused_is_an_error() -> None:
    with pytest.raises(ValueError, match="key z took effect"):
        late_inputs({"key a": 1.0}, [("key z", 1.1)])


@pytest.mark.parametrize(
    ("made_s", "count"),
    [([], 0), ([1.0], 1), ([1.2, 1.0, 1.25], 1), ([1.0, 1.26], 2), ([1.0, 1.2, 1.4, 1.6], 2)],
)
def test_a_batch_is_the_input_of_250_ms(made_s: list[float], count: int) -> None:
    assert batches(made_s) == count


def test_an_exact_badge_counts_from_the_change_that_the_frame_lacks() -> None:
    samples = [exact(10.1, 100), exact(10.25, 100), exact(10.3, 101), exact(11.0, 101), exact(11.1, 102)]
    assert longest_on_old_frame(samples, DRAWN) == pytest.approx(11.0 - 10.4)


def test_an_old_frame_without_an_exact_badge_does_not_count() -> None:
    samples = [exact(10.25, 100), Sample(15.0, "unverified", 100), exact(15.1, 102)]
    assert longest_on_old_frame(samples, DRAWN) == pytest.approx(0.05)


def test_a_frame_from_before_the_first_marker_is_old_since_it_was_drawn() -> None:
    assert longest_on_old_frame([exact(9.9, 0), exact(10.15, 0)], DRAWN) == pytest.approx(0.15)


def test_input_without_effect_counts_while_the_badge_is_exact() -> None:
    samples = [exact(at_s / 10) for at_s in range(100)]
    made = [(1.0, "a"), (2.0, "b"), (3.0, "c")]
    arrived = [(1.05, "a"), (2.45, "b"), (3.1, "c")]
    assert longest_without_input(samples, made, arrived) == pytest.approx(0.4)
    assert longest_without_input([Sample(s.at_s, "lossy", 0) for s in samples], made, arrived) == 0


def test_the_effect_of_a_later_input_ends_the_wait_and_a_missing_one_never_does() -> None:
    samples = [exact(at_s / 10) for at_s in range(50)]
    made = [(1.0, "a"), (2.0, "b")]
    assert longest_without_input(samples, made, [(2.05, "b")]) == pytest.approx(1.0)
    assert longest_without_input(samples, made, [(1.05, "a")]) == pytest.approx(2.9)


def test_an_effect_before_the_input_is_not_its_own() -> None:
    samples = [exact(at_s / 10) for at_s in range(50)]
    assert longest_without_input(samples, [(2.0, "a")], [(1.0, "a"), (2.35, "a")]) == pytest.approx(0.3)


def test_the_fraction_of_exact_samples() -> None:
    assert exact_fraction([exact(1), Sample(2, "refining", 0)]) == 0.5
    with pytest.raises(ValueError, match="recorded nothing"):
        exact_fraction([])


def test_exact_again_counts_only_what_was_drawn_later() -> None:
    drawn = [(1.0, 11), (3.0, 12), (4.0, 13)]
    samples = [
        Sample(1.5, "exact", 11),
        Sample(2.5, "exact", 11),  # drawn before
        Sample(3.5, "refining", 12),  # not exact
        Sample(4.5, "exact", 12),
        Sample(5.0, "exact", 13),
    ]
    assert exact_again_after(samples, drawn, 2.0) == 2.5
    assert exact_again_after(samples, drawn, 4.0) is None
    assert exact_again_after(samples[:2], drawn, 2.0) is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("", ""), ("abcd", ""), ("ad", ""), ("abbd", "b"), ("abcab", "ab"), ("acbd", "b"), ("abx", "x")],
)
def test_keystrokes_count_once_and_in_order(text: str, wrong: str) -> None:
    assert typed_twice_or_out_of_order("abcd", text) == wrong
