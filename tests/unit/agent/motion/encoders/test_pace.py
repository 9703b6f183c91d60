"""Bits of a frame, for streams that come at any rate and rest in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.motion.encoders.pace import NOMINAL_FPS, REST_S, FramePace

RATE_BPS = 6_000_000


@pytest.mark.parametrize("fps", [5, 10, 30, 60, 144])
def test_a_steady_stream_uses_its_rate(fps: int) -> None:
    pace = FramePace()
    bits = [pace.frame_bits(number / fps, RATE_BPS) for number in range(4 * fps + 40)]
    assert sum(bits[-fps:]) == pytest.approx(RATE_BPS, rel=0.03)


def test_a_picture_after_a_rest_stands_no_longer_than_others() -> None:
    pace = FramePace()
    assert pace.frame_bits(0.0, RATE_BPS) == pytest.approx(RATE_BPS / NOMINAL_FPS)
    assert pace.frame_bits(100.0, RATE_BPS) == pytest.approx(RATE_BPS / NOMINAL_FPS)


@given(gaps=st.lists(st.floats(0, 3), max_size=60))
def test_never_more_than_the_longest_pace_allows(gaps: list[float]) -> None:
    """Two pictures at the same time, or long after each other, are no reason for a huge frame or for none."""
    pace, now_s = FramePace(), 0.0
    for gap_s in gaps:
        now_s += gap_s
        assert RATE_BPS / 250 < pace.frame_bits(now_s, RATE_BPS) <= RATE_BPS * REST_S
