"""Recomposing a pool: its desktops change to another version of their image, canaries first. Pure.

        ┌───────────────────────── roll back ───────────────────────┐
        ▼                                                           │
     steady ──recompose──► canary ──enough of them work──► rolling ─┴─all desktops are of it──► steady
        ▲                    │                                ▲
        └────roll back────┐  └─too many fail─► stopped        └── recompose without canaries, or roll back
                          └─────────────────────┘

While a pool is in `canary`, a share of its desktops is of the new version. When they have worked for a while,
all desktops that start are of it; those that people have go on until they end, or until a deadline. When too
many canaries fail, nothing of the new version starts any more.
"""

from __future__ import annotations

import math
from enum import Enum

import msgspec

from display_server.errors import ConfigurationError

#: The version of a pool that was never recomposed.
DEFAULT_VERSION = "default"
#: How long the canaries have to work, all at the same time, before the others follow, s.
PROOF_S = 60.0
#: The text of an error is cut to this length, characters.
ERROR_MAX = 500


class Phase(Enum):
    STEADY = "steady"  # all desktops that start are of one version
    CANARY = "canary"  # a share of the desktops is of the new version
    ROLLING = "rolling"  # all desktops that start are of the new version, and some of the former are left
    STOPPED = "stopped"  # too many canaries failed; the former version is in use


class Event(Enum):
    RECOMPOSE = "recompose"  # with canaries
    RECOMPOSE_AT_ONCE = "recompose at once"
    PROVED = "proved"
    FAILED = "failed"
    REPLACED = "replaced"  # no desktop of the former version is left
    ROLL_BACK = "roll back"


TRANSITIONS: dict[tuple[Phase, Event], Phase] = {
    (Phase.CANARY, Event.PROVED): Phase.ROLLING,
    (Phase.CANARY, Event.FAILED): Phase.STOPPED,
    (Phase.ROLLING, Event.REPLACED): Phase.STEADY,
    (Phase.STEADY, Event.ROLL_BACK): Phase.ROLLING,
    (Phase.CANARY, Event.ROLL_BACK): Phase.ROLLING,
    (Phase.ROLLING, Event.ROLL_BACK): Phase.ROLLING,
    (Phase.STOPPED, Event.ROLL_BACK): Phase.ROLLING,
} | {
    (phase, event): target
    for phase in Phase
    for event, target in ((Event.RECOMPOSE, Phase.CANARY), (Event.RECOMPOSE_AT_ONCE, Phase.ROLLING))
}


class Rollout(msgspec.Struct, frozen=True):
    """The versions of one pool. Times are in seconds since the epoch. It is stored as JSON."""

    phase: Phase = Phase.STEADY
    version: str = DEFAULT_VERSION  # of the desktops that start, canaries excepted
    previous: str | None = None  # what a roll back returns to
    target: str | None = None  # the version of the canaries, also when they have failed
    percent: int = 100  # the share of the canaries
    failures: int = 0  # of canaries
    error: str | None = None  # the last of them, in words
    proved_from_s: float | None = None  # since when enough canaries work
    within_s: float | None = (
        None  # how long people may go on with the former version; None: until they end it
    )
    deadline_s: float | None = None  # when their desktops end

    def recompose(self, version: str, percent: int, within_s: float | None, now_s: float) -> Rollout:
        """Begins to change to another version. Raises ConfigurationError if it is the present one."""
        if version == self.version:
            raise ConfigurationError(
                f"Desktops that start are of the version {version!r} already.",
                hint="To end what runs of another version, end the desktops.",
            )
        if percent < 100:
            return Rollout(
                phase=TRANSITIONS[self.phase, Event.RECOMPOSE],
                version=self.version,
                previous=self.previous,
                target=version,
                percent=percent,
                within_s=within_s,
            )
        return self._roll(Event.RECOMPOSE_AT_ONCE, version, within_s, now_s)

    def roll_back(self, now_s: float) -> Rollout:
        """Returns to the version before, at once. People go on with what they have until it ends.

        Raises ConfigurationError if there is no such version.
        """
        if self.phase in (Phase.CANARY, Phase.STOPPED):  # only canaries are of the new version
            back = self._roll(Event.ROLL_BACK, self.version, None, now_s)
            return msgspec.structs.replace(back, previous=self.previous)
        if self.previous is None:
            raise ConfigurationError(
                "There is no version to return to: the pool was never recomposed.",
                hint="To change to any version, run `lightbox pools recompose NAME VERSION`.",
            )
        return self._roll(Event.ROLL_BACK, self.previous, None, now_s)

    def canaries(self, desktops: int) -> int:
        """Returns how many of this number of desktops ought to be canaries."""
        if self.phase is not Phase.CANARY:
            return 0
        return max(1, math.ceil(desktops * self.percent / 100))

    def failed(self, error: str, most: int) -> Rollout:
        """A canary did not start, or failed later. At `most` of them, it is over."""
        if self.phase is not Phase.CANARY:
            return self
        failures = self.failures + 1
        changed = msgspec.structs.replace(
            self, failures=failures, error=error[:ERROR_MAX], proved_from_s=None
        )
        if failures < most:
            return changed
        return msgspec.structs.replace(changed, phase=TRANSITIONS[self.phase, Event.FAILED])

    def observed(self, *, working: int, wanted: int, former: int, now_s: float) -> Rollout:
        """Takes note of how many canaries work, of `wanted`, and of the desktops of any other version."""
        if self.phase is Phase.CANARY and self.target is not None:
            if working < wanted:
                return msgspec.structs.replace(self, proved_from_s=None)
            if self.proved_from_s is None:
                return msgspec.structs.replace(self, proved_from_s=now_s)
            if now_s - self.proved_from_s >= PROOF_S:
                return self._roll(Event.PROVED, self.target, self.within_s, now_s)
        if self.phase is Phase.ROLLING and former == 0:
            phase = TRANSITIONS[self.phase, Event.REPLACED]
            return msgspec.structs.replace(self, phase=phase, deadline_s=None)
        return self

    def _roll(self, event: Event, version: str, within_s: float | None, now_s: float) -> Rollout:
        return Rollout(
            phase=TRANSITIONS[self.phase, event],
            version=version,
            previous=self.version,
            within_s=within_s,
            deadline_s=None if within_s is None else now_s + within_s,
        )
