"""Desktop sessions: each one is the run of a desktop, for one person.

Opening a desktop joins the person's running session, or starts a new one. Desktops of floating pools are
started by `pools` for nobody yet, and assigned to a person later.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection

import structlog

from display_server.broker.adoption import compare
from display_server.broker.audit.actor import Actor
from display_server.broker.audit.entry import NOWHERE, Origin
from display_server.broker.change_signal import ChangeSignal
from display_server.broker.desktop_specs import DesktopSpecs
from display_server.broker.launchers.launcher import (
    ENDED_EARLY,
    LastingDesktop,
    LastingLauncher,
    Launcher,
    RunningDesktop,
)
from display_server.broker.live_session import LiveSession, PoolPlace
from display_server.broker.one_person import refuse_other_persons
from display_server.broker.session_records import SessionRecords
from display_server.broker.session_state import LIVE, EndedBy, SessionEvent, SessionState, next_state
from display_server.broker.storage_failures import StorageError
from display_server.broker.tables import Desktop
from display_server.desktop.spec import DesktopSpec
from display_server.desktop.video_settings import VideoSettings
from display_server.errors import DesktopError, LightboxError

log = structlog.get_logger(__name__)

#: A desktop that is not ready after this time counts as failed, s. A cold start takes about 4 s, and several
#: times as long on a loaded host.
START_TIMEOUT_S = 40.0
#: Error messages are cut to this length before they are stored, characters.
ERROR_MAX = 1000
#: How many ended sessions are remembered, so that a viewer that reconnects to one of them learns of its end.
ENDED_REMEMBERED = 1000
#: Told to the person after a fault of Lightbox, whose details are in the log.
UNEXPECTED = (
    "The desktop could not be started because of a fault in Lightbox. Try again. If it happens again, the "
    "administrator finds the details in the log of the server."
)


async def _everybody(_username: str, _desktop: str) -> bool:
    return True


def _may_not_start() -> DesktopError:
    return DesktopError(
        "This account may not start this desktop any more.", next_step="Ask your administrator."
    )


class Sessions:
    """All sessions of this server process, which `records` keeps.

    The desktops end together with the process unless `launcher` is a LastingLauncher: then the next process
    with the same records adopts them. `may_start` says whether a person may start a desktop at the moment.
    With `one_person`, nobody gets a desktop while another person has one. `now_s` returns wall-clock time, in
    seconds since the epoch.
    """

    def __init__(
        self,
        records: SessionRecords,
        launcher: Launcher,
        specs: DesktopSpecs,
        *,
        start_timeout_s: float = START_TIMEOUT_S,
        may_start: Callable[[str, str], Awaitable[bool]] = _everybody,
        one_person: bool = False,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._records = records
        self._launcher = launcher
        self.specs = specs
        self._start_timeout_s = start_timeout_s
        self.may_start = may_start
        self.one_person = one_person
        self._now_s = now_s
        self._live: dict[str, LiveSession] = {}  # by id
        self._of_person: dict[tuple[str, str], LiveSession] = {}  # by username and desktop name
        self._last_state: dict[tuple[str, str], SessionState] = {}
        self._ended: OrderedDict[str, EndedBy] = OrderedDict()  # by id, the latest last
        self._closing = False
        self.transitions: Counter[SessionState] = Counter()
        #: Called after each change of a session's state.
        self.observers: list[Callable[[LiveSession], None]] = []
        #: Emitted whenever the list of sessions, or anything about one of them, is different.
        self.changed = ChangeSignal()

    async def end_abandoned(self, running_instances: Collection[str]) -> None:
        """Records the sessions of all other instances than the running ones as ended.

        Called once at the start: the desktops of a process that was killed have ended with it.
        """
        for session_id in await self._records.end_abandoned(running_instances):
            self._remember_end(session_id, EndedBy.SERVER)  # viewers may reconnect to it

    async def adopt(self, *, host_restarted: bool = False) -> None:
        """Begins to follow the desktops that an earlier process with the same records has left running.

        Called once at the start. Desktops that the store does not know are ended, and sessions without a
        desktop are recorded as ended. As while a server runs, a disabled account keeps its desktops. Does
        nothing unless the launcher is a LastingLauncher. Raises DesktopError when the launcher cannot find
        out what runs, and StorageError.
        """
        launcher = self._launcher
        if not isinstance(launcher, LastingLauncher):
            return
        rows = {row.id: row for row in await self._records.live()}
        comparison = compare(rows.values(), await launcher.running())
        for spec in comparison.end:
            log.warning("desktop of no known session ended", session=spec.session, owner=spec.user)
            await launcher.remove(spec.session)
        ended_by = EndedBy.HOST if host_restarted else EndedBy.SERVER
        for row in comparison.record:
            log.warning("session without a desktop", session=row.id, username=row.username)
            self._remember_end(row.id, ended_by)
        await self._records.end_missing(comparison.record, ended_by)
        for spec in comparison.adopt:
            row = rows[spec.session]
            log.info("desktop found again", session=spec.session, owner=spec.user, desktop=spec.desktop)
            session = LiveSession(
                spec,
                username=row.username or None,
                created_s=row.created_s,
                place=PoolPlace(row.place, row.definition) if row.place is not None else None,
                adopted=True,
            )
            session.assigned_s = row.assigned_s
            self._begin(session, launcher.adopt)

    def use_for_new_desktops(self, *, locale: str, patience: float, video: VideoSettings) -> None:
        """Replaces these settings for the desktops that start from now on. Running ones keep theirs."""
        self.specs.locale, self.specs.patience, self.specs.video = locale, patience, video

    def live(self) -> list[LiveSession]:
        return list(self._live.values())

    def by_id(self, session_id: str) -> LiveSession | None:
        return self._live.get(session_id)

    def running(self, username: str, desktop: str) -> LiveSession | None:
        """Returns the session of this desktop unless it has ended or is about to."""
        session = self._of_person.get((username, desktop))
        return session if session is not None and not session.stopping else None

    def ended_by(self, session_id: str) -> EndedBy | None:
        """Returns what ended a session, or is about to. None while it runs, and if it is not known here."""
        session = self.by_id(session_id)
        if session is not None:
            return session.ended_by if session.stopping else None
        return self._ended.get(session_id)

    def state_of(self, username: str, desktop: str) -> SessionState | None:
        """Returns the state of the latest session, or None when this process has never started one."""
        session = self._of_person.get((username, desktop))
        if session is not None:
            return SessionState.ENDED if session.stopping and session.state in LIVE else session.state
        return self._last_state.get((username, desktop))

    def end(self, session: LiveSession, by: EndedBy, *, actor: Actor | None = None) -> None:
        """Begins to end a session; `session.stopped` is set when all of its processes have ended.

        Opening the desktop from now on waits for that, and starts a new session. Does nothing to a session
        that is ending already. `actor` is the operator or administrator who ends it.
        """
        if session.stopping:
            return
        session.stopping, session.ended_by, session.ended_for = True, by, actor
        log.info("session ending", **_names(session), by=by.value)
        self.changed.emit()
        # Cancelling a task before its first step would skip its clean-up, so the task is given that step.
        asyncio.get_running_loop().call_soon(session.cancel)

    async def restart_display(self, username: str, desktop: str) -> bool:
        """Ends the display agent of a desktop that does not answer. Returns whether such a desktop runs."""
        session = self.running(username, desktop)
        if session is None or session.running is None:
            return False
        await session.running.restart_display()
        return True

    async def open(self, username: str, desktop: Desktop, *, origin: Origin = NOWHERE) -> LiveSession:
        """Returns the person's session of a desktop without a pool once it is ready; starts it if needed.

        Raises DesktopError when the desktop does not start, StorageError when that cannot be recorded, and
        OnePersonError. Cancelling this call does not cancel the start, so that the next call finds the
        desktop further along.
        """
        session = await self.present(username, desktop.name)
        if session is None:  # nothing is awaited until the new one is known, so that a second click joins it
            session = self.start(self.specs.of_person(username, desktop), username, origin=origin)
        return await self.until_ready(session)

    async def present(self, username: str, desktop: str) -> LiveSession | None:
        """Returns the person's session of a desktop, or None once one that was ending has ended.

        Raises DesktopError if this process begins no more sessions, and OnePersonError.
        """
        while (session := self._of_person.get((username, desktop))) is not None and session.stopping:
            await session.stopped.wait()
        if session is None:
            if self._closing:
                raise DesktopError(
                    "Lightbox is shutting down.", next_step="Try again when it has been restarted."
                )
            if self.one_person:
                refuse_other_persons(username, (other.username for other in self.live() if other.username))
        return session

    async def until_ready(self, session: LiveSession) -> LiveSession:
        """Returns the session once its person can view it.

        Raises DesktopError when it failed or ended, and StorageError when its start could not be recorded.
        """
        await session.start_finished.wait()
        await session.assignment_finished.wait()
        if session.storage_error is not None:
            raise session.storage_error
        if session.over:
            raise DesktopError(session.error or ENDED_EARLY)
        return session

    def start(
        self,
        spec: DesktopSpec,
        username: str | None,
        place: PoolPlace | None = None,
        *,
        opened: bool = True,
        origin: Origin = NOWHERE,
    ) -> LiveSession:
        """Begins a new session. Without `username` it belongs to nobody yet.

        One that is not `opened` starts ahead of its person.
        """
        session = LiveSession(
            spec, username=username, created_s=self._now_s(), place=place, opened=opened, origin=origin
        )
        self._begin(session, self._launcher.start)
        return session

    async def open_started(self, session: LiveSession, *, origin: Origin = NOWHERE) -> None:
        """Lets a person open the desktop that was started ahead for them.

        Their other requests wait until the store knows it. Whatever prevents that ends the desktop. Raises
        StorageError.
        """
        if session.opened:
            return
        session.opened, session.origin = True, origin  # at once: the pool must not end it any more
        session.assigned_s = self._now_s()
        session.assignment_finished.clear()
        recorded = False
        try:
            await self._records.opened(session)
            recorded = True
        finally:
            if not recorded:
                self.end(session, EndedBy.SERVER)
            session.assignment_finished.set()
        self.changed.emit()

    async def assign(self, session: LiveSession, username: str, *, origin: Origin = NOWHERE) -> None:
        """Gives a desktop that belongs to nobody to a person, for as long as it exists.

        The person's other requests find it at once, and wait until the store knows it. Whatever prevents
        that ends the desktop, because it may be theirs already. Raises DesktopError and StorageError.
        """
        assert session.username is None
        session.username, session.opened, session.origin = username, True, origin
        session.assigned_s = self._now_s()
        self._of_person[username, session.spec.desktop] = session
        recorded = False
        try:
            if not await self.may_start(*_key(session)):
                raise _may_not_start()
            recorded = await self._records.assign(session)
            if not recorded:
                raise DesktopError(
                    "This desktop is not recorded as one that is free.", next_step="Open it again."
                )
        except LightboxError as error:
            session.error = error.in_one_line()[:ERROR_MAX]
            raise
        finally:
            if not recorded:
                self.end(session, EndedBy.SERVER)
            session.assignment_finished.set()
        log.info("desktop assigned", **_names(session))
        self.changed.emit()

    async def close(self, *, leave_running: bool = False) -> None:
        """Ends all desktops and waits until they have ended.

        With `leave_running`, desktops of a LastingLauncher that are ready, or that this process was about to
        adopt, go on instead, and the store keeps their sessions for the next process.
        """
        self._closing = True
        for session in self._live.values():
            lasts = session.adopted or session.state is SessionState.READY
            if leave_running and lasts and not session.stopping:
                session.left_running = isinstance(self._launcher, LastingLauncher)
            if session.left_running:
                asyncio.get_running_loop().call_soon(session.cancel)
            else:
                self.end(session, EndedBy.SERVER)
        tasks = [session.task for session in self._live.values() if session.task]
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(
        self,
        session: LiveSession,
        start: Callable[[DesktopSpec], Awaitable[RunningDesktop]],
    ) -> None:
        self._live[session.id] = session
        if session.username is not None:
            self._of_person[session.username, session.spec.desktop] = session
        session.task = asyncio.create_task(self._run(session, start), name=f"session {session.id}")
        self.changed.emit()

    async def _run(
        self, session: LiveSession, start: Callable[[DesktopSpec], Awaitable[RunningDesktop]]
    ) -> None:
        """Runs a session from its start to its end. Cancelling this task ends the desktop, or releases it."""
        running: RunningDesktop | None = None
        event, error = SessionEvent.ENDED, None
        try:
            if not session.adopted:
                await self._records.add(session)
            # Asked after the session is registered: a session of a person whose account is disabled or whose
            # entitlement is removed at this moment is either refused here, or found by whoever ends it.
            if not session.adopted and session.username and not await self.may_start(*_key(session)):
                raise _may_not_start()
            async with asyncio.timeout(self._start_timeout_s):
                running = await start(session.spec)
            session.running = running
            await self._transition(session, SessionEvent.STARTED)
            error = await running.wait()
            event = SessionEvent.FAILED if error else SessionEvent.ENDED
        except TimeoutError:
            event = SessionEvent.FAILED
            error = (
                f"The desktop was not ready within {self._start_timeout_s:g} s, perhaps because the host is "
                "busy. Try again. If it happens again, the administrator finds the reason in the log of this "
                "desktop."
            )
        except StorageError as failure:
            session.storage_error = failure
            event, error = SessionEvent.FAILED, failure.public_cause
        except LightboxError as failure:
            event, error = SessionEvent.FAILED, failure.in_one_line()
        except Exception:
            log.exception("session failed", session=session.id)
            event, error = SessionEvent.FAILED, UNEXPECTED
        finally:
            session.stopping = session.cleaning_up = True
            session.error = error[:ERROR_MAX] if error else session.error
            try:
                if session.left_running:
                    await self._release(session, running)
                else:
                    await self._stop(session, running)
                    await self._transition(session, event)
            finally:
                self._forget(session)

    def _forget(self, session: LiveSession) -> None:
        """Removes a session that is over, or left running, from what this process knows."""
        if session.username is not None:
            key = session.username, session.spec.desktop
            self._last_state[key] = session.state
            self._of_person.pop(key, None)
        self._remember_end(session.id, session.ended_by)
        self._live.pop(session.id, None)
        session.start_finished.set()
        session.stopped.set()
        self.changed.emit()

    async def _stop(self, session: LiveSession, running: RunningDesktop | None) -> None:
        """Ends what is left of the desktop of a session.

        What a launcher leaves behind that fails here, against its contract, is found as an orphan.
        """
        if running is not None:
            try:
                await running.stop()
            except Exception:
                log.exception("desktop not stopped", session=session.id)
        elif session.adopted and isinstance(self._launcher, LastingLauncher):
            try:
                await self._launcher.remove(session.id)
            except DesktopError as error:
                log.error("desktop not removed", session=session.id, error=str(error))

    async def _release(self, session: LiveSession, running: RunningDesktop | None) -> None:
        """Stops following a desktop that goes on."""
        if running is not None:
            assert isinstance(running, LastingDesktop)
            await running.release()
        log.info("desktop left running", **_names(session))

    def _remember_end(self, session_id: str, by: EndedBy) -> None:
        self._ended[session_id] = by
        if len(self._ended) > ENDED_REMEMBERED:
            self._ended.popitem(last=False)

    async def _transition(self, session: LiveSession, event: SessionEvent) -> None:
        session.state = next_state(session.state, event)
        self.transitions[session.state] += 1
        write_log = log.error if session.state is SessionState.FAILED else log.info
        write_log(f"session {session.state.value}", **_names(session), error=session.error)
        await self._records.change(session)
        session.start_finished.set()
        for observe in self.observers:
            observe(session)
        self.changed.emit()


def _key(session: LiveSession) -> tuple[str, str]:
    """Returns whose desktop it is, and its name."""
    assert session.username is not None
    return session.username, session.spec.desktop


def _names(session: LiveSession) -> dict[str, str | None]:
    """Returns what identifies a session in the log."""
    return {"session": session.id, "username": session.username, "desktop": session.spec.desktop}
