"""The mean rate of video is limited."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.motion.allowance import LEAST, SAVED_MAX_S, SPENT_IN_S, Allowance
from display_server.agent.motion.encoders.vp8 import RESTART_FACTOR

AVERAGE_BPS = 2e6


def test_unused_bits_may_be_used_faster() -> None:
    allowance = Allowance(AVERAGE_BPS, 10.0)
    assert allowance.rate_bps(10.0) == AVERAGE_BPS * (1 + SAVED_MAX_S / SPENT_IN_S)
    allowance.spend(int(AVERAGE_BPS * SAVED_MAX_S / 8), 10.0)
    assert allowance.rate_bps(10.0) == AVERAGE_BPS
    assert allowance.rate_bps(1000.0) == AVERAGE_BPS * (1 + SAVED_MAX_S / SPENT_IN_S), "the bucket is full"


def test_video_goes_on_slowly_after_too_much_was_used() -> None:
    allowance = Allowance(AVERAGE_BPS, 0.0)
    allowance.spend(10_000_000, 0.0)
    assert allowance.rate_bps(0.0) == LEAST * AVERAGE_BPS


def test_no_encoder_has_to_be_reopened_for_it() -> None:
    assert (1 + SAVED_MAX_S / SPENT_IN_S) / LEAST < RESTART_FACTOR


@given(st.lists(st.tuples(st.floats(0.01, 0.1), st.floats(0.0, 1.0)), min_size=60, max_size=400))
def test_the_mean_and_the_bucket_are_never_exceeded(
    frames: list[tuple[float, float]],
) -> None:
    """Each frame uses a fraction of the bits for its time."""
    allowance, now_s, used_bits = Allowance(AVERAGE_BPS, 0.0), 0.0, 0.0
    for interval_s, fraction in frames:
        size_bytes = int(allowance.rate_bps(now_s) * interval_s * fraction / 8)
        allowance.spend(size_bytes, now_s)
        used_bits += size_bytes * 8
        now_s += interval_s
        assert used_bits <= AVERAGE_BPS * (now_s + SAVED_MAX_S)
