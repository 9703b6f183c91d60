"""Bits per frame for streams of any frame rate, with pauses."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.motion.encoders.frame_budget import NOMINAL_FPS, REST_S, FrameBudget
from display_server.agent.motion.encoders.reopening import LOWER_BELOW, RAISE_ABOVE

RATE_BPS = 6_000_000


@pytest.mark.parametrize("fps", [5, 10, 30, 60, 144])
@pytest.mark.parametrize("steady", [False, True])
def test_a_regular_stream_uses_its_rate(fps: int, steady: bool) -> None:
    budget = FrameBudget(steady=steady)
    bits = [budget.frame_bits(number / fps, RATE_BPS) for number in range(4 * fps + 40)]
    assert sum(bits[-fps:]) == pytest.approx(RATE_BPS, rel=0.03)


def test_a_frame_after_a_rest_has_the_usual_budget() -> None:
    budget = FrameBudget()
    assert budget.frame_bits(0.0, RATE_BPS) == pytest.approx(RATE_BPS / NOMINAL_FPS)
    assert budget.frame_bits(100.0, RATE_BPS) == pytest.approx(RATE_BPS / NOMINAL_FPS)


@given(intervals=st.lists(st.floats(0, 3), max_size=60))
def test_the_budget_stays_within_bounds(intervals: list[float]) -> None:
    """Two frames at the same time, or long after each other, cause neither a huge frame nor an empty one."""
    budget, now_s = FrameBudget(), 0.0
    for interval_s in intervals:
        now_s += interval_s
        assert RATE_BPS / 250 < budget.frame_bits(now_s, RATE_BPS) <= RATE_BPS * REST_S


def test_a_steady_budget_ignores_irregular_intervals() -> None:
    budget, random, now_s = FrameBudget(steady=True), Random(1), 0.0
    bits = []
    for _ in range(600):
        now_s += random.uniform(0.5, 1.5) / 30
        bits.append(budget.frame_bits(now_s, RATE_BPS))
    settled = bits[60:]
    assert max(settled) / min(settled) < RAISE_ABOVE / LOWER_BELOW, "no reason to reopen an encoder"
    assert sum(settled) / len(settled) == pytest.approx(RATE_BPS / 30, rel=0.05)
