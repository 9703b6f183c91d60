"""The circuit breaker of a pool: a pool whose desktops fail again and again is restrained. Pure.

normal ──enough failures──► restrained ──time of a probe──► probing ──started──► normal
                               ▲                             └─────failed──┐
                               └───────────── twice the pause ─────────────┘

A restrained pool starts nothing but one desktop as a probe, after a pause that doubles with each failure.
"""

from __future__ import annotations

from enum import Enum

import msgspec

#: Pause before the first probe, s.
PAUSE_S = 30.0
#: Longest pause before a probe, s.
PAUSE_MAX_S = 15 * 60.0
#: The text of an error is cut to this length, characters.
ERROR_MAX = 500


class BreakerState(Enum):
    NORMAL = "normal"  # desktops may start
    RESTRAINED = "restrained"  # none may start before the time of the next probe
    PROBING = "probing"  # one desktop is being started as a probe


class Breaker(msgspec.Struct, frozen=True):
    """The state of one pool. Times are in seconds since the epoch. It is stored as JSON."""

    state: BreakerState = BreakerState.NORMAL
    failures_s: tuple[float, ...] = ()  # the times of failures that still count
    since_s: float | None = None  # since when the pool is restrained
    probe_s: float | None = None  # when the next probe may start
    pause_s: float = PAUSE_S
    error: str | None = None  # the last failure, in words

    def failed(self, now_s: float, error: str, *, most: int, within_s: float) -> Breaker:
        """A desktop did not start, or failed later. The pool is restrained after `most` within `within_s`."""
        counted = (*(at_s for at_s in self.failures_s if now_s - within_s < at_s <= now_s), now_s)[-most:]
        changed = msgspec.structs.replace(self, failures_s=counted, error=error[:ERROR_MAX])
        if self.state is BreakerState.PROBING:
            pause_s = min(2 * self.pause_s, PAUSE_MAX_S)
        elif self.state is BreakerState.NORMAL and len(counted) >= most:
            pause_s = PAUSE_S
        else:  # it still works often enough, or the failure belongs to an earlier start
            return changed
        return msgspec.structs.replace(
            changed,
            state=BreakerState.RESTRAINED,
            since_s=now_s if self.since_s is None else self.since_s,
            probe_s=now_s + pause_s,
            pause_s=pause_s,
        )

    def started(self) -> Breaker:
        """A desktop has become ready. A probe that does so ends the restraint."""
        return Breaker() if self.state is BreakerState.PROBING else self

    def starts_allowed(self, now_s: float) -> int | None:
        """Returns how many desktops may be started now; None if the breaker sets no limit."""
        if self.state is BreakerState.NORMAL:
            return None
        return 1 if self.state is BreakerState.RESTRAINED and now_s >= (self.probe_s or 0) else 0

    def probing(self) -> Breaker:
        """The probe is being started."""
        return msgspec.structs.replace(self, state=BreakerState.PROBING, probe_s=None)

    def abandoned(self, now_s: float) -> Breaker:
        """The process that started the probe has ended, or the probe was ended early: another one is due."""
        if self.state is not BreakerState.PROBING:
            return self
        return msgspec.structs.replace(self, state=BreakerState.RESTRAINED, probe_s=now_s)
