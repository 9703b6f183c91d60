"""What video may take where a policy bounds its average."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.motion.allowance import LEAST, SAVED_MAX_S, SPENT_IN_S, Allowance
from display_server.agent.motion.encoders.vp8 import RESTART_FACTOR

AVERAGE_BPS = 2e6


def test_what_was_saved_may_be_taken_faster() -> None:
    allowance = Allowance(AVERAGE_BPS, 10.0)
    assert allowance.rate_bps(10.0) == AVERAGE_BPS * (1 + SAVED_MAX_S / SPENT_IN_S)
    allowance.spend(int(AVERAGE_BPS * SAVED_MAX_S / 8), 10.0)
    assert allowance.rate_bps(10.0) == AVERAGE_BPS
    assert allowance.rate_bps(1000.0) == AVERAGE_BPS * (1 + SAVED_MAX_S / SPENT_IN_S), "and no more than that"


def test_too_much_is_given_back_and_video_goes_on() -> None:
    allowance = Allowance(AVERAGE_BPS, 0.0)
    allowance.spend(10_000_000, 0.0)
    assert allowance.rate_bps(0.0) == LEAST * AVERAGE_BPS


def test_no_encoder_has_to_start_anew_for_it() -> None:
    assert (1 + SAVED_MAX_S / SPENT_IN_S) / LEAST < RESTART_FACTOR


@given(st.lists(st.tuples(st.floats(0.01, 0.1), st.floats(0.0, 1.0)), min_size=60, max_size=400))
def test_who_obeys_never_takes_more_than_the_average_and_what_was_saved(
    frames: list[tuple[float, float]],
) -> None:
    """Each frame takes a share of what its time is worth."""
    allowance, now_s, taken_bits = Allowance(AVERAGE_BPS, 0.0), 0.0, 0.0
    for interval_s, share in frames:
        size_bytes = int(allowance.rate_bps(now_s) * interval_s * share / 8)
        allowance.spend(size_bytes, now_s)
        taken_bits += size_bytes * 8
        now_s += interval_s
        assert taken_bits <= AVERAGE_BPS * (now_s + SAVED_MAX_S)
