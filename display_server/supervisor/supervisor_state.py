"""The states of a desktop, and the events by which its supervisor moves from one to the next.

starting ──ready──► ready
    │  │             │  │
    │  └───failure───┼──┴──► failed
    └─stop requested─┴─────► ended
"""

from __future__ import annotations

from enum import Enum

from display_server.desktop.spec import DesktopState
from display_server.errors import DesktopError


class SupervisorEvent(Enum):
    READY = "ready"
    FAILURE = "failure"
    STOP_REQUESTED = "stop requested"


#: Events that are missing here cannot occur in that state. `READY` occurs again each time a restarted agent
#: becomes healthy; nothing changes the state of a desktop that has failed or ended.
TRANSITIONS: dict[tuple[DesktopState, SupervisorEvent], DesktopState] = {
    (DesktopState.STARTING, SupervisorEvent.READY): DesktopState.READY,
    (DesktopState.STARTING, SupervisorEvent.FAILURE): DesktopState.FAILED,
    (DesktopState.STARTING, SupervisorEvent.STOP_REQUESTED): DesktopState.ENDED,
    (DesktopState.READY, SupervisorEvent.READY): DesktopState.READY,
    (DesktopState.READY, SupervisorEvent.FAILURE): DesktopState.FAILED,
    (DesktopState.READY, SupervisorEvent.STOP_REQUESTED): DesktopState.ENDED,
    (DesktopState.FAILED, SupervisorEvent.FAILURE): DesktopState.FAILED,
    (DesktopState.FAILED, SupervisorEvent.STOP_REQUESTED): DesktopState.FAILED,
    (DesktopState.ENDED, SupervisorEvent.FAILURE): DesktopState.ENDED,
    (DesktopState.ENDED, SupervisorEvent.STOP_REQUESTED): DesktopState.ENDED,
}


def next_state(state: DesktopState, event: SupervisorEvent) -> DesktopState:
    """Raises DesktopError when the event cannot occur in this state."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise DesktopError(
            f"The event {event.value!r} cannot occur while the desktop is {state.value!r}.",
            next_step="Please report this fault of Lightbox.",
        ) from None
