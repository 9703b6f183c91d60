from __future__ import annotations

import itertools

import pytest

from display_server.broker.pools.assignment_state import (
    TRANSITIONS,
    Assignment,
    AssignmentEvent,
    AssignmentState,
    next_state,
)
from display_server.broker.pools.plan import WIPE_RETRY_S, End, Reason, Wipe, plan_releases
from display_server.errors import Malfunction


@pytest.mark.parametrize(("state", "event"), list(itertools.product(AssignmentState, AssignmentEvent)))
def test_the_table_decides(state: AssignmentState, event: AssignmentEvent) -> None:
    if (state, event) in TRANSITIONS:
        assert next_state(state, event) == TRANSITIONS[state, event]
    else:
        with pytest.raises(Malfunction, match="no transition"):
            next_state(state, event)


def test_a_place_is_free_only_after_its_home_was_wiped() -> None:
    freeing = {key for key, state in TRANSITIONS.items() if state is None}
    assert {event for _, event in freeing} == {AssignmentEvent.WIPED}
    assert AssignmentState.ASSIGNED not in {state for state, _ in freeing}


def assignment(state: AssignmentState, changed_s: float = 0) -> Assignment:
    return Assignment("office", 1, "kim", state, None, 0, changed_s)


def test_a_released_desktop_ends_before_its_home_is_wiped() -> None:
    released = assignment(AssignmentState.RELEASED)
    key = released.username, released.desktop
    assert plan_releases([released], {key: ("s1", False)}, 5) == [End("s1", Reason.RELEASED)]
    assert plan_releases([released], {key: ("s1", True)}, 5) == []
    assert plan_releases([released], {("lee", "office"): ("s2", False)}, 5) == [Wipe(released)]


def test_a_failed_wipe_is_tried_again_after_a_pause() -> None:
    failed = assignment(AssignmentState.NOT_WIPED, changed_s=100)
    assert plan_releases([failed], {}, 100 + WIPE_RETRY_S - 1) == []
    assert plan_releases([failed], {}, 100 + WIPE_RETRY_S) == [Wipe(failed)]


def test_assigned_desktops_are_left_alone() -> None:
    assigned = assignment(AssignmentState.ASSIGNED)
    assert plan_releases([assigned], {("kim", "office"): ("s1", False)}, 1e9) == []
