"""What the store knows of sessions. Rows are kept as records after the desktops have ended."""

from __future__ import annotations

from collections.abc import Callable, Collection

import structlog
from sqlalchemy import CursorResult, Executable, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from display_server.broker.adoption import RecordedSession
from display_server.broker.audit.actor import Actor
from display_server.broker.audit.append import append
from display_server.broker.audit.entry import Action, AuditEntry, Outcome, Role
from display_server.broker.audit.spool import EndDesktop
from display_server.broker.audit.trail import AuditTrail
from display_server.broker.live_session import LiveSession
from display_server.broker.session_state import LIVE, EndedBy, SessionState
from display_server.broker.storage_failures import StorageError
from display_server.broker.store import Store
from display_server.broker.tables import Session

log = structlog.get_logger(__name__)

#: Sessions whose desktop runs or is about to run.
_IS_LIVE = Session.state.in_([state.value for state in LIVE])
#: In which role a session is ended. Everything else ends it by itself.
_ROLES = {EndedBy.PERSON: Role.USER, EndedBy.SIGN_OUT: Role.USER}
#: The username of a desktop that belongs to nobody yet. No account has it.
NOBODY = ""


async def floating_desktops(store: Store, username: str) -> list[str]:
    """Returns the sessions in which a person has a desktop of a pool. Raises StorageError."""
    async with store.reading() as db:
        found = select(Session.id).where(_IS_LIVE, Session.username == username, Session.place.is_not(None))
        return list((await db.scalars(found)).all())


def _object(username: str | None, desktop: str) -> str:
    """Returns how the audit names a person's desktop."""
    return f"desktop:{username or NOBODY}/{desktop}"


class SessionRecords:
    """The sessions in the store of the server process `instance`, and their entries in the audit.

    `now_s` returns seconds since the epoch.
    """

    def __init__(
        self, store: Store, instance: str, now_s: Callable[[], float], audit: AuditTrail | None = None
    ) -> None:
        self._store = store
        self._audit = audit or AuditTrail(store, now_s=now_s)
        self._instance = instance
        self._now_s = now_s

    async def end_abandoned(self, running_instances: Collection[str]) -> list[str]:
        """Records the live sessions of all other instances than the running ones as ended. Returns their ids.

        Raises StorageError.
        """
        abandoned = (_IS_LIVE, Session.instance.not_in(running_instances))
        ended = {"state": SessionState.ENDED.value, "ended_by": EndedBy.SERVER.value}
        found = select(Session.id, Session.username, Session.desktop).where(*abandoned)
        async with self._store.begin() as db:
            rows = (await db.execute(found)).all()
            await db.execute(update(Session).where(*abandoned).values(**ended, changed_s=self._now_s()))
            for session_id, username, desktop in rows:
                if username != NOBODY:
                    await append(db, self._end_entry(session_id, username, desktop, EndedBy.SERVER))
        return [row[0] for row in rows]

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
                    assigned_s=row.assigned_s,
                )
                for row in (await db.scalars(found)).all()
            ]

    async def add(self, session: LiveSession) -> None:
        """Records a session that begins. Raises StorageError if it is one of a person."""
        statement = insert(Session).values(
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
        if session.username is None:  # nobody gets access yet
            await self._record(statement)
            return
        await self._audit.chain_spooled()
        async with self._store.begin() as db:
            await db.execute(statement)
            await append(db, self._opened(session))

    async def opened(self, session: LiveSession) -> None:
        """Records that a person opens a desktop that was started ahead for them. Raises StorageError."""
        await self._audit.record(self._opened(session))

    async def assign(self, session: LiveSession) -> bool:
        """Records that a desktop belongs to its person from now on.

        Returns False, and changes nothing, unless the store knows the desktop as one that runs and belongs to
        nobody. Raises StorageError.
        """
        await self._audit.chain_spooled()
        async with self._store.begin() as db:
            result = await db.execute(
                update(Session)
                .where(Session.id == session.id, Session.username == NOBODY, _IS_LIVE)
                .values(username=session.username, assigned_s=self._now_s())
            )
            assert isinstance(result, CursorResult)
            if result.rowcount == 1:
                await append(db, self._opened(session))
            return result.rowcount == 1

    async def change(self, session: LiveSession) -> None:
        """Records the present state of a session. Its end is recorded later if the store fails."""
        now_s = self._now_s()
        if session.state not in LIVE and session.username is not None:
            entry = self._end_entry(
                session.id,
                session.username,
                session.spec.desktop,
                session.ended_by,
                session.ended_for,
                session.error,
            )
            effect = EndDesktop(session.id, session.state.value, session.ended_by.value, now_s, session.error)
            await self._audit.close(entry, effect)
            return
        ended_by = None if session.state in LIVE else session.ended_by.value
        await self._record(
            update(Session)
            .where(Session.id == session.id)
            .values(state=session.state.value, error=session.error, ended_by=ended_by, changed_s=now_s)
        )

    async def end_missing(self, sessions: Collection[RecordedSession], ended_by: EndedBy) -> None:
        """Records sessions as ended whose desktops were not found."""
        for row in sessions:
            effect = EndDesktop(row.id, SessionState.ENDED.value, ended_by.value, self._now_s())
            entry = self._end_entry(row.id, row.username, row.desktop, ended_by)
            await self._audit.close(entry, effect)

    def _opened(self, session: LiveSession) -> AuditEntry:
        return AuditEntry(
            self._now_s(),
            Action.DESKTOP_OPENED,
            account=session.username,
            role=Role.USER if session.opened else Role.SERVER,
            address=session.origin.address,
            device=session.origin.device,
            object=_object(session.username, session.spec.desktop),
            reason=f"session {session.id}" + ("" if session.opened else ", started ahead"),
        )

    def _end_entry(
        self,
        session_id: str,
        username: str,
        desktop: str,
        by: EndedBy,
        actor: Actor | None = None,
        error: str | None = None,
    ) -> AuditEntry:
        return AuditEntry(
            self._now_s(),
            Action.DESKTOP_ENDED,
            Outcome.FAILED if error else Outcome.DONE,
            account=actor.name if actor else username,
            role=actor.role if actor else _ROLES.get(by, Role.SERVER),
            address=actor.address if actor else None,
            device=actor.device if actor else None,
            object=_object(username, desktop),
            reason=f"session {session_id}, ended by: {by.value}" + (f", {error}" if error else ""),
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
