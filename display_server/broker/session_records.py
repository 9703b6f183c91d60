"""What the store knows of sessions. Rows are kept as records after the desktops have ended."""

from __future__ import annotations

from collections.abc import Callable, Collection

import structlog
from sqlalchemy import CursorResult, Executable, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from display_server.broker.adoption import RecordedSession
from display_server.broker.live_session import LiveSession
from display_server.broker.session_state import LIVE, EndedBy, SessionState
from display_server.broker.storage_failures import StorageError
from display_server.broker.store import Store
from display_server.broker.tables import Session

log = structlog.get_logger(__name__)

#: Sessions whose desktop runs or is about to run.
_IS_LIVE = Session.state.in_([state.value for state in LIVE])
#: The username of a desktop that belongs to nobody yet. No account has it.
NOBODY = ""


async def floating_desktops(store: Store, username: str) -> list[str]:
    """Returns the sessions in which a person has a desktop of a floating pool. Raises StorageError."""
    async with store.reading() as db:
        found = select(Session.id).where(_IS_LIVE, Session.username == username, Session.place.is_not(None))
        return list((await db.scalars(found)).all())


class SessionRecords:
    """The sessions in the store of the server process `instance`. `now_s` returns seconds since the epoch."""

    def __init__(self, store: Store, instance: str, now_s: Callable[[], float]) -> None:
        self._store = store
        self._instance = instance
        self._now_s = now_s

    async def end_abandoned(self, running_instances: Collection[str]) -> list[str]:
        """Records the live sessions of all other instances than the running ones as ended. Returns their ids.

        Raises StorageError.
        """
        abandoned = (_IS_LIVE, Session.instance.not_in(running_instances))
        ended = {"state": SessionState.ENDED.value, "ended_by": EndedBy.SERVER.value}
        async with self._store.begin() as db:
            ids = list((await db.scalars(select(Session.id).where(*abandoned))).all())
            await db.execute(update(Session).where(*abandoned).values(**ended, changed_s=self._now_s()))
        return ids

    async def live(self) -> list[RecordedSession]:
        """Returns the sessions that ought to run. Raises StorageError."""
        async with self._store.reading() as db:
            found = select(Session).where(_IS_LIVE, Session.instance == self._instance)
            return [
                RecordedSession(
                    id=row.id,
                    username=row.username,
                    desktop=row.desktop,
                    created_s=row.created_s,
                    place=row.place,
                    definition=row.definition,
                )
                for row in (await db.scalars(found)).all()
            ]

    async def add(self, session: LiveSession) -> None:
        """Records a session that begins."""
        await self._record(
            insert(Session).values(
                id=session.id,
                username=session.username or NOBODY,
                desktop=session.spec.desktop,
                instance=self._instance,
                state=session.state.value,
                place=session.place.number if session.place else None,
                definition=session.place.definition if session.place else "",
                created_s=session.created_s,
                changed_s=session.created_s,
            )
        )

    async def assign(self, session_id: str, username: str) -> bool:
        """Records that a desktop belongs to this person from now on.

        Returns False, and changes nothing, unless the store knows the desktop as one that runs and belongs to
        nobody. Raises StorageError.
        """
        async with self._store.begin() as db:
            result = await db.execute(
                update(Session)
                .where(Session.id == session_id, Session.username == NOBODY, _IS_LIVE)
                .values(username=username, assigned_s=self._now_s())
            )
            assert isinstance(result, CursorResult)
            return result.rowcount == 1

    async def change(self, session: LiveSession) -> None:
        """Records the present state of a session."""
        ended_by = None if session.state in LIVE else session.ended_by.value
        await self._record(
            update(Session)
            .where(Session.id == session.id)
            .values(
                state=session.state.value, error=session.error, ended_by=ended_by, changed_s=self._now_s()
            )
        )

    async def end_missing(self, session_ids: Collection[str], ended_by: EndedBy) -> None:
        """Records sessions as ended whose desktops were not found."""
        await self._record(
            update(Session)
            .where(Session.id.in_(session_ids))
            .values(state=SessionState.ENDED.value, ended_by=ended_by.value, changed_s=self._now_s())
        )

    async def _record(self, statement: Executable) -> None:
        """Writes to the store. A failure, such as a full disk, is logged and does not affect the desktop."""
        try:
            async with self._store.begin() as db:
                await db.execute(statement)
        except StorageError:
            log.warning("session not recorded")  # the store has logged why
        except SQLAlchemyError as error:
            log.error("session not recorded", error=str(getattr(error, "orig", error)))
