"""How often tiles change is known after three changes."""

from __future__ import annotations

import numpy as np
import pytest

from display_server.agent.motion.activity import PAUSE_S, Activity

TILE = np.array([3], np.int32)


def rate_after(changes: int, per_s: float, activity: Activity, start_s: float) -> float:
    for number in range(changes):
        now_s = start_s + number / per_s
        activity.changed(TILE, now_s)
    return float(activity.rates_per_s(now_s)[3])


@pytest.mark.parametrize("per_s", [10, 25, 30, 60])
@pytest.mark.parametrize("changes", [3, 5, 10, 100])
def test_the_rate_is_known_soon_and_stays(changes: int, per_s: float) -> None:
    assert rate_after(changes, per_s, Activity(5), 100.0) == pytest.approx(per_s, rel=0.2)


def test_one_change_is_no_rate() -> None:
    activity = Activity(5)
    assert rate_after(1, 60, activity, 100.0) == 0
    assert activity.rates_per_s(100.0).tolist() == [0] * 5


def test_what_is_drawn_in_two_steps_is_no_motion() -> None:
    activity = Activity(5)
    assert rate_after(2, 500, activity, 100.0) < 60
    assert not activity.hot(100.002).any()


def test_after_a_pause_it_begins_anew() -> None:
    activity = Activity(5)
    rate_after(100, 60, activity, 100.0)
    assert rate_after(3, 30, activity, 102.0 + PAUSE_S) == pytest.approx(30, rel=0.2)
