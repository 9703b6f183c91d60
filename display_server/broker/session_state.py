"""The states of a desktop session, as a transition table.

starting ──started──► ready ──ended──► ended
   │                    └────failed──► failed
   ├──failed──► failed
   └──ended───► ended
"""

from __future__ import annotations

from enum import Enum

from display_server.errors import Malfunction


class SessionState(Enum):
    STARTING = "starting"  # the launcher is starting the desktop
    READY = "ready"  # viewers can connect
    FAILED = "failed"  # the desktop did not start, or failed later; opening it again starts a new session
    ENDED = "ended"  # the desktop ended as intended


class EndedBy(Enum):
    """Who or what ended a session. The values are stored."""

    ITSELF = "itself"  # its own X server or supervisor ended, or it never started
    PERSON = "person"  # the person whose desktop it is, from the page
    OPERATOR = "operator"  # by `lightbox sessions end` or `lightbox account`
    NOT_ENTITLED = "not entitled"  # the entitlement of its person was removed
    UNATTENDED = "unattended"  # nobody displayed it for the configured time
    TIME_LIMIT = "time limit"  # it reached the longest time that a policy allows
    SIGN_OUT = "sign-out"  # the person signed out, and the desktop is one of a pool
    POOL = "pool"  # nobody had opened it, and its pool needed it no longer
    RECOMPOSED = "recomposed"  # it was of the former version of its pool's image, and its time was over
    RELEASED = "released"  # an administrator took it from its person; it was one of a dedicated pool
    SERVER = "server"  # the server process ended, or the desktop ended while no server ran
    HOST = "host"  # the host was restarted


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

#: States in which the desktop runs or is about to run.
LIVE = frozenset({SessionState.STARTING, SessionState.READY})


def next_state(state: SessionState, event: SessionEvent) -> SessionState:
    """Returns the state after the event. Raises Malfunction when the table has no such transition."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Malfunction(
            f"A session in state {state.value!r} has no transition for {event.value!r}.",
            next_step="Please report this fault of Lightbox.",
        ) from None
