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


class KeeperEvent(Enum):
    AGENT_ANSWERED = "agent answered"
    BROKE = "broke"
    TOLD_TO_END = "told to end"


#: What is not here cannot happen. A restarted agent answers again; what comes after the end changes nothing.
TRANSITIONS: dict[tuple[DesktopState, KeeperEvent], DesktopState] = {
    (DesktopState.STARTING, KeeperEvent.AGENT_ANSWERED): DesktopState.READY,
    (DesktopState.STARTING, KeeperEvent.BROKE): DesktopState.FAILED,
    (DesktopState.STARTING, KeeperEvent.TOLD_TO_END): DesktopState.ENDED,
    (DesktopState.READY, KeeperEvent.AGENT_ANSWERED): DesktopState.READY,
    (DesktopState.READY, KeeperEvent.BROKE): DesktopState.FAILED,
    (DesktopState.READY, KeeperEvent.TOLD_TO_END): DesktopState.ENDED,
    (DesktopState.FAILED, KeeperEvent.TOLD_TO_END): DesktopState.FAILED,
    (DesktopState.FAILED, KeeperEvent.BROKE): DesktopState.FAILED,
    (DesktopState.ENDED, KeeperEvent.TOLD_TO_END): DesktopState.ENDED,
    (DesktopState.ENDED, KeeperEvent.BROKE): DesktopState.ENDED,
}


def after(state: DesktopState, event: KeeperEvent) -> DesktopState:
    """Raises DesktopError for what must not happen in this state."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise DesktopError(f"A desktop that is {state.value} cannot take {event.value!r}.") from None
