"""What happens to a running desktop whose person is no longer entitled to it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.broker.people.removal_state import (
    TRANSITIONS,
    Access,
    AccessEvent,
    AccessState,
    Observation,
    OnRemoval,
    RemovalPolicy,
    next_access,
)

WARNING = RemovalPolicy(OnRemoval.WARNING, 300)
SIGN_OUT = RemovalPolicy(OnRemoval.SIGN_OUT, 300)
AT_ONCE = RemovalPolicy(OnRemoval.AT_ONCE, 300)
OBSERVATIONS = st.builds(
    Observation,
    entitled=st.booleans(),
    policy=st.sampled_from([WARNING, SIGN_OUT, AT_ONCE]),
    first_sign_in_s=st.none() | st.floats(0, 2000),
)


def lost(policy: RemovalPolicy, first_sign_in_s: float | None = 0) -> Observation:
    return Observation(entitled=False, policy=policy, first_sign_in_s=first_sign_in_s)


def test_the_person_is_warned_and_the_desktop_ends_at_the_deadline() -> None:
    access = next_access(Access(), lost(WARNING), 1000)
    assert access == Access(AccessState.WARNED, 1000, 1300)
    assert access.may_display(1299)
    assert not access.may_display(1300)
    assert next_access(access, lost(WARNING), 1299) == access
    assert next_access(access, lost(WARNING), 1300).state is AccessState.ENDED


def test_a_deadline_stays_when_the_configuration_gives_more_time() -> None:
    access = next_access(Access(), lost(WARNING), 1000)
    assert next_access(access, lost(RemovalPolicy(OnRemoval.WARNING, 9000)), 1100) == access


def test_a_desktop_goes_on_until_the_person_has_signed_out_everywhere() -> None:
    access = next_access(Access(), lost(SIGN_OUT, 500), 1000)
    assert access == Access(AccessState.UNTIL_SIGN_OUT, 1000, None)
    assert access.may_display(99_999)
    assert next_access(access, lost(SIGN_OUT, 1000), 2000) == access, "one of the browsers is still signed in"
    assert next_access(access, lost(SIGN_OUT, None), 2000).state is AccessState.ENDED
    assert next_access(access, lost(SIGN_OUT, 1001), 2000).state is AccessState.ENDED, "signed in again since"


def test_a_desktop_of_somebody_who_is_signed_in_nowhere_ends_at_once_if_it_may_last_until_sign_out() -> None:
    assert next_access(Access(), lost(SIGN_OUT, None), 1000).state is AccessState.ENDED


def test_a_desktop_ends_at_once() -> None:
    access = next_access(Access(), lost(AT_ONCE), 1000)
    assert access.state is AccessState.ENDED
    assert not access.may_display(1000)


@pytest.mark.parametrize("policy", [WARNING, SIGN_OUT])
def test_whoever_is_entitled_again_keeps_the_desktop(policy: RemovalPolicy) -> None:
    access = next_access(Access(), lost(policy), 1000)
    assert next_access(access, Observation(True, policy, 0), 1001) == Access()


@pytest.mark.parametrize("policy", [WARNING, SIGN_OUT])
def test_at_once_also_ends_desktops_that_had_more_time(policy: RemovalPolicy) -> None:
    access = next_access(Access(), lost(policy), 1000)
    assert next_access(access, lost(AT_ONCE), 1001).state is AccessState.ENDED


def test_a_desktop_that_has_ended_does_not_come_back() -> None:
    for event in AccessEvent:
        assert (AccessState.ENDED, event) not in TRANSITIONS


def test_every_state_can_be_left_as_the_table_says() -> None:
    for state, event in itertools.product(AccessState, AccessEvent):
        if (state, event) in TRANSITIONS:
            assert TRANSITIONS[state, event] is not state


@given(st.lists(st.tuples(OBSERVATIONS, st.floats(0, 500)), max_size=12))
def test_without_an_entitlement_nothing_ever_extends_the_time(
    steps: list[tuple[Observation, float]],
) -> None:
    access, now_s = Access(), 0.0
    for seen, later_s in steps:
        now_s += later_s
        former, access = access, next_access(access, seen, now_s)
        if former.state is AccessState.ENDED:
            assert access.state is AccessState.ENDED
            return
        assert (access == Access()) == seen.entitled
        if not seen.entitled and former.due_s is not None:
            assert access.due_s == former.due_s
            assert access.may_display(now_s) == (
                now_s < former.due_s and seen.policy.on_removal is not OnRemoval.AT_ONCE
            )
