"""Decides when a child of the server hangs. Pure.

A child that answers nothing is worse for people than one that has died, because they wait for it. To kill
one that only waits for the processor would be worse still, so that the limits are far from what a busy host
can cause: a beat needs less than a millisecond, and only time counts in which the parent itself ran.
"""

from __future__ import annotations

import enum

from display_server.broker_link.silence import Silence

#: A child that did not beat for this time, s, is asked where it is, for the log.
SUSPECT_AFTER_S = 10.0
#: A child that did not beat for this time, s, is killed. A new broker is there well before gateways
#: disconnect all viewers (WITHOUT_BROKER_S).
HUNG_AFTER_S = 30.0
#: The same for a child that never did, s: it loads its code first.
HUNG_AT_START_AFTER_S = 120.0


class ChildState(enum.Enum):
    """What the parent believes of a child, from its beats alone."""

    STARTING = "starting"
    WORKING = "working"
    SUSPECTED = "suspected"
    HUNG = "hung"


class ChildWatch:
    """The beats of one process. All times are monotonic, in s. `patience` multiplies the limits."""

    def __init__(self, now_s: float, beats: int, patience: float = 1.0) -> None:
        self.state = ChildState.STARTING
        self.silent_s = 0.0
        self._silence = Silence(now_s)
        self._beats = beats
        self._patience = patience

    def look(self, now_s: float, beats: int) -> ChildState | None:
        """Takes the number that the child counts. Returns the state if it has changed."""
        before = self.state
        if beats != self._beats:
            self._beats = beats
            self._silence.heard(now_s)
            self.state = ChildState.WORKING
        self.silent_s = self._silence.look(now_s)
        limit_s = HUNG_AT_START_AFTER_S if self.state is ChildState.STARTING else HUNG_AFTER_S
        if self.state is not ChildState.HUNG and self.silent_s >= limit_s * self._patience:
            self.state = ChildState.HUNG
        elif self.state is ChildState.WORKING and self.silent_s >= SUSPECT_AFTER_S * self._patience:
            self.state = ChildState.SUSPECTED
        return None if self.state is before else self.state
