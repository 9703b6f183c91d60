"""The states of a desktop, as its keeper steps through them.

starting ──agent answered──► ready
    │  │                     │  │
    │  └──────broke──────────┼──┴──► failed
    └─────────told to end────┴─────► ended
"""

from __future__ import annotations

from enum import Enum

from display_server.desktop.spec import DesktopState
from display_server.errors import DesktopError


class SupervisorEvent(Enum):
    AGENT_ANSWERED = "agent answered"
    BROKE = "broke"
    TOLD_TO_END = "told to end"


#: What is not here cannot happen. A restarted agent answers again; what comes after the end changes nothing.
TRANSITIONS: dict[tuple[DesktopState, SupervisorEvent], DesktopState] = {
    (DesktopState.STARTING, SupervisorEvent.AGENT_ANSWERED): DesktopState.READY,
    (DesktopState.STARTING, SupervisorEvent.BROKE): DesktopState.FAILED,
    (DesktopState.STARTING, SupervisorEvent.TOLD_TO_END): DesktopState.ENDED,
    (DesktopState.READY, SupervisorEvent.AGENT_ANSWERED): DesktopState.READY,
    (DesktopState.READY, SupervisorEvent.BROKE): DesktopState.FAILED,
    (DesktopState.READY, SupervisorEvent.TOLD_TO_END): DesktopState.ENDED,
    (DesktopState.FAILED, SupervisorEvent.TOLD_TO_END): DesktopState.FAILED,
    (DesktopState.FAILED, SupervisorEvent.BROKE): DesktopState.FAILED,
    (DesktopState.ENDED, SupervisorEvent.TOLD_TO_END): DesktopState.ENDED,
    (DesktopState.ENDED, SupervisorEvent.BROKE): DesktopState.ENDED,
}


def after(state: DesktopState, event: SupervisorEvent) -> DesktopState:
    """Raises DesktopError for what must not happen in this state."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise DesktopError(f"A desktop that is {state.value} cannot take {event.value!r}.") from None
