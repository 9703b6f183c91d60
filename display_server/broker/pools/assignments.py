"""Whose the desktops of dedicated pools are, in the store."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.actor import Actor
from display_server.broker.audit.append import append
from display_server.broker.audit.entry import Action, AuditEntry, Outcome, Role
from display_server.broker.pools.assignment_state import (
    Assignment,
    AssignmentEvent,
    AssignmentState,
    next_state,
)
from display_server.broker.pools.errors import pool_full, pool_released
from display_server.broker.store import Store
from display_server.broker.tables import PoolAssignment
from display_server.errors import ConfigurationError

#: The reason why a home could not be wiped is cut to this length, characters.
ERROR_MAX = 1000


class Assignments:
    """The assignments in the store. `now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(self, store: Store, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now_s = now_s

    async def of_desktop(self, desktop: str) -> list[Assignment]:
        """Returns the assignments of a pool by place. Raises StorageError."""
        async with self._store.reading() as db:
            rows = await db.scalars(
                select(PoolAssignment).where(PoolAssignment.desktop == desktop).order_by(PoolAssignment.place)
            )
            return [_assignment(row) for row in rows]

    async def released(self) -> list[Assignment]:
        """Returns those of all pools that were released and are not wiped yet. Raises StorageError."""
        async with self._store.reading() as db:
            rows = await db.scalars(
                select(PoolAssignment)
                .where(PoolAssignment.state != AssignmentState.ASSIGNED.value)
                .order_by(PoolAssignment.changed_s)
            )
            return [_assignment(row) for row in rows]

    async def assign(self, desktop: str, username: str, maximum: int, actor: Actor) -> Assignment:
        """Returns the assignment of a person, who gets the lowest free place if they have none.

        Raises PoolError if no place is free, or if the person's home is yet to be wiped; and StorageError.
        """
        async with self._store.begin() as db:
            row = await _find(db, desktop, username)
            if row is None:
                taken = set(
                    await db.scalars(select(PoolAssignment.place).where(PoolAssignment.desktop == desktop))
                )
                place = next((place for place in range(1, maximum + 1) if place not in taken), None)
                if place is None:
                    raise pool_full()
                now_s = self._now_s()
                row = PoolAssignment(
                    desktop=desktop,
                    place=place,
                    username=username,
                    state=AssignmentState.ASSIGNED.value,
                    assigned_s=now_s,
                    changed_s=now_s,
                )
                db.add(row)
                await db.flush()
                await self._record(db, Action.DESKTOP_ASSIGNED, row, actor)
            elif row.state != AssignmentState.ASSIGNED.value:
                raise pool_released()
            return _assignment(row)

    async def release(self, desktop: str, username: str, actor: Actor) -> Assignment:
        """Takes a desktop from its person. Raises ConfigurationError if they have none, and StorageError."""
        async with self._store.begin() as db:
            row = await _find(db, desktop, username)
            if row is None:
                raise ConfigurationError(
                    f"No desktop of the pool {desktop!r} is assigned to {username!r}.",
                    hint=f"To see whose they are, run `lightbox pools places {desktop}`.",
                )
            self._move(row, AssignmentEvent.RELEASE)
            row.error = None
            await self._record(db, Action.DESKTOP_RELEASED, row, actor)
            return _assignment(row)

    async def wiped(self, assignment: Assignment) -> None:
        """Records that a home was wiped: the place is free. Raises StorageError."""
        async with self._store.begin() as db:
            row = await _find(db, assignment.desktop, assignment.username)
            if row is not None and next_state(AssignmentState(row.state), AssignmentEvent.WIPED) is None:
                await db.delete(row)
                await self._record(db, Action.HOME_WIPED, row)

    async def not_wiped(self, assignment: Assignment, error: str) -> None:
        """Records why a home could not be wiped. Raises StorageError."""
        async with self._store.begin() as db:
            row = await _find(db, assignment.desktop, assignment.username)
            if row is not None:
                known = row.error == error[:ERROR_MAX]
                self._move(row, AssignmentEvent.WIPE_FAILED)
                row.error = error[:ERROR_MAX]
                if not known:  # the same failure each minute would fill the audit
                    await self._record(db, Action.HOME_WIPED, row, error=error)

    def _move(self, row: PoolAssignment, event: AssignmentEvent) -> None:
        state = next_state(AssignmentState(row.state), event)
        assert state is not None  # only WIPED ends an assignment
        row.state, row.changed_s = state.value, self._now_s()

    async def _record(
        self,
        db: AsyncSession,
        action: Action,
        row: PoolAssignment,
        actor: Actor | None = None,
        error: str | None = None,
    ) -> None:
        """Appends the entry of a change. Without `actor`, Lightbox acted by itself."""
        entry = AuditEntry(
            self._now_s(),
            action,
            Outcome.FAILED if error else Outcome.DONE,
            account=actor.name if actor else row.username,
            role=actor.role if actor else Role.SERVER,
            address=actor.address if actor else None,
            device=actor.device if actor else None,
            object=f"desktop:{row.username}/{row.desktop}",
            reason=f"place {row.place}" + (f", {error}" if error else ""),
        )
        await append(db, entry)


async def _find(db: AsyncSession, desktop: str, username: str) -> PoolAssignment | None:
    found = select(PoolAssignment).where(
        PoolAssignment.desktop == desktop, PoolAssignment.username == username
    )
    return (await db.scalars(found)).one_or_none()


def _assignment(row: PoolAssignment) -> Assignment:
    return Assignment(
        desktop=row.desktop,
        place=row.place,
        username=row.username,
        state=AssignmentState(row.state),
        error=row.error,
        assigned_s=row.assigned_s,
        changed_s=row.changed_s,
    )
