"""A lease: of several processes with the same database, one at a time does a task."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import or_, update
from sqlalchemy.exc import IntegrityError

from display_server.broker.store import Store
from display_server.broker.tables import Lease

#: A lease that its owner does not renew ends after this time, s.
DURATION_S = 15.0


class TaskLease:
    """Tries to hold the lease `name` as `owner`. `now_s` returns seconds since the epoch.

    The clocks of all owners must agree within a few seconds; `lightbox doctor` looks at them.
    """

    def __init__(self, store: Store, name: str, owner: str, now_s: Callable[[], float]) -> None:
        self._store = store
        self._name = name
        self._owner = owner
        self._now_s = now_s

    async def hold(self) -> bool:
        """Takes or renews the lease. Returns whether this owner has it now, for DURATION_S.

        Raises StorageError.
        """
        now_s = self._now_s()
        async with self._store.begin() as db:
            renewed = await db.scalar(
                update(Lease)
                .where(Lease.name == self._name)
                .where(or_(Lease.owner == self._owner, Lease.expires_s <= now_s))
                .values(owner=self._owner, expires_s=now_s + DURATION_S)
                .returning(Lease.name)
            )
            if renewed is not None:
                return True
            known = await db.get(Lease, self._name)
        if known is not None:
            return False
        try:
            async with self._store.begin() as db:
                db.add(Lease(name=self._name, owner=self._owner, expires_s=now_s + DURATION_S))
        except IntegrityError:  # another process was quicker
            return False
        return True

    async def release(self) -> None:
        """Lets another process take the lease at once. Raises StorageError."""
        async with self._store.begin() as db:
            await db.execute(
                update(Lease)
                .where(Lease.name == self._name, Lease.owner == self._owner)
                .values(expires_s=self._now_s())
            )
