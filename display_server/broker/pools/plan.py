"""The reconciler's decision: what is to be started and ended so that a pool is as it ought to be. Pure.

pool, its desktops, allowed starts ─► plan() ─► Start(place) …, End(session, reason) …

A desktop of a floating pool belongs to nobody at first, is assigned to one person, and is ended. It is never
given to a second person: no action leads back, and what is refreshed is the place, by a new desktop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

#: How many desktops of a pool may be starting at the same time, those for people not counted.
STARTING_MAX = 2


class Reason(Enum):
    """Why a desktop that nobody has is ended."""

    OUTDATED = "outdated"  # it was started by another definition of the pool
    SURPLUS = "surplus"  # fewer desktops have to wait now
    MAINTENANCE = "maintenance"  # the operator took the pool out of service
    NO_POOL = "no-pool"  # the pool was removed from the configuration


@dataclass(frozen=True, slots=True)
class Member:
    """A desktop of a pool that exists."""

    session: str
    place: int  # from 1 to the pool's maximum; no two members have the same
    definition: str  # identifies the pool's definition at its start
    assigned: bool  # it belongs to a person
    starting: bool
    ending: bool  # it is over or being ended; its place is not free yet
    created_s: float


@dataclass(frozen=True, slots=True)
class Pool:
    """What a pool ought to be."""

    definition: str
    maximum: int
    spare: int
    maintenance: bool = False
    starts_allowed: int | None = None  # by the circuit breaker; None: no limit


@dataclass(frozen=True, slots=True)
class Start:
    """Start a desktop that nobody has yet."""

    place: int


@dataclass(frozen=True, slots=True)
class End:
    """End a desktop that nobody has."""

    session: str
    reason: Reason


def plan(pool: Pool | None, members: Sequence[Member]) -> list[Start | End]:
    """Returns what is to be done now. `pool` is None if it was removed. Assigned desktops are left alone."""
    waiting = sorted(
        (member for member in members if not member.assigned and not member.ending),
        key=lambda member: (member.starting, member.created_s),
    )
    if pool is None or pool.maintenance:
        reason = Reason.NO_POOL if pool is None else Reason.MAINTENANCE
        return [End(member.session, reason) for member in waiting]
    ends = [End(m.session, Reason.OUTDATED) for m in waiting if m.definition != pool.definition]
    current = [member for member in waiting if member.definition == pool.definition]
    ends += [End(member.session, Reason.SURPLUS) for member in current[pool.spare :]]
    starting = sum(member.starting for member in current)
    missing = min(
        pool.spare - len(current),
        pool.maximum - len(members),
        STARTING_MAX - starting,
        pool.maximum if pool.starts_allowed is None else pool.starts_allowed,
    )
    return [*ends, *(Start(place) for place in free_places(pool.maximum, members)[: max(0, missing)])]


def free_places(maximum: int, members: Sequence[Member]) -> list[int]:
    """Returns the places that no member has, the lowest first."""
    taken = {member.place for member in members}
    return [place for place in range(1, maximum + 1) if place not in taken]


def choose(pool: Pool, members: Sequence[Member]) -> Member | None:
    """Returns the desktop for the next person: one that is ready rather than starting, the oldest first.

    None if there is none that may be given to anybody.
    """
    free = [
        member
        for member in members
        if not member.assigned and not member.ending and member.definition == pool.definition
    ]
    if pool.maintenance or not free:
        return None
    return min(free, key=lambda member: (member.starting, member.created_s))
