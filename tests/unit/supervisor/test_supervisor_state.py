"""The keeper's transitions, all of them."""

from __future__ import annotations

import itertools

import pytest

from display_server.desktop.spec import DesktopState
from display_server.errors import DesktopError
from display_server.supervisor.supervisor_state import TRANSITIONS, SupervisorEvent, after

OVER = (DesktopState.FAILED, DesktopState.ENDED)


@pytest.mark.parametrize(("state", "event"), list(itertools.product(DesktopState, SupervisorEvent)))
def test_transition(state: DesktopState, event: SupervisorEvent) -> None:
    if (state, event) in TRANSITIONS:
        assert after(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(DesktopError, match=state.value):
            after(state, event)


def test_nothing_leads_out_of_the_end() -> None:
    for (state, _), target in TRANSITIONS.items():
        if state in OVER:
            assert target is state


def test_everything_can_end_and_break() -> None:
    for state in DesktopState:
        assert after(state, SupervisorEvent.TOLD_TO_END) in OVER
        assert after(state, SupervisorEvent.BROKE) in OVER
