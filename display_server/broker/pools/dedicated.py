"""The desktops of dedicated pools: whose they are, and what happens to those that were released.

`plan.py` decides; this is the part with the store, the sessions and the homes.
"""

from __future__ import annotations

import asyncio

import structlog

from display_server.broker.audit.actor import Actor
from display_server.broker.audit.entry import Origin
from display_server.broker.launchers.homes import Homes
from display_server.broker.pools.assignment_state import Assignment, AssignmentState
from display_server.broker.pools.assignments import Assignments
from display_server.broker.pools.plan import End, plan_releases
from display_server.broker.session_state import EndedBy
from display_server.broker.sessions import Sessions
from display_server.broker.storage_failures import StorageError
from display_server.errors import LightboxError

log = structlog.get_logger(__name__)


class DedicatedDesktops:
    """The assignments of all dedicated pools, and the homes of their desktops."""

    def __init__(self, sessions: Sessions, assignments: Assignments, homes: Homes) -> None:
        self._sessions = sessions
        self._homes = homes
        self._wiping: asyncio.Task[None] | None = None
        self._released: bool | None = None  # None: the store was not read yet
        self.assignments = assignments

    async def place_of(self, desktop: str, username: str, maximum: int, origin: Origin) -> int:
        """Returns the place of a person who opens a desktop, assigned now if they have none.

        Raises PoolError and StorageError.
        """
        actor = Actor(username, origin.address, origin.device)
        return (await self.assignments.assign(desktop, username, maximum, actor)).place

    async def startable(self, desktop: str) -> dict[int, str]:
        """Returns the people whose desktops may be started ahead, by place. Raises StorageError.

        Without isolation there are none: one person at a time has desktops then.
        """
        if self._sessions.one_person:
            return {}
        return {
            assignment.place: assignment.username
            for assignment in await self.assignments.of_desktop(desktop)
            if assignment.state is AssignmentState.ASSIGNED
            and self._sessions.running(assignment.username, desktop) is None
            and await self._sessions.may_start(assignment.username, desktop)
        }

    async def release(self, desktop: str, username: str, actor: Actor) -> Assignment:
        """Takes a desktop from its person. Raises ConfigurationError if they have none, and StorageError."""
        self._released = True
        return await self.assignments.release(desktop, username, actor)

    async def any_released(self) -> bool:
        """Returns whether desktops were released that are not wiped yet. Raises StorageError."""
        if self._released is None:
            self._released = bool(await self.assignments.released())
        return self._released

    async def reconcile_releases(self, now_s: float) -> None:
        """Ends released desktops, and wipes the homes of those that have ended. Raises StorageError."""
        released = await self.assignments.released()
        self._released = bool(released)
        running = {
            (session.username, session.spec.desktop): (session.id, session.over)
            for session in self._sessions.live()
            if session.username is not None
        }
        for action in plan_releases(released, running, now_s):
            if isinstance(action, End):
                session = self._sessions.by_id(action.session)
                if session is not None:
                    self._sessions.end(session, EndedBy.RELEASED)
            elif self._wiping is None or self._wiping.done():  # a large home takes a while: one at a time
                name = f"wipe {action.assignment.username}/{action.assignment.desktop}"
                self._wiping = asyncio.create_task(self._wipe(action.assignment), name=name)

    async def wipe_finished(self) -> None:
        """Returns when no home is being wiped."""
        if self._wiping is not None:
            await self._wiping

    async def _wipe(self, assignment: Assignment) -> None:
        names = {"pool": assignment.desktop, "username": assignment.username, "place": assignment.place}
        try:
            try:
                await self._homes.wipe(assignment.username, assignment.desktop)
            except LightboxError as error:
                log.error("home of a released desktop not wiped", **names, error=error.in_one_line())
                await self.assignments.not_wiped(assignment, error.in_one_line())
            else:
                await self.assignments.wiped(assignment)
                log.info("released desktop wiped", **names)
        except StorageError:
            log.warning("wiping not recorded; it is done once more", **names)
