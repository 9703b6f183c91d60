"""Orphans: desktops that run and that no session follows, and sessions that are recorded as live without one.

A start of the server compares both once (`adoption.py`). Afterwards there are orphans only if a launcher does
not keep its contract, or if somebody else starts and ends containers or changes the database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

import structlog

from display_server.broker.adoption import RecordedSession
from display_server.broker.launchers.launcher import LastingLauncher, Launcher
from display_server.broker.session_records import SessionRecords
from display_server.broker.session_state import EndedBy, SessionState
from display_server.broker.sessions import Sessions
from display_server.desktop.spec import DesktopSpec

log = structlog.get_logger(__name__)


class OrphanKind(Enum):
    DESKTOP = "desktop without a session"  # nobody can open it, and no limit ends it
    RECORD = "record without a session"  # the database takes it for one that runs
    SESSION = "session without a desktop"  # the launcher does not list what it said to have started


@dataclass(frozen=True, slots=True)
class Orphan:
    """One orphan. `owner` is the person or the place of a pool, empty if the record names nobody."""

    session: str
    kind: OrphanKind
    owner: str
    desktop: str


def find_orphans(
    records: Iterable[RecordedSession],
    running: Iterable[DesktopSpec] | None,
    followed: Iterable[DesktopSpec],
    ready: Collection[str],
) -> list[Orphan]:
    """Compares what the database, the launcher and the broker know. Pure.

    `running` is None if the launcher does not list its desktops. `followed` are those of sessions, of which
    the `ready` ones ought to run.
    """
    known = {spec.session: spec for spec in followed}
    found = [
        Orphan(record.id, OrphanKind.RECORD, record.username, record.desktop)
        for record in records
        if record.id not in known
    ]
    if running is None:
        return found
    desktops = {spec.session: spec for spec in running}
    found += [
        Orphan(session, OrphanKind.DESKTOP, spec.user, spec.desktop)
        for session, spec in desktops.items()
        if session not in known
    ]
    found += [
        Orphan(session, OrphanKind.SESSION, spec.user, spec.desktop)
        for session, spec in known.items()
        if session in ready and session not in desktops
    ]
    return found


class Orphans:
    """Finds and ends the orphans of a server."""

    def __init__(self, sessions: Sessions, records: SessionRecords, launcher: Launcher) -> None:
        self._sessions = sessions
        self._records = records
        self._launcher = launcher

    async def find(self) -> list[Orphan]:
        """Returns all orphans. Raises StorageError, and DesktopError when the launcher does not answer."""
        # What changes meanwhile is no orphan: it is looked at before and after the launcher and the store.
        before = {session.id for session in self._sessions.live()}
        running = await self._launcher.running() if isinstance(self._launcher, LastingLauncher) else None
        records = await self._records.live()
        live = self._sessions.live()
        after = {session.id for session in live}
        ready = {
            session.id
            for session in live
            if session.id in before and session.state is SessionState.READY and not session.stopping
        }
        gone = before - after
        return [
            orphan
            for orphan in find_orphans(records, running, [session.spec for session in live], ready)
            if orphan.session not in gone
        ]

    async def end(self, session: str) -> Orphan | None:
        """Ends an orphan, whatever kind it is. Returns None if there is no such orphan.

        Raises the same errors.
        """
        found = next((orphan for orphan in await self.find() if orphan.session == session), None)
        if found is None:
            return None
        log.warning("orphan ended", session=session, kind=found.kind.value, owner=found.owner)
        if found.kind is OrphanKind.DESKTOP and isinstance(self._launcher, LastingLauncher):
            await self._launcher.remove(session)
        elif found.kind is OrphanKind.RECORD:
            record = RecordedSession(session, found.owner, found.desktop, 0)
            await self._records.end_missing([record], EndedBy.OPERATOR)
        elif (live := self._sessions.by_id(session)) is not None:
            self._sessions.end(live, EndedBy.OPERATOR)
            await live.stopped.wait()
        return found
