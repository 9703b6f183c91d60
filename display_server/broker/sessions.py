"""Desktop sessions: each one is the run of a desktop for one person.

Opening a desktop joins the person's running session, or starts a new one.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection

import msgspec
import structlog
from sqlalchemy import Executable, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from display_server.broker.adoption import RecordedSession, compare
from display_server.broker.folders import DesktopFolders
from display_server.broker.launchers.launcher import (
    ENDED_EARLY,
    LastingDesktop,
    LastingLauncher,
    Launcher,
    RunningDesktop,
)
from display_server.broker.one_person import refuse_other_persons
from display_server.broker.session_state import LIVE, EndedBy, SessionEvent, SessionState, next_state
from display_server.broker.storage_failures import StorageError
from display_server.broker.store import Store
from display_server.broker.tables import Desktop, Session
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.spec import DesktopSpec
from display_server.desktop.video_settings import VideoSettings, known_policy
from display_server.errors import DesktopError, LightboxError

log = structlog.get_logger(__name__)

#: A desktop that is not ready after this time counts as failed, s. A cold start takes about 4 s, and several
#: times as long on a loaded host.
START_TIMEOUT_S = 40.0
#: Characters of session ids, which appear in folder names and logs. There are no vowels, so that no words
#: arise, and no characters that are easily confused, such as l and 1.
ID_CHARACTERS = "bcdfghjkmnpqrstvwxz23456789"
#: Length of session ids, characters.
ID_LENGTH = 10
#: Error messages are cut to this length before they are stored, characters.
ERROR_MAX = 1000
#: How many ended sessions are remembered, so that a viewer that reconnects to one of them learns of its end.
ENDED_REMEMBERED = 1000
#: Told to the person after a fault of Lightbox, whose details are in the log.
UNEXPECTED = (
    "The desktop could not be started because of a fault in Lightbox. Try again. If it happens again, the "
    "administrator finds the details in the log of the server."
)


class LiveSession:
    """A session that is starting or ready. `state` changes only as the table in `session_state` allows."""

    def __init__(self, spec: DesktopSpec, *, adopted: bool = False) -> None:
        self.spec = spec
        self.adopted = adopted  # an earlier server process has started the desktop
        self.left_running = False  # this process ends, and the desktop goes on
        self.state = SessionState.STARTING
        self.error: str | None = None
        self.start_finished = asyncio.Event()  # set when the session is no longer STARTING
        self.stopping = False  # the desktop is over or being ended, and its remains are being removed
        self.ended_by = EndedBy.ITSELF  # applies once the session is stopping
        self.cleaning_up = False  # `task` has reached its last part, which must not be interrupted
        self.stopped = asyncio.Event()  # set when the remains have been removed
        self.task: asyncio.Task[None] | None = None
        self.running: RunningDesktop | None = None

    @property
    def id(self) -> str:
        return self.spec.session

    def cancel(self) -> None:
        """Interrupts the task that runs the session, unless it is cleaning up already."""
        if self.task is not None and not self.cleaning_up:
            self.task.cancel()


#: Sessions whose desktop runs or is about to run, as rows of the database.
_IS_LIVE = Session.state.in_([state.value for state in LIVE])


async def _everybody(_username: str) -> bool:
    return True


class Sessions:
    """All sessions of this server process.

    The store records them under the name `instance`. The desktops end together with the process unless
    `launcher` is a LastingLauncher: then the next process with the same `instance` adopts them. `may_start`
    says whether a person may start desktops at the moment. With `one_person`, nobody gets a desktop while
    another person has one. `now_s` returns wall-clock time, in seconds since the epoch.
    """

    def __init__(
        self,
        store: Store,
        launcher: Launcher,
        folders: DesktopFolders,
        *,
        instance: str,
        locale: str = "ko_KR.UTF-8",
        patience: float = 1.0,
        video: VideoSettings = VideoSettings(),  # noqa: B008 - frozen
        start_timeout_s: float = START_TIMEOUT_S,
        may_start: Callable[[str], Awaitable[bool]] = _everybody,
        one_person: bool = False,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._launcher = launcher
        self._folders = folders
        self._instance = instance
        self._locale = locale
        self._patience = patience
        self._video = video
        self._start_timeout_s = start_timeout_s
        self._may_start = may_start
        self._one_person = one_person
        self._now_s = now_s
        self._live: dict[tuple[str, str], LiveSession] = {}  # by username and desktop name
        self._last_state: dict[tuple[str, str], SessionState] = {}
        self._ended: OrderedDict[str, EndedBy] = OrderedDict()  # by id, the latest last
        self._closing = False
        self.transitions: Counter[SessionState] = Counter()

    async def end_abandoned(self, running_instances: Collection[str]) -> None:
        """Records the sessions of all other instances than the running ones as ended.

        Called once at the start: the desktops of a process that was killed have ended with it.
        """
        abandoned = (_IS_LIVE, Session.instance.not_in(running_instances))
        async with self._store.begin() as db:
            for session_id in (await db.scalars(select(Session.id).where(*abandoned))).all():
                self._remember_end(session_id, EndedBy.SERVER)  # viewers may reconnect to it
            await db.execute(
                update(Session)
                .where(*abandoned)
                .values(
                    state=SessionState.ENDED.value, ended_by=EndedBy.SERVER.value, changed_s=self._now_s()
                )
            )

    async def adopt(self, *, host_restarted: bool = False) -> None:
        """Begins to follow the desktops that an earlier process with the same `instance` has left running.

        Called once at the start. Desktops that the store does not know are ended, and sessions without a
        desktop are recorded as ended. As while a server runs, a disabled account keeps its desktops. Does
        nothing unless the launcher is a LastingLauncher. Raises DesktopError when the launcher cannot find
        out what runs, and StorageError.
        """
        launcher = self._launcher
        if not isinstance(launcher, LastingLauncher):
            return
        async with self._store.begin() as db:
            found = select(Session).where(_IS_LIVE, Session.instance == self._instance)
            rows = [
                RecordedSession(row.id, row.username, row.desktop, row.created_s)
                for row in (await db.execute(found)).scalars()
            ]
        comparison = compare(rows, await launcher.running())
        for spec in comparison.end:
            log.warning("desktop of no known session ended", session=spec.session, username=spec.user)
            await launcher.remove(spec.session)
        ended_by = EndedBy.HOST if host_restarted else EndedBy.SERVER
        for row in comparison.record:
            log.warning("session without a desktop", session=row.id, username=row.username)
            self._remember_end(row.id, ended_by)
        await self._record(
            update(Session)
            .where(Session.id.in_([row.id for row in comparison.record]))
            .values(state=SessionState.ENDED.value, ended_by=ended_by.value, changed_s=self._now_s())
        )
        for spec in comparison.adopt:
            log.info("desktop found again", session=spec.session, username=spec.user, desktop=spec.desktop)
            self._begin(LiveSession(spec, adopted=True), launcher.adopt)

    def use_for_new_desktops(self, *, locale: str, patience: float, video: VideoSettings) -> None:
        """Replaces these settings for the desktops that start from now on. Running ones keep theirs."""
        self._locale, self._patience, self._video = locale, patience, video

    def live(self) -> list[LiveSession]:
        return list(self._live.values())

    def by_id(self, session_id: str) -> LiveSession | None:
        return next((session for session in self._live.values() if session.id == session_id), None)

    def running(self, username: str, desktop: str) -> LiveSession | None:
        """Returns the session of this desktop unless it has ended or is about to."""
        session = self._live.get((username, desktop))
        return session if session is not None and not session.stopping else None

    def ended_by(self, session_id: str) -> EndedBy | None:
        """Returns what ended a session, or is about to. None while it runs, and if it is not known here."""
        session = self.by_id(session_id)
        if session is not None:
            return session.ended_by if session.stopping else None
        return self._ended.get(session_id)

    def state_of(self, username: str, desktop: str) -> SessionState | None:
        """Returns the state of the latest session, or None when this process has never started one."""
        session = self._live.get((username, desktop))
        if session is not None:
            return SessionState.ENDED if session.stopping and session.state in LIVE else session.state
        return self._last_state.get((username, desktop))

    def end(self, session: LiveSession, by: EndedBy) -> None:
        """Begins to end a session; `session.stopped` is set when all of its processes have ended.

        Opening the desktop from now on waits for that, and starts a new session. Does nothing to a session
        that is ending already.
        """
        if session.stopping:
            return
        session.stopping, session.ended_by = True, by
        log.info(
            "session ending",
            session=session.id,
            username=session.spec.user,
            desktop=session.spec.desktop,
            by=by.value,
        )
        # Cancelling a task before its first step would skip its clean-up, so the task is given that step.
        asyncio.get_running_loop().call_soon(session.cancel)

    async def restart_display(self, username: str, desktop: str) -> bool:
        """Ends the display agent of a desktop that does not answer. Returns whether such a desktop runs."""
        session = self._live.get((username, desktop))
        if session is None or session.running is None or session.stopping:
            return False
        await session.running.restart_display()
        return True

    async def open(self, username: str, desktop: Desktop) -> LiveSession:
        """Returns the person's session of this desktop once it is ready; starts it if it does not run.

        Raises DesktopError when the desktop does not start, and OnePersonError. Cancelling this call does not
        cancel the start, so that the next call finds the desktop further along.
        """
        key = (username, desktop.name)
        while (session := self._live.get(key)) is not None and session.stopping:
            await session.stopped.wait()
        if session is None:
            if self._closing:
                raise DesktopError(
                    "Lightbox is shutting down.", next_step="Try again when it has been restarted."
                )
            if self._one_person:
                refuse_other_persons(username, (person for person, _ in self._live))
            session = LiveSession(self._spec(username, desktop))
            self._begin(session, self._launcher.start)  # before the first await: a second click joins it
        await session.start_finished.wait()
        if session.state is not SessionState.READY:
            raise DesktopError(session.error or ENDED_EARLY)
        return session

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
        self._live[session.spec.user, session.spec.desktop] = session
        session.task = asyncio.create_task(self._run(session, start), name=f"session {session.id}")

    async def _run(
        self, session: LiveSession, start: Callable[[DesktopSpec], Awaitable[RunningDesktop]]
    ) -> None:
        """Runs a session from its start to its end. Cancelling this task ends the desktop, or releases it."""
        key = session.spec.user, session.spec.desktop
        running: RunningDesktop | None = None
        event, error = SessionEvent.ENDED, None
        try:
            if not session.adopted:
                await self._record_new(session)
            # Asked after the session is registered: a session of a person whose account is disabled at this
            # moment is either refused here, or found by whoever ends the sessions of that person.
            if not session.adopted and not await self._may_start(session.spec.user):
                raise DesktopError(
                    "This account may not start desktops any more.", next_step="Ask your administrator."
                )
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
        except LightboxError as failure:
            event, error = SessionEvent.FAILED, failure.in_one_line()
        except Exception:
            log.exception("session failed", session=session.id)
            event, error = SessionEvent.FAILED, UNEXPECTED
        finally:
            session.stopping = session.cleaning_up = True
            session.error = error[:ERROR_MAX] if error else None
            try:
                if session.left_running:
                    await self._release(session, running)
                else:
                    await self._stop(session, running)
                    await self._transition(session, event)
            finally:
                self._last_state[key] = session.state
                self._remember_end(session.id, session.ended_by)
                self._live.pop(key, None)
                session.stopped.set()

    async def _stop(self, session: LiveSession, running: RunningDesktop | None) -> None:
        """Ends what is left of the desktop of a session."""
        if running is not None:
            await running.stop()
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
        log.info(
            "desktop left running",
            session=session.id,
            username=session.spec.user,
            desktop=session.spec.desktop,
        )

    def _remember_end(self, session_id: str, by: EndedBy) -> None:
        self._ended[session_id] = by
        if len(self._ended) > ENDED_REMEMBERED:
            self._ended.popitem(last=False)

    async def _transition(self, session: LiveSession, event: SessionEvent) -> None:
        session.state = next_state(session.state, event)
        self.transitions[session.state] += 1
        write_log = log.error if session.state is SessionState.FAILED else log.info
        write_log(
            f"session {session.state.value}",
            session=session.id,
            username=session.spec.user,
            desktop=session.spec.desktop,
            error=session.error,
        )
        now = self._now_s()
        ended_by = None if session.state in LIVE else session.ended_by.value
        await self._record(
            update(Session)
            .where(Session.id == session.id)
            .values(state=session.state.value, error=session.error, ended_by=ended_by, changed_s=now)
        )
        session.start_finished.set()

    async def _record_new(self, session: LiveSession) -> None:
        now = self._now_s()
        await self._record(
            insert(Session).values(
                id=session.id,
                username=session.spec.user,
                desktop=session.spec.desktop,
                instance=self._instance,
                state=session.state.value,
                created_s=now,
                changed_s=now,
            )
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

    def _spec(self, username: str, desktop: Desktop) -> DesktopSpec:
        session_id = "".join(secrets.choice(ID_CHARACTERS) for _ in range(ID_LENGTH))
        monitors = msgspec.json.decode(desktop.video_monitors or "{}", type=dict[int, str])
        return DesktopSpec(
            session=session_id,
            user=username,
            desktop=desktop.name,
            profile=desktop.profile,
            width_px=desktop.width_px,
            height_px=desktop.height_px,
            fixed=bool(desktop.fixed),
            home=str(self._folders.homes / username / desktop.name),
            folder=str(self._folders.desktops / session_id),
            log_folder=str(self._folders.logs),
            locale=self._locale,
            patience=self._patience,
            attach=desktop.attach,
            share=bool(desktop.share),
            network=msgspec.json.decode(desktop.network or "[]", type=list[str]),
            clipboard=msgspec.json.decode(desktop.clipboard or "{}", type=ClipboardPolicy),
            video=msgspec.structs.replace(
                self._video,
                policy=known_policy(desktop.video),
                monitors={number: known_policy(policy) for number, policy in monitors.items()},
            ),
        )
