"""The states of a desktop of a dedicated pool that belongs to a person, as a transition table. Pure.

assigned ──release──► released ──wiped──────────────────────► nobody's
                         │ ▲                                     ▲
              wipe failed│ │release                              │
                         ▼ │                                     │
                      not wiped ──wiped──────────────────────────┘
                         └──wipe failed──► not wiped

Nobody gets the place, and its person no other one, before the home was wiped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from display_server.errors import Malfunction


class AssignmentState(Enum):
    """The values are stored."""

    ASSIGNED = "assigned"  # the person has the desktop
    RELEASED = "released"  # the desktop ends, and its home is wiped afterwards
    NOT_WIPED = "not-wiped"  # the home could not be wiped; this is tried again


class AssignmentEvent(Enum):
    RELEASE = "release"  # by the administrator; once more, it is tried again at once
    WIPE_FAILED = "wipe failed"
    WIPED = "wiped"


#: None: the assignment is deleted, and the place is free.
TRANSITIONS: dict[tuple[AssignmentState, AssignmentEvent], AssignmentState | None] = {
    (AssignmentState.ASSIGNED, AssignmentEvent.RELEASE): AssignmentState.RELEASED,
    (AssignmentState.RELEASED, AssignmentEvent.RELEASE): AssignmentState.RELEASED,
    (AssignmentState.RELEASED, AssignmentEvent.WIPE_FAILED): AssignmentState.NOT_WIPED,
    (AssignmentState.RELEASED, AssignmentEvent.WIPED): None,
    (AssignmentState.NOT_WIPED, AssignmentEvent.RELEASE): AssignmentState.RELEASED,
    (AssignmentState.NOT_WIPED, AssignmentEvent.WIPE_FAILED): AssignmentState.NOT_WIPED,
    (AssignmentState.NOT_WIPED, AssignmentEvent.WIPED): None,
}


@dataclass(frozen=True, slots=True)
class Assignment:
    """A place of a dedicated pool and its person. Times are in seconds since the epoch."""

    desktop: str
    place: int
    username: str
    state: AssignmentState
    error: str | None  # why the home could not be wiped
    assigned_s: float
    changed_s: float


def next_state(state: AssignmentState, event: AssignmentEvent) -> AssignmentState | None:
    """Returns the state after the event; None if nobody has the desktop any more. Raises Malfunction."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Malfunction(
            f"An assignment in state {state.value!r} has no transition for {event.value!r}.",
            next_step="Please report this fault of Lightbox.",
        ) from None
