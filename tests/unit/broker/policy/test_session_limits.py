"""Desktops end at the longest time that a policy allows, and their people are warned before."""

from __future__ import annotations

from display_server.broker.policy.session_limits import WARNING_S, SessionLimits

HOUR_S = 3600.0


def test_a_person_is_warned_once_before_the_desktop_ends() -> None:
    limits = SessionLimits()
    limits.observe({"a": HOUR_S}, {"a": 0.0}, 0.0)
    assert limits.take_warnings(HOUR_S - WARNING_S - 1) == []
    assert limits.ends_in_s("a", HOUR_S - WARNING_S - 1) is None
    assert limits.take_warnings(HOUR_S - WARNING_S) == ["a"]
    assert limits.take_warnings(HOUR_S - 1) == []
    assert limits.ends_in_s("a", HOUR_S - 1) == 1
    assert limits.due(HOUR_S - 1) == []
    assert limits.due(HOUR_S) == ["a"]


def test_a_limit_that_is_over_when_it_is_set_leaves_time_to_save() -> None:
    limits = SessionLimits()
    limits.observe({"a": HOUR_S}, {"a": 0.0}, 5 * HOUR_S)
    assert limits.take_warnings(5 * HOUR_S) == ["a"]
    assert limits.due(5 * HOUR_S + WARNING_S - 1) == []
    assert limits.due(5 * HOUR_S + WARNING_S) == ["a"]


def test_looking_again_neither_prolongs_nor_warns_again() -> None:
    limits = SessionLimits()
    for now_s in (0.0, 10.0, HOUR_S - 60):
        limits.observe({"a": HOUR_S}, {"a": 0.0}, now_s)
        assert limits.take_warnings(now_s) == (["a"] if now_s > HOUR_S - WARNING_S else [])
    limits.observe({"a": HOUR_S}, {"a": 0.0}, HOUR_S)
    assert limits.due(HOUR_S) == ["a"]


def test_a_limit_that_is_lifted_or_raised_applies_no_more() -> None:
    limits = SessionLimits()
    limits.observe({"a": HOUR_S, "b": HOUR_S}, {"a": 0.0, "b": 0.0}, HOUR_S - 60)
    limits.observe({"a": 2 * HOUR_S}, {"a": 0.0}, HOUR_S)
    assert limits.due(HOUR_S + WARNING_S) == []
    assert limits.ends_in_s("b", HOUR_S) is None
    assert limits.take_warnings(2 * HOUR_S - WARNING_S) == ["a"], "there is a new limit to be warned of"
