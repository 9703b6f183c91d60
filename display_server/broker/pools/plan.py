"""The reconciler's decision: what is to be started and ended so that a pool is as it ought to be. Pure.

pool, its desktops, allowed starts ─► plan()          ─► Start(place) …, End(session, reason) …
released assignments, desktops     ─► plan_releases() ─► End(session, reason) …, Wipe(assignment) …

A desktop of a floating pool belongs to nobody at first, is assigned to one person, and is ended. It is never
given to a second person: no action leads back, and what is refreshed is the place, by a new desktop. A place
of a dedicated pool belongs to one person, and to nobody else before the home was wiped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from display_server.broker.pools.assignment_state import Assignment, AssignmentState

#: How many desktops of a pool may be starting at the same time, those for people not counted.
STARTING_MAX = 2
#: Pause before another attempt to wipe a home, s.
WIPE_RETRY_S = 60.0


#: The only host of today. The plan knows a list of them.
THIS_HOST = "local"


class Reason(Enum):
    """Why a desktop is ended. All but the last two apply only to desktops that nobody has opened."""

    OUTDATED = "outdated"  # it was started by another definition of the pool
    SURPLUS = "surplus"  # fewer desktops have to wait now
    MAINTENANCE = "maintenance"  # the operator took the pool out of service
    NO_POOL = "no-pool"  # the pool was removed from the configuration
    CANARY = "canary"  # one of a new version takes its place
    RECOMPOSED = "recomposed"  # the time for desktops of the former version is over
    RELEASED = "released"  # the administrator took the desktop from its person


@dataclass(frozen=True, slots=True)
class Member:
    """A desktop of a pool that exists."""

    session: str
    place: int  # from 1 to the pool's maximum; no two members have the same
    definition: str  # identifies the pool's definition at its start
    assigned: bool  # it belongs to a person who may have worked there
    starting: bool
    ending: bool  # it is over or being ended; its place is not free yet
    created_s: float
    host: str = THIS_HOST


@dataclass(frozen=True, slots=True)
class Canaries:
    """Desktops of the version that a pool changes to."""

    definition: str
    wanted: int  # how many there ought to be


@dataclass(frozen=True, slots=True)
class Pool:
    """What a pool ought to be."""

    definition: str
    maximum: int
    spare: int
    maintenance: bool = False
    starts_allowed: int | None = None  # by the circuit breaker; None: no limit
    canaries: Canaries | None = None
    ends_former: bool = False  # people's desktops of another definition end as well
    hosts: tuple[str, ...] = (THIS_HOST,)
    per_host: int | None = None  # the most desktops of the pool on each host; None: no limit

    def accepts(self, definition: str) -> bool:
        """Returns whether a desktop of this definition may be given to somebody."""
        return definition == self.definition or self.is_canary(definition)

    def is_canary(self, definition: str) -> bool:
        return self.canaries is not None and definition == self.canaries.definition


@dataclass(frozen=True, slots=True)
class Start:
    """Start a desktop that nobody has opened yet."""

    place: int
    canary: bool = False  # of the version that the pool changes to
    host: str = THIS_HOST


@dataclass(frozen=True, slots=True)
class End:
    """End a desktop."""

    session: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Wipe:
    """Delete the home of a released desktop, which has ended."""

    assignment: Assignment


def plan(
    pool: Pool | None, members: Sequence[Member], owned: Sequence[int] | None = None
) -> list[Start | End]:
    """Returns what is to be done now. `pool` is None if it was removed. Assigned desktops are left alone.

    `owned` are the places of a dedicated pool whose desktops may be started ahead of their people.
    """
    waiting = sorted(
        (member for member in members if not member.assigned and not member.ending),
        key=lambda member: (member.starting, member.created_s),
    )
    if pool is None or pool.maintenance:
        reason = Reason.NO_POOL if pool is None else Reason.MAINTENANCE
        return [End(member.session, reason) for member in waiting]
    ends = [End(m.session, Reason.OUTDATED) for m in waiting if not pool.accepts(m.definition)]
    if pool.ends_former:
        former = [m for m in members if m.assigned and not m.ending and not pool.accepts(m.definition)]
        ends += [End(member.session, Reason.RECOMPOSED) for member in former]
    current = [member for member in waiting if pool.accepts(member.definition)]
    canaries = sum(pool.is_canary(member.definition) for member in current)
    usual = [member for member in current if not pool.is_canary(member.definition)]
    kept = max(0, pool.spare - canaries)
    ends += [End(member.session, Reason.SURPLUS) for member in usual[kept:]]
    starts = _starts(pool, members, current, owned)
    if missing_canaries(pool, members) and pool.maximum <= len(members):
        ends += [End(member.session, Reason.CANARY) for member in usual[:kept][-1:]]
    return [*ends, *starts]


def _starts(
    pool: Pool, members: Sequence[Member], current: Sequence[Member], owned: Sequence[int] | None
) -> list[Start]:
    """Returns what to start; `current` are the desktops that wait already. Canaries come first."""
    limit = min(
        pool.maximum - len(members),
        STARTING_MAX - sum(member.starting for member in current),
        pool.maximum if pool.starts_allowed is None else pool.starts_allowed,
    )
    canaries = min(missing_canaries(pool, members), limit)
    total = max(canaries, min(pool.spare - len(current), limit))
    used = Counter(member.host for member in members)
    starts: list[Start] = []
    for place in free_places(pool.maximum if owned is None else owned, members)[: max(0, total)]:
        host = host_with_room(pool, used)
        if host is None:
            break
        used[host] += 1
        starts.append(Start(place, len(starts) < canaries, host))
    return starts


def missing_canaries(pool: Pool, members: Sequence[Member]) -> int:
    """Returns how many canaries ought to start."""
    if pool.canaries is None:
        return 0
    present = sum(pool.is_canary(member.definition) and not member.ending for member in members)
    return max(0, pool.canaries.wanted - present)


def host_with_room(pool: Pool, used: Mapping[str, int]) -> str | None:
    """Returns the host for the next desktop: the one with the fewest of this pool. None if all are full."""
    room = [host for host in pool.hosts if pool.per_host is None or used.get(host, 0) < pool.per_host]
    return min(room, key=lambda host: used.get(host, 0), default=None)


def plan_releases(
    assignments: Sequence[Assignment], running: Mapping[tuple[str, str], tuple[str, bool]], now_s: float
) -> list[End | Wipe]:
    """Returns what is to be done about released desktops.

    `running` has the desktops that exist, by username and desktop: the session, and whether it is ending.
    """
    actions: list[End | Wipe] = []
    for assignment in assignments:
        found = running.get((assignment.username, assignment.desktop))
        if assignment.state is AssignmentState.ASSIGNED:
            continue
        if found is not None:
            session, ending = found
            actions += [] if ending else [End(session, Reason.RELEASED)]
        elif assignment.state is AssignmentState.RELEASED or now_s >= assignment.changed_s + WIPE_RETRY_S:
            actions.append(Wipe(assignment))
    return actions


def free_places(places: int | Sequence[int], members: Sequence[Member]) -> list[int]:
    """Returns the places that no member has: of all up to a number, the lowest first, or of some."""
    taken = {member.place for member in members}
    candidates = range(1, places + 1) if isinstance(places, int) else places
    return [place for place in candidates if place not in taken]


def choose(pool: Pool, members: Sequence[Member]) -> Member | None:
    """Returns the desktop for the next person: one that is ready rather than starting, the oldest first.

    None if there is none that may be given to anybody.
    """
    free = [
        member
        for member in members
        if not member.assigned and not member.ending and pool.accepts(member.definition)
    ]
    if pool.maintenance or not free:
        return None
    return min(free, key=lambda member: (member.starting, member.created_s))
