"""A sign-in reaches `signed in` only by the steps that belong to it."""

from __future__ import annotations

import itertools

import pytest

from display_server.broker.second_factor.sign_in_state import (
    LASTS_S,
    TABLE,
    WRONG_MAX,
    SignInEvent,
    SignInProgress,
    SignInState,
)


def test_every_event_is_answered_in_every_state() -> None:
    for state in SignInState:
        assert set(TABLE[state]) == set(SignInEvent)


def test_only_three_steps_sign_in() -> None:
    found = {
        (state, event)
        for state, event in itertools.product(SignInState, SignInEvent)
        if TABLE[state][event] is SignInState.SIGNED_IN
    }
    assert found == {
        (SignInState.PASSWORD_DUE, SignInEvent.PASSWORD_SUFFICES),
        (SignInState.FACTOR_DUE, SignInEvent.FACTOR_RIGHT),
        (SignInState.ENROLMENT_DUE, SignInEvent.ENROLLED),
    }


def test_who_has_a_factor_cannot_set_up_another_one_instead() -> None:
    progress = SignInProgress(SignInState.FACTOR_DUE, 0.0)
    assert progress.after(SignInEvent.ENROLLED).state is SignInState.PASSWORD_DUE


@pytest.mark.parametrize("state", [SignInState.FACTOR_DUE, SignInState.ENROLMENT_DUE])
def test_a_step_expires(state: SignInState) -> None:
    progress = SignInProgress(state, 1000.0)
    assert progress.at(1000.0 + LASTS_S[state] - 1).state is state
    assert progress.at(1000.0 + LASTS_S[state]).state is SignInState.PASSWORD_DUE
    assert progress.expires_in_s(1000.0 + 100) == LASTS_S[state] - 100


def test_a_clock_that_was_set_back_lengthens_nothing() -> None:
    progress = SignInProgress(SignInState.FACTOR_DUE, 1000.0)
    assert progress.at(999.0).state is SignInState.PASSWORD_DUE


def test_wrong_codes_lead_back_to_the_password() -> None:
    progress = SignInProgress(SignInState.FACTOR_DUE, 0.0)
    for _ in range(WRONG_MAX - 1):
        progress = progress.after(SignInEvent.FACTOR_WRONG)
        assert progress.state is SignInState.FACTOR_DUE
    assert progress.after(SignInEvent.FACTOR_WRONG).state is SignInState.PASSWORD_DUE
