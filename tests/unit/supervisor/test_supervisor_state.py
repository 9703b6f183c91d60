"""All transitions of the supervisor's state machine."""

from __future__ import annotations

import itertools

import pytest

from display_server.desktop.spec import DesktopState
from display_server.errors import DesktopError
from display_server.supervisor.supervisor_state import TRANSITIONS, SupervisorEvent, next_state

FINAL = (DesktopState.FAILED, DesktopState.ENDED)


@pytest.mark.parametrize(("state", "event"), list(itertools.product(DesktopState, SupervisorEvent)))
def test_events_outside_of_the_table_are_refused(state: DesktopState, event: SupervisorEvent) -> None:
    if (state, event) in TRANSITIONS:
        assert next_state(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(DesktopError, match=state.value):
            next_state(state, event)


def test_final_states_never_change() -> None:
    for (state, _), target in TRANSITIONS.items():
        if state in FINAL:
            assert target is state


def test_every_state_can_be_stopped_and_can_fail() -> None:
    for state in DesktopState:
        assert next_state(state, SupervisorEvent.STOP_REQUESTED) in FINAL
        assert next_state(state, SupervisorEvent.FAILURE) in FINAL
