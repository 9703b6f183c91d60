"""The life of a session, as a table.

starting ──ready──► ready ──ended──► ended
   │                  │
   ├──failed──► failed◄┘ failed
   └──ended───► ended
"""

from __future__ import annotations

from enum import Enum

from display_server.errors import Malfunction


class SessionState(Enum):
    STARTING = "starting"  # the launcher is at work
    READY = "ready"  # can be viewed
    FAILED = "failed"  # did not start, or broke; opening it again starts a new one
    ENDED = "ended"  # over as it should be


class SessionEvent(Enum):
    STARTED = "started"
    FAILED = "failed"
    ENDED = "ended"


TRANSITIONS: dict[tuple[SessionState, SessionEvent], SessionState] = {
    (SessionState.STARTING, SessionEvent.STARTED): SessionState.READY,
    (SessionState.STARTING, SessionEvent.FAILED): SessionState.FAILED,
    (SessionState.STARTING, SessionEvent.ENDED): SessionState.ENDED,
    (SessionState.READY, SessionEvent.FAILED): SessionState.FAILED,
    (SessionState.READY, SessionEvent.ENDED): SessionState.ENDED,
}

#: States in which the person has a desktop, or is about to have one.
LIVE = frozenset({SessionState.STARTING, SessionState.READY})


def after(state: SessionState, event: SessionEvent) -> SessionState:
    """Raises Malfunction for an event that this state does not know."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Malfunction(f"A session that is {state.value} cannot take {event.value!r}.") from None
