"""The pools of a server: starts desktops ahead, assigns them, and ends those that nobody needs.

`plan.py` decides and `breaker.py` restrains; this is the part with a clock, the store and the sessions.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec
import structlog

from display_server.broker.audit.entry import NOWHERE, AuditEntry, Origin
from display_server.broker.desktop_specs import DesktopSpecs
from display_server.broker.launchers.launcher import ENDED_EARLY
from display_server.broker.lease import TaskLease
from display_server.broker.live_session import LiveSession, PoolPlace
from display_server.broker.pools.breaker import BreakerState
from display_server.broker.pools.conditions import PoolConditions
from display_server.broker.pools.dedicated import DedicatedDesktops
from display_server.broker.pools.definition import pool_of
from display_server.broker.pools.errors import pool_full, pool_in_maintenance, pool_restrained
from display_server.broker.pools.images import Images
from display_server.broker.pools.plan import (
    End,
    Member,
    Pool,
    Reason,
    choose,
    free_places,
    host_with_room,
    missing_canaries,
    plan,
)
from display_server.broker.pools.recomposing import Recomposing
from display_server.broker.pools.report import PoolReport, report_of
from display_server.broker.pools.rollout import Phase
from display_server.broker.pools.schedule import spare_at
from display_server.broker.pools.states import PoolStates
from display_server.broker.session_state import EndedBy, SessionState
from display_server.broker.sessions import Sessions
from display_server.broker.storage_failures import StorageError
from display_server.broker.tables import Desktop
from display_server.desktop.pool_settings import PoolSettings

log = structlog.get_logger(__name__)

#: Interval between two looks at all pools, s. Changes of a session are looked at at once.
INTERVAL_S = 2.0


class Pools:
    """All pools. `local_time` returns the server's local time, `now_s` seconds since the epoch."""

    def __init__(
        self,
        sessions: Sessions,
        specs: DesktopSpecs,
        states: PoolStates,
        lease: TaskLease,
        dedicated: DedicatedDesktops,
        images: Images,
        *,
        now_s: Callable[[], float] = time.time,
        local_time: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._sessions = sessions
        self._specs = specs
        self._conditions = PoolConditions(states, now_s)
        self._lease = lease
        self.dedicated = dedicated
        self.recomposing = Recomposing(self._conditions, images, now_s)
        self._now_s = now_s
        self._local_time = local_time
        self._desktops: dict[str, Desktop] = {}  # those of the configuration that are pools
        self._changed = asyncio.Event()
        #: Emitted whenever maintenance, restraint, versions or the pools of the configuration are different.
        self.changed = self._conditions.changed
        sessions.observers.append(self._observe)

    async def load(self) -> None:
        """Reads what the store keeps. A probe of an earlier process counts as none. Raises StorageError."""
        await self._conditions.load()

    def use(self, desktops: Iterable[Desktop]) -> None:
        """Replaces the desktops of the configuration. Desktops that people have go on in any case."""
        self._desktops = {desktop.name: desktop for desktop in desktops if desktop.pool}
        self.recomposing.images.forget()
        self._changed.set()
        self.changed.emit()

    async def run(self) -> None:
        """Reconciles all pools until it is cancelled."""
        while True:
            self._changed.clear()
            try:
                await self.reconcile()
            except StorageError:
                log.warning("pools not reconciled; desktops that exist go on")
            try:
                async with asyncio.timeout(INTERVAL_S):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def reconcile(self) -> None:
        """Starts and ends what is needed now, if no other process does. Raises StorageError."""
        await self._conditions.save_changes()
        names = self._desktops.keys() | {session.spec.desktop for session in self._members()}
        if not names and not await self.dedicated.any_released():  # without pools, nothing is written
            return
        if not await self._lease.hold():
            return
        await self.dedicated.reconcile_releases(self._now_s())
        for name in names:
            desktop = self._desktops.get(name)
            people = await self._startable(desktop)
            members = members_of(self._sessions, name)
            pool = self._pool(desktop) if desktop else None
            for action in plan(pool, members, sorted(people) if people is not None else None):
                if isinstance(action, End):
                    self._end(action)
                elif desktop is not None:
                    username = people[action.place] if people is not None else None
                    if username is None or self._sessions.running(username, name) is None:
                        self._start(desktop, action.place, username, canary=action.canary, ahead=True)
            if desktop is not None and pool is not None:
                self.recomposing.observe(desktop, pool, members)

    async def open(self, username: str, desktop: Desktop, *, origin: Origin = NOWHERE) -> LiveSession:
        """Returns the person's session of a desktop of a pool, once it is ready.

        Whoever has none gets one that waits, or one that is started now. Raises DesktopError, which says that
        none is free or why none can be started, OnePersonError and StorageError.
        """
        session = await self._sessions.present(username, desktop.name)
        settings = _settings_of(desktop)
        if session is None and settings.dedicated:
            session = await self._open_own(username, desktop, settings, origin)
        elif session is None:
            # Nothing is awaited until the choice is made, so that nobody else gets the same.
            session = await self._take(username, desktop, origin)
        await self._sessions.open_started(session, origin=origin)
        return await self._sessions.until_ready(session)

    def of_person(self, username: str) -> list[tuple[LiveSession, PoolSettings]]:
        """Returns the desktops of pools that a person has, with the settings of their pools."""
        return [
            (session, settings)
            for session in self._members()
            if session.username == username and (settings := self._settings(session)) is not None
        ]

    def unattended_limits_s(self) -> dict[str, float]:
        """Returns after which time without a viewer each assigned desktop ends, by session, s."""
        return {
            session.id: limit_s
            for session in self._members()
            if session.opened
            and (settings := self._settings(session)) is not None
            and (limit_s := settings.unattended_limit_s) is not None
        }

    def has_spare(self, name: str) -> bool:
        """Returns whether a desktop of a floating pool waits for whoever opens it."""
        desktop = self._desktops.get(name)
        if desktop is None or _settings_of(desktop).dedicated:
            return False
        member = choose(self._pool(desktop), members_of(self._sessions, name))
        return member is not None and not member.starting

    async def set_maintenance(self, name: str, wanted: bool, *, entry: AuditEntry | None = None) -> None:
        """Takes a pool out of service, or back, and records `entry`.

        Raises KeyError if there is none, and StorageError.
        """
        await self._conditions.set_maintenance(self._desktops[name].name, wanted, entry)
        self._changed.set()
        self.changed.emit()

    async def end_restraint(self, name: str, *, entry: AuditEntry | None = None) -> None:
        """Lets a restrained pool start desktops again, and records `entry`.

        Raises KeyError and StorageError.
        """
        await self._conditions.end_restraint(self._desktops[name].name, entry)
        self._changed.set()
        self.changed.emit()

    def reports(self) -> list[PoolReport]:
        """Describes all pools of the configuration, in its order."""
        return [
            report_of(
                desktop.name,
                self._pool(desktop),
                members_of(self._sessions, desktop.name),
                self._conditions.of(desktop.name),
                dedicated=_settings_of(desktop).dedicated,
            )
            for desktop in self._desktops.values()
        ]

    def desktop(self, name: str) -> Desktop:
        """Returns a desktop that is a pool. Raises KeyError if there is none of this name."""
        return self._desktops[name]

    def is_former(self, session: LiveSession) -> bool:
        """Returns whether the pool of a desktop has changed to another version since the desktop started."""
        desktop = self._desktops.get(session.spec.desktop)
        if desktop is None or session.place is None:
            return False
        rolling = self.recomposing.of(desktop.name).phase is Phase.ROLLING
        return rolling and not self._pool(desktop).accepts(session.place.definition)

    def ends_in_s(self, username: str) -> list[tuple[LiveSession, float]]:
        """Returns the desktops of a person that end because of their former version, and after which time."""
        now_s = self._now_s()
        return [
            (session, max(0.0, deadline_s - now_s))
            for session, _ in self.of_person(username)
            if not session.over
            and (deadline_s := self.recomposing.deadline_s(session.spec.desktop)) is not None
            and self.is_former(session)
        ]

    def look_soon(self) -> None:
        """Asks for a look at all pools soon, because an assignment or a version is different."""
        self._changed.set()
        self.changed.emit()

    def _end(self, action: End) -> None:
        """Ends a desktop that nobody has opened, or whose version is over."""
        session = self._sessions.by_id(action.session)
        if session is None:
            return
        if action.reason is Reason.RECOMPOSED:
            self._sessions.end(session, EndedBy.RECOMPOSED)
        elif not session.opened:
            log.info("spare desktop ends", session=session.id, reason=action.reason.value)
            self._sessions.end(session, EndedBy.POOL)

    async def _startable(self, desktop: Desktop | None) -> dict[int, str] | None:
        """Returns whose desktops of a dedicated pool may start ahead, by place. None if it is floating."""
        if desktop is None or not (settings := _settings_of(desktop)).dedicated:
            return None
        if spare_at(settings, self._local_time()) == 0:
            return {}
        return await self.dedicated.startable(desktop.name)

    async def _open_own(
        self, username: str, desktop: Desktop, settings: PoolSettings, origin: Origin
    ) -> LiveSession:
        """Returns the session of a person's own desktop of a dedicated pool, which is started now."""
        if self._conditions.of(desktop.name).maintenance:
            raise pool_in_maintenance()
        place = await self.dedicated.place_of(desktop.name, username, settings.maximum, origin)
        session = await self._sessions.present(username, desktop.name)
        if session is not None:  # another request of the person was faster
            return session
        pool, members = self._pool(desktop), members_of(self._sessions, desktop.name)
        if pool.starts_allowed == 0:
            raise pool_restrained()
        canary = missing_canaries(pool, members) > 0
        return self._start(desktop, place, username, origin, canary=canary)

    async def _take(self, username: str, desktop: Desktop, origin: Origin) -> LiveSession:
        pool, members = self._pool(desktop), members_of(self._sessions, desktop.name)
        member = choose(pool, members)
        session = self._sessions.by_id(member.session) if member else None
        if session is not None:
            await self._sessions.assign(session, username, origin=origin)
            return session
        state = self._conditions.of(desktop.name)
        if state.maintenance:
            raise pool_in_maintenance()
        places = free_places(pool.maximum, members)
        if not places or host_with_room(pool, Counter(member.host for member in members)) is None:
            raise pool_full()
        if pool.starts_allowed == 0:
            raise pool_restrained()
        canary = missing_canaries(pool, members) > 0
        return self._start(desktop, places[0], username, origin, canary=canary)

    def _start(
        self,
        desktop: Desktop,
        place: int,
        username: str | None,
        origin: Origin = NOWHERE,
        *,
        canary: bool,
        ahead: bool = False,
    ) -> LiveSession:
        breaker = self._conditions.of(desktop.name).breaker
        if breaker.state is BreakerState.RESTRAINED:
            self._conditions.use_breaker(desktop.name, breaker.probing())
        if username is not None and _settings_of(desktop).keeps_home:
            spec = self._specs.of_person(username, desktop)
        else:
            spec = self._specs.of_place(place, desktop)
        spec = msgspec.structs.replace(spec, profile=self.recomposing.profile(desktop, canary=canary))
        found = PoolPlace(place, self.recomposing.definition(desktop, canary=canary))
        return self._sessions.start(spec, username, found, opened=not ahead, origin=origin)

    def _observe(self, session: LiveSession) -> None:
        """Counts failures and successes of desktops of pools for their circuit breakers."""
        if session.place is None:
            return
        name, now_s = session.spec.desktop, self._now_s()
        breaker = self._conditions.of(name).breaker
        settings = self._settings(session)
        if session.state is SessionState.READY:
            self._conditions.use_breaker(name, breaker.started())
        elif settings is not None and (session.state is SessionState.FAILED or _ended_unused(session)):
            error, desktop = session.error or ENDED_EARLY, self._desktops[name]
            if self.recomposing.failed(desktop, session.place.definition, error, settings.failures):
                # The other desktops of the pool have not failed. If this one was a probe, another one is due.
                self._conditions.use_breaker(name, breaker.abandoned(now_s))
                self._changed.set()
                return
            within_s = settings.within_minutes * 60
            failed = breaker.failed(now_s, error, most=settings.failures, within_s=within_s)
            self._conditions.use_breaker(name, failed)
        elif session.running is None:  # it was ended before it was ready
            self._conditions.use_breaker(name, breaker.abandoned(now_s))
        self._changed.set()

    def _members(self) -> list[LiveSession]:
        return [session for session in self._sessions.live() if session.place is not None]

    def _settings(self, session: LiveSession) -> PoolSettings | None:
        """Returns the settings of a desktop's pool, unless the configuration has it no longer."""
        desktop = self._desktops.get(session.spec.desktop)
        return pool_of(desktop) if desktop is not None else None

    def _pool(self, desktop: Desktop) -> Pool:
        settings = _settings_of(desktop)
        state, now_s = self._conditions.of(desktop.name), self._now_s()
        spare = spare_at(settings, self._local_time())
        members = members_of(self._sessions, desktop.name)
        people = sum(member.assigned and not member.ending for member in members)
        deadline_s = self.recomposing.deadline_s(desktop.name)
        return Pool(
            definition=self.recomposing.definition(desktop),
            maximum=settings.maximum,
            spare=spare,
            maintenance=state.maintenance,
            starts_allowed=state.breaker.starts_allowed(now_s),
            canaries=self.recomposing.canaries(desktop, min(settings.maximum, people + spare)),
            ends_former=deadline_s is not None and now_s >= deadline_s,
            per_host=settings.per_host,
        )


def _ended_unused(session: LiveSession) -> bool:
    """Returns whether a desktop ended by itself before anybody opened it, which none should do."""
    ended = session.state is SessionState.ENDED and session.ended_by is EndedBy.ITSELF
    return ended and not session.opened and not session.left_running


def _settings_of(desktop: Desktop) -> PoolSettings:
    settings = pool_of(desktop)
    assert settings is not None, "the desktop is a pool"
    return settings


def members_of(sessions: Sessions, name: str) -> list[Member]:
    """Returns the desktops of a pool that exist."""
    return [
        Member(
            session=session.id,
            place=session.place.number,
            definition=session.place.definition,
            assigned=session.opened,
            starting=session.state is SessionState.STARTING,
            ending=session.over,
            created_s=session.created_s,
        )
        for session in sessions.live()
        if session.spec.desktop == name and session.place is not None
    ]
