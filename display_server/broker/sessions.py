"""People's holds on desktops: opening one joins the session that is there, or starts it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import Executable, insert, update
from sqlalchemy.exc import SQLAlchemyError

from display_server.broker.launchers.process_launcher import Launcher, RunningDesktop
from display_server.broker.session_state import LIVE, SessionEvent, SessionState, after
from display_server.broker.store import Store
from display_server.broker.tables import Desktop, Session
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.spec import DesktopSpec
from display_server.desktop.video_settings import VideoSettings, known_policy
from display_server.errors import DesktopError, LightboxError

log = structlog.get_logger(__name__)

#: A desktop that is not ready by then is given up: a cold start takes about 4 s, a loaded host several times
#: that.
START_TIMEOUT_S = 40.0
#: Letters of a session's id: no vowels, nothing that looks like something else; it appears in folder names
#: and logs.
ID_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
ID_LENGTH = 10
#: Characters of an error that are kept.
ERROR_MAX = 1000


@dataclass(frozen=True, slots=True)
class Places:
    """Where desktops live: `desktops` on tmpfs for sockets and framebuffers, `homes` and `logs` in the state
    folder.
    """

    desktops: Path
    homes: Path
    logs: Path


class LiveSession:
    """A session that is starting or ready. `state` changes only by `session_state`'s table."""

    def __init__(self, spec: DesktopSpec) -> None:
        self.spec = spec
        self.state = SessionState.STARTING
        self.error: str | None = None
        self.decided = asyncio.Event()  # no longer starting
        self.ending = False  # its desktop is gone, what is left of it is being taken away
        self.over = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    @property
    def id(self) -> str:
        return self.spec.session


class Sessions:
    """All sessions of this process, in the store under its name `instance`. Desktops end with it."""

    def __init__(
        self,
        store: Store,
        launcher: Launcher,
        places: Places,
        *,
        instance: str,
        locale: str = "ko_KR.UTF-8",
        video: VideoSettings = VideoSettings(),  # noqa: B008 - frozen
        start_timeout_s: float = START_TIMEOUT_S,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._launcher = launcher
        self._places = places
        self._instance = instance
        self._locale = locale
        self._video = video
        self._start_timeout_s = start_timeout_s
        self._now_s = now_s
        self._live: dict[tuple[str, str], LiveSession] = {}  # by username and desktop
        self._last_state: dict[tuple[str, str], SessionState] = {}
        self._closing = False
        self.transitions: Counter[SessionState] = Counter()
        self.on_end: Callable[[LiveSession], None] = lambda _session: None

    async def recover(self, living: set[str]) -> None:
        """Called once at the start: what processes other than the `living` instances left live has ended with
        them.
        """
        async with self._store.begin() as db:
            await db.execute(
                update(Session)
                .where(Session.state.in_([state.value for state in LIVE]), Session.instance.not_in(living))
                .values(state=SessionState.ENDED.value, changed_s=self._now_s())
            )

    def live(self) -> list[LiveSession]:
        return list(self._live.values())

    def by_id(self, session_id: str) -> LiveSession | None:
        return next((session for session in self._live.values() if session.id == session_id), None)

    def state_of(self, username: str, desktop: str) -> SessionState | None:
        """None when it was never opened in this process."""
        session = self._live.get((username, desktop))
        return session.state if session else self._last_state.get((username, desktop))

    async def open(self, username: str, desktop: Desktop) -> LiveSession:
        """The person's session on this desktop, ready. Raises DesktopError when it does not start.

        Whoever gives up waiting does not stop the start: the next one finds it further on.
        """
        key = (username, desktop.name)
        while (session := self._live.get(key)) is not None and session.ending:
            await session.over.wait()
        if session is None:
            if self._closing:
                raise DesktopError("Lightbox is shutting down.")
            session = LiveSession(self._spec(username, desktop))
            self._live[key] = session  # before anything is awaited: a second click joins
            session.task = asyncio.create_task(self._run(key, session), name=f"session {session.id}")
        await session.decided.wait()
        if session.state is not SessionState.READY:
            raise DesktopError(session.error or f"The desktop {desktop.name!r} has ended.")
        return session

    async def close(self) -> None:
        """Ends every desktop."""
        self._closing = True
        tasks = [session.task for session in self._live.values() if session.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, key: tuple[str, str], session: LiveSession) -> None:
        """A session's whole life. Cancelling ends the desktop."""
        running: RunningDesktop | None = None
        event, error = SessionEvent.ENDED, None
        try:
            await self._record_new(session)
            async with asyncio.timeout(self._start_timeout_s):
                running = await self._launcher.start(session.spec)
            await self._step(session, SessionEvent.STARTED)
            error = await running.wait()
            event = SessionEvent.FAILED if error else SessionEvent.ENDED
        except TimeoutError:
            event = SessionEvent.FAILED
            error = f"The desktop was not ready within {self._start_timeout_s:g} s."
        except LightboxError as failure:
            event, error = SessionEvent.FAILED, str(failure)
        except Exception as failure:
            log.exception("session failed", session=session.id)
            event, error = SessionEvent.FAILED, f"The desktop could not be started: {type(failure).__name__}."
        finally:
            session.ending = True
            if running is not None:
                await running.stop()
            self._live.pop(key, None)
            session.over.set()
            session.error = error[:ERROR_MAX] if error else None
            await self._step(session, event)
            self._last_state[key] = session.state
            self.on_end(session)

    async def _step(self, session: LiveSession, event: SessionEvent) -> None:
        session.state = after(session.state, event)
        self.transitions[session.state] += 1
        say = log.error if session.state is SessionState.FAILED else log.info
        say(
            "session " + session.state.value,
            session=session.id,
            username=session.spec.user,
            desktop=session.spec.desktop,
            error=session.error,
        )
        now = self._now_s()
        await self._record(
            update(Session)
            .where(Session.id == session.id)
            .values(state=session.state.value, error=session.error, changed_s=now)
        )
        session.decided.set()

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
        """A record that cannot be written (the disk is full) costs nobody a desktop."""
        try:
            async with self._store.begin() as db:
                await db.execute(statement)
        except SQLAlchemyError as error:
            log.error("a session's record could not be written", error=str(getattr(error, "orig", error)))

    def _spec(self, username: str, desktop: Desktop) -> DesktopSpec:
        session_id = "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH))
        monitors = msgspec.json.decode(desktop.video_monitors or "{}", type=dict[int, str])
        return DesktopSpec(
            session=session_id,
            user=username,
            desktop=desktop.name,
            profile=desktop.profile,
            width_px=desktop.width_px,
            height_px=desktop.height_px,
            fixed=bool(desktop.fixed),
            home=str(self._places.homes / username / desktop.name),
            folder=str(self._places.desktops / session_id),
            log_folder=str(self._places.logs),
            locale=self._locale,
            attach=desktop.attach,
            share=bool(desktop.share),
            clipboard=msgspec.json.decode(desktop.clipboard or "{}", type=ClipboardPolicy),
            video=msgspec.structs.replace(
                self._video,
                policy=known_policy(desktop.video),
                monitors={number: known_policy(policy) for number, policy in monitors.items()},
            ),
        )
