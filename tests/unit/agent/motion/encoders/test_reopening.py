"""When an encoder is opened anew for another rate."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.motion.encoders.frame_budget import NOMINAL_FPS, FrameBudget
from display_server.agent.motion.encoders.reopening import (
    KEYFRAME_TOLERANCE,
    LOWER_AFTER_S,
    LOWER_BELOW,
    RAISE_ABOVE,
    RAISE_AFTER_S,
    TRIM_ABOVE,
    TRIM_AFTER_S,
    ReopeningPolicy,
)

RATE_BPS = 4_000_000
OPENED_S = 100.0


def policy() -> ReopeningPolicy:
    policy = ReopeningPolicy()
    policy.on_opened(RATE_BPS, OPENED_S)
    return policy


@pytest.mark.parametrize(
    ("factor", "after_s", "reopens"),
    [
        (LOWER_BELOW + 0.01, 60.0, False),
        (LOWER_BELOW - 0.01, LOWER_AFTER_S - 0.01, False),
        (LOWER_BELOW - 0.01, LOWER_AFTER_S + 0.01, True),
        (0.49, 0.0, True),
        (RAISE_ABOVE + 0.01, RAISE_AFTER_S - 0.01, False),
        (RAISE_ABOVE + 0.01, RAISE_AFTER_S + 0.01, True),
        (RAISE_ABOVE - 0.01, TRIM_AFTER_S - 0.01, False),
        (RAISE_ABOVE - 0.01, TRIM_AFTER_S + 0.01, True),
        (TRIM_ABOVE - 0.01, 60.0, False),
    ],
)
def test_the_encoder_is_reopened_for_large_changes(factor: float, after_s: float, reopens: bool) -> None:
    wanted_bps = round(RATE_BPS * factor)
    assert policy().should_reopen(wanted_bps, OPENED_S + after_s, keyframe=False) is reopens


@pytest.mark.parametrize("factor", [1 - 2 * KEYFRAME_TOLERANCE, 1 + 2 * KEYFRAME_TOLERANCE])
def test_a_requested_keyframe_takes_small_changes_with_it(factor: float) -> None:
    wanted_bps = round(RATE_BPS * factor)
    assert policy().should_reopen(wanted_bps, OPENED_S, keyframe=True)
    assert not policy().should_reopen(wanted_bps, OPENED_S + 60, keyframe=False)


@given(st.lists(st.floats(1e5, 5e7), min_size=1, max_size=300))
def test_any_sequence_of_rates_is_followed_with_few_keyframes(rates: list[float]) -> None:
    """At 30 frames/s no frame exceeds twice its rate, and rises cost at most two keyframes a second."""
    policy, opened_bps, raised_s = ReopeningPolicy(), 0.0, []
    for number, rate_bps in enumerate(rates):
        at_s = number / 30
        if policy.should_reopen(round(rate_bps), at_s, keyframe=number == 0):
            if number and rate_bps > opened_bps:
                raised_s.append(at_s)
            policy.on_opened(round(rate_bps), at_s)
            opened_bps = rate_bps
        assert opened_bps <= 2.01 * rate_bps
    for earlier_s, later_s in itertools.pairwise(raised_s):
        assert later_s - earlier_s >= RAISE_AFTER_S - 1e-9


def test_irregular_frames_cost_few_keyframes() -> None:
    """A minute at a constant rate with frame intervals of 33 ms ± 50 %."""
    policy, budget, random, at_s, opened = ReopeningPolicy(), FrameBudget(steady=True), Random(1), 0.0, 0
    while at_s < 60:
        wanted_bps = round(budget.frame_bits(at_s, RATE_BPS) * NOMINAL_FPS)
        if policy.should_reopen(wanted_bps, at_s, keyframe=False):
            policy.on_opened(wanted_bps, at_s)
            opened += 1
        at_s += random.uniform(0.5, 1.5) / 30
    assert opened <= 20
