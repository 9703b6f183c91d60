"""How many desktops of each kind were in use at the same time, by hour.

The record of sessions has when each began to belong to a person and when it ended. So the peak of each hour
is computed exactly from rows that exist in any case, instead of from samples, which would cost a write every
minute and miss what lies between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from display_server.broker.session_state import LIVE
from display_server.broker.store import Store
from display_server.broker.tables import Session

HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Use:
    """The time in which one desktop belonged to a person, in seconds since the epoch."""

    desktop: str
    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The most desktops in use at a time, in the hour that begins at `hour_s`."""

    hour_s: int
    desktop: str
    peak: int


def peaks(uses: Iterable[Use], from_s: float, until_s: float) -> list[Peak]:
    """Returns the peaks by hour and desktop. Pure. Hours in which a desktop was not in use are missing."""
    changes: dict[str, list[tuple[float, int]]] = {}
    for use in uses:
        begin, end = max(use.from_s, from_s), min(use.until_s, until_s)
        if begin < end:
            changes.setdefault(use.desktop, []).extend(((begin, 1), (end, -1)))
    found: dict[tuple[int, str], int] = {}
    for desktop, events in changes.items():
        in_use, since_s = 0, from_s
        for at_s, change in sorted(events):  # at the same time, ends come before beginnings
            if in_use:
                for hour_s in _hours(since_s, at_s):
                    found[hour_s, desktop] = max(found.get((hour_s, desktop), 0), in_use)
            in_use, since_s = in_use + change, at_s
    return [Peak(hour_s, desktop, peak) for (hour_s, desktop), peak in sorted(found.items())]


async def read_uses(store: Store, from_s: float, now_s: float) -> list[Use]:
    """Reads the times of use since a time from the record of sessions, in one statement."""
    live = Session.state.in_([state.value for state in LIVE])
    query = select(
        Session.desktop, func.coalesce(Session.assigned_s, Session.created_s), Session.changed_s, live
    ).where(Session.username != "", or_(live, Session.changed_s >= from_s))
    async with store.reading() as db:
        return [
            Use(desktop, begin_s, now_s if runs else end_s)
            for desktop, begin_s, end_s, runs in await db.execute(query)
        ]


def _hours(from_s: float, until_s: float) -> range:
    """Returns the beginnings of the hours that a time touches."""
    first = int(from_s // HOUR_S) * HOUR_S
    last = int(until_s // HOUR_S) * HOUR_S
    return range(first, last + (HOUR_S if until_s > last else 0), HOUR_S)
