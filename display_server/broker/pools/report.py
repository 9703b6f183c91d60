"""What an operator wants to know of a pool. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from display_server.broker.pools.breaker import Breaker
from display_server.broker.pools.plan import Member, Pool
from display_server.broker.pools.rollout import Rollout
from display_server.broker.pools.states import KeptState


@dataclass(frozen=True, slots=True)
class PoolReport:
    """A pool, and how many desktops it has."""

    name: str
    dedicated: bool
    maximum: int
    spare: int  # how many ought to wait now
    waiting: int  # ready, and opened by nobody
    starting: int  # opened by nobody yet
    assigned: int  # belong to people who have opened them
    ending: int
    canaries: int  # of the version that the pool changes to
    former: int  # of another definition than those that start now
    maintenance: bool
    breaker: Breaker
    rollout: Rollout


def report_of(
    name: str, pool: Pool, members: Sequence[Member], state: KeptState, *, dedicated: bool
) -> PoolReport:
    """Describes a pool."""
    alive = [member for member in members if not member.ending]
    free = [member for member in alive if not member.assigned]
    return PoolReport(
        name=name,
        dedicated=dedicated,
        maximum=pool.maximum,
        spare=pool.spare,
        waiting=sum(not member.starting for member in free),
        starting=sum(member.starting for member in free),
        assigned=sum(member.assigned for member in alive),
        ending=len(members) - len(alive),
        canaries=sum(pool.is_canary(member.definition) for member in alive),
        former=sum(not pool.accepts(member.definition) for member in alive),
        maintenance=state.maintenance,
        breaker=state.breaker,
        rollout=state.rollout,
    )
