"""Bits per frame for streams of any frame rate, with pauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.motion.encoders.frame_budget import NOMINAL_FPS, REST_S, FrameBudget

RATE_BPS = 6_000_000


@pytest.mark.parametrize("fps", [5, 10, 30, 60, 144])
def test_a_steady_stream_uses_its_rate(fps: int) -> None:
    budget = FrameBudget()
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
