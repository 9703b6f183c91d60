"""How often tiles change."""

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
def test_the_rate_is_known_after_three_changes(changes: int, per_s: float) -> None:
    assert rate_after(changes, per_s, Activity(5), 100.0) == pytest.approx(per_s, rel=0.2)


def test_one_change_is_no_rate() -> None:
    activity = Activity(5)
    assert rate_after(1, 60, activity, 100.0) == 0
    assert activity.rates_per_s(100.0).tolist() == [0] * 5


def test_content_drawn_in_two_steps_is_no_motion() -> None:
    activity = Activity(5)
    assert rate_after(2, 500, activity, 100.0) < 60
    assert not activity.hot(100.002).any()


def test_a_pause_begins_another_motion() -> None:
    activity = Activity(5)
    rate_after(100, 60, activity, 100.0)
    assert rate_after(3, 30, activity, 102.0 + PAUSE_S) == pytest.approx(30, rel=0.2)


@pytest.mark.parametrize("period_s", [0.08, 0.12, 0.2, 0.4])
def test_captures_that_follow_without_a_pause_show_motion_however_slow_they_are(period_s: float) -> None:
    activity = Activity(5)
    for number in range(3):
        activity.changed(TILE, 100.0 + number * period_s, delay_s=period_s - 0.001)
    assert activity.hot(100.0 + 2 * period_s)[3]


def test_slow_changes_are_no_motion_on_a_slow_host() -> None:
    activity = Activity(5)
    for number in range(20):
        activity.changed(TILE, 100.0 + number / 4, delay_s=0.08)
        assert not activity.hot(100.0 + number / 4).any()
