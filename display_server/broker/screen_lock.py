"""When the screen of a signed-in browser is locked, as a transition table. Pure: time is an argument.

    open ── warning due ──► warned ── lock due, device lost, ... ──► locked ── proved ──► open
      ▲ └──────────── lock due, device lost, requested, other badge ───▲
      └────── input ──────────┘

Only what a person does with keys, pointer or touch is input. Requests that a page repeats by itself, an open
viewer and a film on the desktop are none. Input never unlocks: that takes the password, or the
person's badge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

#: A web session whose lock is overdue by this time, s, counts as locked whatever the watch says: then the
#: watch, which locks on time, does not work.
OVERDUE_S = 15.0


class LockState(Enum):
    """The state of one browser's screen."""

    OPEN = "open"
    WARNED = "warned"  # the page counts down to the lock
    LOCKED = "locked"  # nothing is shown, and the API refuses, until the password is given


class LockReason(Enum):
    """Why a screen is locked. The values are stored, and the page has a text for each."""

    IDLE = "idle"  # there was no input for the configured time
    MOVED = "moved"  # another device displays the desktop, for the configured time already
    PERSON = "person"  # the person locked it
    EMERGENCY = "emergency"  # the emergency access to what it showed is over
    BADGE = "badge"  # somebody else held a badge to the reader


class LockEvent(Enum):
    """What can happen to a screen."""

    INPUT = "input"
    WARNING_DUE = "warning due"
    LOCK_DUE = "lock due"
    DEVICE_LOST = "device lost"
    REQUESTED = "requested"
    OTHER_BADGE = "other badge"
    EMERGENCY_OVER = "emergency over"
    PROVED = "proved"  # the person gave the password, or the badge


TABLE: Mapping[LockState, Mapping[LockEvent, LockState]] = {
    LockState.OPEN: {
        LockEvent.INPUT: LockState.OPEN,
        LockEvent.WARNING_DUE: LockState.WARNED,
        LockEvent.LOCK_DUE: LockState.LOCKED,
        LockEvent.DEVICE_LOST: LockState.LOCKED,
        LockEvent.REQUESTED: LockState.LOCKED,
        LockEvent.OTHER_BADGE: LockState.LOCKED,
        LockEvent.EMERGENCY_OVER: LockState.LOCKED,
        LockEvent.PROVED: LockState.OPEN,
    },
    LockState.WARNED: {
        LockEvent.INPUT: LockState.OPEN,
        LockEvent.WARNING_DUE: LockState.WARNED,
        LockEvent.LOCK_DUE: LockState.LOCKED,
        LockEvent.DEVICE_LOST: LockState.LOCKED,
        LockEvent.REQUESTED: LockState.LOCKED,
        LockEvent.OTHER_BADGE: LockState.LOCKED,
        LockEvent.EMERGENCY_OVER: LockState.LOCKED,
        LockEvent.PROVED: LockState.OPEN,
    },
    LockState.LOCKED: {
        LockEvent.INPUT: LockState.LOCKED,
        LockEvent.WARNING_DUE: LockState.LOCKED,
        LockEvent.LOCK_DUE: LockState.LOCKED,
        LockEvent.DEVICE_LOST: LockState.LOCKED,
        LockEvent.REQUESTED: LockState.LOCKED,
        LockEvent.OTHER_BADGE: LockState.LOCKED,
        LockEvent.EMERGENCY_OVER: LockState.LOCKED,
        LockEvent.PROVED: LockState.OPEN,
    },
}

#: The events that lock, and the reason that each leaves.
REASONS: Mapping[LockEvent, LockReason] = {
    LockEvent.LOCK_DUE: LockReason.IDLE,
    LockEvent.DEVICE_LOST: LockReason.MOVED,
    LockEvent.REQUESTED: LockReason.PERSON,
    LockEvent.OTHER_BADGE: LockReason.BADGE,
    LockEvent.EMERGENCY_OVER: LockReason.EMERGENCY,
}


@dataclass(frozen=True, slots=True)
class LockLimits:
    """The operator's limits (`[screen_lock]`). All are in seconds."""

    after_s: float = 600.0  # locks after this time without input
    warning_s: float = 60.0  # how long before that the page warns
    take_back_s: float = 60.0  # a device that lost the desktop is locked after this time
    blank_s: float = 10.0  # the page blanks the picture when the connection is lost for this time

    @property
    def warn_after_s(self) -> float:
        """The time without input after which the page warns."""
        return max(0.0, self.after_s - self.warning_s)


@dataclass(frozen=True, slots=True)
class ScreenLock:
    """What is known of the person at one browser. Times are wall-clock, in seconds since the epoch."""

    input_s: float  # the last input
    proved_s: float  # the last time when the password was given
    state: LockState = LockState.OPEN
    reason: LockReason | None = None  # None unless locked

    @property
    def locked(self) -> bool:
        return self.state is LockState.LOCKED

    def at(self, now_s: float, limits: LockLimits, *, overdue_s: float = 0.0) -> ScreenLock:
        """Returns the lock after what is due by time alone.

        With `overdue_s`, the lock is due only when it is late by so much.
        """
        idle_s = now_s - self.input_s
        if idle_s >= limits.after_s + overdue_s:
            return self.after(LockEvent.LOCK_DUE, now_s)
        if idle_s >= limits.warn_after_s:
            return self.after(LockEvent.WARNING_DUE, now_s)
        return self

    def after(self, event: LockEvent, at_s: float) -> ScreenLock:
        """Returns the lock after an event that happened at this time."""
        state = TABLE[self.state][event]
        if event is LockEvent.PROVED:
            return replace(self, state=state, reason=None, input_s=at_s, proved_s=at_s)
        if event is LockEvent.INPUT and not self.locked:
            return replace(self, state=state, input_s=max(self.input_s, at_s))
        if state is LockState.LOCKED and not self.locked:
            return replace(self, state=state, reason=REASONS[event])
        return replace(self, state=state)

    def remaining_s(self, now_s: float, limits: LockLimits) -> float:
        """Returns the seconds until the screen is locked; 0 when it is."""
        return 0.0 if self.locked else max(0.0, self.input_s + limits.after_s - now_s)

    def takes_back(self, lost_s: float, now_s: float, limits: LockLimits) -> bool:
        """Returns whether this browser may display a desktop again that it lost to another one at `lost_s`.

        It may while the person is likely to be there still, and once they gave their password since.
        """
        return self.proved_s > lost_s or now_s - lost_s < limits.take_back_s
