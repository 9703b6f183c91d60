"""The ids of Unix users that belong to each person's desktop."""

from __future__ import annotations

from sqlalchemy import select

from display_server.broker.store import Store
from display_server.broker.tables import DesktopIds
from display_server.errors import DesktopError
from display_server.spawner.layout import IDS_PER_DESKTOP


class DesktopIdRanges:
    """Hands out ranges of host ids from `base` to below `base + count`.

    A range is never given to somebody else, also when the account is deleted: files with these owners may
    still exist.
    """

    def __init__(self, store: Store, base: int, count: int) -> None:
        self._store = store
        self._base = base
        self._count = count

    async def first_id(self, username: str, desktop: str) -> int:
        """Returns the first id of the range, always the same one. Raises DesktopError when none is left."""
        async with self._store.begin() as db:
            found = select(DesktopIds).where(DesktopIds.username == username, DesktopIds.desktop == desktop)
            row = (await db.execute(found)).scalar_one_or_none()
            if row is None:
                row = DesktopIds(username=username, desktop=desktop)
                db.add(row)
                await db.flush()  # which sets the id
            number = row.id - 1
        if (number + 1) * IDS_PER_DESKTOP > self._count:
            raise DesktopError(
                "There are no user ids left for another desktop.",
                next_step="The administrator has to raise `isolation.id_count` in the configuration.",
            )
        return self._base + number * IDS_PER_DESKTOP
