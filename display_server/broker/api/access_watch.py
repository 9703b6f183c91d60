"""Acts on the desktops that run when their people are no longer entitled to them.

Whatever changes entitlements, groups or the configuration asks for a review; one takes place each minute in
any case, so that a change that nobody reported is found as well. Deadlines are in the database: the next
broker keeps them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from display_server.broker.agent_page import read_agent_page
from display_server.broker.audit.entry import NOWHERE, Origin
from display_server.broker.catalogue import Catalogue
from display_server.broker.live_session import LiveSession
from display_server.broker.people.removal_state import Access, AccessState
from display_server.broker.people.removals import RunningAccess, review, review_without_store
from display_server.broker.session_state import EndedBy, SessionState
from display_server.broker.sessions import Sessions
from display_server.broker.storage_failures import StorageError
from display_server.broker.store import Store
from display_server.broker.tables import Desktop
from display_server.broker.viewers import Viewers
from display_server.broker_link.agent_address import AgentAddress
from display_server.errors import PolicyError
from display_server.protocol.agent_pages import MESSAGE_PATH

log = structlog.get_logger(__name__)

#: Longest interval between two reviews, s.
INTERVAL_S = 60.0
#: Shortest time to the next review, s. A desktop ends at most so much after its deadline.
INTERVAL_MIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a review has done: desktops whose people were warned, that end at sign-out, and that end now."""

    warned: int = 0
    until_sign_out: int = 0
    ended: int = 0


@dataclass(frozen=True, slots=True)
class PendingEnd:
    """A desktop that ends although it runs. `ends_in_s` is None if it ends when the person signs out."""

    session: str
    desktop: str
    ends_in_s: float | None


class AccessWatch:
    """Keeps the access of people to the desktops that run.

    `open_desktop` opens one for a person who is entitled to it. `now_s` returns wall-clock time, in seconds.
    """

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        sessions: Sessions,
        viewers: Viewers,
        open_desktop: Callable[[str, Desktop, Origin], Awaitable[LiveSession]],
        *,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._sessions = sessions
        self._viewers = viewers
        self._open_desktop = open_desktop
        self._now_s = now_s
        self._access: dict[str, Access] = {}  # by session
        self._requested = asyncio.Event()
        self._reviewing = asyncio.Lock()
        self._notifying: set[asyncio.Task[bytes | None]] = set()

    def request(self) -> None:
        """Asks for a review soon, because something has changed."""
        self._requested.set()

    async def run(self) -> None:
        """Reviews whenever something is due, until it is cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._due_in_s()):
                    await self._requested.wait()
            except TimeoutError:
                pass  # a deadline, or the regular review
            self._requested.clear()
            try:
                await self.review()
            except Exception:
                log.exception("access to running desktops not reviewed; nobody opens any who may not")

    async def review(self) -> Reviewed:
        """Examines all desktops that run, warns, and ends those that have to end now.

        While the database cannot be used, desktops whose time is over end all the same.
        """
        async with self._reviewing:
            running = [
                RunningAccess(
                    session.id,
                    session.username,
                    session.spec.desktop,
                    self._access.get(session.id, Access()),
                )
                for session in self._sessions.live()
                if not session.stopping and session.username is not None  # None: free, in a pool
            ]
            now_s = self._now_s()
            try:
                found = await review(self._store, running, now_s)
            except StorageError:  # the store has logged why
                found = review_without_store(running, now_s)
            former, self._access = self._access, found
            return self._act(former)

    async def session_for(self, username: str, desktop: str, *, origin: Origin = NOWHERE) -> LiveSession:
        """Returns the person's session of a desktop once it is ready; starts it if it does not run.

        Whoever is no longer entitled gets the session that runs, until it ends. Raises PolicyError,
        PoolError, DesktopError and OnePersonError.
        """
        try:
            found = await self._catalogue.find(username, desktop)
        except PolicyError:
            session = self._sessions.running(username, desktop)
            if session is None:
                raise
            if session.id not in self._access or self._access[session.id] == Access():
                await self.review()  # the removal is newer than the latest review
            if session.stopping or not self._access.get(session.id, Access()).may_display(self._now_s()):
                raise
            return await self._sessions.until_ready(session)
        return await self._open_desktop(username, found, origin)

    async def listed(self, username: str) -> Sequence[Desktop]:
        """Returns the desktops in the list of a person, with those that run until a removal ends them."""
        ending = [pending.desktop for pending in self.pending_ends(username)]
        return await self._catalogue.list_allowed(username, also=ending)

    def pending_ends(self, username: str) -> list[PendingEnd]:
        """Returns the desktops of a person that are about to end because of a removal."""
        now_s = self._now_s()
        return [
            PendingEnd(
                session.id,
                session.spec.desktop,
                None if access.due_s is None else max(0.0, access.due_s - now_s),
            )
            for session in self._sessions.live()
            if session.username == username
            and not session.stopping
            and (access := self._access.get(session.id, Access())).may_display(now_s)
        ]

    def _act(self, former: dict[str, Access]) -> Reviewed:
        """Ends desktops, or makes the pages ask for messages, where the access has changed."""
        states = []
        for session in self._sessions.live():
            access = self._access.get(session.id, Access())
            if session.stopping or access == former.get(session.id, Access()):
                continue
            states.append(access.state)
            log.info(
                "access to a running desktop changed",
                session=session.id,
                username=session.username,
                desktop=session.spec.desktop,
                access=access.state.value,
            )
            if access.state is AccessState.ENDED:
                self._sessions.end(session, EndedBy.NOT_ENTITLED)
                self._viewers.disconnect_session(session.id)
            elif session.state is SessionState.READY:
                notifying = asyncio.create_task(
                    read_agent_page(AgentAddress.of(session.spec), MESSAGE_PATH), name="message"
                )
                self._notifying.add(notifying)
                notifying.add_done_callback(self._notifying.discard)
        return Reviewed(
            states.count(AccessState.WARNED),
            states.count(AccessState.UNTIL_SIGN_OUT),
            states.count(AccessState.ENDED),
        )

    def _due_in_s(self) -> float:
        now_s = self._now_s()
        due = [access.due_s - now_s for access in self._access.values() if access.due_s is not None]
        return max(INTERVAL_MIN_S, min([INTERVAL_S, *due]))
